"""What a batch of book-only actions leaves in the book, and what it leaves alone."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.apply.booking import Batch, Circumstances, batch_of
from core.plan.change import AnyChange, InitialState, InsertExecution, UpdateExecution
from core.plan.plan import Action
from tests.build import (
    NOON,
    book_execution,
    execution,
    instrument,
    observation,
    order,
    position,
    snapshot,
    stop,
    stored,
)
from tests.core.apply.rounds import BOUGHT
from tests.home import HomeUnderTest
from tests.producer import desk_at

PROTECTED = (*BOUGHT, position(5), stop("S-1", 5), instrument())


def adopt(home: HomeUnderTest, *rows: Any, **told: Any) -> None:
    home.tell(snapshot(*rows, **told))
    home.adopt_all()


def held(home: HomeUnderTest) -> list[tuple[str, str]]:
    rows = home.rows("SELECT symbol, quantity FROM positions ORDER BY symbol")
    return [(row["symbol"], row["quantity"]) for row in rows]


def test_a_corrected_trade_moves_its_position_and_stays_as_old_as_it_was(
    home: HomeUnderTest,
) -> None:
    """book: bought 5 / broker: it was 4 / plan: the row corrected in place, 4 held"""
    adopt(home, *PROTECTED)
    (before,) = home.rows("SELECT * FROM executions")
    told = order(status="filled", filled_quantity=4, quantity=4)
    adopt(home, told, execution("T-1", 4), position(4), stop("S-1", 4), instrument())
    (after,) = home.rows("SELECT * FROM executions")
    assert (after["quantity"], held(home)) == ("4", [("BTCUSDT", "4")])
    assert after["recorded_serial"] == before["recorded_serial"]
    home.must("verify")


def batch(change: AnyChange, *book: Any, broker: tuple[Any, ...] = ()) -> Batch:
    """The rows of one change over this book."""
    case = circumstances(*book, broker=broker)
    return batch_of([Action(id="a001", change=change)], case)


def circumstances(*book: Any, broker: tuple[Any, ...] = ()) -> Circumstances:
    return Circumstances(
        plan_id="p-1",
        approved_by="ana",
        at=NOON,
        serial=21,
        backup_file=None,
        observations={"main": observation(broker, book)},
    )


FUNDING = book_execution("F-1", 5, kind="funding", broker_order_id=None, fee="0.1")


def test_funding_moves_no_position() -> None:
    change = InsertExecution(
        account="main",
        symbol="BTCUSDT",
        target=FUNDING.execution_key,
        reason="execution_not_in_book",
        because="The broker reports a funding.",
        after=FUNDING,
    )
    rows = batch(change, stored(5))
    assert [row.recorded_serial for row in rows.new_executions] == [21]
    assert rows.positions == []


def test_funding_beside_a_trade_is_no_part_of_it(home: HomeUnderTest) -> None:
    """plan: bought 5, and a funding of 5 / one trade, of the 5 that were bought"""
    bought = book_execution("T-1", 5)
    actions = [
        Action(
            id=f"a{number:03}",
            change=InsertExecution(
                account="main",
                symbol="BTCUSDT",
                target=row.execution_key,
                reason="execution_not_in_book",
                because="The broker reports it.",
                after=row,
            ),
        )
        for number, row in enumerate((bought, FUNDING), start=1)
    ]
    with desk_at(home).book.write() as book:
        batch_of(actions, circumstances()).write(book)
    assert held(home) == [("BTCUSDT", "5")]
    assert home.rows("SELECT quantity, volume FROM position_lives") == [
        {"quantity": "5", "volume": "5"}
    ]
    assert home.rows("SELECT quantity, fees FROM trades") == [{"quantity": "5", "fees": "0"}]
    assert len(home.rows("SELECT 1 FROM executions")) == 2


def test_corrected_funding_moves_no_position() -> None:
    """book: a funding of 0.1 / broker: it was 0.2 / plan: the row alone"""
    corrected = replace(FUNDING, fee=Decimal("0.2"))
    change = UpdateExecution(
        account="main",
        symbol="BTCUSDT",
        target=FUNDING.execution_key,
        reason="execution_corrected",
        because="The broker now reports another fee.",
        before=FUNDING,
        after=corrected,
    )
    rows = batch(change, FUNDING, stored(5))
    assert rows.executions == [(FUNDING.execution_key, corrected)]
    assert rows.positions == []


def test_information_is_written_down_as_such_and_changes_nothing() -> None:
    found = position(2, symbol="ES")
    change = InitialState(
        account="main",
        symbol="ES",
        target="ES",
        reason="initial_state",
        because="Found at start-up.",
        before=found,
    )
    rows = batch(change, broker=(found,))
    assert [row.action_type for row in rows.audit] == ["initial_state"]
    assert replace(rows, audit=[], at=None, instruments={}) == Batch()


def test_an_adopted_position_leaves_an_adjustment_with_who_and_why(home: HomeUnderTest) -> None:
    """book: nothing / broker: 3 without a single execution / plan: adopt, 3 unexplained"""
    adopt(home, position(3), stop("S-1", 3), instrument())
    (row,) = home.rows("SELECT symbol, quantity, reason FROM adjustments")
    assert (row["symbol"], row["quantity"], held(home)) == ("BTCUSDT", "3", [("BTCUSDT", "3")])
    assert row["reason"]
    told = home.rows("SELECT event_type FROM outbox WHERE event_type LIKE 'position.%'")
    assert [row["event_type"] for row in told] == [
        "position.discrepancy",
        "position.state_changed",
        "position.stop_updated",
    ]
    adopt(home, position(2), stop("S-1", 2), instrument())
    assert held(home) == [("BTCUSDT", "2")]
    assert home.rows("SELECT count(*) AS n FROM adjustments") == [{"n": 2}]
    home.must("verify")


@pytest.mark.parametrize(("force", "left"), [("true", []), ("false", ["orphaned_deleted"])])
def test_a_forgotten_order_is_erased_or_marked_and_told_either_way(
    home: HomeUnderTest, force: str, left: list[str]
) -> None:
    """book: V-1 open / broker: conclusively without it"""
    adopt(home, order("V-1"), instrument())
    home.set(FORCE_SYNC_DELETE=force)
    adopt(home, instrument())
    assert [row["status"] for row in home.rows("SELECT status FROM orders")] == left
    (last,) = home.rows("SELECT * FROM order_events ORDER BY id DESC LIMIT 1")
    assert (last["event_type"], last["from_status"]) == ("delete_order", "open")
    home.must("plan", "--detailed-exitcode")
