"""Looking at both sides of the chosen accounts and thinking about what is seen."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from core.apply.door import Look
from core.decide.reconcile.propose import propose
from core.domain.errors import BrokerError
from core.domain.observation import Observation
from core.domain.order import BookOrder
from core.domain.snapshot import PARTS, BrokerSnapshot, Inconclusive, Lookup, Unavailable
from core.observe.observe import observe
from core.operate.desk import Desk
from core.plan.assemble import broker_fingerprint
from core.plan.plan import Base
from core.plan.proposal import Proposal
from core.ports import BrokerReader


async def look(
    desk: Desk,
    accounts: Sequence[str],
    *,
    symbol: str | None = None,
    every_position: bool = False,
    intents: bool = True,
) -> Look:
    """One account after the other: their books are one file and their plans are one plan."""
    seen = {name: await _look_at(desk, name, symbol, every_position, intents) for name in accounts}
    return thought_over(desk, seen)


def thought_over(desk: Desk, seen: Mapping[str, Observation]) -> Look:
    """What would be done from here, at the broker's moment: the same snapshot says the same."""
    proposal = Proposal.of(
        propose(observation, desk.settings, observation.broker.taken_at)
        for observation in seen.values()
    )
    return Look(observations=seen, proposal=proposal, base=_base(seen))


def as_one(looks: Iterable[Look]) -> Look:
    """Looks at several accounts, each of its own moment, as one."""
    looks = tuple(looks)
    seen = {name: one for each in looks for name, one in each.observations.items()}
    proposal = Proposal.of(each.proposal for each in looks)
    return Look(observations=seen, proposal=proposal, base=_base(seen))


def _base(seen: Mapping[str, Observation]) -> Base:
    views = [observation.book for observation in seen.values()]
    snapshots = [observation.broker for observation in seen.values()]
    return Base(
        book_lineage=views[0].lineage,
        # Of several accounts the earliest view: a change in between makes the plan stale.
        book_serial=min(view.serial for view in views),
        broker_fingerprint=broker_fingerprint(snapshots),
        observed_at=max(snapshot.taken_at for snapshot in snapshots),
        complete=all(snapshot.complete for snapshot in snapshots),
    )


async def _look_at(
    desk: Desk, account: str, symbol: str | None, every_position: bool, intents: bool
) -> Observation:
    broker = desk.broker(account)
    snapshot = await _snapshot(broker, desk.clock.now())

    async def ask(order: BookOrder) -> Lookup:
        return await _ask(broker, order)

    with desk.book.read() as book:
        return await observe(
            book,
            snapshot,
            ask,
            symbol=symbol,
            every_position=every_position,
            intents=intents,
            foreign=not desk.settings.POSITIONS.protect_external_positions,
        )


async def _snapshot(broker: BrokerReader, now: datetime) -> BrokerSnapshot:
    """A broker that does not answer is an observation too: everything about it is unavailable."""
    try:
        return await broker.snapshot()
    except BrokerError as error:
        return BrokerSnapshot(
            account=broker.account,
            broker="unavailable",
            taken_at=now,
            parts={part: Unavailable(error.message) for part in PARTS},
        )


async def _ask(broker: BrokerReader, order: BookOrder) -> Lookup:
    try:
        return await broker.find_order(
            symbol=order.symbol,
            client_order_id=order.client_order_id,
            broker_order_id=order.broker_order_id,
            perm_id=order.perm_id,
            created_at=order.created_at,
        )
    except BrokerError as error:
        return Inconclusive(error.message)
