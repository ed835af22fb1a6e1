"""Stops and take-profits: what triggers them, what they become; that they never open anything."""

from decimal import Decimal
from typing import Any

import pytest

from core.domain.errors import Rejected
from core.domain.order import OrderStatus
from tests.core.brokers.paper.venue import PaperVenue
from tests.core.brokers.receipts import receipt

OPEN, FILLED, CANCELLED = OrderStatus.OPEN, OrderStatus.FILLED, OrderStatus.CANCELLED


async def protected(venue: PaperVenue, quantity: int = 2, **given: Any) -> None:
    """Long two at 100.1 with a stop at 90 for `quantity`."""
    await venue.place("tu-entry", "buy", 2)
    stop: dict[str, Any] = {"kind": "stop", "trigger_price": "90", "reduce_only": True} | given
    await venue.place("tu-stop", "sell", quantity, **stop)


@pytest.mark.parametrize(
    ("side", "kind", "trigger", "waits_at", "triggers_at"),
    [
        ("sell", "stop", "90", "90.1", "90"),
        ("buy", "stop", "110", "109.9", "110"),
        ("sell", "take_profit", "110", "109.9", "110"),
        ("buy", "take_profit", "90", "90.1", "90"),
    ],
)
async def test_it_triggers_at_its_price_and_not_a_tick_before(
    venue: PaperVenue, side: str, kind: str, trigger: str, waits_at: str, triggers_at: str
) -> None:
    await venue.place("tu-1", side, 1, kind, trigger_price=trigger)
    await venue.move_price(Decimal(waits_at))
    assert (await venue.order("tu-1")).status is OPEN
    await venue.move_price(Decimal(triggers_at))
    order = await venue.order("tu-1")
    assert order.status is FILLED
    touch = Decimal(triggers_at) + (Decimal("0.1") if side == "buy" else Decimal("-0.1"))
    assert order.average_price == touch


async def test_through_a_gap_it_fills_at_what_is_there(venue: PaperVenue) -> None:
    await protected(venue)
    await venue.move_price(Decimal(50))
    assert (await venue.order("tu-stop")).average_price == Decimal("49.9")
    assert await venue.holds() == 0


async def test_one_that_is_crossed_already_triggers_on_arrival(venue: PaperVenue) -> None:
    await venue.place("tu-entry", "buy", 2)
    stop = await venue.place("tu-stop", "sell", 2, "stop", trigger_price="105", reduce_only=True)
    assert stop.status is FILLED
    assert await venue.holds() == 0


async def test_a_stop_limit_rests_at_its_limit_after_a_gap(venue: PaperVenue) -> None:
    await protected(venue, kind="stop_limit", price="89")
    await venue.move_price(Decimal(80))
    assert (await venue.order("tu-stop")).status is OPEN
    assert await venue.holds() == 2
    # Triggered once, it is a limit order for good: no second trigger is waited for.
    await venue.move_price(Decimal(95))
    assert (await venue.order("tu-stop")).average_price == 89
    assert await venue.holds() == 0


@pytest.mark.parametrize(
    ("side", "first", "path", "expected"),
    [
        ("sell", "95", ["102", "110", "104"], "105"),
        ("buy", "105", ["98", "90", "96"], "95"),
    ],
)
async def test_a_trailing_stop_follows_and_never_gives_way(
    venue: PaperVenue, side: str, first: str, path: list[str], expected: str
) -> None:
    await venue.place("tu-1", side, 1, "trailing_stop", trigger_price=first)
    for price in path[:-1]:
        await venue.move_price(Decimal(price))
    assert (await venue.order("tu-1")).trigger_price == Decimal(expected)
    await venue.move_price(Decimal(path[-1]))
    order = await venue.order("tu-1")
    assert (order.status, order.trigger_price) == (FILLED, Decimal(expected))


async def test_a_trailing_stop_written_by_hand_trails_from_where_it_is_first_seen(
    venue: PaperVenue,
) -> None:
    await venue.place("tu-1", "sell", 1, "trailing_stop", trigger_price="95")
    venue.edit(lambda content: content["orders"][0].pop("trail_distance"))
    await venue.broker.snapshot()
    await venue.move_price(Decimal("101.05"))
    # 101.05 - 5 is between two ticks: rounded away from the price, so that it never triggers early.
    assert (await venue.order("tu-1")).trigger_price == Decimal("96")


