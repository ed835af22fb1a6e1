"""Bybit's rows: how orders, executions, positions and coins look on the wire."""

from decimal import Decimal
from typing import Any

from tests.venues.exchange import (
    STOP_LOSS,
    TAKE_PROFIT,
    Category,
    Ended,
    Exchange,
    Execution,
    Kind,
    Order,
    Position,
    Side,
    State,
)
from tests.venues.wire import plain

Row = dict[str, Any]

_REJECT_REASONS = {
    Ended.NOT_ENDED: "EC_NoError",
    Ended.NO_LIQUIDITY: "EC_NoImmediateQtyToFill",
    Ended.NOT_IN_FULL: "EC_CancelForNoFullFill",
    Ended.WOULD_TAKE: "EC_PostOnlyWillTakeLiquidity",
    Ended.NO_FUNDS: "EC_NoEnoughQtyToFill",
}
_CANCEL_TYPES = {
    Ended.BY_USER: "CancelByUser",
    Ended.REDUCE_ONLY: "CancelByReduceOnly",
    Ended.POSITION_CLOSED: "CancelByTpSlTsClear",
    Ended.LIQUIDATION: "CancelByPrepareLiq",
}


def order_row(order: Order) -> Row:
    """One order, as order/realtime, order/history and the order topic show it."""
    ticket = order.ticket
    row: Row = {
        "orderId": order.order_id,
        "orderLinkId": ticket.client_id,
        "blockTradeId": "",
        "symbol": ticket.instrument.symbol,
        "price": plain(_shown_price(order)),
        "qty": plain(ticket.spend or order.quantity),
        "side": ticket.side.value,
        "isLeverage": "0" if ticket.instrument.category is Category.SPOT else "",
        "positionIdx": int(ticket.leg),
        "orderStatus": wire_status(order),
        "createType": ticket.created_by,
        "cancelType": _CANCEL_TYPES.get(order.ended, "UNKNOWN"),
        "rejectReason": _REJECT_REASONS.get(order.ended, "EC_PerCancelRequest"),
        "avgPrice": plain(order.average),
        "leavesQty": plain(order.leaves),
        "leavesValue": plain(order.leaves * (order.price or Decimal(0))),
        "cumExecQty": plain(order.filled),
        "cumExecValue": plain(order.value),
        "cumExecFee": plain(order.fees),
        "cumFeeDetail": {order.fee_currency: plain(order.fees)} if order.fee_currency else {},
        "timeInForce": ticket.time_in_force.value,
        "orderType": ticket.kind.value,
        "stopOrderType": ticket.stop_kind,
        "orderIv": "",
        "triggerPrice": plain(order.trigger.price) if order.trigger else "",
        "takeProfit": plain(ticket.take_profit),
        "stopLoss": plain(ticket.stop_loss),
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "triggerDirection": _direction(order),
        "triggerBy": order.trigger.by if order.trigger else "",
        "lastPriceOnCreated": plain(order.last_on_created),
        "reduceOnly": ticket.reduce_only,
        "closeOnTrigger": ticket.whole_position,
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
        "placeType": "",
        "tpLimitPrice": "0",
        "slLimitPrice": "0",
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
    }
    if ticket.instrument.category is Category.SPOT:
        row["marketUnit"] = "quoteCoin" if ticket.spend else "baseCoin"
    else:
        # Its presence is how clients tell a derivative's row from a spot row.
        row["tpslMode"] = "Full" if ticket.whole_position else ""
    return row


def execution_row(execution: Execution) -> Row:
    """One execution, as execution/list and the execution topic show it."""
    order, instrument = execution.order, execution.instrument
    return {
        "symbol": instrument.symbol,
        "orderId": execution.order_id,
        "orderLinkId": execution.client_id,
        "side": execution.side.value,
        "orderPrice": plain(_shown_price(order)) if order else "0",
        "orderQty": plain(execution.order_quantity),
        "leavesQty": plain(execution.leaves),
        "createType": order.ticket.created_by if order else "",
        "orderType": order.ticket.kind.value if order else "UNKNOWN",
        "stopOrderType": (order.ticket.stop_kind if order else "") or "UNKNOWN",
        "execFee": plain(execution.fee),
        "execId": execution.execution_id,
        "execPrice": plain(execution.price),
        "execQty": plain(execution.quantity),
        "execType": execution.kind.value,
        "execValue": plain(instrument.value(execution.quantity, execution.price)),
        "execTime": str(execution.time_ms),
        "feeCurrency": execution.fee_currency,
        "isMaker": execution.maker,
        "feeRate": plain(execution.fee_rate),
        "tradeIv": "",
        "markIv": "",
        "markPrice": plain(execution.mark),
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": plain(execution.closed),
        "seq": execution.sequence,
    }


