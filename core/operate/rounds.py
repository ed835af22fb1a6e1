"""Rounds: every account is looked at as a whole at the start, after gaps and fills, and every so
often; and what is left for a person becomes one plan.

Each account has rounds of its own, so that a venue that hangs holds up no other.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.apply.door import Look
from core.operate.desk import Desk
from core.operate.lanes import first_of
from core.operate.pause import growing_pause
from core.operate.permission import may_change
from core.operate.standing_round import Round

LATE_SECONDS = 1.0
LATE_SECONDS_MAX = 30.0
# Fills come in bunches.
SETTLING_SECONDS = 0.1


@dataclass(slots=True, kw_only=True)
class Rounds:
    desk: Desk
    accounts: Sequence[str]
    round: Round
    # Told after each one: lanes may be waiting for what it found.
    done: Callable[[], None]
    # Rung when a position moved, whose stop must not wait for the next round, or the book lags.
    _bells: dict[str, asyncio.Event] = field(init=False)
    # What the latest round of each account left.
    _left: dict[str, Look] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._bells = {name: asyncio.Event() for name in self.accounts}

    def look_again(self, account: str) -> None:
        self._bells[account].set()

    def look_everywhere(self) -> None:
        for account in self.accounts:
            self.look_again(account)

    def ask(self, account: str, intent: str) -> None:
        """Once for each intent: the next round stages what it waits for."""
        if intent not in self._asked:
            self._asked.add(intent)
            self.look_again(account)

    async def watch(self, account: str) -> None:
        late = 0
        while True:
            self._left[account] = await self.round.see_to(account)
            self._news.set()
            self.done()
            late = late + 1 if self.is_late(account) else 0
            pause: float = self.desk.settings.EXECUTION.reconcile_interval
            if late:
                pause = min(pause, growing_pause(LATE_SECONDS, late, LATE_SECONDS_MAX))
            await self._until_rung(account, pause)

    def is_late(self, account: str) -> bool:
        """Whether another whole look would help; it does not while nothing may be written."""
        watch, writes = self.round.watches[account], may_change(self.desk.gates())
        if not watch.reconciled or watch.unreachable:
            return True
        return writes and bool(watch.behind or self.round.setbacks.are_refused(account))

    async def _until_rung(self, account: str, seconds: float) -> None:
        """Or until the time is up. What happens during a round asks for another one."""
        bell = self._bells[account]
        await first_of(bell.wait(), self.desk.clock.sleep(seconds))
        await self.desk.clock.sleep(SETTLING_SECONDS)
        bell.clear()
        await asyncio.sleep(0)

    # --- what is left -------------------------------------------------------------------------

    async def stage(self) -> None:
        """One plan over all accounts, as soon as each of them has been looked at."""
        while True:
            await self._news.wait()
            self._news.clear()
            if len(self._left) < len(self.accounts):
                continue
            left = {name: self._left[name] for name in self.accounts}
            if len(left) > 1 and self.round.is_news(left):
                # The looks are of different moments; whoever reviews them wants one.
                looks = await asyncio.gather(*map(self.round.look, left))
                left = dict(zip(left, looks, strict=True))
            self.round.stage(left)
