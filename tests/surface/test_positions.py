"""Positions, trades and exits as an operator finds them: lists, and the story from any id of it."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.domain.exit import ExitCause, ExitOf, ExitSignal
from core.domain.life import LifeState, PositionSnapshot, Transition
from core.domain.record import Event
from core.ports import BookWriting
from tests.build import (
    book_execution,
    book_order,
    clock,
    exit_intent,
    intent,
    life,
    signal,
    stored,
    trade,
)
from tests.home import HomeUnderTest
from tests.producer import desk_at

GOLDEN = Path(__file__).parents[1] / "cli" / "golden"

# Left at its stop, after an add-on; left by somebody else, nobody knows how; never entered.
OVER = (
    life(
        "p-left", state="closed", quantity=0, volume=7, exit_price="104.8", exit_time="12:00",
        exit_reason="trailing_stop", realized_pnl="32.5", realized_pnl_pct="48.25",
        stop_price="104.8", stop_order_id="tu-stop", updated_at="12:00",
    ),
    life(
        "p-lost", symbol="ETHUSDT", direction="short", state="closed", quantity=0, volume=2,
        entry_price=2000, exit_time="11:30", exit_reason="external", realized_pnl="-0.2",
        signal_id=None, signal_source="external", updated_at="11:30",
    ),
    life(
        "p-none", state="failed", quantity=0, volume=0, entry_price=None, entry_time=None,
        signal_id="sig-9",
    ),
)  # fmt: skip
# Held under a stop; held while an exit is out and the stop is gone.
HELD = (
    life(
        "p-held", state="trailing", leverage=10, entry_time="13:00", stop_price="102.7",
        stop_order_id="tu-guard", realized_pnl="-0.25", trail_activated=True, signal_id="sig-2",
    ),
    life(
        "p-short", symbol="ETHUSDT", direction="short", state="closing", quantity=2, volume=2,
        entry_price=2100, entry_time="13:30", stop_price=2150, signal_id=None, signal_source="plan",
    ),
)  # fmt: skip
# XRPUSDT has not been followed yet, SOLUSDT was held once.
STORED = (
    stored(5, realized_pnl="32.25", state="open", mark_price=99, unrealized_pnl=-5),
    stored(-2, symbol="ETHUSDT", average_price=2100, state="open"),
    stored(-7, symbol="XRPUSDT", average_price="0.5", realized_pnl="1.5", state="open"),
    stored(0, symbol="SOLUSDT", average_price=None, realized_pnl="-3", state="closed"),
)
TRADES = (
    trade(
        position_id="p-left", status="CLOSED", open_quantity=0, order_id="tu-1", signal_id="sig-1",
        exit_price="104.8", exit_time="12:00", exit_reason="trailing_stop", realized_pnl="23.5",
    ),
    trade(
        "t-2", position_id="p-left", kind="REBUY", status="CLOSED", quantity=2, open_quantity=0,
        order_id=None, entry_time="11:10", exit_price="104.8", exit_time="12:00",
        exit_reason="trailing_stop", realized_pnl=9,
    ),
    trade(
        "t-lost", position_id="p-lost", symbol="ETHUSDT", direction="short", status="CLOSED",
        quantity=2, open_quantity=0, entry_price=2000, order_id=None, exit_time="11:30",
        exit_reason="external", realized_pnl="-0.2",
    ),
    trade("t-held", position_id="p-held", entry_time="13:00", order_id="tu-2", signal_id="sig-2"),
)  # fmt: skip
COOLING = {"reasons": [{"code": "EXIT_COOLDOWN_ACTIVE", "message": "12 s are left"}]}
EXITS = (
    exit_intent(
        1, position_id="p-left", cause="TARGET_HIT", state="FILLED", quantity=7, order_type="limit",
        price="104.8", tries=2, outcome="filled at 104.8",
        because={"because": ["Limit, because a target asks for its price."]},
    ),
    exit_intent(
        2, position_id="p-left", cause="TARGET_HIT", state="REJECTED", reasons=COOLING,
        created_at="11:40", updated_at="11:40", outcome="EXIT_COOLDOWN_ACTIVE",
    ),
)  # fmt: skip


@pytest.fixture
def traded(home: HomeUnderTest) -> Iterator[HomeUnderTest]:
    desk = desk_at(home)
    with desk.book.write() as book:
        book.insert_lives([*OVER, *HELD])
        book.put_positions(STORED)
        book.put_trades(TRADES)
        _snapshots(book)
        for each in EXITS:
            book.insert_exit_intent(each)
        _story(book)
    desk.close_book()
    yield home


def _snapshots(book: BookWriting) -> None:
    """The last of p-held fits it; the one of p-short was taken when there was more."""
    rows = (("p-held", 5, 103, 15, "14:00"), ("p-held", 5, 101, 5, "13:55"))
    book.insert_position_snapshots(
        [_snapshot(*row) for row in (*rows[::-1], ("p-short", -3, 2000, 300, "14:00"))]
    )


def _snapshot(name: str, quantity: Any, mark: Any, gained: Any, at: str) -> PositionSnapshot:
    (told,) = (each for each in HELD if each.position_id == name)
    row = stored(quantity, symbol=told.symbol, mark_price=mark, unrealized_pnl=gained)
    return PositionSnapshot(
        position_id=name,
        account=row.account,
        symbol=row.symbol,
        quantity=row.quantity,
        mark_price=row.mark_price,
        unrealized_pnl=row.unrealized_pnl,
        at=clock(at),
    )


def _story(book: BookWriting) -> None:
    """p-left from its signal to its end."""
    book.insert_signals([signal("sig-1", received_at="10:59:58")])
    book.insert_intents([intent("sig-1", created_at="10:59:59")])
    book.insert_orders(
        [
            book_order("tu-1", "V-1", signal_id="sig-1", created_at="11:00"),
            book_order("tu-stop", "V-2", side="sell", created_at="11:00:05"),
            book_order("tu-old", "V-3", side="sell", created_at="11:00:04"),
            book_order("tu-exit", "V-4", side="sell", created_at="11:30:01"),
            book_order("tu-other", "V-5", created_at="11:30:02"),
        ]
    )
    book.put_exit_order(
        ExitOf(
            order_id="tu-exit",
            exit_intent_id=EXITS[0].exit_intent_id,
            trade_id="t-1",
            cause=ExitCause.TARGET_HIT,
        )
    )
    book.insert_exit_signal(
        ExitSignal(
            exit_signal_id=EXITS[0].exit_signal_id,
            trade_id="t-1",
            position_id="p-left",
            account="main",
            symbol="BTCUSDT",
            cause=ExitCause.TARGET_HIT,
            episode=1,
            because="The price of 104.9 has reached the target.",
            by="manage",
            detected_at=clock("11:30"),
        )
    )
    book.insert_executions([book_execution("T-1", order_id="tu-1", executed_at="11:00:01")])
    book.insert_transitions(
        [
            Transition(
                position_id="p-left",
                to_state=LifeState.OPEN,
                reason="signal",
                at=clock("11:00:02"),
            ),
            Transition(
                position_id="p-left",
                from_state=LifeState.OPEN,
                to_state=LifeState.TRAILING,
                reason="stop_moved",
                at=clock("11:20"),
            ),
        ]
    )
    book.insert_events(
        [
            Event(
                event_id="e-stop",
                event_type="position.stop_updated",
                occurred_at=clock("11:00:04"),
                correlation_id="p-left",
                payload={"stop_price": "99.2", "stop_order_id": "tu-old"},
            )
        ]
    )


def golden(name: str) -> str:
    return (GOLDEN / f"{name}.txt").read_text("utf-8")


# --- on the screen --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("positions", ["positions", "--sort", "symbol", "--asc"]),
        ("positions_closed", ["positions", "--closed"]),
        ("trades", ["trades", "--sort", "entry_time", "--asc"]),
        ("exits", ["exits"]),
        ("history_of_a_position", ["history", "p-left"]),
    ],
)
def test_a_list_looks_as_it_should(traded: HomeUnderTest, name: str, typed: list[str]) -> None:
    assert traded.must(*typed).out == golden(name)


def test_what_is_flat_is_counted_and_shown_to_whoever_asks(traded: HomeUnderTest) -> None:
    said = traded.must("positions")
    assert "SOLUSDT" not in said.out
    assert said.err == "1 more, of which nothing is held: --verbose\n"
    assert "SOLUSDT" in traded.must("positions", "--verbose").out
    assert "SOLUSDT" in traded.must("positions", "--state", "closed").out
    assert traded.must("positions", "--quiet").err == ""


def test_a_stop_that_does_not_stand_is_not_shown(traded: HomeUnderTest) -> None:
    """The life remembers it; on the list it would look like protection."""
    row = traded.json("positions", "--symbol", "ETHUSDT")["positions"][0]
    assert (row["stop_price"], row["stop_order_id"]) == ("2150", None)
    assert "2150" not in traded.must("positions").out


# --- filters, sorting, JSON and CSV ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (["--sort", "symbol", "--asc"], ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"]),
        (["--symbol", "BTCUSDT"], ["BTCUSDT"]),
        (["--direction", "short"], ["ETHUSDT"]),
        (["--side", "both", "--symbol", "XRPUSDT"], ["XRPUSDT"]),
        (["--state", "closed"], ["SOLUSDT"]),
        (["--state", "trailing"], ["BTCUSDT"]),
        (["--state", "closing"], ["ETHUSDT"]),
        (["--state", "open", "--sort", "symbol"], ["XRPUSDT", "ETHUSDT", "BTCUSDT"]),
        (["--account", "other"], []),
        (["--page", "2", "--page-size", "3", "--sort", "symbol", "--asc"], ["XRPUSDT"]),
    ],
)
def test_positions(traded: HomeUnderTest, asked: list[str], found: list[str]) -> None:
    told = traded.json("positions", *asked)
    assert [row["symbol"] for row in told["positions"]] == found


def test_a_row_is_the_position_and_the_life_that_it_is_in(traded: HomeUnderTest) -> None:
    (row,) = traded.json("positions", "--symbol", "BTCUSDT")["positions"]
    assert list(row)[:4] == ["account", "symbol", "side", "quantity"]
    assert (row["state"], row["realized_pnl"]) == ("open", "32.25")
    assert (row["life_state"], row["life_realized_pnl"]) == ("trailing", "-0.25")
    assert (row["position_id"], row["trail_activated"]) == ("p-held", True)
    # Marked by the last snapshot, which knows better than what was adopted once.
    assert (row["mark_price"], row["unrealized_pnl"]) == ("103", "15")
    assert row["last_snapshot_at"] == "2026-01-05T14:00:00Z"


def test_a_snapshot_of_another_quantity_marks_nothing(traded: HomeUnderTest) -> None:
    (row,) = traded.json("positions", "--symbol", "ETHUSDT")["positions"]
    assert (row["mark_price"], row["unrealized_pnl"]) == (None, None)


def test_what_was_adopted_after_the_last_snapshot_counts(traded: HomeUnderTest) -> None:
    traded.execute(
        "UPDATE positions SET last_snapshot_at = '2026-01-05T14:00:00.5Z', mark_price = '98'"
    )
    (row,) = traded.json("positions", "--symbol", "BTCUSDT")["positions"]
    assert (row["mark_price"], row["last_snapshot_at"]) == ("98", "2026-01-05T14:00:00.5Z")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ([], ["p-left", "p-lost"]),
        (["--asc"], ["p-lost", "p-left"]),
        (["--symbol", "ETHUSDT"], ["p-lost"]),
        (["--direction", "long"], ["p-left"]),
        (["--since", "2026-01-05T11:45:00Z"], ["p-left"]),
        (["--page", "2", "--page-size", "1"], ["p-lost"]),
    ],
)
def test_positions_that_are_over(traded: HomeUnderTest, asked: list[str], found: list[str]) -> None:
    told = traded.json("positions", "--closed", *asked)
    assert [row["position_id"] for row in told["position_lives"]] == found
    rows = csv.DictReader(io.StringIO(traded.must("positions", "--closed", *asked, "--csv").out))
    assert [row["position_id"] for row in rows] == found


def test_closed_asks_for_one_state_only(traded: HomeUnderTest) -> None:
    refused = traded.must("positions", "--closed", "--state", "open", code=2)
    assert "exclude each other" in refused.err


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ([], ["t-held", "t-2", "t-1", "t-lost"]),
        (["--status", "OPEN"], ["t-held"]),
        (["--kind", "REBUY"], ["t-2"]),
        (["--position-id", "p-left"], ["t-2", "t-1"]),
        (["--order-id", "tu-2"], ["t-held"]),
        (["--exit-reason", "external"], ["t-lost"]),
        (["--direction", "short"], ["t-lost"]),
    ],
)
def test_trades(traded: HomeUnderTest, asked: list[str], found: list[str]) -> None:
    names = [row["trade_id"] for row in traded.json("trades", *asked)["trades"]]
    assert sorted(names) == sorted(found)
    assert names[0] == found[0]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ([], ["e-t-1-2", "e-t-1-1"]),
        (["--state", "REJECTED"], ["e-t-1-2"]),
        (["--cause", "MANUAL"], []),
        (["--trade-id", "t-1", "--asc"], ["e-t-1-1", "e-t-1-2"]),
        (["--exit-signal-id", "x-t-1-1"], ["e-t-1-1"]),
    ],
)
def test_exits(traded: HomeUnderTest, asked: list[str], found: list[str]) -> None:
    told = traded.json("exits", *asked)["exit_intents"]
    assert [row["exit_intent_id"] for row in told] == found
    assert all(isinstance(row["reasons"], dict) and row["reduce_only"] for row in told)


@pytest.mark.parametrize("listed", ["positions", "trades", "exits"])
def test_an_empty_book_has_empty_lists(home: HomeUnderTest, listed: str) -> None:
    said = home.must(listed)
    assert (said.out, said.err) == ("none\n", "")
    assert home.must(listed, "--sort", "reasons", code=2).out == ""


# --- the story ------------------------------------------------------------------------------------

STORY = [
    *("signal sig-1", "intent", "position p-left", "order tu-1", "trade t-1", "execution"),
    *("transition 1", "order tu-old", "stop 1", "order tu-stop", "trade t-2", "transition 2"),
    *("exit signal x-t-1-1", "exit e-t-1-1", "order tu-exit", "exit e-t-1-2"),
]


@pytest.mark.parametrize(
    "subject",
    [
        *("p-left", "t-1", "t-2", "x-t-1-1", "e-t-1-1", "e-t-1-2", "sig-1"),
        *("tu-1", "V-1", "tu-stop", "tu-exit", "V-4"),
    ],
)
def test_a_position_is_told_whole_from_any_of_its_ids(traded: HomeUnderTest, subject: str) -> None:
    told = [
        f"{row['what']} {row['id']}"
        for row in traded.json("history", subject)["history"]
        if row["what"] != "outbox"
    ]
    assert [line for line, name in zip(told, STORY, strict=True) if not line.startswith(name)] == []


def test_a_symbol_tells_of_all_its_positions(traded: HomeUnderTest) -> None:
    told = traded.json("history", "BTCUSDT")["history"]
    lives = [row["id"] for row in told if row["what"] == "position"]
    assert lives == ["p-left", "p-none", "p-held"]
    assert "tu-other" in {row["id"] for row in told}


def test_snapshots_are_for_whoever_asks_for_more(traded: HomeUnderTest) -> None:
    said = traded.must("history", "p-held")
    assert "snapshot" not in said.out
    assert "2 more lines of audit, outbox and snapshots: --verbose" in said.err
    assert "5, mark 103, unrealised 15" in traded.must("history", "p-held", "--verbose").out
