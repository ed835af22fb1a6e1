"""Bybit's words in ours."""

from collections.abc import Mapping

from core.brokers.ccxt.meaning import Codes
from core.domain.execution import ExecutionKind
from core.domain.order import OrderStatus, OrderType, PositionSide, Side

SIDES: Mapping[str, Side] = {"Buy": Side.BUY, "Sell": Side.SELL}
THEIR_SIDES: Mapping[Side, str] = {ours: theirs for theirs, ours in SIDES.items()}

# positionIdx: the only position, or a leg of a hedge.
LEGS: Mapping[int, PositionSide] = {
    0: PositionSide.BOTH,
    1: PositionSide.LONG,
    2: PositionSide.SHORT,
}
THEIR_LEGS: Mapping[PositionSide, int] = {ours: theirs for theirs, ours in LEGS.items()}

STATUSES: Mapping[str, OrderStatus] = {
    "Created": OrderStatus.OPEN,
    "New": OrderStatus.OPEN,
    "Active": OrderStatus.OPEN,
    "Untriggered": OrderStatus.OPEN,
    "Triggered": OrderStatus.OPEN,
    "PendingCancel": OrderStatus.OPEN,
    "PartiallyFilled": OrderStatus.PARTIALLY_FILLED,
    "Filled": OrderStatus.FILLED,
    "Cancelled": OrderStatus.CANCELLED,
    "PartiallyFilledCanceled": OrderStatus.CANCELLED,
    # A conditional order that was taken away before it was triggered.
    "Deactivated": OrderStatus.CANCELLED,
    "Rejected": OrderStatus.REJECTED,
    "Expired": OrderStatus.EXPIRED,
}

KINDS: Mapping[str, ExecutionKind] = {
    "Trade": ExecutionKind.TRADE,
    "BlockTrade": ExecutionKind.TRADE,
    "FutureSpread": ExecutionKind.TRADE,
    # Between two accounts of one owner: for each of them it is bought or sold.
    "MovePosition": ExecutionKind.TRADE,
    "BustTrade": ExecutionKind.LIQUIDATION,
    "AdlTrade": ExecutionKind.ADL,
    "Delivery": ExecutionKind.SETTLEMENT,
    "Settle": ExecutionKind.SETTLEMENT,
    # Money, and no position: funding, and the daily settlement of profit in USDC contracts.
    "Funding": ExecutionKind.FUNDING,
    "SessionSettlePnL": ExecutionKind.FUNDING,
}

# Orders that hang on a position. "Stop" and spot's "tpslOrder" may be either a stop or a target.
STOPS = frozenset({"StopLoss", "PartialStopLoss"})
TARGETS = frozenset({"TakeProfit", "PartialTakeProfit"})
TRAILING = "TrailingStop"

WITH_LIMIT: Mapping[OrderType, OrderType] = {
    OrderType.STOP: OrderType.STOP_LIMIT,
    OrderType.TAKE_PROFIT: OrderType.TAKE_PROFIT_LIMIT,
    OrderType.TRAILING_STOP: OrderType.TRAILING_STOP,
}
# What waits for a price, and whether its kind is a stop.
WAITING: Mapping[OrderType, bool] = {
    OrderType.STOP: True,
    OrderType.STOP_LIMIT: True,
    OrderType.TAKE_PROFIT: False,
    OrderType.TAKE_PROFIT_LIMIT: False,
}
LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})

POST_ONLY = "PostOnly"
# How long a limit order waits when nobody says.
UNLESS_TOLD = "GTC"

UNKNOWN_SYMBOL = frozenset({"10001", "170121"})
CODES = Codes(
    duplicate=frozenset({"110072", "12141", "10014", "170141"}),
    # Not modified; no such order; a trading stop that is none.
    rejected=frozenset({"34040", "110079", "110001", "170213", "170139", "170142"}),
    not_sent=frozenset({"10002", "10006", "10018"}),
    unknown=frozenset({"10000", "10016", "5004", "170032", "170001", "170007", "170146"}),
)
