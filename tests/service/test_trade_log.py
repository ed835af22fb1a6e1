"""The log of a symbol's trades is enough: all that became of its positions is rebuilt from it."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from core.operate.trade_log import TradeLog, write_trade_log
from tests.home import HomeUnderTest, make_home
from tests.service.records import logged
from tests.service.running import Running, signal, submit, with_service
from tests.service.test_signals_to_orders import stops
from tests.service.test_trailing import quote, ready_at_100, walk
from tests.trade_log import Line, lines_of, read, rebuilt, rebuilt_trades


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HomeUnderTest]:
    """Bought at 100, its stop walked up, left by the stop; then bought once more and still held."""
    home = make_home(tmp_path_factory.mktemp("traded") / "home")
    home.arm()
    ready_at_100(home)

    async def story(running: Running) -> None:
        submit(home, signal(amount=500))
        for price, stop in walk():
            quote(home, price)
            if stop.startswith("triggers"):
                continue
            await running.until(
                lambda stop=stop: [row["trigger_price"] for row in stops(home)] == [stop],
                f"at {price} the stop at {stop}",
            )
        await running.until(lambda: states(home) == ["closed"], "left")
        submit(home, signal(amount=500))
        await running.until(
            lambda: states(home) == ["closed", "open"] and len(stops(home)) == 1, "entered again"
        )
        write_trade_log(running.desk)

    with_service(home, story)
    yield home


def states(home: HomeUnderTest) -> list[str]:
    return [row["state"] for row in home.rows("SELECT state FROM position_lives ORDER BY sequence")]


def file_of(home: HomeUnderTest) -> Path:
    return home.root / "logs" / "trades" / "BTCUSDT.log"


def check_against_the_book(home: HomeUnderTest, lines: list[Line]) -> None:
    lives = rebuilt(lines)
    stored = home.rows("SELECT * FROM position_lives ORDER BY sequence")
    assert list(lives) == [row["position_id"] for row in stored]
    for row in stored:
        life = lives[row["position_id"]]
        assert (life.symbol, life.direction) == (row["symbol"], row["direction"])
        moves = home.rows(
            "SELECT at, from_state, to_state, reason FROM position_transitions"
            " WHERE position_id = ? ORDER BY id",
            row["position_id"],
        )
        assert life.states == [tuple(move.values()) for move in moves]
        assert life.stops[0][1] == row["initial_stop_price"]
        assert life.stops[-1][1] == row["stop_price"]
        for name in ("quantity", "volume", "entry_price", "exit_price", "realized_pnl"):
            assert life.figures.get(name) == row[name], name
        assert life.figures.get("exit_reason") == row["exit_reason"]
    check_trades(home, lines)


def check_trades(home: HomeUnderTest, lines: list[Line]) -> None:
    stored = home.rows("SELECT * FROM trades ORDER BY sequence")
    trades = rebuilt_trades(lines)
    assert len(trades) == len(stored)
    for trade, row in zip(trades, stored, strict=True):
        assert trade.order_id == row["order_id"]
        assert (trade.entry_time, trade.exit_time) == (row["entry_time"], row["exit_time"])
        assert (trade.open_quantity == 0) == (row["status"] == "CLOSED")
        for name in ("quantity", "open_quantity", "entry_price", "exit_price", "realized_pnl"):
            told = getattr(trade, name)
            assert told == (None if row[name] is None else Decimal(row[name])), name


def test_the_history_of_positions_is_rebuilt_from_the_log_alone(traded: HomeUnderTest) -> None:
    lines = lines_of(file_of(traded))
    check_against_the_book(traded, lines)
    first, second = rebuilt(lines).values()
    assert [to for _, _, to, _ in first.states] == [
        *("queued", "executing", "open", "trailing", "closing", "closed"),
    ]
    assert [price for _, price in first.stops] == [stop for _, stop in walk()[:-1]]
    assert [to for _, _, to, _ in second.states] == ["queued", "executing", "open"]
    assert "BTCUSDT long is over: trailing_stop, left at 102" in file_of(traded).read_text("utf-8")


def test_it_is_rebuilt_from_a_log_whose_lines_were_told_twice(traded: HomeUnderTest) -> None:
    lines = file_of(traded).read_text("utf-8").splitlines()
    repeated = [*lines[:9], *lines[4:], *lines[-3:]]
    check_against_the_book(traded, read("\n".join(repeated)))


def test_a_line_that_a_crash_tore_is_no_line(traded: HomeUnderTest) -> None:
    *lines, last = file_of(traded).read_text("utf-8").splitlines()
    whole = read("\n".join(lines))
    for length in range(len(last)):
        assert read("\n".join([*lines, last[:length]])) == whole
    torn = "\n".join([*lines, last[: len(last) // 2], *lines[-2:], last])
    check_against_the_book(traded, read(torn))


def test_every_transition_is_in_the_run_log_with_its_time(traded: HomeUnderTest) -> None:
    told = [
        (row["position_id"], row["at"], row["from_state"], row["to_state"], row["reason"])
        for row in logged(traded, "position_state_changed")
    ]
    stored = traded.rows(
        "SELECT position_id, at, from_state, to_state, reason FROM position_transitions ORDER BY id"
    )
    assert told == [tuple(row.values()) for row in stored]


def test_what_another_process_commits_is_told_by_whoever_watches(home: HomeUnderTest) -> None:
    ready_at_100(home)

    async def story(running: Running) -> None:
        await running.ready()
        home.execute(
            "INSERT INTO outbox (event_id, event_type, occurred_at, account, symbol, payload)"
            " VALUES ('e-1', 'position.pnl_warning', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'),"
            """ 'main', 'BTCUSDT', '{"direction": "long", "price": "99"}')"""
        )
        watching = asyncio.create_task(TradeLog(desk=running.desk).watch())
        await running.until(lambda: file_of(home).exists(), "the line")
        watching.cancel()

    with_service(home, story)
    (line,) = lines_of(file_of(home))
    assert (line.event_id, line.words) == ("e-1", "BTCUSDT long has lost much of its equity at 99")
