"""The independent witness inside the service: after every round it looks at what the round saw.

It only watches. A position that is bare at rest, in two looks in a row, is told to a person; to
protect it is for the rounds, which the witness shares no code with.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.config.settings import Settings
from core.decide.witness import Testimony, testify
from core.domain.money import ZERO, decimal_text
from core.domain.observation import Observation
from core.domain.position import PositionKey
from core.operate.account_watch import AccountWatch
from core.operate.alerting import raise_alert
from core.operate.desk import Desk
from core.operate.looking import look
from core.operate.permission import forbidden
from core.operate.recurring import APART, LOOKS_MAX, Recurring
from core.ports import Listing

KIND = "position_unprotected"


@dataclass(slots=True, kw_only=True)
class WitnessWatch:
    desk: Desk
    watches: Mapping[str, AccountWatch]
    _findings: Recurring = field(default_factory=Recurring)
    # What rounds saw last and nobody has judged yet, by account.
    _seen: dict[str, Observation] = field(default_factory=dict)
    _rung: asyncio.Event = field(default_factory=asyncio.Event)
    _began: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.desk.clock.now()

    def take(self, observations: Mapping[str, Observation]) -> None:
        """What a round has seen; it is judged once the round is over."""
        self._seen.update(observations)
        self._rung.set()

    async def watch(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            await self.judge()

    async def judge(self) -> None:
        """What the rounds saw; and looks of its own, until what is odd stands or has gone."""
        while self._seen:
            _, seen = self._seen.popitem()
            self._judge(seen)
        for _ in range(LOOKS_MAX):
            if not self._findings.doubted():
                return
            await self.desk.clock.sleep(APART.total_seconds())
            for account in self._findings.doubted():
                await self._look_again(account)
        for account in self._findings.doubted():
            self._findings.forget_doubts(account)

    async def _look_again(self, account: str) -> None:
        """What cannot be told now has time until the next round."""
        found = await look(self.desk, [account], intents=False)
        # What a round saw meanwhile is older than this.
        self._seen.pop(account, None)
        if not self._judge(found.observations[account]):
            self._findings.forget_doubts(account)

    def _judge(self, seen: Observation) -> bool:
        """Whether there was anything to judge: what is not listed is not known to be bare."""
        if not (seen.broker.knows("positions") and seen.broker.knows("orders")):
            return False
        # A call under way is just about to change it; only what is at rest is bare.
        busy = {step.symbol for step in seen.book.open_steps}
        testimonies = {each.key: each for each in testify(seen)}
        bare = {
            key: (each.unprotected, each.stops)
            for key, each in testimonies.items()
            if each.unprotected
            and key.symbol not in busy
            and not is_left_alone(key, seen, self.desk.settings)
        }
        turned = self._findings.note(
            seen.account,
            bare,
            unsure=lambda key: key.symbol in busy,
            taken_at=seen.broker.taken_at,
            now=self.desk.clock.now(),
        )
        for key in turned.stands:
            self._tell(testimonies[key])
        for key in turned.over:
            held = testimonies[key].broker if key in testimonies else ZERO
            self._tell_over(key, "protected" if held else "closed")
        return True

    def _tell(self, one: Testimony) -> None:
        held = decimal_text(one.broker or ZERO)
        self.desk.log.event(
            "position_bare",
            level="error",
            account=one.key.account,
            symbol=one.key.symbol,
            side=one.key.side.value,
            quantity=held,
            stops=list(one.stops),
            why=list(one.unprotected),
        )
        if not self._is_told(one.key):
            raise_alert(
                self.desk,
                KIND,
                f"{one.key.target}: {', '.join(one.unprotected)}; {held} held. {self._remedy()}",
                account=one.key.account,
                subject=one.key.target,
            )

    def _is_told(self, key: PositionKey) -> bool:
        """Whoever failed to protect it may have said so, since it was last seen protected."""
        asked = Listing(
            table="alerts",
            where={"type": KIND, "account": key.account, "subject": key.target},
            since=self._findings.last_well(key) or self._began,
            page_size=1,
        )
        with self.desk.book.read() as book:
            return book.page(asked).total_items > 0

    def _remedy(self) -> str:
        """What to type; nothing is sent from here while a gate is shut."""
        if closed := forbidden(self.desk):
            return (
                f"{closed}, so no stop is sent from here: place it at the venue (`trueup status`)"
            )
        return (
            "`trueup plan` says what would protect it, `trueup stage` and `trueup review` let it "
            "through; or place the stop at the venue"
        )

    def _tell_over(self, key: PositionKey, how: str) -> None:
        self.desk.log.event(
            "position_bare_over",
            account=key.account,
            symbol=key.symbol,
            side=key.side.value,
            how=how,
        )


def is_left_alone(key: PositionKey, seen: Observation, settings: Settings) -> bool:
    """Whether the settings ask for no stop; spot and dust the witness leaves alone by itself."""
    if not settings.POSITIONS.protect_external_positions:
        booked = ((row.symbol, row.side) for row in seen.book.positions if row.quantity)
        # What the book has not heard of yet was opened by nobody here.
        if key in seen.book.foreign or (key.symbol, key.side) not in booked:
            return True
    account = settings.ACCOUNTS.get(key.account)
    own = account.require_stop if account else None
    return not (settings.POSITIONS.require_stop if own is None else own)
