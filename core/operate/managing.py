"""manage: the running service. Look first, then trade; whatever breaks is mended or told, and
everything it knows lies in the book.

    intake     signals → rows and deliveries           one task for each source
    lanes      deliveries → intents → orders           one task for each account and symbol
    followers  the venue's own stream → facts          three tasks for each account
    rounds     a whole look at an account              at start, after gaps, and every so often
    staging    one plan of what is left for a person   after rounds
    prices     stops follow profit, trades are left    a quote a second for each position
    witness    is everything protected, really?        after each round
    validation positions added up from executions      at the start, then hourly
    records    how positions stand                     every five minutes
    trade log  logs/trades from the outbox             every second
    heartbeat  what it says of itself                  every two seconds
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from core.apply.hold import Hold
from core.config.secret import defect_text
from core.domain.errors import BookError, TrueupError
from core.operate.account_watch import AccountWatch
from core.operate.alerting import STALLED_AFTER, tell_stalled
from core.operate.backlog import Backlog
from core.operate.copybook import DiskCopybook
from core.operate.desk import Desk
from core.operate.following import Follower
from core.operate.heartbeat import BEAT_SECONDS, Beat, write_beat
from core.operate.lanes import Lanes
from core.operate.pause import growing_pause
from core.operate.permission import may_change
from core.operate.position_records import PositionRecords
from core.operate.price_watch import PriceWatch
from core.operate.rounds import Rounds
from core.operate.setbacks import Setbacks
from core.operate.standing_round import Round, standing_door
from core.operate.trade_log import TradeLog, write_trade_log
from core.operate.trading import Trader
from core.operate.validation import Validation
from core.operate.witness_watch import WitnessWatch

# What a source of signals does: takes in for ever, and tells which lanes have work.
Wake = Callable[[Iterable[tuple[str, str]]], None]
Intake = Callable[[Desk, Wake], Awaitable[None]]
# Hears of orders from elsewhere than the venue, and hands it to the account's follower.
Listener = Callable[[Desk, Mapping[str, Follower]], Awaitable[None]]

PAUSE_SECONDS = 1.0
PAUSE_SECONDS_MAX = 30.0
# After its next try; so long a part has to hold until it counts as mended.
RECENT = timedelta(seconds=5)
# How long stopping may take: for lanes that decide, and for calls that are on their way.
DECIDING_SECONDS = 3.0
SETTLING_CALLS_SECONDS = 5.0


@dataclass(slots=True, kw_only=True)
class Service:
    desk: Desk
    accounts: Sequence[str]
    # By name: spool, queue.
    intakes: Mapping[str, Intake]
    listeners: Mapping[str, Listener] = field(default_factory=dict)
    watches: dict[str, AccountWatch] = field(init=False)
    lanes: Lanes = field(init=False)
    followers: dict[str, Follower] = field(init=False)
    # Until when each part that broke counts as in trouble, and why.
    troubles: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    _hold: Hold = field(init=False)
    rounds: Rounds = field(init=False)
    _witness: WitnessWatch = field(init=False)
    prices: PriceWatch = field(init=False)
    backlog: Backlog = field(init=False)
    _since: datetime = field(init=False)
    _state: str = "starting"

    def __post_init__(self) -> None:
        desk = self.desk
        self._since = desk.clock.now()
        self._hold = Hold(desk.lock, desk.clock)
        self.watches = {name: AccountWatch(broker=desk.broker(name)) for name in self.accounts}
        copybook = DiskCopybook(desk.files, desk.home.journal_copy)
        door = standing_door(desk, self.watches, self._hold, copybook)
        self._witness = WitnessWatch(desk=desk, watches=self.watches)
        one = Round(
            desk=desk,
            watches=self.watches,
            hold=self._hold,
            door=door,
            setbacks=Setbacks(desk=desk),
            told=self._witness.take,
        )
        self.rounds = Rounds(
            desk=desk, accounts=self.accounts, round=one, done=lambda: self.lanes.wake_all()
        )
        trader = Trader(
            desk=desk,
            watches=self.watches,
            hold=self._hold,
            door=door,
            ask_person=self.rounds.ask,
            settled=self.rounds.look_again,
        )
        self.lanes = Lanes(desk=desk, accounts=self.accounts, turn=trader.turn)
        self.followers = {
            name: Follower(
                desk=desk,
                watch=watch,
                hold=self._hold,
                moved=self.lanes.wake,
                look_again=partial(self.rounds.look_again, name),
            )
            for name, watch in self.watches.items()
        }
        self.backlog = Backlog(desk=desk)
        self.prices = PriceWatch(
            desk=desk,
            watches=self.watches,
            door=door,
            asked=lambda intent: self.lanes.wake(intent.account, intent.symbol),
            in_trouble=self._note_trouble,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Until it is told to stop; then the steps under way are finished and nothing is begun."""
        self.desk.log.event("manage_started", accounts=list(self.accounts), pid=os.getpid())
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            **{f"rounds {name}": partial(self.rounds.watch, name) for name in self.accounts},
            "staging": self.rounds.stage,
            "prices": self.prices.watch,
            "witness": self._witness.watch,
            "validation": Validation(desk=self.desk, watches=self.watches).watch,
            "records": PositionRecords(desk=self.desk, watches=self.watches).watch,
            "trade log": TradeLog(desk=self.desk).watch,
            "heartbeat": self._beats,
            **{f"intake {name}": self._taking(intake) for name, intake in self.intakes.items()},
            **{f"stream {name}": each.read for name, each in self.followers.items()},
            **{f"booking {name}": each.write for name, each in self.followers.items()},
            **{f"mending {name}": each.mend for name, each in self.followers.items()},
            **{name: self._listening(each) for name, each in self.listeners.items()},
        }
        tasks = [asyncio.create_task(self._keep(name, work)) for name, work in parts.items()]
        self._state = "running"
        try:
            await stop.wait()
        finally:
            await self._stop(tasks)

    async def _stop(self, tasks: Sequence["asyncio.Task[None]"]) -> None:
        self._state = "stopping"
        self.desk.log.event("manage_stopping")
        self._hold.give_up()
        # Lanes first: what they are deciding may come to its end.
        await self.lanes.stop(within_seconds=DECIDING_SECONDS)
        for task in tasks:
            task.cancel()
        # A call on its way is settled, not cut off; one that hangs is found again by its key.
        if tasks:
            await asyncio.wait(tasks, timeout=SETTLING_CALLS_SECONDS)
        write_trade_log(self.desk)
        self._state = "stopped"
        self._try("heartbeat", self._beat)
        self.desk.log.event("manage_stopped")

    def _taking(self, intake: Intake) -> Callable[[], Awaitable[None]]:
        def wake(lanes: Iterable[tuple[str, str]]) -> None:
            for account, symbol in lanes:
                self.lanes.wake(account, symbol)

        return lambda: intake(self.desk, wake)

    def _listening(self, listener: Listener) -> Callable[[], Awaitable[None]]:
        return lambda: listener(self.desk, self.followers)

    # --- parts --------------------------------------------------------------------------------

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Starts a part again however it ends; what keeps breaking is told, the others go on."""
        failures = 0
        while True:
            began = self.desk.clock.now()
            try:
                await work()
                why = "it ended"
            except TrueupError as error:
                why = error.message
            except Exception as error:  # noqa: BLE001 - one broken part must not end the others
                why = defect_text(error)
            if (self.desk.clock.now() - began).total_seconds() > PAUSE_SECONDS_MAX:
                failures = 0
            failures += 1
            pause = growing_pause(PAUSE_SECONDS, failures, PAUSE_SECONDS_MAX)
            self._note_trouble(name, why, pause)
            self.desk.log.event("part_failed", level="error", part=name, why=why, times=failures)
            if failures == STALLED_AFTER:
                tell_stalled(self.desk, f"{name}: {why}", subject=name)
            await self.desk.clock.sleep(pause)
            await asyncio.sleep(0)

    def _note_trouble(self, name: str, why: str, pause: float = 0) -> None:
        self.troubles[name] = self.desk.clock.now() + timedelta(seconds=pause) + RECENT, why

    def _try(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except TrueupError as error:
            self._note_trouble(name, error.message)

    async def _beats(self) -> None:
        """At the same pace whatever is wrong: who falls silent is taken for dead."""
        was_open = may_change(self.desk.gates())
        while True:
            self._try("heartbeat", self._beat)
            # What another process left in the book is seen, too.
            self._try("book", self.lanes.wake_all)
            is_open = may_change(self.desk.gates())
            if is_open and not was_open:
                # What was only heard while nothing might be written is made good.
                self.rounds.look_everywhere()
            was_open = is_open
            await self.desk.clock.sleep(BEAT_SECONDS)
            await asyncio.sleep(0)

    def _beat(self) -> None:
        now = self.desk.clock.now()
        write_beat(
            self.desk,
            Beat(
                pid=os.getpid(),
                state=self._state,
                since=self._since,
                at=now,
                accounts={
                    name: {
                        "reconciled": watch.reconciled,
                        "unreachable": watch.unreachable,
                        "behind": watch.behind,
                    }
                    for name, watch in self.watches.items()
                },
                troubles={
                    **{name: why for name, (until, why) in self.troubles.items() if now < until},
                    **{f"lane {lane[1]}": why for lane, why in self.lanes.troubles.items()},
                },
                lanes_waiting={
                    f"{account}/{symbol}": why
                    for (account, symbol), why in self.lanes.waiting.items()
                },
                deliveries_waiting=self._deliveries_waiting(),
            ),
        )

    def _deliveries_waiting(self) -> int:
        """A book that cannot be read is trouble, but no reason to seem dead."""
        try:
            return self.backlog.count()
        except BookError as error:
            self._note_trouble("book", error.message)
            return 0
