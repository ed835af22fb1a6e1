"""Positions and coins as Bybit lists them."""

from core.brokers.ccxt.bybit.words import LEGS, SIDES
from core.brokers.ccxt.figures import Row, amount, figure, needed_name, price
from core.domain.market import Balance
from core.domain.money import ZERO
from core.domain.order import PositionSide
from core.domain.position import BrokerPosition


def position_of(row: Row) -> BrokerPosition:
    leg, size = LEGS[int(row["positionIdx"])], amount(row["size"])
    signed = leg is PositionSide.BOTH and size
    return BrokerPosition(
        symbol=needed_name(row["symbol"]),
        side=leg,
        quantity=size * SIDES[row["side"]].sign if signed else size,
        average_price=price(row.get("avgPrice")),
        mark_price=price(row.get("markPrice")),
        unrealized_pnl=figure(row.get("unrealisedPnl")),
        leverage=price(row.get("leverage")),
    )


def is_held(row: Row) -> bool:
    """Asked about a symbol, Bybit lists flat positions too."""
    return bool(amount(row.get("size")))


def balance_of(row: Row) -> Balance:
    total = amount(row.get("walletBalance"))
    bound = sum(
        (amount(row.get(part)) for part in ("locked", "totalOrderIM", "totalPositionIM")), ZERO
    )
    free = figure(row.get("availableToWithdraw"))
    return Balance(
        currency=needed_name(row["coin"]),
        total=total,
        available=max(total - bound, ZERO) if free is None else free,
    )
