"""What the simulated venue tells while we listen: its account, watched for what is new in it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator
from dataclasses import dataclass, field

from core.domain.errors import Unavailable
from core.domain.execution import BrokerExecution
from core.domain.order import BrokerOrder
from core.domain.snapshot import BrokerSnapshot, missing_parts
from core.domain.stream import ExecutionTold, Gap, OrderTold, StreamEvent
from core.ports import Clock

LOOK_SECONDS = 0.1


@dataclass(slots=True, kw_only=True)
class Watch:
    """`look` reads the account as a stream would show it, faults included."""

    look: Callable[[], Awaitable[BrokerSnapshot]]
    is_closed: Callable[[], bool]
    clock: Clock
    _orders: dict[Hashable, BrokerOrder] = field(default_factory=dict)
    _executions: dict[Hashable, BrokerExecution] = field(default_factory=dict)

    async def events(self) -> AsyncIterator[StreamEvent]:
        """Begins with a gap, for what happened before anybody listened."""
        last_heard = self.clock.now()
        lost = "listening from here on"
        while not self.is_closed():
            try:
                snapshot = await self.look()
            except Unavailable as error:
                if not lost:
                    yield Gap(error.message, last_heard)
                lost = lost or error.message
            else:
                if lost:
                    yield Gap(lost, last_heard)
                    self._forget_what_was_new(snapshot)
                lost = _missing(snapshot)
                for event in self._news(snapshot):
                    yield event
                last_heard = snapshot.taken_at
            await self.clock.sleep(LOOK_SECONDS)
            # A clock that does not really wait must not keep the loop from everybody else.
            await asyncio.sleep(0)

    def _forget_what_was_new(self, snapshot: BrokerSnapshot) -> None:
        """A gap asks for a snapshot of its own; nothing of before is told one by one."""
        self._orders = {_order_key(row): row for row in snapshot.orders}
        self._executions = {_execution_key(row): row for row in snapshot.executions}

    def _news(self, snapshot: BrokerSnapshot) -> Iterator[StreamEvent]:
        for order in snapshot.orders:
            if self._orders.get(_order_key(order)) != order:
                self._orders[_order_key(order)] = order
                yield OrderTold(order)
        for execution, times in Counter(snapshot.executions).items():
            if times > 1 or self._executions.get(_execution_key(execution)) != execution:
                self._executions[_execution_key(execution)] = execution
                yield from [ExecutionTold(execution)] * times


def _missing(snapshot: BrokerSnapshot) -> str:
    """Why a look showed less than everything; what it did not show may have been missed."""
    told = dict(missing_parts(snapshot))
    return next((told[part] for part in ("orders", "executions") if part in told), "")


def _order_key(row: BrokerOrder) -> Hashable:
    return row.symbol, row.broker_order_id


def _execution_key(row: BrokerExecution) -> Hashable:
    return row.symbol, row.broker_order_id, row.execution_id
