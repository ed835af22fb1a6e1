"""MEXC's numbers in our words."""

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from core.brokers.ccxt.meaning import Codes
from core.domain.execution import ExecutionKind
from core.domain.order import OrderStatus, OrderType, PositionSide, Side


class Direction(NamedTuple):
    side: Side
    leg: PositionSide
    closes: bool


# The one number that MEXC has for a direction, a leg, and whether it opens or closes.
DIRECTIONS: Mapping[int, Direction] = {
    1: Direction(Side.BUY, PositionSide.LONG, closes=False),
    2: Direction(Side.BUY, PositionSide.SHORT, closes=True),
    3: Direction(Side.SELL, PositionSide.SHORT, closes=False),
    4: Direction(Side.SELL, PositionSide.LONG, closes=True),
}

HEDGED, ONE_WAY = 1, 2


class Kind(NamedTuple):
    limited: bool
    time_in_force: str | None
    post_only: bool = False


KINDS: Mapping[int, Kind] = {
    1: Kind(limited=True, time_in_force="GTC"),
    2: Kind(limited=True, time_in_force="GTC", post_only=True),
    3: Kind(limited=True, time_in_force="IOC"),
    4: Kind(limited=True, time_in_force="FOK"),
    5: Kind(limited=False, time_in_force=None),
    6: Kind(limited=False, time_in_force=None),
}
LIMIT, POST_ONLY, MARKET = 1, 2, 5
# A time in force of its own is a type of its own: sent as a flag it would be passed over.
TYPES: Mapping[str, int] = {"GTC": LIMIT, "IOC": 3, "FOK": 4}

STATUSES: Mapping[int, OrderStatus] = {
    1: OrderStatus.OPEN,
    2: OrderStatus.OPEN,
    3: OrderStatus.FILLED,
    4: OrderStatus.CANCELLED,
    5: OrderStatus.REJECTED,
}

PLAN_WAITING, PLAN_EXECUTED = 1, 3
PLAN_STATUSES: Mapping[int, OrderStatus] = {
    PLAN_WAITING: OrderStatus.OPEN,
    2: OrderStatus.CANCELLED,
    PLAN_EXECUTED: OrderStatus.OPEN,  # until the order that trades for it says otherwise
    4: OrderStatus.EXPIRED,
    5: OrderStatus.REJECTED,
}
RISES, FALLS = 1, 2
# executeCycle: one day or seven.
SEVEN_DAYS = 2
LIVES: Mapping[str, timedelta] = {"1": timedelta(days=1), "2": timedelta(days=7)}
LAST_PRICE = 1
CROSS = 2

# What an execution, or the order behind it, was for.
CATEGORIES: Mapping[int, ExecutionKind] = {
    1: ExecutionKind.TRADE,
    2: ExecutionKind.LIQUIDATION,
    3: ExecutionKind.TRADE,
    4: ExecutionKind.ADL,
}

PLANS: Mapping[OrderType, bool] = {
    OrderType.STOP: True,
    OrderType.STOP_LIMIT: True,
    OrderType.TAKE_PROFIT: False,
    OrderType.TAKE_PROFIT_LIMIT: False,
}
LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})

NO_SUCH_ORDER = frozenset({"2040"})
NO_SUCH_CONTRACT = frozenset({"1001"})
CODES = Codes(
    # Whether a second order of the same externalOid is refused is not known; this one would be.
    duplicate=frozenset({"603"}),
    # Accounts, contracts, orders, triggers, coins and permissions: said after looking at it.
    rejected=frozenset(map(str, range(1000, 7000))),
    # Too often, and a clock that is more than ten seconds wrong.
    not_sent=frozenset({"510", "513"}),
    unknown=frozenset({"500", "501", "503", "9999"}),
)
