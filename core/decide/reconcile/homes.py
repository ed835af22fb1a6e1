"""Which order an execution belongs to, and what is to happen with those whose order is unknown."""

from collections.abc import Mapping

from core.decide.reconcile.identity import IDENTIFIERS
from core.decide.reconcile.match import Matching
from core.decide.reconcile.orders import OrderDiff
from core.decide.reconcile.replaced import BrokerName, name_of
from core.domain.execution import BrokerExecution
from core.domain.order import BookOrder, is_our_key


class Homes:
    """The orders that executions can be booked on once this plan's order changes are made."""

    def __init__(self, matching: Matching, orders: OrderDiff):
        self._matching = matching
        self._recorded: Mapping[BrokerName, str] = {
            **matching.linked,
            **{name_of(order): order_id for order, order_id in orders.recorded},
        }

    def order_id(self, row: BrokerExecution) -> str | None:
        """Of the one order that the execution names by any of its identifiers."""
        names = self._order_ids(row)
        return names[0] if len(names) == 1 else None

    def standing(self, row: BrokerExecution) -> BrokerName:
        """The execution's order by its broker name, or by the one that replaced it."""
        name = (row.symbol, row.broker_order_id or "")
        return self._matching.survivor_of.get(name, name)

    def is_held(self, row: BrokerExecution) -> bool:
        """Whether its order waits for a person or for the end of a call."""
        return (
            self.standing(row) in self._matching.held_orders
            or row.client_order_id in self._matching.in_flight
            or not self._matching.held_rows.isdisjoint(self._order_ids(row))
        )

    def is_told(self, row: BrokerExecution) -> bool:
        """Whether the broker speaks of the order itself, so that no stub has to stand for it."""
        name = self.standing(row)
        return name in self._recorded or name in self._matching.listed

    def rows_of(self, row: BrokerExecution) -> list[BookOrder]:
        """The book's rows under the first of the execution's identifiers that any row bears."""
        for name in IDENTIFIERS:
            named = self._matching.rows.named(row.symbol, name, getattr(row, name))
            if rows := [order for order in named if _may_own(order, row)]:
                return rows
        return []

    def _order_ids(self, row: BrokerExecution) -> list[str]:
        name = self.standing(row)
        if name in self._recorded:
            return [self._recorded[name]]
        return [order.order_id for order in self.rows_of(row)]


def _may_own(order: BookOrder, row: BrokerExecution) -> bool:
    """A foreign client id may be used again for another order; ours never is."""
    if is_our_key(row.client_order_id) and row.client_order_id == order.client_order_id:
        return True
    return not row.broker_order_id or order.broker_order_id in (None, row.broker_order_id)
