"""logs/trades: which file a symbol gets, and the line that each kind of change leaves."""

from pathlib import Path

import pytest

from core.operate.trade_log import trade_file
from tests.build import instrument, position, snapshot, stop
from tests.home import HomeUnderTest, make_home


@pytest.mark.parametrize(
    ("symbol", "starts"),
    [
        ("BTCUSDT", "BTCUSDT.log"),
        ("BTC/USDT:USDT", "BTC-USDT-USDT-"),
        ("../../x", "x-"),
        ("…", "symbol-"),
    ],
)
def test_a_symbol_never_leaves_the_folder(symbol: str, starts: str) -> None:
    file = trade_file(Path("trades"), symbol)
    assert (file.parent, file.suffix) == (Path("trades"), ".log")
    assert file.name.startswith(starts)


def test_symbols_that_read_alike_have_files_of_their_own() -> None:
    assert trade_file(Path(), "BTC/USDT") != trade_file(Path(), "BTC:USDT")


def test_adoptions_and_stops_leave_a_line_each(tmp_path: Path) -> None:
    home: HomeUnderTest = make_home(tmp_path / "home")
    for quantity, stops in ((3, ()), (5, (stop("S-1", 3),))):
        home.tell(snapshot(position(quantity), *stops, instrument()))
        home.adopt_all()
    lines = (home.root / "logs/trades/BTCUSDT.log").read_text().splitlines()
    told = [line.partition(" main ")[2].partition(" (p-")[0] for line in lines]
    assert "adopt_position both 0 → 3 unexplained 3" in told
    assert "adopt_position both 3 → 5 unexplained 2" in told
    assert "resize_stop 3 → 5" in told
    assert any(line.startswith("place_stop sell 3 at ") for line in told)
