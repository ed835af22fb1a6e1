"""The diff table, execution by execution: each once, each as the broker tells it in the end."""

from decimal import Decimal
from typing import Any

import pytest

from core.domain.order import OrderStatus, Origin
from core.domain.snapshot import Found, Partial, Unavailable
from core.plan.change import InsertExecution, InsertOrder, Risk
from tests.build import (
    book_execution,
    book_order,
    booked,
    clock,
    execution,
    order,
    position,
    stored,
)
from tests.told import plan, told

FILLED = order(status="filled", filled_quantity=5, quantity=5)


def test_an_execution_that_the_book_has_is_unchanged() -> None:
    seen = plan([execution(), position()], [book_execution(), stored()])
    assert told(seen) == []
    assert seen.unchanged == 2


def test_a_fill_while_we_were_away() -> None:
    seen = plan([FILLED, execution(), position()], [booked(FILLED), stored(0)])
    assert told(seen) == ["+ execution T-1 buy 5 at 100"]
    change = seen.changes[0]
    assert change.because == (
        "The broker reports a trade of order V-1: buy 5 at 100; the book does not have it."
    )
    assert change.reason == "execution_not_in_book"
    assert change.after == book_execution(order_id="o-1")


def test_its_key_is_account_symbol_order_and_execution() -> None:
    assert plan([execution()], []).changes[-2].target == "main|BTCUSDT|V-1|T-1"


def test_the_same_execution_told_twice_is_one() -> None:
    seen = plan([FILLED, execution(), execution(), position()], [booked(FILLED)])
    assert told(seen) == ["+ execution T-1 buy 5 at 100"]


def test_equal_ids_of_two_orders_are_two_executions() -> None:
    seen = plan([execution(), execution(broker_order_id="V-2"), position(10)], [])
    assert sum(isinstance(change, InsertExecution) for change in seen.changes) == 2


@pytest.mark.parametrize("kind", ["liquidation", "adl", "settlement"])
def test_whatever_moves_a_position_is_a_fill(kind: str) -> None:
    seen = plan([FILLED, execution(kind=kind), position()], [booked(FILLED)])
    assert [change.after.kind for change in seen.changes] == [kind]


def test_funding_is_never_a_fill() -> None:
    funding = execution("F-1", 5, kind="funding", broker_order_id=None)
    assert told(plan([funding], [])) == []


@pytest.mark.parametrize("part", [Partial("last page"), Unavailable("timeout")])
def test_an_incomplete_listing_of_executions_undoes_none(part: Partial | Unavailable) -> None:
    seen = plan([position()], [book_execution(), stored()], parts={"executions": part})
    assert seen.changes == ()
    fresh = plan([FILLED, execution(), position()], [booked(FILLED)], parts={"executions": part})
    assert [change.kind for change in fresh.changes] == ["insert_execution"]


# --- which order it belongs to --------------------------------------------------------------------


def orders_of(broker: list[Any], book: list[Any], **given: Any) -> list[str | None]:
    changes = plan(broker, book, **given).changes
    return [each.after.order_id for each in changes if isinstance(each, InsertExecution)]


def test_it_is_booked_on_the_order_that_the_same_plan_inserts() -> None:
    seen = plan([FILLED, execution(), position()], [])
    assert told(seen) == ["+ order external buy 5 filled, 5 filled", "+ execution T-1 buy 5 at 100"]
    assert seen.changes[1].after.order_id == seen.changes[0].target


@pytest.mark.parametrize(
    ("named", "row"),
    [
        ({}, book_order("o-1", "V-1", status="cancelled")),
        ({"perm_id": "P-1"}, book_order("o-1", "V-7", perm_id="P-1", status="cancelled")),
        (
            {"broker_order_id": None, "client_order_id": "c-1"},
            book_order("o-1", "V-1", client_order_id="c-1", status="cancelled"),
        ),
        (
            {"client_order_id": "tu-1"},
            book_order("o-1", "V-0", client_order_id="tu-1", status="cancelled"),
        ),
        (
            {"client_order_id": "c-1"},
            book_order("o-1", None, client_order_id="c-1", status="cancelled"),
        ),
    ],
    ids=["broker id", "perm id", "client id alone", "our key", "a row without broker id"],
)
def test_it_finds_its_order_by_any_durable_name(named: dict[str, Any], row: Any) -> None:
    if named.get("perm_id"):
        named = named | {"broker_order_id": None}
    assert orders_of([execution(**named), position()], [row]) == ["o-1"]


