"""A running service at a venue that keeps no key of ours: what is just like it settles a stop.

The venue is the paper one, which forgets whose key an order bears: all that it can say is which
orders are there.
"""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.apply.resume import Resumption, Settled
from core.domain.order import BrokerOrder, OrderRequest, OrderType, Side
from core.domain.record import StepState
from core.domain.snapshot import Inconclusive, Lookup
from core.plan.change import REPLACES_STOP, CancelDuplicateStop, PlaceStop, Risk
from tests.core.apply.living_world import BUY, SYMBOL, World
from tests.home import HomeUnderTest

LOST, NEVER = "lost_reply", "timeout_before_accept"
LONG_AGO = 700


@pytest.fixture
def world(home: HomeUnderTest) -> World:
    """One bought at 100 by hand, at a venue that may accept up to ten minutes late."""
    world = World(home)
    world.price(100)
    world.trade(BUY, 1)
    world.look()
    world.account.simulate(quarantine_seconds=600)
    return world


def place_stop(world: World, kind: str, *, reason: str = "missing_stop") -> None:
    """Sent through the door, to sell at 92; nobody knows what became of it."""
    fails(world, "place", kind)
    request = OrderRequest(
        symbol=SYMBOL,
        side=Side.SELL,
        type=OrderType.STOP,
        quantity=Decimal(1),
        trigger_price=Decimal(92),
        reduce_only=True,
    )
    change = PlaceStop(
        account="main", symbol=SYMBOL, target=SYMBOL, reason=reason,
        because="It is bare.", risk=Risk.MEDIUM, after=request,
    )  # fmt: skip
    assert world.carry_out(change, "r-1").state is StepState.UNKNOWN


def fails(world: World, on: str, kind: str) -> None:
    world.account.simulate(quarantine_seconds=600, faults=[{"on": on, "kind": kind}])


def resumed(world: World, *, whole: bool = True) -> Settled:
    """As a lane of the service does it."""
    broker = world.watch.broker

    async def forgetful(**names: Any) -> Lookup:
        """Everything of the symbol that came about since, without a key on it."""
        orders = [row for row in (await broker.snapshot()).orders if row.symbol == names["symbol"]]
        strangers = tuple(replace(row, client_order_id=None) for row in orders)
        return Inconclusive("no key is kept", strangers, whole=whole)

    broker.find_order = forgetful  # type: ignore[method-assign]
    resumption = Resumption(
        book=world.desk.book,
        brokers={"main": broker},
        clock=world.clock,
        log=world.desk.log,
        takes_alike_stops=True,
    )
    with world.desk.book.read() as book:
        steps = book.steps(open_only=True)
    (settled,) = asyncio.run(resumption.settle_open_steps(steps))
    return settled


def ours(world: World) -> dict[str, Any]:
    """Our order as the book has it."""
    (row,) = world.rows("SELECT status, broker_order_id FROM orders WHERE origin = 'owned'")
    return row


def shown(world: World) -> list[BrokerOrder]:
    return [row for row in asyncio.run(world.watch.broker.snapshot()).orders if row.trigger_price]


def test_a_stop_on_its_terms_is_taken_for_it(world: World) -> None:
    place_stop(world, LOST)
    world.wait(LONG_AGO)
    settled = resumed(world)
    (stop,) = shown(world)
    assert (settled.state, settled.note) == (StepState.DONE, "one on its terms, taken for it")
    assert settled.broker_order_id == stop.broker_order_id
    assert ours(world) == {"status": "open", "broker_order_id": stop.broker_order_id}


def test_before_the_quarantine_has_passed_none_is(world: World) -> None:
    place_stop(world, LOST)
    settled = resumed(world)
    (stop,) = shown(world)
    assert (settled.state, settled.alike) == (StepState.UNKNOWN, (stop.broker_order_id,))
    assert ours(world)["broker_order_id"] is None


def test_none_is_while_the_venue_does_not_list_them_all(world: World) -> None:
    """The one that is not listed may be the one."""
    place_stop(world, LOST)
    world.wait(LONG_AGO)
    settled = resumed(world, whole=False)
    assert settled.state is StepState.UNKNOWN
    assert settled.note.startswith("the broker could not tell: no key is kept. Look for sell 1")
    assert ours(world)["broker_order_id"] is None


def test_stops_on_other_terms_are_not_it(world: World) -> None:
    """venue: somebody's stop at 80 / ours at 92 never arrived"""
    world.guard(80)
    place_stop(world, NEVER)
    world.wait(LONG_AGO)
    settled = resumed(world)
    assert (settled.state, settled.note) == (
        StepState.FAILED,
        "not placed: the broker has no such stop that nobody here knows of",
    )
    assert ours(world) == {"status": "rejected", "broker_order_id": None}


def test_one_that_the_book_knows_of_already_is_somebody_elses(world: World) -> None:
    """book and venue: a person's stop on the very same terms"""
    world.guard(92)
    world.look()
    place_stop(world, NEVER, reason=REPLACES_STOP)
    world.wait(LONG_AGO)
    assert resumed(world).state is StepState.FAILED
    assert ours(world) == {"status": "rejected", "broker_order_id": None}


def test_of_several_the_one_that_still_stands_is(world: World) -> None:
    """venue: two alike, the later one taken away by somebody"""
    place_stop(world, LOST)
    later = world.guard(92)
    (stands,) = (row.broker_order_id for row in shown(world) if row.broker_order_id != later)
    world.account.cancel(later)
    world.wait(LONG_AGO)
    assert resumed(world).broker_order_id == stands
    assert ours(world) == {"status": "open", "broker_order_id": stands}


# --- what is never taken for another --------------------------------------------------------------


def test_an_entry_just_like_it_may_be_somebody_elses(world: World) -> None:
    """venue: a person's limit on the very terms of ours, which never arrived"""
    fails(world, "place", NEVER)
    approved = world.wish(orders=[{"type": "limit", "price": 90}])
    world.send(approved)
    theirs = world.account.place(
        OrderRequest(
            symbol=SYMBOL,
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=Decimal(1),
            price=Decimal(90),
        )
    ).broker_order_id
    world.wait(LONG_AGO)
    settled = resumed(world)
    assert (settled.state, settled.alike) == (StepState.UNKNOWN, (theirs,))
    assert ours(world)["broker_order_id"] is None


def test_a_cancel_is_not_settled_by_what_else_is_there(world: World) -> None:
    for _ in range(2):
        world.guard(92)
    world.look()
    stop, other = shown(world)
    fails(world, "cancel", LOST)
    change = CancelDuplicateStop(
        account="main", symbol=SYMBOL, target=stop.broker_order_id, reason="duplicate_stop",
        because="One is enough.", risk=Risk.MEDIUM, before=stop,
    )  # fmt: skip
    assert world.carry_out(change, "r-1").state is StepState.UNKNOWN
    world.wait(LONG_AGO)
    assert resumed(world).state is StepState.UNKNOWN
    left = world.rows("SELECT broker_order_id FROM orders WHERE status = 'open'")
    assert {row["broker_order_id"] for row in left} == {stop.broker_order_id, other.broker_order_id}
