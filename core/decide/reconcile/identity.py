"""Which book row an order's identifiers speak of, and whether they all agree on it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.decide.reconcile.replaced import GIVEN_UP, BrokerName, last_heard
from core.domain.order import BookOrder, BrokerOrder, OrderStatus

# The durable ones, each enough on its own.
IDENTIFIERS = ("broker_order_id", "perm_id", "client_order_id")


@dataclass(frozen=True, slots=True)
class Identified:
    """The rows that any identifier points at, and those of them that nothing speaks against."""

    rows: tuple[BookOrder, ...] = ()
    agreeing: tuple[BookOrder, ...] = ()


class Rows:
    """The book's order rows by each of their names; what was never sent cannot be matched."""

    def __init__(self, rows: Iterable[BookOrder]):
        self.by_order_id: dict[str, BookOrder] = {}
        self.by_broker_name: dict[BrokerName, BookOrder] = {}
        self._named: dict[tuple[str, str, str], list[BookOrder]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: row.order_id):
            if row.status is not OrderStatus.DRY_RUN:
                self._add(row)

    def _add(self, row: BookOrder) -> None:
        self.by_order_id[row.order_id] = row
        for name in IDENTIFIERS:
            if value := getattr(row, name):
                self._named[row.symbol, name, value].append(row)
        if row.broker_order_id:
            self.by_broker_name.setdefault((row.symbol, row.broker_order_id), row)

    def identify(
        self, order: BrokerOrder, survivor_of: Mapping[BrokerName, BrokerName]
    ) -> Identified:
        pointed = [
            {row.order_id for row in rows}
            for name in IDENTIFIERS
            if (rows := self.named(order.symbol, name, getattr(order, name)))
        ]
        if not pointed:
            return Identified()
        rows = [self.by_order_id[name] for name in sorted(set.union(*pointed))]
        by_all = set.intersection(*pointed)
        return Identified(
            rows=tuple(rows),
            agreeing=tuple(
                row
                for row in rows
                if row.order_id in by_all and nothing_disagrees(order, row, survivor_of)
            ),
        )

    def named(self, symbol: str, name: str, value: str | None) -> list[BookOrder]:
        """The rows that bear this value as that identifier."""
        return self._named.get((symbol, name, value or ""), [])


def nothing_disagrees(
    order: BrokerOrder, row: BookOrder, survivor_of: Mapping[BrokerName, BrokerName]
) -> bool:
    """Whether all that names the order on both sides is equal, or explained by a replacement."""
    if (order.symbol, order.side) != (row.symbol, row.side):
        return False
    return all(
        getattr(order, name) == held
        or (name == "broker_order_id" and _replaces(order, row, survivor_of))
        for name in IDENTIFIERS
        if getattr(order, name) and (held := getattr(row, name))
    )


def is_past_of(order: BrokerOrder, row: BookOrder) -> bool:
    """An ended order under the row's client id, when the row has moved on to another broker id."""
    return (
        order.status in GIVEN_UP
        and _same_client(order, row)
        and row.broker_order_id not in (None, order.broker_order_id)
        and last_heard(order) <= last_heard(row)
    )


def _replaces(
    order: BrokerOrder, row: BookOrder, survivor_of: Mapping[BrokerName, BrokerName]
) -> bool:
    """Whether the row's broker id belongs to an earlier, ended life of this order."""
    before = (row.symbol, row.broker_order_id or "")
    if survivor_of.get(before) == (order.symbol, order.broker_order_id):
        return True
    ended = row.status in GIVEN_UP and _same_client(order, row)
    return ended and (order.status not in GIVEN_UP or last_heard(order) > last_heard(row))


def _same_client(order: BrokerOrder, row: BookOrder) -> bool:
    return order.client_order_id is not None and order.client_order_id == row.client_order_id
