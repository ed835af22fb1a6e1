"""The diff table, order by order: what the broker says against what the book has."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.order import OrderStatus, Origin
from core.domain.snapshot import Absent, Found, Inconclusive, Partial, Unavailable
from core.plan.change import ChangeClass, DeleteOrder, InsertOrder, Risk, UpdateOrder, class_of
from tests.build import NOON, book_execution, book_order, booked, clock, execution, order
from tests.told import plan, told


def test_an_order_that_both_tell_alike_is_unchanged() -> None:
    seen = plan([order()], [booked(order())], unchanged=7)
    assert told(seen) == []
    assert seen.unchanged == 8


def test_an_order_filled_in_part_and_cancelled_while_we_were_away() -> None:
    seen = plan(
        [
            order(status="cancelled", filled_quantity=4, average_price=100),
            execution("T-1", 4),
        ],
        [book_order()],
    )
    assert told(seen)[0] == ("~ order o-1: filled_quantity 4, average_price 100, status cancelled")
    change = seen.changes[0]
    assert change.because == (
        "The broker reports the order cancelled with 4 of 10 filled; the book has it open with "
        "0 of 10 filled. The broker reports average price 100 instead of nothing."
    )
    assert (change.reason, class_of(change), change.risk) == (
        "differs",
        ChangeClass.RECORD,
        Risk.LOW,
    )


@pytest.mark.parametrize(
    ("field", "at_broker", "in_book", "line"),
    [
        ("status", "open", "pending", "status open"),
        ("status", "open", "unknown", "status open"),
        ("status", "open", "orphaned_deleted", "status open"),
        ("status", "cancelled", "open", "status cancelled"),
        ("filled_quantity", 4, 3, "filled_quantity 4"),
        ("average_price", "100.5", 100, "average_price 100.5"),
        ("price", 101, 100, "price 101"),
        ("quantity", 12, 10, "quantity 12"),
        ("trigger_price", 95, None, "trigger_price 95"),
        ("type", "stop_limit", "limit", "order_type stop_limit"),
        ("time_in_force", "GTC", "IOC", "time_in_force GTC"),
        ("reduce_only", True, False, "reduce_only True"),
        ("post_only", True, None, "post_only True"),
        ("client_order_id", "c-1", None, "client_order_id c-1"),
        ("perm_id", "P-1", None, "perm_id P-1"),
    ],
)
def test_every_compared_field_that_differs_is_an_update(
    field: str, at_broker: object, in_book: object, line: str
) -> None:
    row = booked(order(), **{"order_type" if field == "type" else field: in_book})
    listed = order(**{"price": 100, field: at_broker})
    seen = plan([listed, execution("T-1", 4)] if field == "filled_quantity" else [listed], [row])
    assert told(seen)[0] == f"~ order o-1: {line}"


@pytest.mark.parametrize(
    "silent", ["average_price", "price", "trigger_price", "time_in_force", "reduce_only", "perm_id"]
)
def test_what_the_broker_leaves_out_differs_from_nothing(silent: str) -> None:
    row = book_order(
        average_price=100, trigger_price=90, time_in_force="GTC", reduce_only=True, perm_id="P-1"
    )
    told_by_broker = {
        "average_price": 100,
        "trigger_price": 90,
        "time_in_force": "GTC",
        "reduce_only": True,
        "perm_id": "P-1",
    }
    seen = plan([order(**(told_by_broker | {silent: None}))], [row])
    assert told(seen) == []


def test_figures_are_compared_by_value_not_by_spelling() -> None:
    assert told(plan([order(quantity="10.000", price="1E+2")], [book_order()])) == []


def test_an_update_keeps_what_only_the_book_knows() -> None:
    row = book_order(signal_id="sig-1", origin="owned", trace_id="t-1", client_order_id="tu-1")
    seen = plan([order(status="filled", filled_quantity=10, updated_at="11:30")], [row])
    after = seen.changes[0].after
    assert after == replace(
        row,
        status=OrderStatus.FILLED,
        filled_quantity=Decimal(10),
        updated_at=clock("11:30"),
        executed_at=clock("11:30"),
    )


def test_without_a_word_of_when_the_book_keeps_its_own_time() -> None:
    seen = plan([order(status="cancelled", updated_at=None)], [book_order()])
    assert seen.changes[0].after.updated_at == clock("11:00")


@pytest.mark.parametrize(
    ("at_broker", "in_book"),
    [
        ({"filled_quantity": 3}, {"filled_quantity": 4}),
        ({"status": "open", "filled_quantity": 10}, {"status": "filled", "filled_quantity": 10}),
    ],
    ids=["a fill that shrinks", "a filled order that is live again"],
)
def test_taking_something_back_is_a_correction(
    at_broker: dict[str, object], in_book: dict[str, object]
) -> None:
    change = plan([order(**at_broker)], [book_order(**in_book)]).changes[0]
    assert isinstance(change, UpdateOrder)
    assert (change.corrects, change.risk) == (True, Risk.HIGH)
    assert class_of(change) is ChangeClass.CORRECT


# --- only the broker has it ---------------------------------------------------------------------


def test_a_manual_order_is_taken_into_the_book() -> None:
    seen = plan([order()], [])
    assert told(seen) == ["+ order external buy 10 open"]
    row = seen.changes[0].after
    assert row == booked(order(), row.order_id)
    assert row.order_id.startswith("o-")
    assert seen.changes[0].reason == "not_in_book"


def test_its_id_derives_from_its_meaning_so_replays_agree() -> None:
    first, again = (plan([order()], []).changes[0].target for _ in range(2))
    other = plan([order("V-2")], []).changes[0].target
    elsewhere = plan([order()], [], account="second").changes[0].target
    assert first == again
    assert len({first, other, elsewhere}) == 3


def test_an_order_under_our_key_is_ours_and_named_by_it() -> None:
    seen = plan([order(client_order_id="tu-abc", status="filled", filled_quantity=10)], [])
    row = seen.changes[0].after
    assert (row.order_id, row.origin) == ("tu-abc", Origin.OWNED)
    assert row.executed_at == clock("11:00")
    assert "our buy order V-1" in seen.changes[0].because


def test_two_live_orders_under_one_key_of_ours_are_both_recorded() -> None:
    seen = plan([order("V-1", client_order_id="tu-a"), order("V-2", client_order_id="tu-a")], [])
    names = [change.target for change in seen.changes]
    assert len(set(names)) == 2
    assert "tu-a" in names
    assert told(plan([order("V-1", client_order_id="tu-a"), order("V-2", client_order_id="tu-a")],
                     [change.after for change in seen.changes])) == []  # fmt: skip


def test_orders_of_two_symbols_may_share_a_broker_id() -> None:
    listed = [order("7"), order("7", symbol="ETHUSDT")]
    seen = plan(listed, [])
    assert told(seen) == ["+ order external buy 10 open"] * 2
    assert told(plan(listed, [change.after for change in seen.changes])) == []


def test_an_external_order_is_only_reported_when_they_are_not_managed() -> None:
    keys = {"AUTO_MANAGE_EXTERNAL_ORDERS": False}
    assert told(plan([order()], [], keys=keys)) == ["! external_order V-1"]
    ours = plan([order(client_order_id="tu-1")], [], keys=keys)
    assert told(ours) == ["+ order owned buy 10 open"]


def test_what_a_dry_run_wrote_is_neither_compared_nor_missed() -> None:
    rehearsed = book_order("tu-1", None, client_order_id="tu-1", status="dry_run")
    assert told(plan([], [rehearsed])) == []
    seen = plan([order(client_order_id="tu-1")], [rehearsed])
    assert isinstance(seen.changes[0], InsertOrder)
    assert seen.changes[0].target != "tu-1"


# --- only the book has it -----------------------------------------------------------------------


def test_gone_from_the_listing_and_said_to_be_cancelled() -> None:
    answer = Found(order(status="cancelled", updated_at="11:45"))
    seen = plan([], [book_order()], lookups={"o-1": answer})
    assert told(seen) == ["~ order o-1: status cancelled"]
    assert seen.changes[0].reason == "order_closed_at_broker"


def test_gone_from_the_listing_but_said_to_be_there() -> None:
    moved = Found(order(status="open", price=101))
    seen = plan([], [book_order()], lookups={"o-1": moved})
    assert told(seen) == ["~ order o-1: price 101"]
    assert seen.changes[0].reason == "differs"
    same = plan([], [book_order()], lookups={"o-1": Found(order())})
    assert (told(same), same.unchanged) == ([], 1)


def test_the_broker_conclusively_has_no_such_order() -> None:
    seen = plan([], [book_order()], lookups={"o-1": Absent()})
    assert told(seen) == ["- order o-1 orphaned_deleted"]
    change = seen.changes[0]
    assert isinstance(change, DeleteOrder)
    assert change.after == replace(
        book_order(), status=OrderStatus.ORPHANED_DELETED, updated_at=NOON
    )
    assert (change.reason, change.risk) == ("not_on_broker", Risk.MEDIUM)
    assert change.because == (
        "The book has the order open with 0 of 10 filled; the broker neither lists it nor knows "
        "it when asked."
    )


def test_its_row_goes_for_good_only_when_that_is_configured() -> None:
    keys = {"FORCE_SYNC_DELETE": True}
    seen = plan([], [book_order()], lookups={"o-1": Absent()}, keys=keys)
    assert told(seen) == ["- order o-1 erased"]
    assert seen.changes[0].risk is Risk.HIGH


@pytest.mark.parametrize(
    ("row", "others_at_broker", "others_in_book"),
    [
        (book_order(filled_quantity=3), [], []),
        (book_order(), [], [book_execution("T-1", 3)]),
        (book_order(), [execution("T-1", 3)], []),
        (
            book_order("tu-1", None, client_order_id="tu-1"),
            [execution("T-1", 3, broker_order_id=None, client_order_id="tu-1")],
            [],
        ),
    ],
    ids=["by its row", "by the book", "by the broker", "by our key"],
)
def test_an_order_that_was_filled_in_part_is_never_erased(
    row: object, others_at_broker: list[object], others_in_book: list[object]
) -> None:
    seen = plan(
        others_at_broker,
        [row, *others_in_book],
        lookups={"o-1": Absent(), "tu-1": Absent()},
        keys={"FORCE_SYNC_DELETE": True},
    )
    delete = next(change for change in seen.changes if isinstance(change, DeleteOrder))
    assert delete.after is not None
    assert delete.because.endswith("Its row stays, because the broker has told of it before.")


@pytest.mark.parametrize(
    "lookups",
    [
        {},
        {"o-1": Inconclusive("too old")},
        {"o-1": Found(order("V-9"))},
        {"o-1": Found(order("V-1", side="sell"))},
    ],
    ids=["not asked", "no clear answer", "another order", "the other side"],
)
def test_what_is_not_known_for_certain_is_called_unknown(lookups: dict[str, object]) -> None:
    assert told(plan([], [book_order()], lookups=lookups)) == ["! order_outcome_unknown o-1"]


def test_an_answer_that_belongs_to_another_row_or_listing_settles_nothing() -> None:
    lost = book_order("o-1", None, client_order_id="c-1")
    other = booked(order("V-2"), "o-2", status="cancelled")
    answer = {"o-1": Found(order("V-2", client_order_id="c-1", price=99))}
    assert told(plan([], [lost, other], lookups=answer)) == ["! order_outcome_unknown o-1"]
    listed = order("V-2", price=99)
    assert told(plan([listed], [lost], lookups=answer)) == [
        "+ order external buy 10 open",
        "! order_outcome_unknown o-1",
    ]


@pytest.mark.parametrize(
    "status", ["filled", "cancelled", "rejected", "expired", "orphaned_deleted"]
)
def test_history_is_not_drift(status: str) -> None:
    assert told(plan([], [book_order(status=status)])) == []


@pytest.mark.parametrize(
    ("part", "code"), [(Partial("page 2"), "partial"), (Unavailable("timeout"), "unavailable")]
)
def test_an_incomplete_listing_proves_presence_never_absence(
    part: Partial | Unavailable, code: str
) -> None:
    seen = plan(
        [order("V-2", status="cancelled")],
        [book_order(), booked(order("V-2"), "o-2")],
        lookups={"o-1": Absent()},
        parts={"orders": part},
    )
    assert told(seen) == ["~ order o-2: status cancelled", f"! orders_{code} orders"]
    assert part.why in seen.problems[0].message
