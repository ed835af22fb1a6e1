"""One order, by any of its names: is it open, is it completed, has it traded?

Absence is concluded only when open orders, completed orders and executions were all answered whole
and the order is one that they would show: the gateway tells of its current day.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.brokers.ib.day import day_start
from core.brokers.ib.figures import name
from core.brokers.ib.library import Fill, Trade
from core.brokers.ib.line import Line
from core.brokers.ib.orders import completed_order_of, is_acknowledged, open_order_of
from core.brokers.ib.questions import COMPLETED_ORDERS, OPEN_ORDERS, executions
from core.domain.order import LIVE, BrokerOrder
from core.domain.snapshot import Absent, Found, Inconclusive, Lookup
from core.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An order's names; permId is both the broker's id and the permanent one."""

    symbol: str
    perm_ids: frozenset[str] = frozenset()
    reference: str | None = None
    created_at: datetime | None = None

    @property
    def is_named(self) -> bool:
        return bool(self.perm_ids or self.reference)

    def is_identified(self, perm_id: object) -> bool:
        return name(perm_id) in self.perm_ids

    def is_meant(self, perm_id: object, reference: str) -> bool:
        return self.is_identified(perm_id) or bool(reference and reference == self.reference)


def wanted(
    *,
    symbol: str,
    client_order_id: str | None,
    broker_order_id: str | None,
    perm_id: str | None,
    created_at: datetime | None,
) -> Wanted:
    return Wanted(
        symbol=symbol,
        perm_ids=frozenset(each for each in (broker_order_id, perm_id) if each),
        reference=client_order_id,
        created_at=created_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    line: Line
    clock: Clock
    time_zone: str

    async def find(self, sought: Wanted) -> Lookup:
        """Open before completed: an order that ends in between is found in the second."""
        if not sought.is_named:
            return Inconclusive("an order without any id cannot be asked for")
        listed = await self.line.ask(OPEN_ORDERS)
        found = self._among(sought, filter(is_acknowledged, listed.rows), self._open)
        if _suffices(found, sought):
            return _one(found, sought)
        completed = await self.line.ask(COMPLETED_ORDERS)
        found += self._among(sought, completed.rows, self._completed)
        if _suffices(found, sought):
            return _one(found, sought)
        executed = await self.line.ask(executions(self.line.managed_account))
        missing = "; ".join(
            answer.missing for answer in (listed, completed, executed) if answer.missing
        )
        if missing:
            return Inconclusive(missing)
        if found:
            return _one(found, sought)
        if any(self._traded(sought, fill) for fill in executed.rows):
            return Inconclusive("it has executions, but no listing shows the order")
        return self._nowhere(sought)

    def _among(
        self, sought: Wanted, trades: Iterable[Trade], told: Callable[[Trade], BrokerOrder]
    ) -> list[BrokerOrder]:
        return [
            told(trade)
            for trade in trades
            if trade.order.account == self.line.managed_account
            and sought.is_meant(trade.order.permId, trade.order.orderRef)
        ]

    def _open(self, trade: Trade) -> BrokerOrder:
        return open_order_of(trade, self.line.client_id)

    def _completed(self, trade: Trade) -> BrokerOrder:
        turned_down = trade.order.orderRef in self.line.turned_down
        return completed_order_of(trade, turned_down=turned_down)

    def _traded(self, sought: Wanted, fill: Fill) -> bool:
        execution = fill.execution
        return execution.acctNumber == self.line.managed_account and sought.is_meant(
            execution.permId, execution.orderRef
        )

    def _nowhere(self, sought: Wanted) -> Lookup:
        today = day_start(self.clock.now(), self.time_zone)
        if sought.created_at is None:
            return Inconclusive("the gateway tells of today, and the order's age is not known")
        if sought.created_at < today:
            return Inconclusive("the gateway tells of today, and the order is older")
        return Absent()


def _suffices(found: Sequence[BrokerOrder], sought: Wanted) -> bool:
    """The broker's own id settles it; our reference does when no such id is known."""
    return any(
        not sought.perm_ids or sought.is_identified(order.broker_order_id) for order in found
    )


def _one(found: Sequence[BrokerOrder], sought: Wanted) -> Lookup:
    """A reference used twice means the order that is still live, or else the latest."""
    by_id = [order for order in found if sought.is_identified(order.broker_order_id)]
    live = [order for order in found if order.status in LIVE]
    order = max(by_id or live or found, key=lambda each: int(each.broker_order_id))
    if order.symbol != sought.symbol:
        return Inconclusive(f"{order.broker_order_id} is an order in {order.symbol}")
    return Found(order)
