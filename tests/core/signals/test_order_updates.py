"""What becomes of order updates: handed over as told, as the venue answers, or as a whole look."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.apply.hold import Hold
from core.domain.order import OrderStatus, OrderType
from core.domain.stream import Gap, OrderTold, StreamEvent
from core.operate.account_watch import AccountWatch
from core.operate.desk import Desk
from core.operate.following import Follower
from core.signals.order_status import ASK_MAX, LOOK_EVERY, Updates, account_told_of
from tests.build import instrument, order, quote, snapshot
from tests.home import HomeUnderTest
from tests.producer import StillClock, desk_at, update

Tell = Callable[..., None]


@pytest.fixture
def desk(home: HomeUnderTest, clock: StillClock) -> Iterator[Desk]:
    """The book knows V-1, a purchase of 10 at 90 that the venue has, too."""
    tell(home)
    home.adopt_all()
    desk = desk_at(home, clock)
    yield desk
    desk.close_book()


def tell(home: HomeUnderTest, *more: Any, **simulation: Any) -> None:
    rows = [order("V-1", price=90), instrument(), quote()]
    home.tell(snapshot(*rows, *more), **simulation)


@pytest.fixture
def updates(desk: Desk) -> Updates:
    follower = Follower(
        desk=desk,
        watch=AccountWatch(broker=desk.broker("main")),
        hold=Hold(desk.lock, desk.clock),
        moved=lambda account, symbol: None,
    )
    return Updates(desk=desk, follower=follower, queue="updates")


def handed(updates: Updates) -> list[StreamEvent]:
    queue = updates.follower._queue
    return [queue.get_nowait() for _ in range(queue.qsize())]


def orders(updates: Updates) -> list[tuple[str, str, Decimal]]:
    found = handed(updates)
    told = [each.order for each in found if isinstance(each, OrderTold)]
    assert len(told) == len(found), found
    return [(each.broker_order_id, each.status.value, each.filled_quantity) for each in told]


async def test_an_update_of_a_known_order_is_handed_over_as_told(updates: Updates) -> None:
    await updates.hand_over([update()])
    (event,) = handed(updates)
    assert isinstance(event, OrderTold)
    told = event.order
    assert (told.status, told.filled_quantity) == (OrderStatus.PARTIALLY_FILLED, Decimal(4))
    # Of these the update says nothing: they are the book's, and the price stays unsaid.
    assert (told.quantity, told.type, told.price) == (Decimal(10), OrderType.LIMIT, None)


async def test_the_follower_writes_it_into_the_book(
    home: HomeUnderTest, desk: Desk, updates: Updates
) -> None:
    await updates.hand_over([update()])
    updates.follower.watch.behind = None
    await updates.follower.book(handed(updates))
    (row,) = home.rows("select * from orders")
    assert (row["status"], row["filled_quantity"], row["average_price"]) == (
        "partially_filled",
        "4",
        "100",
    )
    assert (row["quantity"], row["price"]) == ("10", "90")


async def test_updates_of_one_order_keep_their_order(updates: Updates) -> None:
    await updates.hand_over(
        [
            update(status="New", cum_exec_qty=0, avg_price=0),
            update(),
            update(status="Filled", cum_exec_qty=10),
        ]
    )
    assert orders(updates) == [
        ("V-1", "open", 0),
        ("V-1", "partially_filled", 4),
        ("V-1", "filled", 10),
    ]


async def test_an_order_the_book_does_not_know_is_asked_for(
    home: HomeUnderTest, updates: Updates
) -> None:
    tell(home, order("V-2", quantity=7, price=80))
    await updates.hand_over([update(order_id="V-2", cum_exec_qty=3)])
    # The venue's answer, not the update's figures.
    assert orders(updates) == [("V-2", "open", 0)]


@pytest.mark.parametrize(
    "given",
    [
        {"cum_exec_qty": None},
        {"cum_exec_qty": "12"},
        {"side": "Sell"},
        {"status": "Sleeping"},
        {"avg_price": "a lot"},
    ],
)
async def test_what_is_odd_is_asked_for(updates: Updates, given: dict[str, Any]) -> None:
    await updates.hand_over([update(**given)])
    assert orders(updates) == [("V-1", "open", 0)]


async def test_an_order_is_asked_for_once_however_often_it_is_told(updates: Updates) -> None:
    await updates.hand_over([update(cum_exec_qty=12), update(), update(cum_exec_qty=None)])
    assert orders(updates) == [("V-1", "open", 0)]


async def test_while_a_call_is_under_way_the_venue_is_asked(
    home: HomeUnderTest, updates: Updates
) -> None:
    """Its row may be about to say something else, an amended quantity for instance."""
    home.execute(
        "insert into journal (step_id, plan_id, action_id, account, symbol, kind, idempotency_key, "
        "request, order_id, state, begun_at) values ('s', 'p', 'a', 'main', 'BTCUSDT', "
        "'amend_order', 'tu-9', '{}', 'o', 'begun', '2026-01-05T11:59:58Z')"
    )
    await updates.hand_over([update()])
    assert orders(updates) == [("V-1", "open", 0)]


async def test_old_news_is_left_out(home: HomeUnderTest, updates: Updates) -> None:
    home.execute(
        "update orders set status = 'filled', filled_quantity = '10', "
        "updated_at = '2026-01-05T11:59:30Z'"
    )
    await updates.hand_over([update(), update(status="New", cum_exec_qty=0)])
    assert handed(updates) == []


# --- a whole look ---------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", [b"{", b"\xff", update(order_id=None), update(symbol=7)])
async def test_an_update_that_names_no_order_leads_to_a_whole_look(
    home: HomeUnderTest, updates: Updates, raw: bytes
) -> None:
    await updates.hand_over([raw, update()])
    told, gap = handed(updates)
    assert isinstance(told, OrderTold)
    assert isinstance(gap, Gap)
    assert "could not be read" in gap.why
    (line,) = _logged(home, "order_update_unreadable")
    assert line["reasons"]


async def test_a_flood_of_nonsense_leads_to_one_look_now_and_one_later(
    updates: Updates, clock: StillClock
) -> None:
    for _ in range(5):
        await updates.hand_over([b"{"] * 10)
    assert [type(each) for each in handed(updates)] == [Gap]
    assert updates.owes_in_seconds() == LOOK_EVERY.total_seconds()
    clock.time += LOOK_EVERY
    assert updates.owes_in_seconds() == 0
    await updates.hand_over([])
    assert [type(each) for each in handed(updates)] == [Gap]
    assert updates.owes_in_seconds() is None
    clock.time += timedelta(minutes=1)
    await updates.hand_over([])
    assert handed(updates) == []


async def test_too_many_to_ask_for_are_one_whole_look(updates: Updates) -> None:
    await updates.hand_over([update(order_id=f"X-{at}") for at in range(ASK_MAX + 1)])
    (gap,) = handed(updates)
    assert isinstance(gap, Gap)
    assert f"{ASK_MAX + 1} updates" in gap.why


async def test_a_venue_that_does_not_answer_is_looked_at_later(
    home: HomeUnderTest, updates: Updates
) -> None:
    tell(home, faults=[{"on": "find_order", "kind": "unavailable", "text": "gone fishing"}])
    await updates.hand_over([update(cum_exec_qty=None)])
    (gap,) = handed(updates)
    assert isinstance(gap, Gap)
    assert "V-1" in gap.why
    assert "gone fishing" in gap.why


async def test_a_known_order_that_the_venue_cannot_tell_of_is_looked_for(
    home: HomeUnderTest, updates: Updates
) -> None:
    tell(home, faults=[{"on": "find_order", "kind": "inconclusive", "text": "still indexing"}])
    await updates.hand_over([update(cum_exec_qty=None)])
    assert [type(each) for each in handed(updates)] == [Gap]


async def test_an_order_that_neither_side_knows_is_logged(
    home: HomeUnderTest, updates: Updates
) -> None:
    await updates.hand_over([update(order_id="X-1")])
    assert handed(updates) == []
    (line,) = _logged(home, "order_update_of_a_stranger")
    assert (line["broker_order_id"], line["account"]) == ("X-1", "main")


def test_the_account_is_the_named_one_or_the_only_one(
    home: HomeUnderTest, desk: Desk, clock: StillClock
) -> None:
    assert account_told_of(desk) == "main"
    text = home.config_file.read_text()
    spare = "  spare: {broker: paper, file: ./data/spare.json}\n"
    home.config_file.write_text(text.replace("ACCOUNTS:\n", "ACCOUNTS:\n" + spare, 1))
    home.set_in("SIGNALS", order_status_account="spare")
    assert account_told_of(desk_at(home, clock)) == "spare"


def _logged(home: HomeUnderTest, event: str) -> list[dict[str, Any]]:
    lines = (home.root / "logs" / "reconcile.log").read_text().splitlines()
    return [told for line in lines if (told := json.loads(line))["event"] == event]