def test_a_foreign_client_id_of_another_order_is_no_proof() -> None:
    row = book_order("o-1", "V-0", client_order_id="bot", status="cancelled")
    (order_id,) = orders_of([execution(client_order_id="bot"), position()], [row])
    assert order_id not in (None, "o-1")


def test_an_execution_that_names_no_order_has_none() -> None:
    seen = plan([execution(broker_order_id=None), position()], [])
    assert told(seen) == ["+ execution T-1 buy 5 at 100"]
    assert seen.changes[0].after.order_id is None
    assert "a trade: buy" in seen.changes[0].because


def test_executions_of_an_external_order_that_is_left_out_have_none() -> None:
    keys = {"AUTO_MANAGE_EXTERNAL_ORDERS": False}
    assert orders_of([FILLED, execution(), position()], [], keys=keys) == [None]
    assert orders_of([execution(), position()], [], keys=keys) == [None]


# --- stubs ------------------------------------------------------------------------------------


def test_an_execution_of_an_unknown_order_brings_a_stub_of_it() -> None:
    broker = [
        execution("T-1", 3, price=100, perm_id="P-1"),
        execution("T-2", 1, price=104, executed_at="11:00:05"),
        position(4, average_price=101),
    ]
    seen = plan(broker, [])
    assert told(seen) == [
        "+ order external buy 4 filled, 4 filled",
        "+ execution T-1 buy 3 at 100",
        "+ execution T-2 buy 1 at 104",
    ]
    stub = seen.changes[0]
    assert isinstance(stub, InsertOrder)
    assert stub.reason == "stub_for_execution"
    row = stub.after
    assert (row.order_type, row.average_price, row.perm_id) == (None, Decimal(101), "P-1")
    assert row.status is OrderStatus.FILLED
    assert (row.created_at, row.executed_at) == (clock("11:00:01"), clock("11:00:05"))
    assert {change.after.order_id for change in seen.changes} == {row.order_id}


@pytest.mark.parametrize(
    ("told_of_it", "origin"),
    [
        ({}, Origin.EXTERNAL),
        ({"client_order_id": "tu-7"}, Origin.OWNED),
        ({"kind": "liquidation"}, Origin.LIQUIDATION),
        ({"kind": "adl"}, Origin.LIQUIDATION),
        ({"kind": "settlement"}, Origin.EXTERNAL),
    ],
)
def test_a_stub_says_who_caused_it(told_of_it: dict[str, Any], origin: Origin) -> None:
    stub = plan([execution(**told_of_it), position()], []).changes[0]
    assert stub.after.origin is origin
    assert (stub.target == "tu-7") == (origin is Origin.OWNED)


def test_a_liquidation_is_booked_even_when_external_orders_are_not() -> None:
    keys = {"AUTO_MANAGE_EXTERNAL_ORDERS": False}
    seen = plan([execution(kind="liquidation"), position()], [], keys=keys)
    assert told(seen)[0] == "+ order liquidation buy 5 filled, 5 filled"


def test_the_price_of_rows_out_of_sight_is_not_made_up() -> None:
    """An execution was booked without an order; now another one brings the stub."""
    book = [book_execution("T-1", 3), stored(3)]
    stub = plan([execution("T-2", 2), position(5)], book).changes[0].after
    assert (stub.filled_quantity, stub.average_price) == (Decimal(5), None)


