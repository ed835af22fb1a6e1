"""Orders that the broker lists several times because they were replaced: one order, one survivor.

Amending an order makes some venues cancel it and open another under the same client id. The row
that still means something stands for the order; the ended ones are its past.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from core.domain.order import TERMINAL, BookOrder, BrokerOrder, OrderStatus

# How the earlier rows of a replaced order end. A filled order was not replaced: it is history.
GIVEN_UP = frozenset({OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED})

# Symbol and broker order id: some venues count their orders anew for every symbol.
BrokerName = tuple[str, str]

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Listed:
    """Each order once; `survivor_of` leads from an earlier name to the one it became."""

    orders: tuple[BrokerOrder, ...]
    survivor_of: Mapping[BrokerName, BrokerName]


def listed_once(orders: Iterable[BrokerOrder], rows: Mapping[BrokerName, BookOrder]) -> Listed:
    """`rows` are the book's, by broker name: an order with a row of its own stays itself."""
    families: dict[BrokerName, list[BrokerOrder]] = defaultdict(list)
    for order in _each_once(orders):
        families[order.symbol, order.client_order_id or f"-{order.broker_order_id}"].append(order)
    standing: list[BrokerOrder] = []
    survivor_of: dict[BrokerName, BrokerName] = {}
    for family in families.values():
        survivor = max(family, key=_meaning)
        earlier = _replaced_by(survivor, family, rows)
        standing += [order for order in family if name_of(order) not in earlier]
        survivor_of |= dict.fromkeys(earlier, name_of(survivor))
    return Listed(tuple(standing), survivor_of)


def name_of(order: BrokerOrder) -> BrokerName:
    return order.symbol, order.broker_order_id


def last_heard(order: BrokerOrder | BookOrder) -> datetime:
    return order.updated_at or order.created_at or NEVER


def _each_once(orders: Iterable[BrokerOrder]) -> list[BrokerOrder]:
    """A row told twice, as overlapping pages do, counts once and in its latest state."""
    once: dict[BrokerName, BrokerOrder] = {}
    for order in sorted(orders, key=lambda each: (last_heard(each), each.status in TERMINAL)):
        once[name_of(order)] = order
    return [once[name] for name in sorted(once)]


def _meaning(order: BrokerOrder) -> tuple[bool, datetime, str]:
    return order.status not in GIVEN_UP, last_heard(order), order.broker_order_id


def _replaced_by(
    survivor: BrokerOrder, family: list[BrokerOrder], rows: Mapping[BrokerName, BookOrder]
) -> frozenset[BrokerName]:
    if sum(order.status not in GIVEN_UP for order in family) > 1:
        return frozenset()  # two that both mean something are two orders under one client id
    own = rows.get(name_of(survivor))
    return frozenset(
        name_of(order)
        for order in family
        if order is not survivor and _goes_along(order, rows.get(name_of(order)), own)
    )


def _goes_along(earlier: BrokerOrder, row: BookOrder | None, own: BookOrder | None) -> bool:
    """Whether the earlier life's row, if any, is or will be the survivor's own."""
    if row is None or row is own:
        return True
    return own is None and row.client_order_id == earlier.client_order_id
