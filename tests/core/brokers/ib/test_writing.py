"""Placing, amending, cancelling: sent once, and told by what the broker then shows."""

import asyncio
from decimal import Decimal

import pytest

from core.config.settings import Settings
from core.decide.execution.flags import post_only
from core.domain.errors import NotSent, OutcomeUnknown, Rejected
from core.domain.order import OrderStatus, OrderType, PositionSide
from core.domain.snapshot import Found
from tests.core.brokers.ib.desk import BRIEF, Desk, receipt, request
from tests.venues.ib import (
    CutAfter,
    CutBefore,
    ErrorAfter,
    IbGateway,
    LateReply,
    LateRequest,
    Refused,
    ReplyLost,
    RequestLost,
)
from tests.venues.ib.requests import CancelOrder, PlaceOrder


def placed(gateway: IbGateway) -> int:
    """How often an order was sent."""
    return sum(isinstance(asked, PlaceOrder) for _, asked in gateway.asked)


def cancelled(gateway: IbGateway) -> int:
    return sum(isinstance(asked, CancelOrder) for _, asked in gateway.asked)


# -- placing


async def test_an_order_goes_out_under_our_key_and_comes_back_with_its_perm_id(
    desk: Desk,
) -> None:
    order = await desk.place(desk.open(), "tu-1", quantity="10", limit="490")
    kept = desk.du1.order("tu-1")
    assert (order.broker_order_id, order.perm_id) == (str(kept.perm_id), str(kept.perm_id))
    assert (order.client_order_id, order.status) == ("tu-1", OrderStatus.OPEN)
    assert (kept.ticket.quantity, kept.limit, kept.account) == (10, 490, "DU1")


@pytest.mark.parametrize(
    ("terms", "kind", "limit", "stop"),
    [
        ({}, "MKT", None, None),
        ({"limit": "490.05"}, "LMT", "490.05", None),
        ({"side": "sell", "stop": "480.5"}, "STP", None, "480.5"),
        ({"side": "sell", "stop": "480.5", "limit": "480"}, "STP LMT", "480", "480.5"),
    ],
)
async def test_each_type_of_order(
    desk: Desk, terms: dict[str, str], kind: str, limit: str | None, stop: str | None
) -> None:
    await desk.place(desk.open(), "tu-1", **terms)
    ticket = desk.du1.order("tu-1").ticket
    assert ticket.kind == kind
    assert ticket.limit == (Decimal(limit) if limit else None)
    assert ticket.stop == (Decimal(stop) if stop else None)


async def test_resting_orders_last_and_futures_trade_around_the_clock(desk: Desk) -> None:
    """Without a time in force IB ends a stop with the day, and the position is naked overnight."""
    broker = desk.open()
    await desk.place(broker, "tu-stop", symbol="MESZ0", side="sell", stop="5900")
    await desk.place(broker, "tu-limit", limit="490")
    await desk.place(broker, "tu-day", limit="490", time_in_force="DAY")
    await desk.place(broker, "tu-market")
    tickets = {order.ticket.order_ref: order.ticket for order in desk.du1.orders}
    assert {name: (each.tif, each.outside_rth) for name, each in tickets.items()} == {
        "tu-stop": ("GTC", True),
        "tu-limit": ("GTC", False),
        "tu-day": ("DAY", False),
        "tu-market": ("DAY", False),
    }


async def test_a_future_by_its_code_in_the_chosen_account(desk: Desk) -> None:
    broker = desk.open(managed_account="DU2")
    order = await desk.place(broker, "tu-1", symbol="ESH1", side="sell", limit="7000")
    kept = desk.du2.order("tu-1")
    assert (order.symbol, kept.contract.local_symbol) == ("ESH1", "ESH1")
    assert desk.du1.orders == []


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"limit": "490", "post_only": True}, "post_only"),
        ({"position_side": PositionSide.LONG}, "position_side"),
        ({"type": OrderType.TRAILING_STOP}, "order_type"),
        ({"type": OrderType.LIMIT}, "price"),
        ({"type": OrderType.STOP}, "trigger_price"),
        ({"quantity": "0"}, "quantity"),
        ({"limit": "490.01234567890123456"}, "not_representable"),
        ({"symbol": "NOSUCH"}, "200"),
    ],
)
async def test_what_ib_cannot_be_asked_for_is_not_sent(
    desk: Desk, terms: dict[str, object], code: str
) -> None:
    with pytest.raises(Rejected) as raised:
        await desk.place(desk.open(), "tu-1", **terms)
    assert raised.value.code == code
    assert placed(desk.gateway) == 0