def test_further_executions_make_a_stub_larger() -> None:
    first = plan([execution("T-1", 3), position(3)], [])
    stub, fill = (change.after for change in first.changes)
    later = execution("T-2", 1, price=104, executed_at="11:30")
    seen = plan([later, position(4, average_price=101)], [stub, fill, stored(3)])
    assert told(seen) == [
        f"~ order {stub.order_id}: quantity 4, filled_quantity 4, average_price 101",
        "+ execution T-2 buy 1 at 104",
    ]
    assert seen.changes[0].after.executed_at == clock("11:30")


def test_a_stub_whose_order_appears_after_all_becomes_that_order() -> None:
    stub = book_order(order_type=None, quantity=5, filled_quantity=5, price=None, status="filled")
    listed = order(quantity=5, filled_quantity=5, status="filled", type="market")
    seen = plan([listed, execution("T-2", 1), position(6)], [stub, book_execution(), stored()])
    assert told(seen) == ["~ order o-1: order_type market", "+ execution T-2 buy 1 at 100"]


# --- corrections ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "line"),
    [
        ({"quantity": 4}, "quantity 4"),
        ({"price": 101}, "price 101"),
        ({"side": "sell"}, "side sell"),
        ({"kind": "liquidation"}, "kind liquidation"),
        ({"fee": "0.2"}, "fee 0.2"),
        ({"fee_currency": "USD"}, "fee_currency USD"),
    ],
)
def test_told_otherwise_under_the_same_key_is_a_correction(now: dict[str, Any], line: str) -> None:
    change = plan([execution(**now)], [book_order(), book_execution(order_id="o-1")]).changes[0]
    assert told(plan([execution(**now)], [book_execution()]))[0] == f"~ execution T-1: {line}"
    assert (change.reason, change.risk) == ("execution_corrected", Risk.MEDIUM)
    assert "the book has it as buy 5 at 100 with a fee of 0" in change.because
    assert change.after.order_id == "o-1"


def test_a_row_that_says_it_replaces_another_takes_its_place() -> None:
    corrected = execution("T-2", 4, corrects="T-1")
    expected = ["~ execution T-1 → T-2: quantity 4"]
    book = [book_execution(), stored()]
    assert told(plan([corrected, position(4)], book)) == expected
    # The venue may go on listing the row that it corrected.
    assert told(plan([corrected, execution(), position(4)], book)) == expected
    after = [book_execution("T-2", 4), stored(4)]
    assert told(plan([corrected, execution(), position(4)], after)) == []


def test_a_correction_of_a_correction_counts_once() -> None:
    chain = [execution("T-3", 3, corrects="T-2"), execution("T-2", 4, corrects="T-1"), execution()]
    assert told(plan([*chain, position(3)], [book_execution(), stored()])) == [
        "~ execution T-1 → T-3: quantity 3"
    ]
    assert told(plan([*chain, position(3)], [booked(FILLED)]))[0] == "+ execution T-3 buy 3 at 100"


def test_rows_that_correct_each_other_end_somewhere() -> None:
    circle = [execution("T-1", 4, corrects="T-2"), execution("T-2", 4, corrects="T-1")]
    assert plan(circle, []).changes


# IB sends a correction as a new id that differs only after the last dot.
IB_FIRST, IB_SECOND = "0f.1a.01.01", "0f.1a.01.02"


def test_on_ib_the_last_part_of_the_id_counts_revisions() -> None:
    broker = [execution(IB_FIRST, 5), execution(IB_SECOND, 4), position(4)]
    assert told(plan(broker, [book_execution(IB_FIRST, 5), stored()], venue="ib")) == [
        f"~ execution {IB_FIRST} → {IB_SECOND}: quantity 4"
    ]
    first_seen = plan([FILLED, *broker], [booked(FILLED)], venue="ib")
    assert told(first_seen)[:1] == [f"+ execution {IB_SECOND} buy 4 at 100"]


