"""logs/trades: which file a symbol gets, which line an event, and that none is ever lost."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.domain.record import Event
from core.operate.desk import Desk
from core.operate.trade_lines import trade_line
from core.operate.trade_log import AT_ONCE, TradeLog, trade_file, write_trade_log
from tests.build import NOON, instrument, position, snapshot, stop
from tests.crash.power import FragileBook, FragileFiles, Power, PowerCut
from tests.home import HomeUnderTest, make_home
from tests.producer import StillClock, desk_at
from tests.service.records import logged
from tests.trade_log import lines_of, read


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


@pytest.fixture
def home(tmp_path: Path) -> HomeUnderTest:
    return make_home(tmp_path / "home")


@pytest.fixture
def desk(home: HomeUnderTest) -> Iterator[Desk]:
    desk = desk_at(home, StillClock())
    yield desk
    desk.close_book()


def file_of(home: HomeUnderTest, symbol: str = "BTCUSDT") -> Path:
    return trade_file(home.root / "logs" / "trades", symbol)


def event(number: int, kind: str = "position.stop_updated", **given: Any) -> Event:
    """A stop of a long that has moved, unless told otherwise."""
    payload = {"direction": "long", "stop_price": f"{100 + number}", "position_id": "pos-1"}
    values: dict[str, Any] = {
        "event_id": f"e-{number}",
        "occurred_at": NOON,
        "account": "main",
        "symbol": "BTCUSDT",
        "payload": payload | given.pop("payload", {}),
    }
    return Event(event_type=kind, **(values | given))


def commit(desk: Desk, *events: Event) -> None:
    with desk.book.write() as book:
        book.insert_events(events)


def ids(home: HomeUnderTest, symbol: str = "BTCUSDT") -> list[str]:
    """As they stand in the file, repeated ones too."""
    lines = file_of(home, symbol).read_text("utf-8").splitlines()
    return [line.split()[2] for line in lines]


def cursor(home: HomeUnderTest) -> list[int]:
    return [row["sequence"] for row in home.rows("SELECT sequence FROM relay_cursors")]


# --- what a plan leaves ---------------------------------------------------------------------------


def test_adoptions_and_stops_leave_a_line_each(home: HomeUnderTest) -> None:
    for quantity, stops in ((3, ()), (5, (stop("S-1", 3),))):
        home.tell(snapshot(position(quantity), *stops, instrument()))
        home.adopt_all()
    told = [line.words for line in lines_of(file_of(home))]
    assert told[:3] == [
        "BTCUSDT adopted as 3, unexplained 3",
        "BTCUSDT long new → open: adopted",
        "BTCUSDT long stop none → 92",
    ]
    assert "BTCUSDT adopted as 5, unexplained 2" in told


# --- the form of a line ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "payload", "words", "figures"),
    [
        (
            "execution.recorded",
            {"side": "sell", "quantity": "5", "price": "102", "kind": "liquidation", "fee": None},
            "BTCUSDT liquidation: sold 5 @ 102",
            "side=sell quantity=5 price=102",
        ),
        (
            "position.closed",
            {"reason": "external", "exit_price": None, "realized_pnl": "-1"},
            "BTCUSDT long is over: external, left at an unknown price, realized -1",
            "position_id=pos-1 stop_price=101 realized_pnl=-1",
        ),
        (
            "position.discrepancy",
            {"side": "short", "quantity": "2", "unexplained": "1"},
            "BTCUSDT short adopted as 2, unexplained 1",
            "side=short quantity=2 unexplained=1",
        ),
        (
            "exit_signal.published",
            {"cause": "MANUAL", "because": 'he said "now (or never)"', "by": "a b=c"},
            'BTCUSDT MANUAL: he said "now (or never)"',
            'position_id=pos-1 by="a b=c"',
        ),
        (
            "exit_intent.rejected",
            {
                "cause": "TARGET_HIT", "state": "REJECTED", "outcome": "X",
                "reasons": [{"code": "X", "message": "no"}, {"code": "Y", "message": "never"}],
            },
            "BTCUSDT exit TARGET_HIT rejected: X: no; Y: never",
            "position_id=pos-1",
        ),
        ("exit_intent.approved", {}, "BTCUSDT exit ? ?", "position_id=pos-1"),
    ],
)  # fmt: skip
def test_the_line_of_an_event(kind: str, payload: Any, words: str, figures: str) -> None:
    line = trade_line(event(1, kind, payload=payload))
    assert line == f"2026-01-05T12:00:00Z main e-1 {words} ({figures})"
    (told,) = read(line)
    assert told.words == words


@pytest.mark.parametrize("kind", ["order.filled", "signal.published", "position.snapshot"])
def test_what_is_no_part_of_a_position_has_no_line(kind: str) -> None:
    assert trade_line(event(1, kind)) is None


def test_hostile_text_stays_inside_its_line() -> None:
    evil = 'x y\n(z=1) \x1b]52;c\u202e"'
    line = trade_line(
        event(
            1,
            "exit_signal.published",
            event_id=evil,
            account=evil,
            payload={"cause": evil, "because": evil, "by": evil},
        )
    )
    assert line
    assert line.isprintable()
    (told,) = read(line)
    assert told.figures["by"] == evil
    assert told.event_id == told.account


# --- at least once, in order ----------------------------------------------------------------------


def test_lines_stand_in_the_order_of_the_outbox_each_in_its_file(
    home: HomeUnderTest, desk: Desk
) -> None:
    many = range(AT_ONCE + 5)
    commit(desk, *(event(n, symbol="ETHUSDT" if n % 3 else "BTCUSDT") for n in many))
    commit(desk, event(999, "order.filled"))
    write_trade_log(desk)
    assert ids(home) == [f"e-{n}" for n in many if not n % 3]
    assert ids(home, "ETHUSDT") == [f"e-{n}" for n in many if n % 3]
    assert cursor(home) == [len(many) + 1]
    before = file_of(home).read_bytes()
    write_trade_log(desk)
    assert file_of(home).read_bytes() == before


def moments(home: HomeUnderTest) -> Sequence[str]:
    power = Power()
    _write_until(home, power)
    return power.moments


def _write_until(home: HomeUnderTest, power: Power) -> None:
    desk = desk_at(home, StillClock())
    desk.files = FragileFiles(desk.files, power)
    opened = desk.open_book()
    desk.open_book = lambda: FragileBook(opened, power)
    try:
        write_trade_log(desk)
    finally:
        opened.close()


def test_whenever_the_power_goes_no_line_is_lost(tmp_path: Path) -> None:
    whole = make_home(tmp_path / "whole")
    told = [event(1), event(2, symbol="ETHUSDT"), event(3)]
    commit_to(whole, *told)
    for cut_at in range(1, len(moments(whole)) + 1):
        home = make_home(tmp_path / f"cut-{cut_at}")
        commit_to(home, *told)
        with pytest.raises(PowerCut):
            _write_until(home, Power(cut_at))
        _write_until(home, Power())
        found = [line.event_id for line in lines_of(file_of(home))]
        assert found == ["e-1", "e-3"], f"cut at {cut_at}"
        assert [line.event_id for line in lines_of(file_of(home, "ETHUSDT"))] == ["e-2"]
        assert cursor(home) == [3]


def commit_to(home: HomeUnderTest, *events: Event) -> None:
    desk = desk_at(home, StillClock())
    commit(desk, *events)
    desk.close_book()


def test_a_crash_between_line_and_cursor_repeats_the_line_under_its_id(
    home: HomeUnderTest, desk: Desk
) -> None:
    commit(desk, event(1), event(2))
    write_trade_log(desk)
    home.execute("UPDATE relay_cursors SET sequence = 1")
    write_trade_log(desk)
    assert ids(home) == ["e-1", "e-2", "e-2"]


def test_a_torn_line_stands_alone_and_is_told_again(home: HomeUnderTest, desk: Desk) -> None:
    commit(desk, event(1))
    file_of(home).parent.mkdir(exist_ok=True)
    file_of(home).write_text("2026-01-05T12:00:00Z main e-1 BTCUSDT long stop no")
    write_trade_log(desk)
    (line,) = lines_of(file_of(home))
    assert line.words == "BTCUSDT long stop none → 101"


def test_two_that_write_at_once_tell_everything_in_order(home: HomeUnderTest, desk: Desk) -> None:
    """The other one comes in the middle: between a line of ours and our cursor."""
    commit(desk, *(event(n) for n in range(4)))
    other = desk_at(home, StillClock())

    class Interrupted(FragileFiles):
        def append(self, path: Path, line: str) -> None:
            super().append(path, line)
            commit(other, event(99))
            TradeLog(desk=other).bring_up()

    desk.files = Interrupted(desk.files, Power())
    TradeLog(desk=desk).bring_up()
    other.close_book()
    assert [line.event_id for line in lines_of(file_of(home))] == [
        *("e-0", "e-1", "e-2", "e-3", "e-99"),
    ]
    assert cursor(home) == [5]


def test_a_disk_that_takes_nothing_holds_up_nobody(home: HomeUnderTest, desk: Desk) -> None:
    commit(desk, event(1))
    file_of(home).mkdir(parents=True)
    write_trade_log(desk)
    (told,) = logged(home, "trade_log_behind")
    assert "BTCUSDT.log" in told["why"]
    file_of(home).rmdir()
    write_trade_log(desk)
    assert ids(home) == ["e-1"]


# --- where it begins ------------------------------------------------------------------------------


def test_an_old_book_does_not_pour_its_past_into_the_files(home: HomeUnderTest, desk: Desk) -> None:
    ago = NOON - timedelta(days=40)
    commit(desk, *(event(n, occurred_at=ago + timedelta(days=n)) for n in range(41)))
    write_trade_log(desk)
    # The last day, which is what an upgraded program may just have done.
    assert ids(home) == ["e-39", "e-40"]


def test_a_batch_is_told_whole_though_it_tells_of_long_ago(home: HomeUnderTest, desk: Desk) -> None:
    """booked now: an execution of last month, and the position that it made then"""
    then = NOON - timedelta(days=30)
    commit(desk, event(1, occurred_at=then), event(2), event(3, occurred_at=then))
    write_trade_log(desk)
    assert ids(home) == ["e-2", "e-3"]


def test_a_book_of_nothing_but_the_past_is_left_alone(home: HomeUnderTest, desk: Desk) -> None:
    commit(desk, event(1, occurred_at=NOON - timedelta(days=2)))
    write_trade_log(desk)
    assert not file_of(home).exists()
    assert cursor(home) == [1]


def test_where_nothing_has_happened_nothing_is_written(home: HomeUnderTest, desk: Desk) -> None:
    write_trade_log(desk)
    assert cursor(home) == []
