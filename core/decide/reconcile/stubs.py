"""Orders known only by their executions: just enough of a row to hang the executions on."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from core.decide.reconcile.words import figure
from core.domain.execution import BrokerExecution, ExecutionKind
from core.domain.money import average
from core.domain.naming import Names
from core.domain.order import BookOrder, OrderStatus, Origin, is_our_key
from core.plan.change import InsertOrder, UpdateOrder

FORCED = frozenset({ExecutionKind.LIQUIDATION, ExecutionKind.ADL})


def origin_of(told: Sequence[BrokerExecution]) -> Origin:
    """Who caused the order, as far as its executions tell."""
    if is_our_key(told[0].client_order_id):
        return Origin.OWNED
    return Origin.LIQUIDATION if any(row.kind in FORCED for row in told) else Origin.EXTERNAL


def is_stub_of(broker_order_id: str, rows: Sequence[BookOrder]) -> bool:
    """Whether the order's only row is what an earlier execution of it left."""
    return [(row.broker_order_id, row.order_type, row.status) for row in rows] == [
        (broker_order_id, None, OrderStatus.FILLED)
    ]


def stub_for(
    account: str, told: Sequence[BrokerExecution], in_book: Decimal, names: Names
) -> InsertOrder:
    """`told`: its new executions in time order; `in_book`: quantity of those that had no order."""
    first, filled = told[0], in_book + _quantity(told)
    broker_order_id = first.broker_order_id or ""
    after = BookOrder(
        order_id=names.of(first.symbol, broker_order_id, first.client_order_id),
        account=account,
        broker_order_id=broker_order_id,
        client_order_id=first.client_order_id,
        perm_id=first.perm_id,
        symbol=first.symbol,
        side=first.side,
        position_side=first.position_side,
        quantity=filled,
        filled_quantity=filled,
        # The prices of rows that are not in sight are not made up.
        average_price=None if in_book else average(_cost(told), filled),
        status=OrderStatus.FILLED,
        origin=origin_of(told),
        created_at=first.executed_at,
        updated_at=told[-1].executed_at,
        executed_at=told[-1].executed_at,
    )
    return InsertOrder(
        account=account,
        symbol=first.symbol,
        target=after.order_id,
        reason="stub_for_execution",
        because=(
            f"The broker reports executions of {figure(filled)} {first.symbol} for order "
            f"{broker_order_id}, which it no longer lists and the book does not have."
        ),
        after=after,
    )


def grown(row: BookOrder, told: Sequence[BrokerExecution]) -> UpdateOrder:
    """A stub says what its executions say, so further ones make it larger."""
    filled = row.filled_quantity + _quantity(told)
    price = row.average_price
    after = replace(
        row,
        quantity=filled,
        filled_quantity=filled,
        average_price=price and average(price * row.filled_quantity + _cost(told), filled),
        updated_at=told[-1].executed_at,
        executed_at=told[-1].executed_at,
    )
    return UpdateOrder(
        account=row.account,
        symbol=row.symbol,
        target=row.order_id,
        reason="differs",
        because=(
            f"The broker reports further executions of order {row.broker_order_id}, "
            f"{figure(filled)} in all; the book knows it only by executions of "
            f"{figure(row.filled_quantity)}."
        ),
        before=row,
        after=after,
    )


def _quantity(told: Sequence[BrokerExecution]) -> Decimal:
    return sum((row.quantity for row in told), Decimal(0))


def _cost(told: Sequence[BrokerExecution]) -> Decimal:
    return sum((row.quantity * row.price for row in told), Decimal(0))
