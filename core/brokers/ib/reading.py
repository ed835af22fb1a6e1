"""Asking for everything that a snapshot holds, part by part."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.brokers.ib.composing import Heard, snapshot_of
from core.brokers.ib.contracts import Contracts
from core.brokers.ib.day import day_start
from core.brokers.ib.line import Line
from core.brokers.ib.questions import (
    COMPLETED_ORDERS,
    OPEN_ORDERS,
    POSITIONS,
    account_values,
    executions,
)
from core.domain.snapshot import BrokerSnapshot
from core.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    name: str
    line: Line
    contracts: Contracts
    clock: Clock
    time_zone: str

    async def snapshot(self, since: datetime | None) -> BrokerSnapshot:
        """Unavailable when there is no gateway at all; otherwise each part says what it lacks."""
        await self.line.connection()
        began = self.clock.now()
        since = max(filter(None, (day_start(began, self.time_zone), since)))
        heard = await self._listen()
        con_ids = (contract.conId for contract in heard.contracts())
        instruments = await self.contracts.instruments(con_ids)
        return snapshot_of(
            heard, instruments, account=self.name, taken_at=_dated(began), executions_since=since
        )

    async def _listen(self) -> Heard:
        """Open orders first: what ends before the completed ones are told is in both."""
        ask, account = self.line.ask, self.line.managed_account
        open_orders = await ask(OPEN_ORDERS)
        completed = await ask(COMPLETED_ORDERS)
        executed = await ask(executions(account))
        positions = await ask(POSITIONS)
        values = await ask(account_values(account))
        kept = self.line.current
        return Heard(
            account=account,
            client_id=self.line.client_id,
            open_orders=open_orders,
            completed_orders=completed,
            executions=executed,
            positions=positions,
            values=values,
            # An execution asked for again carries no commission; the one first told of does.
            first_told={fill.execution.execId: fill for fill in kept.ib.fills()} if kept else {},
            marks={
                row.contract.conId: row
                for row in (kept.ib.portfolio() if kept and values.whole else ())
                if row.account == account
            },
        )


def _dated(moment: datetime) -> datetime:
    """Before the second that it is in: executions bear whole seconds, and one that happens right
    after the snapshot must not seem to have happened before it."""
    return moment.replace(microsecond=0) - timedelta(microseconds=1)