def test_on_ib_an_older_revision_never_replaces_a_newer_one() -> None:
    book = [book_execution(IB_SECOND, 4), stored(4)]
    for broker in ([execution(IB_FIRST, 5)], [execution(IB_FIRST, 5), execution(IB_SECOND, 4)]):
        assert told(plan([*broker, position(4)], book, venue="ib")) == []


def test_on_ib_the_tenth_revision_follows_the_ninth() -> None:
    broker = [execution("0f.1a.9", 5), execution("0f.1a.10", 4), position(4)]
    book = [book_execution("0f.1a.9"), stored()]
    assert told(plan(broker, book, venue="ib")) == ["~ execution 0f.1a.9 → 0f.1a.10: quantity 4"]


def test_on_ib_likeness_holds_within_one_order_only() -> None:
    broker = [execution(IB_SECOND, 4, broker_order_id="V-2"), position(9)]
    seen = plan(broker, [book_execution(IB_FIRST), stored()], venue="ib")
    assert told(seen)[-1] == f"+ execution {IB_SECOND} buy 4 at 100"


def test_elsewhere_ids_that_look_alike_are_two_executions() -> None:
    broker = [execution(IB_FIRST, 5), execution(IB_SECOND, 4), position(9)]
    book = [book_execution(IB_FIRST, 5), stored()]
    assert told(plan(broker, book))[-1] == f"+ execution {IB_SECOND} buy 4 at 100"


# --- fees -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fee", "currency", "venue"),
    [(None, "USDT", "paper"), (-1, None, "paper"), (-1, None, "ib"), (-1, "USD", "ib")],
)
def test_a_fee_that_is_not_known_yet_is_stored_as_unknown(
    fee: Any, currency: str | None, venue: str
) -> None:
    broker = [FILLED, execution(fee=fee, fee_currency=currency), position()]
    (change,) = plan(broker, [booked(FILLED)], venue=venue).changes
    assert change.after.fee is None
    known = book_execution(fee="0.1")
    assert told(plan(broker, [booked(FILLED), known, stored()], venue=venue)) == []


@pytest.mark.parametrize("fee", ["-0.5", -1])
def test_a_negative_fee_is_a_rebate(fee: Any) -> None:
    broker = [FILLED, execution(fee=fee), position()]
    (change,) = plan(broker, [booked(FILLED)]).changes
    assert change.after.fee == Decimal(fee)


def test_a_fee_that_is_told_later_is_added_without_a_second_execution() -> None:
    book = [book_execution(fee=None, fee_currency=None), stored()]
    seen = plan([execution(fee="0.1"), position()], book)
    assert told(seen) == ["~ execution T-1: fee 0.1, fee_currency USDT"]
    change = seen.changes[0]
    assert (change.reason, change.risk) == ("fee_now_known", Risk.LOW)
    assert change.because == "The broker now reports the fee of execution T-1: 0.1 USDT."


def test_a_fee_without_a_currency_is_a_fee() -> None:
    book = [book_execution(fee=None, fee_currency=None), stored()]
    seen = plan([execution(fee="0.1", fee_currency=None), position()], book)
    assert told(seen) == ["~ execution T-1: fee 0.1"]
    assert seen.changes[0].because.endswith("T-1: 0.1.")


def test_a_correction_of_an_unknown_fee_says_so() -> None:
    book = [book_execution(fee=None), stored()]
    because = plan([execution(price=101, fee="0.1"), position()], book).changes[0].because
    assert because.endswith("the book has it as buy 5 at 100 with an unknown fee.")


# --- orders filled beyond their executions --------------------------------------------------------


def test_an_order_filled_beyond_its_known_executions_is_believed() -> None:
    listed = order(status="partially_filled", filled_quantity=4)
    seen = plan([listed, execution("T-1", 3), position(3)], [book_order()])
    assert told(seen) == [
        "~ order o-1: filled_quantity 4, status partially_filled",
        "+ execution T-1 buy 3 at 100",
        "! executions_incomplete o-1",
    ]
    assert seen.changes[0].after.average_price is None
    assert "add up to 3" in seen.problems[0].message


