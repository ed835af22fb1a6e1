"""Every position added up anew, now and then: stored, computed and broker's have to be one figure.

Nothing is set right here. What differs is told, and a plan proposes to adopt what is so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.apply.door import Look
from core.decide.witness import Testimony, testify
from core.domain.holding import is_dust, key_of
from core.domain.money import decimal_text
from core.domain.observation import Observation
from core.domain.position import PositionKey
from core.operate.account_watch import AccountWatch
from core.operate.alerting import raise_alert
from core.operate.desk import Desk
from core.operate.looking import look
from core.operate.recurring import APART, LOOKS_MAX, Recurring
from core.plan.change import AdoptPosition, InsertExecution, UpdateExecution

LOOK_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class Validation:
    desk: Desk
    watches: Mapping[str, AccountWatch]
    _findings: Recurring = field(default_factory=Recurring)
    # When each account was validated last.
    _done: dict[str, datetime] = field(default_factory=dict)

    async def watch(self) -> None:
        """Each account as soon as the service has looked at it once, and then in its time."""
        while True:
            for watch in self.watches.values():
                if watch.looked_at is not None and self._is_due(watch.account):
                    await self.validate(watch.account)
                    self._done[watch.account] = self.desk.clock.now()
            await self.desk.clock.sleep(LOOK_SECONDS)

    def _is_due(self, account: str) -> bool:
        pause = timedelta(seconds=self.desk.settings.POSITIONS.position_validation_interval)
        last = self._done.get(account)
        return last is None or self.desk.clock.now() - last >= pause

    async def validate(self, account: str) -> None:
        """Looks until what differs does so twice: what was on its way agrees the next time."""
        seen = await self._look(account)
        for _ in range(LOOKS_MAX):
            if account not in self._findings.doubted():
                break
            await self.desk.clock.sleep(APART.total_seconds())
            seen = await self._look(account)
        self._findings.forget_doubts(account)
        self.desk.log.event(
            "positions_validated",
            account=account,
            positions=len(testify(seen)),
            differing=[key.target for key in self._findings.standing(account)],
            broker="known" if seen.broker.knows("positions") else "not known",
        )

    async def _look(self, account: str) -> Observation:
        found = await look(self.desk, [account], every_position=True, intents=False)
        seen = found.observations[account]
        testimonies = {each.key: each for each in testify(seen)}
        differing = {
            key: each.differences
            for key, each in testimonies.items()
            if each.differences and not _is_under_way(key, found, seen) and not _is_dust(each, seen)
        }
        turned = self._findings.note(
            account,
            differing,
            unsure=lambda key: _is_unsure(key, seen),
            taken_at=seen.broker.taken_at,
            now=self.desk.clock.now(),
        )
        for key in turned.stands:
            self._tell(testimonies[key])
        for key in turned.over:
            self.desk.log.event(
                "position_agrees", account=account, symbol=key.symbol, side=key.side.value
            )
        return seen

    def _tell(self, one: Testimony) -> None:
        broker = "not known" if one.broker is None else decimal_text(one.broker)
        figures = {
            "stored": decimal_text(one.stored),
            "computed": decimal_text(one.computed),
            "broker": broker,
        }
        self.desk.log.event(
            "position_differs",
            level="error",
            account=one.key.account,
            symbol=one.key.symbol,
            side=one.key.side.value,
            **figures,
        )
        told = ", ".join(f"{name} {figure}" for name, figure in figures.items())
        raise_alert(
            self.desk,
            "position_discrepancy",
            f"{one.key.target}: {told}. Nothing was changed: `trueup plan` says what would be "
            f"adopted, `trueup history {one.key.symbol}` how it came there",
            account=one.key.account,
            subject=one.key.target,
        )


def _is_under_way(key: PositionKey, found: Look, seen: Observation) -> bool:
    """A call that is not settled, or executions that only have to be booked, explain it."""
    if any(step.symbol == key.symbol for step in seen.book.open_steps):
        return True
    changes = found.proposal.changes
    adopted = {change.target for change in changes if isinstance(change, AdoptPosition)}
    moved = {
        key_of(change.after)
        for change in changes
        if isinstance(change, InsertExecution | UpdateExecution)
    }
    return key in moved and key.target not in adopted


def _is_unsure(key: PositionKey, seen: Observation) -> bool:
    """Whether this look could not have shown that they agree."""
    busy = any(step.symbol == key.symbol for step in seen.book.open_steps)
    return busy or not seen.broker.knows("positions")


def _is_dust(one: Testimony, seen: Observation) -> bool:
    """Remainders that nobody can trade are one with nothing, whoever still tells of them."""
    instrument = seen.broker.instruments.get(one.key.symbol)
    figures = (one.stored, one.computed, one.broker)
    return all(not figure or is_dust(figure, instrument) for figure in figures)
