"""The long messages about orders: open order (5), order status (3) and completed order (101).

An open order has well over a hundred fields, of which a plain order uses a handful. The layouts
name every field in the order of server version 176; `FILLER` says what the broker writes where
an order has nothing to say, and all else is empty.
"""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

from .frames import UNSET, UNSET_INTEGER, Message, message, text
from .orders import Order, Status
from .replies import stamp

CONTRACT = """conId symbol secType lastTradeDate strike right multiplier exchange currency
    localSymbol tradingClass"""
TERMS = "action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin"
ADVISOR = "faGroup faMethod faPercentage faProfile modelCode goodTillDate rule80A percentOffset"
SHORT_SALE = "settlingFirm shortSaleSlot designatedLocation exemptCode"
STOCK_RANGE = "startingPrice stockRefPrice delta stockRangeLower stockRangeUpper displaySize"
LEGS = "comboLegs orderComboLegs smartComboRoutingParams scaleInit scaleSubs scaleIncrement hedge"
MARGINS = """initMarginBefore maintMarginBefore equityBefore initMarginChange maintMarginChange
    equityChange initMarginAfter maintMarginAfter equityAfter"""
COMPETE = "minTradeQty minCompeteSize competeAgainstBest midOffsetWhole midOffsetHalf"

OPEN_ORDER = f"""orderId {CONTRACT} {TERMS} orderRef clientId permId outsideRth hidden
    discretionaryAmt goodAfterTime sharesAllocation {ADVISOR} {SHORT_SALE} auctionStrategy
    {STOCK_RANGE} blockOrder sweepToFill allOrNone minQty ocaType eTradeOnly firmQuoteOnly
    nbboPriceCap parentId triggerMethod volatility volatilityType
    deltaNeutralOrderType deltaNeutralAuxPrice deltaNeutralConId deltaNeutralSettlingFirm
    deltaNeutralClearingAccount deltaNeutralClearingIntent deltaNeutralOpenClose
    deltaNeutralShortSale deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation
    continuousUpdate referencePriceType trailStop trailingPercent basisPoints basisPointsType
    comboDescription {LEGS} optOutSmartRouting clearingAccount clearingIntent notHeld
    deltaNeutralContract algoStrategy solicited whatIf status {MARGINS} commission minCommission
    maxCommission commissionCurrency warningText randomizeSize randomizePrice conditions
    adjustedOrderType triggerPrice trailStopPrice lmtPriceOffset adjustedStopPrice
    adjustedStopLimitPrice adjustedTrailingAmount adjustableTrailingUnit softDollarName
    softDollarValue softDollarDisplay cashQty dontUseAutoPriceForHedge isOmsContainer
    discretionaryUpToLimitPrice usePriceMgmtAlgo duration postToAts autoCancelParent
    {COMPETE}""".split()

COMPLETED_ORDER = f"""{CONTRACT} {TERMS} orderRef permId outsideRth hidden
    discretionaryAmt goodAfterTime {ADVISOR} {SHORT_SALE} {STOCK_RANGE} sweepToFill allOrNone
    minQty ocaType triggerMethod volatility volatilityType
    deltaNeutralOrderType deltaNeutralAuxPrice deltaNeutralConId deltaNeutralShortSale
    deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation
    continuousUpdate referencePriceType trailStop trailingPercent comboDescription {LEGS}
    clearingAccount clearingIntent notHeld deltaNeutralContract algoStrategy solicited status
    randomizeSize randomizePrice conditions trailStopPrice lmtPriceOffset cashQty
    dontUseAutoPriceForHedge isOmsContainer autoCancelDate filledQuantity refFuturesConId
    autoCancelParent shareholder imbalanceOnly routeMarketableToBbo parentPermId completedTime
    completedStatus {COMPETE}""".split()

ZEROES = """strike origin outsideRth hidden discretionaryAmt shortSaleSlot auctionStrategy
    displaySize blockOrder sweepToFill allOrNone eTradeOnly firmQuoteOnly parentId triggerMethod
    volatilityType deltaNeutralConId deltaNeutralShortSale deltaNeutralShortSaleSlot
    continuousUpdate referencePriceType comboLegs orderComboLegs smartComboRoutingParams
    optOutSmartRouting notHeld deltaNeutralContract solicited whatIf randomizeSize randomizePrice
    conditions adjustableTrailingUnit isOmsContainer discretionaryUpToLimitPrice usePriceMgmtAlgo
    autoCancelParent imbalanceOnly routeMarketableToBbo"""