def position_row(exchange: Exchange, position: Position) -> Row:
    """One position, flat ones included, as position/list shows it."""
    instrument, held = position.instrument, position.side
    mark = exchange.quote(instrument).mark
    stop = exchange.protection(position, STOP_LOSS)
    target = exchange.protection(position, TAKE_PROFIT)
    margin = exchange.margin.of_position(position)
    return {
        "positionIdx": int(position.leg),
        "riskId": 1,
        "riskLimitValue": "2000000",
        "symbol": instrument.symbol,
        "side": held.value if held else "",
        "size": plain(position.size),
        "avgPrice": plain(position.average),
        "positionValue": plain(instrument.value(position.size, position.average)) if held else "",
        "tradeMode": 0,
        "positionStatus": "Normal",
        "autoAddMargin": 0,
        "adlRankIndicator": 2 if held else 0,
        "leverage": plain(exchange.account.leverage(instrument.symbol, position.leg)),
        "positionBalance": "0",
        "markPrice": plain(mark),
        "liqPrice": "",
        "bustPrice": "",
        "positionMM": plain(margin / 20),
        "positionIM": plain(margin),
        "tpslMode": "Full",
        "takeProfit": _trigger_price(target),
        "stopLoss": _trigger_price(stop),
        "trailingStop": "0",
        "unrealisedPnl": plain(position.unrealised(mark)) if held else "",
        "curRealisedPnl": plain(position.realised),
        "cumRealisedPnl": plain(position.realised),
        "seq": position.sequence,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "createdTime": str(position.opened_ms),
        "updatedTime": str(position.updated_ms),
    }


def coin_row(exchange: Exchange, currency: str) -> Row:
    """One coin of the unified wallet."""
    margin, orders = exchange.margin, exchange.register.open_orders()
    balance = exchange.account.balances.get(currency, Decimal(0))
    unrealised = margin.unrealised(currency)
    return {
        "coin": currency,
        "equity": plain(balance + unrealised),
        "usdValue": plain((balance + unrealised) * _in_dollars(exchange, currency)),
        "walletBalance": plain(balance),
        "locked": plain(margin.locked(currency, orders)),
        "availableToWithdraw": "",
        "availableToBorrow": "",
        "borrowAmount": "0",
        "spotBorrow": "0",
        "accruedInterest": "0",
        "totalOrderIM": plain(margin.in_orders(currency, orders)),
        "totalPositionIM": plain(margin.in_positions(currency)),
        "totalPositionMM": plain(margin.in_positions(currency) / 20),
        "unrealisedPnl": plain(unrealised),
        "cumRealisedPnl": "0",
        "bonus": "0",
        "collateralSwitch": True,
        "marginCollateral": True,
        "spotHedgingQty": "0",
    }


def wallet_row(exchange: Exchange) -> Row:
    """The unified account, counted in its dollar coin, with its coins."""
    margin, orders = exchange.margin, exchange.register.open_orders()
    balance = exchange.account.balances.get("USDT", Decimal(0))
    unrealised = margin.unrealised("USDT")
    initial = margin.in_positions("USDT") + margin.in_orders("USDT", orders)
    return {
        "accountType": "UNIFIED",
        "accountLTV": "0",
        "accountIMRate": "0",
        "accountMMRate": "0",
        "totalEquity": plain(balance + unrealised),
        "totalWalletBalance": plain(balance),
        "totalMarginBalance": plain(balance + unrealised),
        "totalAvailableBalance": plain(margin.available("USDT", orders)),
        "totalPerpUPL": plain(unrealised),
        "totalInitialMargin": plain(initial),
        "totalMaintenanceMargin": plain(margin.in_positions("USDT") / 20),
        "coin": [coin_row(exchange, each) for each in exchange.account.balances],
    }


def _in_dollars(exchange: Exchange, currency: str) -> Decimal:
    """What one coin is worth, one where the coin is the dollar's stand-in."""
    for instrument in exchange.instruments:
        if instrument.category is Category.SPOT and instrument.base == currency:
            return exchange.quote(instrument).last
    return Decimal(1)


def wire_status(order: Order) -> str:
    """Bybit's word for where an order is in its life."""
    spot = order.ticket.instrument.category is Category.SPOT
    if order.state is State.PARTIALLY_FILLED_CANCELLED and not spot:
        # Only spot tells the two apart; a derivative is Cancelled with something executed.
        return State.CANCELLED.value
    return order.state.value


def _shown_price(order: Order) -> Decimal:
    """The price a row shows; a derivative's market order shows the worst it would accept."""
    ticket = order.ticket
    if order.price is not None:
        return order.price
    if ticket.instrument.category is Category.SPOT or ticket.kind is not Kind.MARKET:
        return Decimal(0)
    slipped = order.last_on_created * Decimal("1.05" if ticket.side is Side.BUY else "0.95")
    return slipped - slipped % ticket.instrument.tick


def _direction(order: Order) -> int:
    if order.trigger is None:
        return 0
    return 1 if order.trigger.rises else 2


def _trigger_price(order: Order | None) -> str:
    return plain(order.trigger.price) if order is not None and order.trigger is not None else ""
