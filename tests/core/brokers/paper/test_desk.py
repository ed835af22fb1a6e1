"""What a person does on the venue's web page, and what market and venue do by themselves."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from core.domain.errors import Rejected
from core.domain.execution import ExecutionKind
from core.domain.order import OrderStatus, PositionSide, Side
from core.domain.snapshot import Unavailable
from tests.core.brokers.contract import limit, market
from tests.core.brokers.paper.venue import PaperVenue


async def test_a_manual_trade_has_no_client_order_id(venue: PaperVenue) -> None:
    order = venue.desk.trade("BTCUSDT", Side.SELL, Decimal(2))
    assert (order.client_order_id, order.status) == (None, OrderStatus.FILLED)
    snapshot = await venue.broker.snapshot()
    assert snapshot.executions[0].client_order_id is None
    assert snapshot.positions[0].quantity == -2


async def test_manual_orders_rest_are_filled_by_others_and_cancelled(venue: PaperVenue) -> None:
    order = venue.desk.place(limit(venue, quantity=Decimal(10)))
    filled = venue.desk.fill(order.broker_order_id, Decimal(4), Decimal(90))
    assert (filled.status, filled.filled_quantity) == (OrderStatus.PARTIALLY_FILLED, 4)
    cancelled = venue.desk.cancel(order.broker_order_id)
    assert (cancelled.status, cancelled.filled_quantity) == (OrderStatus.CANCELLED, 4)
    assert await venue.holds() == 4


async def test_what_the_page_refuses_changes_nothing(venue: PaperVenue) -> None:
    order = venue.desk.place(limit(venue))
    before = venue.path.read_bytes()
    attempts: list[Callable[[], object]] = [
        lambda: venue.desk.fill(order.broker_order_id, Decimal(2), Decimal(90)),
        lambda: venue.desk.fill("V-9", Decimal(1), Decimal(90)),
        lambda: venue.desk.cancel("V-9"),
        lambda: venue.desk.liquidate("BTCUSDT"),
        lambda: venue.desk.place(market(venue, Side.SELL, reduce_only=True)),
    ]
    for attempt in attempts:
        with pytest.raises(Rejected):
            attempt()
    assert venue.path.read_bytes() == before


async def test_a_moved_quote_keeps_its_spread_and_settles_at_once(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1, "limit", price=95)
    venue.desk.move_quote("BTCUSDT", Decimal(90))
    quote = venue.desk.look().quotes["BTCUSDT"]
    assert (quote.bid, quote.ask, quote.last) == (Decimal("89.9"), Decimal("90.1"), 90)
    assert venue.read()["orders"][0]["status"] == "filled"


async def test_a_quote_may_be_told_in_full_or_be_the_first_of_its_symbol(venue: PaperVenue) -> None:
    venue.desk.move_quote("BTCUSDT", Decimal(100), bid=Decimal(99), ask=Decimal(102))
    assert (await venue.place("tu-1", "buy", 1)).average_price == 102
    venue.desk.move_quote("NEWUSDT", Decimal(5))
    assert (await venue.broker.quote("NEWUSDT")).ask == 5


@pytest.mark.parametrize("how", [ExecutionKind.LIQUIDATION, ExecutionKind.SETTLEMENT])
async def test_the_venue_closes_a_position_by_itself(venue: PaperVenue, how: ExecutionKind) -> None:
    await venue.place("tu-1", "sell", 3)
    close = {
        ExecutionKind.LIQUIDATION: venue.desk.liquidate,
        ExecutionKind.SETTLEMENT: venue.desk.settle_expired,
    }[how]
    order = close("BTCUSDT")
    assert (order.side, order.status, order.client_order_id) == (
        Side.BUY,
        OrderStatus.FILLED,
        None,
    )
    snapshot = await venue.broker.snapshot()
    assert snapshot.executions[-1].kind is how
    assert snapshot.positions == ()


async def test_funding_is_paid_without_moving_the_position(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 3)
    venue.desk.pay_funding("BTCUSDT", Decimal("0.25"))
    snapshot = await venue.broker.snapshot()
    row = snapshot.executions[-1]
    assert (row.kind, row.fee, row.fee_currency) == (ExecutionKind.FUNDING, Decimal("0.25"), "USDT")
    assert snapshot.positions[0].quantity == 3
    assert (await venue.has())[0] == Decimal("9999.75")


async def test_a_hedge_leg_is_liquidated_alone(venue: PaperVenue) -> None:
    await venue.hedge()
    await venue.place("tu-1", "buy", 3, position_side="long")
    await venue.place("tu-2", "sell", 2, position_side="short")
    order = venue.desk.liquidate("BTCUSDT", PositionSide.SHORT)
    assert (order.side, order.quantity) == (Side.BUY, 2)
    assert await venue.holds(side="long") == 3
    assert await venue.holds(side="short") == 0


async def test_looking_settles_nothing(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1, "limit", price=95)
    venue.edit(lambda content: content["quotes"][0].update(ask="90", bid="90", last="90"))
    assert venue.desk.look().orders[0].status is OrderStatus.OPEN
    venue.desk.tell("orders", Unavailable("down"))
    assert venue.desk.look().orders == ()