UNSET_NUMBERS = f"""{MARGINS} triggerPrice trailStopPrice lmtPriceOffset adjustedStopPrice
    adjustedStopLimitPrice adjustedTrailingAmount"""

FILLER = {
    **dict.fromkeys(ZEROES.split(), "0"),
    **dict.fromkeys(UNSET_NUMBERS.split(), UNSET),
    **dict.fromkeys(("minQty", "scaleInit", "scaleSubs"), UNSET_INTEGER),
    **dict.fromkeys(("deltaNeutralOrderType", "adjustedOrderType"), "None"),
    **dict.fromkeys(("right", "deltaNeutralOpenClose"), "?"),
    "exemptCode": "-1",
    "ocaType": "3",
    "clearingIntent": "IB",
    "dontUseAutoPriceForHedge": "1",
    "parentPermId": "0",
    "refFuturesConId": "0",
}


def _laid_out(number: int, layout: list[str], values: dict[str, object]) -> Message:
    unknown = values.keys() - set(layout)
    assert not unknown, f"message {number} has no {sorted(unknown)}"
    filled = (text(values[name]) if name in values else FILLER.get(name, "") for name in layout)
    return message(number, *filled)


def _shared(order: Order) -> dict[str, object]:
    """What an order says of itself whether it is open or completed."""
    ticket, contract = order.ticket, order.contract
    return {
        "conId": contract.con_id,
        "symbol": contract.symbol,
        "secType": contract.sec_type,
        "lastTradeDate": contract.expiry,
        "multiplier": contract.multiplier,
        "exchange": contract.exchange,
        "currency": contract.currency,
        "localSymbol": contract.local_symbol,
        "tradingClass": contract.trading_class,
        "action": ticket.action,
        "orderType": ticket.kind,
        "lmtPrice": "0.0" if ticket.limit is None else ticket.limit,
        "auxPrice": "0.0" if ticket.stop is None else ticket.stop,
        "tif": ticket.tif,
        "ocaGroup": ticket.oca_group,
        "account": ticket.account,
        "orderRef": ticket.order_ref,
        "permId": order.perm_id,
        "outsideRth": ticket.outside_rth,
        "status": order.status.value,
    }


def open_order(order: Order) -> Message:
    return _laid_out(
        5,
        OPEN_ORDER,
        {
            **_shared(order),
            "orderId": order.order_id,
            "clientId": order.client_id,
            "totalQuantity": order.ticket.quantity,
            "parentId": order.ticket.parent_id,
        },
    )


def margin_answer(order: Order, change: Decimal) -> Message:
    """The answer to a what-if order: nothing was placed, and the margins say what it would take."""
    return _laid_out(
        5,
        OPEN_ORDER,
        {
            **_shared(order),
            "orderId": order.order_id,
            "clientId": order.client_id,
            "totalQuantity": order.ticket.quantity,
            "whatIf": True,
            "status": Status.PRE_SUBMITTED.value,
            "initMarginChange": change,
            "maintMarginChange": change,
        },
    )


def order_status(order: Order) -> Message:
    why_held, market_cap_price = "", 0
    return message(
        *(3, order.order_id, order.status.value, order.filled, order.remaining),
        *(order.average_price, order.perm_id, order.ticket.parent_id, order.last_price),
        *(order.client_id, why_held, market_cap_price),
    )


def completed_order(order: Order, zone: ZoneInfo) -> Message:
    """A finished order: the ids of its client are gone, and so is the quantity it began with.

    The total is what was left of it, 0 for a filled order; only `filledQuantity` can be trusted.
    """
    ended = order.completed_at
    return _laid_out(
        101,
        COMPLETED_ORDER,
        {
            **_shared(order),
            "totalQuantity": order.remaining,
            "filledQuantity": order.filled,
            "completedTime": stamp(ended, zone) if ended else "",
            "completedStatus": order.outcome,
        },
    )
