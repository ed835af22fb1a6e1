"""What fills, how much and at what price. The quote is 99.9 / 100.1, the last trade 100."""

from decimal import Decimal
from typing import Any

import pytest

from core.domain.money import average
from core.domain.order import OrderStatus
from tests.core.brokers.paper.venue import PaperVenue, quote
from tests.core.brokers.receipts import receipt


def touch(venue: PaperVenue, **changes: str | None) -> None:
    """The quote is edited in the file."""
    venue.edit(lambda content: content["quotes"][0].update(changes))


@pytest.mark.parametrize(("side", "price"), [("buy", "100.1"), ("sell", "99.9")])
async def test_a_market_order_fills_at_the_far_side_of_the_quote(
    venue: PaperVenue, side: str, price: str
) -> None:
    order = await venue.place("tu-1", side, 2)
    assert (order.status, order.average_price) == (OrderStatus.FILLED, Decimal(price))
    [row] = (await venue.broker.snapshot()).executions
    assert (row.price, row.quantity, row.client_order_id) == (Decimal(price), 2, "tu-1")


async def test_a_market_order_fills_at_the_last_trade_when_there_is_no_book(
    venue: PaperVenue,
) -> None:
    touch(venue, bid=None, ask=None)
    assert (await venue.place("tu-1", "buy", 1)).average_price == 100


async def test_a_limit_that_crosses_on_arrival_fills_at_the_better_quote(venue: PaperVenue) -> None:
    order = await venue.place("tu-1", "buy", 1, "limit", price="105")
    assert (order.status, order.average_price) == (OrderStatus.FILLED, Decimal("100.1"))


async def test_a_resting_limit_fills_at_its_own_price_once_the_quote_was_moved_by_hand(
    venue: PaperVenue,
) -> None:
    await venue.place("tu-1", "buy", 1, "limit", price="95")
    touch(venue, last="90", bid="89.9", ask="90.1")
    order = await venue.order("tu-1")
    assert (order.status, order.average_price) == (OrderStatus.FILLED, Decimal(95))
    assert await venue.holds() == 1


async def test_a_quote_that_only_touches_is_enough_and_one_tick_less_is_not(
    venue: PaperVenue,
) -> None:
    await venue.place("tu-1", "sell", 1, "limit", price="110")
    touch(venue, bid="109.9")
    assert (await venue.order("tu-1")).status is OrderStatus.OPEN
    touch(venue, bid="110")
    assert (await venue.order("tu-1")).status is OrderStatus.FILLED


@pytest.mark.parametrize("time_in_force", ["IOC", "FOK"])
@pytest.mark.parametrize(
    ("price", "status"), [("100.1", OrderStatus.FILLED), ("100", OrderStatus.CANCELLED)]
)
async def test_an_immediate_order_fills_or_is_cancelled(
    venue: PaperVenue, time_in_force: str, price: str, status: OrderStatus
) -> None:
    order = await venue.place("tu-1", "buy", 1, "limit", price=price, time_in_force=time_in_force)
    assert order.status is status


@pytest.mark.parametrize(
    ("terms", "status", "filled"),
    [
        ({"kind": "market"}, OrderStatus.CANCELLED, 4),
        ({"kind": "limit", "price": "105"}, OrderStatus.PARTIALLY_FILLED, 4),
        ({"kind": "limit", "price": "105", "time_in_force": "IOC"}, OrderStatus.CANCELLED, 4),
        ({"kind": "limit", "price": "105", "time_in_force": "FOK"}, OrderStatus.CANCELLED, 0),
    ],
)
async def test_a_thin_quote_fills_a_share_of_the_order(
    venue: PaperVenue, terms: dict[str, Any], status: OrderStatus, filled: int
) -> None:
    venue.desk.simulate(fill_ratio="0.4")
    order = await venue.place("tu-1", "buy", 10, **terms)
    assert (order.status, order.filled_quantity) == (status, filled)
    assert await venue.holds() == filled


async def test_one_quote_fills_a_resting_order_only_once(venue: PaperVenue) -> None:
    venue.desk.simulate(fill_ratio="0.5")
    await venue.place("tu-1", "buy", 8, "limit", price="105")
    for _ in range(3):
        assert (await venue.order("tu-1")).filled_quantity == 4
    touch(venue, last="101")
    for _ in range(3):
        assert (await venue.order("tu-1")).filled_quantity == 6
    # The first four were taken at the quote, the others came to the limit.
    worth = 4 * Decimal("100.1") + 2 * Decimal(105)
    assert (await venue.order("tu-1")).average_price == average(worth, Decimal(6))
    rows = (await venue.broker.snapshot()).executions
    assert [(row.quantity, row.price) for row in rows] == [(4, Decimal("100.1")), (2, 105)]


async def test_a_share_is_a_multiple_of_the_step(venue: PaperVenue) -> None:
    venue.desk.simulate(fill_ratio="0.3333")
    order = await venue.place("tu-1", "buy", "0.1", "limit", price="105")
    assert order.filled_quantity == Decimal("0.033")


async def test_executions_of_one_instant_keep_their_order(venue: PaperVenue) -> None:
    for number in range(12):
        await venue.place(f"tu-{number}", "buy", 1, "limit", price="95")
    touch(venue, last="90", bid="89.9", ask="90.1")
    rows = (await venue.broker.snapshot()).executions
    times = [row.executed_at for row in rows]
    assert times == sorted(set(times))
    assert [row.execution_id for row in rows] == [f"T-{number}" for number in range(1, 13)]


async def test_another_symbol_is_another_market(venue: PaperVenue) -> None:
    venue.edit(lambda content: content["quotes"].append(quote("ETHUSDT", "10", "9", "11")))
    await venue.place("tu-1", "buy", 1, "limit", price="95")
    venue.desk.move_quote("ETHUSDT", Decimal(1))
    assert (await venue.order("tu-1")).status is OrderStatus.OPEN


# --- amending -------------------------------------------------------------------------------------


async def test_an_amended_limit_that_crosses_fills_at_the_quote(venue: PaperVenue) -> None:
    order = await venue.place("tu-1", "buy", 1, "limit", price="95")
    amended = await venue.broker.amend(receipt("tu-2"), order, price=Decimal(101))
    assert (amended.status, amended.average_price) == (OrderStatus.FILLED, Decimal("100.1"))
