"""What the venue told, written down as facts; what is odd about it is asked for, never guessed."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.apply.hold import Hold
from core.apply.recording import Recorder
from core.decide.execution.follow import sort_out
from core.decide.reconcile.propose import propose
from core.domain.errors import BrokerError
from core.domain.execution import BrokerExecution
from core.domain.order import BrokerOrder
from core.domain.snapshot import BrokerSnapshot, Found
from core.observe.glance import glance, told_snapshot
from core.operate.account_watch import AccountWatch
from core.operate.aftermath import after_facts
from core.operate.desk import Desk
from core.plan.change import UpdateOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """`waits`: a call about the symbol is under way, and its outcome comes first."""

    waits: bool = False
    odd: tuple[UpdateOrder, ...] = ()


async def hear(
    desk: Desk,
    watch: AccountWatch,
    hold: Hold,
    orders: Sequence[BrokerOrder] = (),
    executions: Sequence[BrokerExecution] = (),
) -> Heard:
    symbols = {row.symbol for row in orders} | {row.symbol for row in executions}
    snapshot = told_snapshot(
        watch.account,
        desk.settings.account(watch.account).broker,
        desk.clock.now(),
        orders=orders,
        executions=executions,
        instruments=await watch.instruments(symbols),
    )
    async with hold.for_facts():
        heard = _written_down(desk, snapshot, symbols)
    for change in heard.odd:
        await _ask(desk, watch, hold, change)
    return heard


def _written_down(desk: Desk, snapshot: BrokerSnapshot, symbols: set[str]) -> Heard:
    """Between the look at the book and the last write nothing else of this process runs."""
    with desk.book.read() as book:
        seen = glance(book, snapshot)
    if any(step.symbol in symbols for step in seen.book.open_steps):
        return Heard(waits=True)
    proposal = propose(seen, desk.settings, desk.clock.now())
    found = sort_out(proposal.changes)
    recorder = Recorder(book=desk.book, clock=desk.clock, by="manage", source="stream")
    batch = recorder.record(seen, found.facts)
    if batch is not None:
        after_facts(desk, seen, batch)
    return Heard(odd=found.odd)


async def _ask(desk: Desk, watch: AccountWatch, hold: Hold, change: UpdateOrder) -> None:
    """One order, asked for by its names; the answer is newer than any event."""
    row = change.before
    desk.log.event(
        "odd_event",
        account=row.account,
        symbol=row.symbol,
        order_id=row.order_id,
        book=row.status.value,
        told=change.after.status.value,
    )
    try:
        answer = await watch.broker.find_order(
            symbol=row.symbol,
            client_order_id=row.client_order_id,
            broker_order_id=row.broker_order_id,
            perm_id=row.perm_id,
            created_at=row.created_at,
        )
    except BrokerError as error:
        watch.behind = f"order {row.order_id} could not be asked for: {error.message}"
        return
    if not isinstance(answer, Found):
        watch.behind = f"the venue could not tell of order {row.order_id}"
        return
    symbols = {row.symbol}
    snapshot = told_snapshot(
        watch.account,
        desk.settings.account(watch.account).broker,
        desk.clock.now(),
        orders=[answer.order],
        instruments=await watch.instruments(symbols),
    )
    async with hold.for_facts():
        heard = _written_down(desk, snapshot, symbols)
    if heard.odd:
        # The venue itself takes something back: a person looks at that.
        watch.behind = f"the venue takes back what it told of order {row.order_id}"