async def test_a_limit_is_not_asked_to_be_post_only_where_that_is_refused(desk: Desk) -> None:
    """It is so by default, and no limit of a signal would ever reach IB."""
    broker = desk.open()
    has_it = broker.capabilities.post_only
    wanted = post_only(OrderType.LIMIT, Settings(), venue_has_it=has_it)
    order = await desk.place(broker, "tu-1", limit="490", post_only=wanted)
    assert order.status is OrderStatus.OPEN


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"limit": "490.001"}, "110"),
        ({"quantity": "1.5"}, "10318"),
        ({"type": OrderType.TAKE_PROFIT, "stop": "510"}, "387"),
    ],
)
async def test_what_ib_refuses_is_told_with_its_code(
    desk: Desk, terms: dict[str, object], code: str
) -> None:
    with pytest.raises(Rejected) as raised:
        await desk.place(desk.open(), "tu-1", **terms)
    assert raised.value.code == code
    assert desk.du1.orders == []


async def test_connection_refused_is_not_sent(desk: Desk) -> None:
    await desk.gateway.stop()
    with pytest.raises(NotSent, match="connection refused") as raised:
        await desk.place(desk.open(), "tu-1")
    assert raised.value.hint is not None
    assert "start TWS" in raised.value.hint


async def test_an_order_lost_on_the_way_is_unknown(desk: Desk) -> None:
    """Nothing arrived, but from here that cannot be told."""
    desk.gateway.faults.next("place", CutBefore())
    with pytest.raises(OutcomeUnknown):
        await desk.place(desk.open(), "tu-1")
    assert desk.du1.orders == []


async def test_a_lost_confirmation_is_unknown_and_the_order_is_never_sent_again(
    desk: Desk,
) -> None:
    """broker: accepted, says nothing / we: unknown / asked by key: one order"""
    desk.gateway.faults.next("place", ReplyLost())
    broker = desk.open(timeout_seconds=BRIEF, retry=3)
    with pytest.raises(OutcomeUnknown, match="no answer in time"):
        await desk.place(broker, "tu-1", limit="490")
    found = await broker.find_order(symbol="SPY", client_order_id="tu-1")
    assert isinstance(found, Found)
    assert (placed(desk.gateway), len(desk.du1.orders)) == (1, 1)


async def test_a_refusal_that_cannot_be_verified_is_unknown(desk: Desk) -> None:
    """broker: 201, and then no listing / we: it might live"""
    desk.gateway.faults.next("place", Refused(201))
    desk.gateway.faults.always("all_open_orders", RequestLost())
    desk.gateway.faults.always("completed_orders", RequestLost())
    with pytest.raises(OutcomeUnknown, match="201"):
        await desk.place(desk.open(timeout_seconds=BRIEF), "tu-1")


async def test_an_error_of_no_known_meaning_leaves_the_outcome_open(desk: Desk) -> None:
    desk.gateway.faults.next("place", Refused(9999, "something else"))
    with pytest.raises(OutcomeUnknown, match="9999: something else"):
        await desk.place(desk.open(timeout_seconds=BRIEF), "tu-1")


async def test_a_market_order_that_filled_despite_an_error(desk: Desk) -> None:
    """broker: accepted, 201 about it, filled / we: the order, as it is"""
    desk.gateway.faults.next("place", ErrorAfter(201))
    order = await desk.place(desk.open(), "tu-1")
    assert order.status in (OrderStatus.OPEN, OrderStatus.FILLED)
    assert desk.du1.position("SPY") == 1