def test_executions_of_the_book_count_too() -> None:
    listed = order(status="partially_filled", filled_quantity=4)
    book = [booked(listed), book_execution("T-0", 1), stored(1)]
    seen = plan([listed, execution("T-1", 3), position(4)], book)
    assert told(seen) == ["+ execution T-1 buy 3 at 100"]


def test_a_correction_counts_with_what_it_adds() -> None:
    listed = order(status="partially_filled", filled_quantity=4)
    book = [booked(listed), book_execution("T-1", 3), stored(3)]
    seen = plan([listed, execution("T-1", 4), position(4)], book)
    assert told(seen) == ["~ execution T-1: quantity 4"]


def test_nothing_is_missed_while_executions_are_not_told_at_all() -> None:
    listed = order(status="partially_filled", filled_quantity=4)
    problems = [
        [
            each.code
            for each in plan([listed], [booked(listed)], parts={"executions": part}).problems
        ]
        for part in (Unavailable("timeout"), Partial("page 2"))
    ]
    assert problems == [
        ["executions_unavailable"],
        ["executions_incomplete", "executions_partial"],
    ]


def test_an_order_found_only_by_asking_is_held_against_its_executions_too() -> None:
    gone = Found(order(status="filled", filled_quantity=10))
    seen = plan([], [book_order()], lookups={"o-1": gone})
    assert told(seen)[-1] == "! executions_incomplete o-1"


# --- found by the properties ----------------------------------------------------------------------


def test_one_execution_that_waits_holds_back_the_others_of_its_order() -> None:
    """A venue that names the client id on one execution only, of an order that is asked about."""
    row = book_order("tu-1", None, client_order_id="tu-1", status="pending")
    broker = [
        order("V-9"),
        execution("T-1", 4, client_order_id="tu-1"),
        execution("T-2", 3, corrects="T-1"),
        position(7),
    ]
    assert told(plan(broker, [row])) == [
        "? V-9 signature_match: tu-1",
        "! position_waits_for_match BTCUSDT",
    ]


def test_several_rows_of_one_name_are_no_home_but_can_wait() -> None:
    """An execution that names no order speaks of two rows, and one of them is asked about."""
    rows = [
        book_order("o-1", None, client_order_id="c-1", status="pending"),
        book_order("o-2", "V-2", client_order_id="c-1", status="cancelled"),
    ]
    nameless = execution("T-1", 4, broker_order_id=None, client_order_id="c-1")
    assert told(plan([order("V-9"), nameless], rows)) == ["? V-9 signature_match: o-1"]
    settled = [rows[0], rows[1]]
    assert orders_of([nameless], settled) == [None]


def test_a_row_that_is_no_stub_does_not_grow() -> None:
    row = book_order(order_type=None, status="cancelled", quantity=5)
    seen = plan([execution("T-1", 4), position(4)], [row])
    assert told(seen) == ["+ execution T-1 buy 4 at 100"]


def test_an_order_with_two_rows_gets_no_third() -> None:
    rows = [book_order(name, "V-1", status="cancelled") for name in ("o-1", "o-2")]
    seen = plan([execution("T-1", 4), position(4)], rows)
    assert told(seen) == ["+ execution T-1 buy 4 at 100"]


def test_a_correction_of_what_the_book_has_twice_replaces_neither_by_force() -> None:
    """Both revisions were booked before the venue said that one corrects the other."""
    book = [book_execution("T-1", 5), book_execution("T-2", 4), stored(9)]
    corrected = execution("T-2", 4, corrects="T-1")
    assert told(plan([corrected, position(9)], book)) == []


def test_only_the_stubs_own_order_makes_it_larger() -> None:
    stub = book_order(
        "tu-1", "V-1", client_order_id="tu-1", order_type=None, status="filled", quantity=5
    )
    twin = execution("T-2", 4, broker_order_id="V-2", client_order_id="tu-1")
    assert told(plan([twin, position(4)], [stub])) == ["+ execution T-2 buy 4 at 100"]
