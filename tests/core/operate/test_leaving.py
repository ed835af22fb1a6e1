"""One turn of an exit: what it looks at before it sends, and what it takes back when it is over."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.brokers.paper.broker import PaperBroker
from core.domain.exit import ExitIntent, ExitState
from core.domain.order import OrderRequest, OrderType, Side
from core.domain.snapshot import Unavailable
from core.operate.exit_concluding import conclude
from core.operate.exit_orders import ExitOrders
from core.operate.leaving import Leaving
from core.operate.standing_round import standing_door
from core.operate.turn import AGAIN, Next, Turn
from core.plan.change import PlaceExit, Risk
from tests.core.apply.living_world import BUY, SELL, SYMBOL, NoCopies, World
from tests.home import HomeUnderTest


@pytest.fixture
def world(home: HomeUnderTest) -> World:
    """One bought at 100 by hand."""
    world = World(home)
    world.price(100)
    world.trade(BUY, 1)
    world.look()
    return world


def leaving(world: World) -> Leaving:
    door = standing_door(world.desk, {"main": world.watch}, world.hold, NoCopies())
    return Leaving(
        desk=world.desk, watch=world.watch, door=door, ask_person=lambda account, name: None
    )


def turn(world: World) -> Turn | None:
    world.wait(1)
    return asyncio.run(leaving(world).turn("main", SYMBOL))


def wish(world: World, **given: Any) -> ExitIntent:
    """Approved just now; at the market unless priced."""
    now = world.clock.now()
    return world.wish_to_leave(created_at=now, updated_at=now, **given)


def resting(world: World, **given: Any) -> ExitIntent:
    """Its limit rests at the venue."""
    wanted = wish(world, order_type="limit", price=111, **given)
    world.send_exit(wanted)
    return exit_of(world)


def exit_of(world: World) -> ExitIntent:
    (row,) = world.rows("SELECT exit_intent_id FROM exit_intents")
    with world.desk.book.read() as book:
        intent = book.exit_intent(row["exit_intent_id"])
    assert intent is not None
    return intent


def outcome(world: World) -> tuple[str, str | None]:
    intent = exit_of(world)
    return intent.state.value, intent.outcome


def sold(world: World) -> list[str]:
    """What became of everything that sells at the venue."""
    return [row["status"] for row in world.home.broker_orders() if row["side"] == "sell"]


# --- where no order can be reduce-only ------------------------------------------------------------


@pytest.fixture
def unmarked(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    told: Callable[[PaperBroker], Any] = PaperBroker.capabilities.fget  # type: ignore[attr-defined]
    monkeypatch.setattr(
        PaperBroker,
        "capabilities",
        property(lambda broker: replace(told(broker), reduce_only=False)),
    )
    return world


def test_what_the_venue_holds_is_left(unmarked: World) -> None:
    wish(unmarked)
    assert turn(unmarked) == AGAIN
    assert (sold(unmarked), outcome(unmarked)[0]) == (["filled"], "FILLED")


@pytest.mark.parametrize("held", ["0.4", None], ids=["a part", "nothing"])
def test_more_than_the_venue_holds_would_turn_the_position_around(
    unmarked: World, held: str | None
) -> None:
    """book: 1 / venue: less, and nobody has told of it yet"""
    (shown,) = unmarked.home.account["positions"]
    wish(unmarked)
    unmarked.venue(positions=[{**shown, "quantity": held}] if held else [])
    assert turn(unmarked) == AGAIN
    assert outcome(unmarked) == ("CANCELLED", "the venue holds less than that")
    assert sold(unmarked) == []


def test_while_the_venue_does_not_tell_what_is_held_nothing_is_sent(unmarked: World) -> None:
    wish(unmarked)
    unmarked.account.tell("positions", Unavailable("down"))
    found = turn(unmarked)
    assert found is not None
    assert (found.then, found.why) == (Next.WAIT, "the venue does not tell what is held")
    assert (sold(unmarked), outcome(unmarked)[0]) == ([], "APPROVED")


# --- what else is out for the trade ---------------------------------------------------------------


def test_a_persons_own_entry_is_left_to_that_person(home: HomeUnderTest) -> None:
    """venue: a limit to buy 2, by hand, of which 1 has filled / the 1 is left"""
    world = World(home)
    world.price(100)
    entry = world.account.place(
        OrderRequest(
            symbol=SYMBOL,
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=Decimal(2),
            price=Decimal(99),
        )
    ).broker_order_id
    world.wait(1)
    world.account.fill(entry, Decimal(1), Decimal(99))
    world.look()
    wish(world)
    assert turn(world) == AGAIN
    (theirs,) = [row for row in home.broker_orders() if row["broker_order_id"] == entry]
    assert theirs["status"] == "partially_filled"
    assert sold(world) == ["filled"]


def test_a_limit_is_taken_back_when_its_trade_is_closed_and_another_one_goes_on(
    world: World,
) -> None:
    """A person buys one more, and sells the older one: the limit would sell what is not its own."""
    resting(world)
    world.trade(BUY, 1)
    world.look()
    world.trade(SELL, 1)
    world.look()
    assert [row["status"] for row in world.trades] == ["CLOSED", "OPEN"]
    assert turn(world) == AGAIN
    assert sold(world) == ["cancelled", "filled"]
    assert turn(world) == AGAIN
    assert outcome(world) == ("CANCELLED", "the trade is closed: external")
    assert turn(world) is None
    assert world.trades[1]["status"] == "OPEN"


# --- somebody else was quicker --------------------------------------------------------------------


def orders(world: World) -> ExitOrders:
    return leaving(world).orders


def place_of(intent: ExitIntent) -> PlaceExit:
    return PlaceExit(
        account="main",
        symbol=SYMBOL,
        target=intent.exit_intent_id,
        reason="exit",
        because="It is time.",
        risk=Risk.MEDIUM,
        after=intent.order,
    )


def test_a_gate_that_shuts_after_the_last_look_is_waited_for(world: World) -> None:
    wanted = wish(world)
    world.home.must("safe-mode", "on", "--reason", "a test")
    found = asyncio.run(orders(world).carry_out(place_of(wanted), wanted, name="exit 1"))
    assert (found.then, found.why) == (Next.WAIT, "SAFE_MODE is on")
    assert (sold(world), outcome(world)[0]) == ([], "APPROVED")


def test_of_two_that_send_the_same_one_the_second_looks_again(world: World) -> None:
    wanted = wish(world)
    world.send_exit(wanted)
    assert asyncio.run(orders(world).carry_out(place_of(wanted), wanted, name="exit 1")) == AGAIN
    assert sold(world) == ["filled"]


def test_what_has_filled_meanwhile_is_not_taken_back(world: World) -> None:
    wanted = resting(world)
    world.price(112)
    world.look()
    assert asyncio.run(orders(world).take_back(wanted, "a test")) is None
    assert world.rows("SELECT * FROM journal WHERE kind = 'cancel_order'") == []


def test_an_exit_that_ended_meanwhile_is_not_ended_again(world: World) -> None:
    stale = resting(world)
    world.price(112)
    world.look()
    filled = exit_of(world)
    assert not orders(world).end(stale, ExitState.CANCELLED, "a test")
    assert exit_of(world) == filled
    assert world.told("exit_intent.cancelled") == []


# --- its order ended without filling all of it ----------------------------------------------------


def ended(world: World, status: str, filled: str) -> ExitIntent:
    """Its limit has ended so at the venue, and everything about it is booked."""
    wanted = resting(world, quantity="0.4")
    rest = [row for row in world.home.broker_orders() if row["side"] == "buy"]
    (order,) = [row for row in world.home.broker_orders() if row["side"] == "sell"]
    if filled != "0":
        world.account.fill(order["broker_order_id"], Decimal(filled), Decimal(111))
        (order,) = [row for row in world.home.broker_orders() if row["side"] == "sell"]
    world.wait(1)
    told = {**order, "status": status, "updated_at": world.clock.now().isoformat()}
    world.venue(orders=[*rest, told])
    world.look()
    return wanted


def concluded(world: World, intent: ExitIntent) -> None:
    row = orders(world).order_of(intent)
    assert row is not None
    conclude(orders(world), intent, row)


def test_one_that_was_told_as_expired_and_filled_all_the_same_is_filled(world: World) -> None:
    """venue: 0.4 of 0.4 filled, and then the order expired"""
    concluded(world, ended(world, "expired", "0.4"))
    assert outcome(world) == ("FILLED", "all of it filled, and then it was expired")
    assert world.trades[0]["open_quantity"] == "0.6"
    assert turn(world) is None


def test_one_that_expired_half_filled_is_tried_again_for_the_rest(world: World) -> None:
    concluded(world, ended(world, "expired", "0.1"))
    again = exit_of(world)
    assert (again.state, again.tries, str(again.quantity)) == (ExitState.APPROVED, 2, "0.3")


def test_whoever_concludes_second_tries_nothing_again(world: World) -> None:
    stale = ended(world, "expired", "0.1")
    concluded(world, stale)
    concluded(world, stale)
    assert exit_of(world).tries == 2
    assert len(world.told("exit_intent.approved")) == 1


def test_whoever_concludes_second_fails_nothing_and_tells_nobody(world: World) -> None:
    world.home.set_in("EXITS", max_exit_retries="0")
    world = World(world.home, world.clock)
    stale = ended(world, "expired", "0")
    concluded(world, stale)
    concluded(world, stale)
    assert exit_of(world).state is ExitState.FAILED
    assert len(world.alerts("exit_failed")) == 1
    assert len(world.told("exit_intent.failed")) == 1