@pytest.mark.parametrize("code", [399, 404, 2109, 2161])
async def test_warnings_are_no_refusals(desk: Desk, code: int) -> None:
    desk.gateway.faults.next("place", ErrorAfter(code))
    order = await desk.place(desk.open(), "tu-1", limit="490")
    assert order.status is OrderStatus.OPEN


async def test_while_the_gateway_is_cut_off_nothing_is_sent(desk: Desk) -> None:
    broker = desk.open()
    await broker.instrument("SPY")
    listener = await desk.listen(broker)
    desk.gateway.lose_connectivity()
    await desk.until(lambda: listener.gaps)
    with pytest.raises(NotSent, match="1100"):
        await desk.place(broker, "tu-1")
    assert placed(desk.gateway) == 0


async def test_a_receipt_for_another_account_opens_nothing(desk: Desk) -> None:
    with pytest.raises(NotSent, match="the receipt is for main"):
        await desk.open().place(receipt("tu-1", account="main"), request())
    assert desk.gateway.asked == []


# -- amending


async def test_amending_keeps_the_order_and_changes_its_terms(desk: Desk) -> None:
    broker = desk.open()
    order = await desk.place(broker, "tu-1", side="sell", quantity="10", stop="480")
    changed = await broker.amend(
        receipt("tu-2"), order, quantity=Decimal(4), trigger_price=Decimal("481.5")
    )
    assert (changed.perm_id, changed.client_order_id) == (order.perm_id, "tu-1")
    assert (changed.quantity, changed.trigger_price) == (4, Decimal("481.5"))
    (kept,) = desk.du1.orders
    assert (kept.ticket.quantity, kept.stop) == (4, Decimal("481.5"))


async def test_an_order_of_an_earlier_connection_can_be_amended(desk: Desk) -> None:
    desk.du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="tu-1")
    broker = desk.open()
    (order,) = (await broker.snapshot()).orders
    changed = await broker.amend(receipt("tu-2"), order, price=Decimal(491))
    assert (changed.price, desk.du1.order("tu-1").limit) == (491, 491)


async def test_nothing_is_sent_to_change_nothing(desk: Desk) -> None:
    broker = desk.open()
    order = await desk.place(broker, "tu-1", limit="490")
    same = await broker.amend(receipt("tu-2"), order, price=Decimal(490))
    assert (same.price, placed(desk.gateway)) == (490, 1)


async def test_a_refused_amendment_leaves_the_order_as_it_was(desk: Desk) -> None:
    """broker: 201 about the amendment, the order lives on / library: cancelled"""
    broker = desk.open()
    order = await desk.place(broker, "tu-1", limit="490")
    desk.gateway.faults.next("amend", Refused(201))
    with pytest.raises(Rejected, match="201"):
        await broker.amend(receipt("tu-2"), order, price=Decimal(495))
    (told,) = (await broker.snapshot()).orders
    assert (told.price, told.status) == (490, OrderStatus.OPEN)


async def test_an_amendment_confirmed_despite_an_error(desk: Desk) -> None:
    broker = desk.open()
    order = await desk.place(broker, "tu-1", limit="490")
    desk.gateway.faults.next("amend", ErrorAfter(201))
    changed = await broker.amend(receipt("tu-2"), order, price=Decimal(495))
    assert (changed.price, changed.status) == (495, OrderStatus.OPEN)


async def test_a_refused_amendment_that_cannot_be_verified_is_unknown(desk: Desk) -> None:
    broker = desk.open(timeout_seconds=BRIEF)
    order = await desk.place(broker, "tu-1", limit="490")
    desk.gateway.faults.next("amend", Refused(201))
    desk.gateway.faults.next("all_open_orders", RequestLost(), after=1)
    with pytest.raises(OutcomeUnknown, match="201"):
        await broker.amend(receipt("tu-2"), order, price=Decimal(495))