async def test_without_a_last_trade_it_triggers_on_what_it_would_get(venue: PaperVenue) -> None:
    await protected(venue)
    venue.edit(lambda content: content["quotes"][0].update(last=None, bid="90.1"))
    assert (await venue.order("tu-stop")).status is OPEN
    venue.edit(lambda content: content["quotes"][0].update(bid="90"))
    assert (await venue.order("tu-stop")).average_price == 90


async def test_without_any_quote_nothing_triggers(venue: PaperVenue) -> None:
    await protected(venue)
    venue.edit(lambda content: content["quotes"].clear())
    assert (await venue.order("tu-stop")).status is OPEN


async def test_a_moved_stop_waits_at_its_new_price(venue: PaperVenue) -> None:
    await protected(venue)
    moved = await venue.broker.amend(
        receipt("tu-2"), await venue.order("tu-stop"), trigger_price=Decimal(95)
    )
    assert (moved.status, moved.trigger_price) == (OPEN, 95)
    await venue.move_price(Decimal(94))
    assert await venue.holds() == 0


async def test_a_moved_trailing_stop_keeps_its_new_distance(venue: PaperVenue) -> None:
    order = await venue.place("tu-1", "sell", 1, "trailing_stop", trigger_price="95")
    await venue.broker.amend(receipt("tu-2"), order, trigger_price=Decimal(98))
    await venue.move_price(Decimal(110))
    assert (await venue.order("tu-1")).trigger_price == 108


# --- reduce-only ----------------------------------------------------------------------------------


async def test_a_stop_larger_than_the_position_closes_it_and_opens_nothing(
    venue: PaperVenue,
) -> None:
    await protected(venue, quantity=5)
    assert (await venue.order("tu-stop")).quantity == 5
    await venue.move_price(Decimal(80))
    order = await venue.order("tu-stop")
    assert (order.status, order.filled_quantity) == (CANCELLED, 2)
    assert await venue.holds() == 0


async def test_a_stop_whose_position_is_gone_stays_until_it_triggers_and_then_does_nothing(
    venue: PaperVenue,
) -> None:
    await protected(venue)
    await venue.place("tu-exit", "sell", 2, reduce_only=True)
    assert (await venue.order("tu-stop")).status is OPEN
    await venue.move_price(Decimal(80))
    assert (await venue.order("tu-stop")).status is CANCELLED
    assert await venue.holds() == 0


async def test_two_stops_for_one_position_close_it_once(venue: PaperVenue) -> None:
    await protected(venue)
    await venue.place("tu-again", "sell", 2, "stop", trigger_price="91", reduce_only=True)
    await venue.move_price(Decimal(80))
    assert await venue.holds() == 0
    filled = [(await venue.order(key)).filled_quantity for key in ("tu-stop", "tu-again")]
    assert filled == [2, 0]


@pytest.mark.parametrize("kind", ["market", "limit", "stop"])
async def test_without_a_position_a_reduce_only_order_is_refused(
    venue: PaperVenue, kind: str
) -> None:
    prices = {"limit": {"price": "110"}, "stop": {"trigger_price": "90"}}.get(kind, {})
    with pytest.raises(Rejected, match="reduce_only"):
        await venue.place("tu-1", "sell", 1, kind, reduce_only=True, **prices)
    await venue.place("tu-2", "sell", 1)
    # Same direction as the position: that would add to it.
    with pytest.raises(Rejected, match="reduce_only"):
        await venue.place("tu-3", "sell", 1, kind, reduce_only=True, **prices)


async def test_a_reduce_only_limit_is_cut_to_the_position(venue: PaperVenue) -> None:
    await venue.place("tu-entry", "buy", 2)
    order = await venue.place("tu-1", "sell", 5, "limit", price="110", reduce_only=True)
    assert order.quantity == 2


async def test_a_partly_filled_exit_is_cancelled_and_the_rest_is_still_held(
    venue: PaperVenue,
) -> None:
    await venue.place("tu-entry", "buy", 10)
    venue.script(on="place", kind="partial", ratio="0.4")
    order = await venue.place("tu-exit", "sell", 10, reduce_only=True)
    assert (order.status, order.filled_quantity) == (CANCELLED, 4)
    assert await venue.holds() == 6


async def test_a_stop_that_opens_is_refused_when_nothing_pays_for_it_any_more(
    venue: PaperVenue,
) -> None:
    await venue.place("tu-1", "buy", 50, "stop", trigger_price="110")
    venue.edit(lambda content: content["balances"][0].update(total="10"))
    await venue.move_price(Decimal(111))
    assert (await venue.order("tu-1")).status is OrderStatus.REJECTED
    assert await venue.holds() == 0
