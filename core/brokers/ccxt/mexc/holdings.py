"""Positions, coins and executions as MEXC lists them."""

from core.brokers.ccxt.figures import (
    Row,
    amount,
    figure,
    name,
    needed,
    needed_moment,
    needed_name,
    price,
)
from core.brokers.ccxt.mexc.contracts import Contracts
from core.brokers.ccxt.mexc.orders import Reader, client_id
from core.brokers.ccxt.mexc.words import CATEGORIES, DIRECTIONS
from core.domain.execution import BrokerExecution
from core.domain.market import Balance
from core.domain.order import PositionSide
from core.domain.position import BrokerPosition

_LEGS = {1: PositionSide.LONG, 2: PositionSide.SHORT}


def position_of(row: Row, contracts: Contracts, *, hedged: bool) -> BrokerPosition:
    leg = _LEGS[int(row["positionType"])]
    quantity = contracts.of(row).quantity(needed(row["holdVol"]))
    short = leg is PositionSide.SHORT
    return BrokerPosition(
        symbol=row["symbol"],
        side=leg if hedged else PositionSide.BOTH,
        quantity=-quantity if short and not hedged else quantity,
        average_price=price(row.get("holdAvgPrice")),
        leverage=price(row.get("leverage")),
    )


def is_held(row: Row) -> bool:
    return bool(amount(row.get("holdVol")))


def balance_of(row: Row) -> Balance:
    return Balance(
        currency=needed_name(row["currency"]),
        total=amount(row.get("equity")) - amount(row.get("unrealized")),
        available=amount(row.get("availableBalance")),
    )


def execution_of(row: Row, reader: Reader, order_id: str) -> BrokerExecution:
    """`order_id` is that of the plan order, where the order trades for one."""
    return BrokerExecution(
        execution_id=needed_name(row["id"]),
        broker_order_id=order_id,
        client_order_id=client_id(row),
        symbol=row["symbol"],
        side=DIRECTIONS[int(row["side"])].side,
        position_side=reader.leg(row),
        quantity=reader.contracts.of(row).quantity(needed(row["vol"])),
        price=needed(row["price"]),
        fee=figure(row.get("fee")),
        fee_currency=name(row.get("feeCurrency")),
        kind=CATEGORIES[int(row.get("category") or 1)],
        executed_at=needed_moment(row["timestamp"]),
    )
