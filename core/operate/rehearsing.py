"""plan --snapshot: the same thinking over a saved snapshot of any size, without a broker."""

from datetime import datetime
from pathlib import Path

from core.domain.errors import BrokenDocument, Usage
from core.domain.observation import Observation
from core.domain.order import BookOrder
from core.domain.snapshot import Absent, BrokerSnapshot, Inconclusive, Lookup
from core.observe.observe import observe, observe_file
from core.observe.snapshot_file import SnapshotFile, read_snapshot
from core.operate.desk import Desk
from core.operate.looking import thought_over
from core.operate.planning import plan_from
from core.operate.run_status import note_look
from core.plan.plan import Plan


async def plan_against_file(desk: Desk, path: Path, chosen: str | None, symbol: str | None) -> Plan:
    """The file stands for its account's broker: what it does not have, nobody has."""
    try:
        with SnapshotFile(path) as file:
            account = _account(desk, file.header, chosen)
            seen = await _observe(desk, file, path, symbol)
    except BrokenDocument as error:
        raise Usage(error.message, hint=error.hint) from None
    except OSError as error:
        raise Usage(f"{path}: {error.strerror}") from None
    plan = plan_from(desk, [account], thought_over(desk, {account: seen}))
    note_look(desk, plan)
    desk.log.event("planned", plan_id=plan.plan_id, snapshot=str(path), summary=plan.summary)
    return plan


def _account(desk: Desk, header: BrokerSnapshot, chosen: str | None) -> str:
    """The account that the snapshot was taken of, which must be one of ours."""
    if chosen not in (None, header.account):
        raise Usage(f"the snapshot is of account {header.account!r:.40}, not {chosen!r:.40}")
    return desk.accounts(header.account)[0]


async def _observe(desk: Desk, file: SnapshotFile, path: Path, symbol: str | None) -> Observation:
    header = file.header

    async def ask(order: BookOrder) -> Lookup:
        return answer_of(header, order.created_at)

    with desk.book.read() as book:
        if symbol is not None:
            return await observe(book, read_snapshot(path), ask, symbol=symbol)
        return await observe_file(book, file, ask)


def answer_of(header: BrokerSnapshot, created_at: datetime | None) -> Lookup:
    """What a file answers about an order that it does not list."""
    since = header.executions_since
    if not header.knows("orders"):
        return Inconclusive("the snapshot does not know all orders")
    if since is not None and (created_at is None or created_at < since):
        return Inconclusive("the order is older than what the snapshot covers")
    return Absent()
