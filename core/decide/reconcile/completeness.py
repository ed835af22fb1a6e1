"""Orders that are filled beyond their known executions: believed as they are, never filled in."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from core.decide.reconcile.orders import OrderDiff
from core.decide.reconcile.replaced import BrokerName, name_of
from core.decide.reconcile.words import figure
from core.domain.money import ZERO
from core.domain.observation import Observation
from core.domain.order import BrokerOrder
from core.domain.problem import Problem
from core.domain.snapshot import Unavailable
from core.plan.change import InsertExecution, UpdateExecution


def incomplete_orders(
    orders: OrderDiff,
    survivor_of: Mapping[BrokerName, BrokerName],
    observation: Observation,
    changes: Iterable[InsertExecution | UpdateExecution],
) -> Iterator[Problem]:
    """Whatever part of a fill no execution tells may still arrive; until then it has no price."""
    told = observation.broker.parts.get("executions")
    if told is None or isinstance(told, Unavailable):
        return
    lives, added = _lives(survivor_of), _added(changes)
    for order, order_id in orders.recorded:
        name = name_of(order)
        executed = sum(
            (
                observation.book.executed_quantity(life[1]) + added[life]
                for life in (name, *lives[name])
            ),
            ZERO,
        )
        if order.filled_quantity > executed:
            yield _incomplete(order, order_id, executed, observation.account)


def _lives(survivor_of: Mapping[BrokerName, BrokerName]) -> dict[BrokerName, list[BrokerName]]:
    """The earlier names of each order: what was executed under them counts too."""
    lives: dict[BrokerName, list[BrokerName]] = defaultdict(list)
    for past, now in survivor_of.items():
        lives[now].append(past)
    return lives


def _added(
    changes: Iterable[InsertExecution | UpdateExecution],
) -> dict[BrokerName, Decimal]:
    added: dict[BrokerName, Decimal] = defaultdict(Decimal)
    for change in changes:
        before = change.before.quantity if change.before else ZERO
        name = (change.symbol, change.after.broker_order_id or "")
        added[name] += change.after.quantity - before
    return added


def _incomplete(order: BrokerOrder, order_id: str, executed: Decimal, account: str) -> Problem:
    return Problem(
        "executions_incomplete",
        account,
        order_id,
        f"The broker reports {figure(order.filled_quantity)} filled of the {order.symbol} order "
        f"{order.broker_order_id}, but its known executions add up to {figure(executed)}; the "
        "order's own figures are believed, and no execution is invented for the rest.",
    )