async def test_an_amendment_without_an_answer_is_unknown(desk: Desk) -> None:
    broker = desk.open(timeout_seconds=BRIEF)
    order = await desk.place(broker, "tu-1", limit="490")
    desk.gateway.faults.next("amend", ReplyLost())
    with pytest.raises(OutcomeUnknown):
        await broker.amend(receipt("tu-2"), order, price=Decimal(495))
    assert desk.du1.order("tu-1").limit == 495


async def test_a_price_that_the_type_does_not_have_is_not_dropped_silently(desk: Desk) -> None:
    broker = desk.open()
    order = await desk.place(broker, "tu-1", limit="490")
    with pytest.raises(Rejected, match="limit order"):
        await broker.amend(receipt("tu-2"), order, trigger_price=Decimal(480))


# -- cancelling


async def test_a_cancelled_order_comes_back_with_what_it_had_filled(desk: Desk) -> None:
    broker = desk.open()
    order = await desk.place(broker, "tu-1", quantity="10", limit="490")
    desk.du1.fill(desk.du1.order("tu-1"), 4)
    gone = await broker.cancel(receipt("tu-2"), order)
    assert (gone.status, gone.filled_quantity) == (OrderStatus.CANCELLED, 4)
    assert not desk.du1.order("tu-1").is_live


async def test_an_order_of_another_client_is_not_cancelled_and_it_is_said_why(
    desk: Desk,
) -> None:
    desk.du1.client_order(18, "SPY", "BUY", 1, limit="490", order_ref="theirs")
    broker = desk.open()
    (order,) = (await broker.snapshot()).orders
    with pytest.raises(Rejected, match="belongs to client id 18, which alone can change it"):
        await broker.cancel(receipt("tu-2"), order)
    with pytest.raises(Rejected, match="we are 17"):
        await broker.amend(receipt("tu-2"), order, price=Decimal(480))
    assert cancelled(desk.gateway) == 0
    assert desk.du1.order("theirs").is_live


async def test_an_order_entered_by_hand_is_not_cancelled_and_it_is_said_why(desk: Desk) -> None:
    by_hand = desk.du1.manual_order("SPY", "BUY", 1, limit="490")
    broker = desk.open()
    (order,) = (await broker.snapshot()).orders
    with pytest.raises(Rejected, match="entered by hand and belongs to no client") as raised:
        await broker.cancel(receipt("tu-2"), order)
    assert raised.value.code == "manual_order"
    assert cancelled(desk.gateway) == 0
    assert by_hand.is_live


async def test_an_order_that_is_not_open_any_more_is_an_answer(desk: Desk) -> None:
    """It filled while we thought it open: the cancel is refused, and asking shows the fill."""
    broker = desk.open()
    order = await desk.place(broker, "tu-1", limit="490")
    desk.du1.fill(desk.du1.order("tu-1"))
    with pytest.raises(Rejected, match="not among the open orders"):
        await broker.cancel(receipt("tu-2"), order)
    found = await broker.find_order(symbol="SPY", broker_order_id=order.broker_order_id)
    assert isinstance(found, Found)
    assert found.order.status is OrderStatus.FILLED


@pytest.mark.parametrize("code", [161, 10147, 10148])
async def test_a_refused_cancel_is_told_and_the_order_lives(desk: Desk, code: int) -> None:
    broker = desk.open()
    order = await desk.place(broker, "tu-1", limit="490")
    desk.gateway.faults.next("cancel", Refused(code, "can not be cancelled"))
    with pytest.raises(Rejected, match="can not be cancelled") as raised:
        await broker.cancel(receipt("tu-2"), order)
    assert raised.value.code == str(code)
    (told,) = (await broker.snapshot()).orders
    assert told.status is OrderStatus.OPEN


async def test_a_cancel_without_an_answer_is_unknown_and_then_seen(desk: Desk) -> None:
    broker = desk.open(timeout_seconds=BRIEF)
    order = await desk.place(broker, "tu-1", limit="490")
    desk.gateway.faults.next("cancel", ReplyLost())
    with pytest.raises(OutcomeUnknown, match="the cancel may or may not have arrived"):
        await broker.cancel(receipt("tu-2"), order)
    found = await broker.find_order(symbol="SPY", perm_id=order.perm_id)
    assert isinstance(found, Found)
    assert found.order.status is OrderStatus.CANCELLED
    assert cancelled(desk.gateway) == 1


async def test_a_cancel_means_this_order_and_no_other_under_the_same_reference(
    desk: Desk,
) -> None:
    broker = desk.open()
    order = await desk.place(broker, "tu-1", limit="490")
    desk.du1.end(desk.du1.order("tu-1"))
    twin = desk.du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="tu-1")
    with pytest.raises(Rejected, match="not among the open orders"):
        await broker.cancel(receipt("tu-2"), order)
    assert twin.is_live


async def test_a_cancel_that_loses_the_race_against_a_fill(desk: Desk) -> None:
    """We: cancel / broker: filled first / told: the fill, and no cancellation"""
    broker = desk.open()
    order = await desk.place(broker, "tu-1", limit="490")
    desk.gateway.faults.next("cancel", LateRequest())
    cancelling = asyncio.ensure_future(broker.cancel(receipt("tu-2"), order))
    await desk.until(lambda: desk.gateway.faults.held)
    desk.du1.fill(desk.du1.order("tu-1"))
    with pytest.raises(Rejected, match="filled before the cancel arrived"):
        await cancelling
    assert desk.du1.position("SPY") == 1


async def test_without_a_listing_nothing_is_cancelled(desk: Desk) -> None:
    broker = desk.open(timeout_seconds=BRIEF)
    order = await desk.place(broker, "tu-1", limit="490")
    desk.gateway.faults.always("all_open_orders", RequestLost())
    with pytest.raises(NotSent, match="open orders: no answer"):
        await broker.cancel(receipt("tu-2"), order)
    assert cancelled(desk.gateway) == 0


async def test_a_line_that_breaks_while_the_order_is_looked_at_changes_nothing(
    desk: Desk,
) -> None:
    """The order id that was just read is good on the old connection alone."""
    broker = desk.open(retry=2)
    order = await desk.place(broker, "tu-1", limit="490")
    desk.gateway.faults.next("all_open_orders", CutAfter())
    with pytest.raises(NotSent, match="the connection changed"):
        await broker.cancel(receipt("tu-2"), order)
    assert cancelled(desk.gateway) == 0
    assert desk.du1.order("tu-1").is_live


async def test_a_confirmation_by_error_alone_that_cannot_be_verified_is_unknown(
    desk: Desk,
) -> None:
    broker = desk.open(timeout_seconds=BRIEF)
    order = await desk.place(broker, "tu-1", limit="490")
    desk.gateway.faults.next("cancel", Refused(202, "Order Canceled - reason:"))
    desk.gateway.faults.next("all_open_orders", RequestLost(), after=1)
    with pytest.raises(OutcomeUnknown, match="asking did not show it"):
        await broker.cancel(receipt("tu-2"), order)


async def test_a_confirmation_by_error_alone_is_verified(desk: Desk) -> None:
    """broker: 202 without a status, the order cancelled / we: asked, and it is"""
    broker = desk.open()
    order = await desk.place(broker, "tu-1", limit="490")
    desk.gateway.faults.next("cancel", LateReply())
    cancelling = asyncio.ensure_future(broker.cancel(receipt("tu-2"), order))
    await desk.until(lambda: desk.gateway.faults.held)
    desk.gateway.order_error(desk.du1.order("tu-1"), 202, "Order Canceled - reason:")
    assert (await cancelling).status is OrderStatus.CANCELLED


async def test_a_confirmation_by_error_alone_is_not_believed_of_an_open_order(
    desk: Desk,
) -> None:
    """broker: 202, and the order still listed open / we: nobody knows"""
    broker = desk.open()
    order = await desk.place(broker, "tu-1", limit="490")
    desk.gateway.faults.next("cancel", Refused(202, "Order Canceled - reason:"))
    with pytest.raises(OutcomeUnknown, match="still open"):
        await broker.cancel(receipt("tu-2"), order)
