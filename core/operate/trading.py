"""The turns of a lane: one account and symbol, strictly first in, first out.

| what is there, in this order            | the turn                                           |
|-----------------------------------------|----------------------------------------------------|
| an intent past its time                 | fails it                                           |
| a call whose outcome is unknown         | asks the venue; nothing else starts meanwhile      |
| fills that the book does not have yet   | fetches them, when the venue does not tell of them |
| a position just entered, without a stop | places that                                        |
| an account that cannot be reached       | waits, until what waits is past its time           |
| an exit that wants something            | qualifies, places or concludes it                  |
| an approved intent                      | places its next order, or says what became of it   |
| a delivery that waits                   | qualifies it into an intent                        |
| nothing                                 | the lane sleeps                                    |

Everything a turn knows it reads from the book, so a restart goes on where the last one stopped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.apply.hold import Hold
from core.apply.living import queue_life
from core.apply.progressing import follow_signals, intent_told
from core.apply.resume import Resumption
from core.apply.standing import StandingDoor
from core.decide.qualify.admission import expiry_of
from core.decide.qualify.qualify import is_blind, qualify
from core.domain.errors import BrokerError
from core.domain.exit import EXIT_OPEN
from core.domain.intent import IntentState, TradeIntent, orders_of
from core.domain.moment import moment_text
from core.domain.record import Step, StepState
from core.domain.refusal import refusals
from core.domain.signal import Delivery, DeliveryState
from core.operate.account_watch import AccountWatch
from core.operate.alerting import raise_alert
from core.operate.catching_up import catch_up
from core.operate.desk import Desk
from core.operate.executing import Executing
from core.operate.fetching import fetch_fills, fills_missing, grace_left
from core.operate.guarding import Guarding
from core.operate.intents import fail_intent
from core.operate.leaving import Leaving
from core.operate.permission import forbidden
from core.operate.situation import situation_of
from core.operate.turn import AGAIN, SLEEP, Turn, wait

UNKNOWN_PAUSE = 1.0
UNDER_WAY_PAUSE = 0.1
CLOSED_PAUSE = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trader:
    desk: Desk
    watches: Mapping[str, AccountWatch]
    hold: Hold
    door: StandingDoor
    ask_person: Callable[[str, str], None]
    # Told when an open question was answered: what had to wait for it can be looked at again.
    settled: Callable[[str], None]

    async def turn(self, account: str, symbol: str) -> Turn:
        watch = self.watches[account]
        with self.desk.book.read() as book:
            steps = [
                step
                for step in book.steps(open_only=True)
                if (step.account, step.symbol) == (account, symbol)
            ]
            intents = book.intents(account, symbol=symbol, states={IntentState.APPROVED})
            exits = book.exit_intents(account, symbol=symbol, states=EXIT_OPEN)
            delivery = book.next_delivery(account, symbol)
        if self._expire(intents, steps):
            return AGAIN
        if steps:
            return await self._settle(watch, steps)
        if not _closed(watch) and (turn := await self._see_to_fills(watch, symbol)):
            return turn
        if not intents and not delivery and not exits:
            return SLEEP
        leaving = Leaving(desk=self.desk, watch=watch, door=self.door, ask_person=self.ask_person)
        if why := _closed(watch):
            if watch.reconciled and (turn := await leaving.refuse(exits)):
                return turn
            if intents or not delivery or not self._is_late(delivery):
                return wait(CLOSED_PAUSE, why)
            return await self._qualify(watch, delivery)
        # What takes away from a position comes before what adds to it.
        if turn := await leaving.turn(account, symbol):
            return turn
        if intents:
            return await Executing(
                desk=self.desk,
                watch=watch,
                door=self.door,
                intent=intents[0],
                ask_person=self.ask_person,
            ).turn()
        # An exit that rests is looked at again with the next beat.
        return await self._qualify(watch, delivery) if delivery else SLEEP

    # --- what is too late ---------------------------------------------------------------------

    def _expire(self, intents: Sequence[TradeIntent], steps: Sequence[Step]) -> bool:
        """A call under way is settled first: what it placed is placed, whatever the time."""
        now = self.desk.clock.now()
        busy = {step.plan_id for step in steps}
        late = [
            intent
            for intent in intents
            if intent.expires_at
            and now > intent.expires_at
            and intent.intent_id not in busy
            and not self._has_begun(intent)
        ]
        for intent in late:
            fail_intent(self.desk, intent, f"expired at {moment_text(intent.expires_at or now)}")
        return bool(late)

    def _is_late(self, delivery: Delivery) -> bool:
        with self.desk.book.read() as book:
            signal = book.signal(delivery.signal_id)
        assert signal is not None, "a delivery is stored together with its signal"
        return self.desk.clock.now() > expiry_of(signal, self.desk.settings)

    def _has_begun(self, intent: TradeIntent) -> bool:
        keys = [order.key for order in orders_of(intent)]
        with self.desk.book.read() as book:
            return bool(book.orders(intent.account, order_ids=keys))

    # --- what nobody knows --------------------------------------------------------------------

    async def _settle(self, watch: AccountWatch, steps: Sequence[Step]) -> Turn:
        if why := forbidden(self.desk):
            return wait(CLOSED_PAUSE, why)
        resumption = Resumption(
            book=self.desk.book,
            brokers={watch.account: watch.broker},
            clock=self.desk.clock,
            log=self.desk.log,
            takes_alike_stops=True,
        )
        async with self.hold:
            # Whoever held the lock may have settled them meanwhile; what this process has on its
            # way is settled by its own answer.
            with self.desk.book.read() as book:
                still_open = {step.step_id for step in book.steps(open_only=True)}
            left = [step for step in steps if step.step_id in still_open]
            if any(step.idempotency_key in self.hold.under_way for step in left):
                return wait(UNDER_WAY_PAUSE, "a call is under way")
            settled = await resumption.settle_open_steps(left)
        unknown = [one for one in settled if one.state is StepState.UNKNOWN]
        if unknown:
            return wait(UNKNOWN_PAUSE, f"outcome unknown: {unknown[0].note}")
        self.settled(watch.account)
        return AGAIN

    async def _see_to_fills(self, watch: AccountWatch, symbol: str) -> Turn | None:
        """What an order has done is booked, and what it has opened is protected."""
        if turn := await self._fetch(watch, symbol):
            return turn
        return await Guarding(desk=self.desk, watch=watch, door=self.door).turn(symbol)

    async def _fetch(self, watch: AccountWatch, symbol: str) -> Turn | None:
        """Positions decide, so what an order has filled must be booked before the next one."""
        missing = fills_missing(self.desk, watch.account, symbol)
        if not missing:
            return None
        if why := forbidden(self.desk):
            return wait(CLOSED_PAUSE, why)
        if (seconds := grace_left(self.desk, missing)) > 0:
            return wait(seconds, "an order that the venue is about to tell of")
        try:
            await fetch_fills(self.desk, watch, self.hold, missing)
        except BrokerError as error:
            return wait(UNKNOWN_PAUSE, f"fills could not be read: {error.message}")
        # A position may have moved, and its stop must not wait for the next round.
        self.settled(watch.account)
        if fills_missing(self.desk, watch.account, symbol):
            return wait(UNKNOWN_PAUSE, "fills that the venue has not told of yet")
        return AGAIN

    # --- what is new --------------------------------------------------------------------------

    async def _qualify(self, watch: AccountWatch, delivery: Delivery) -> Turn:
        """Persist first, emit second: the intent and its telling are one transaction."""
        if delivery.symbol in watch.unexplained:
            # A person may have said meanwhile what it is.
            await catch_up(self.desk, watch, self.hold)
            if watch.behind is not None:
                self.settled(watch.account)
        situation = await situation_of(self.desk, watch, delivery)
        if situation.unreachable and not self._is_late(delivery):
            # Nothing can be decided; it may still be good when the venue is back.
            return wait(UNKNOWN_PAUSE, situation.unreachable)
        intent = qualify(situation, self.desk.settings)
        if is_blind(situation, intent) and not self._is_late(delivery):
            return wait(UNKNOWN_PAUSE, f"no price: {situation.quote_unread}")
        if intent.attempt != delivery.attempt:
            raise ValueError(f"intent {intent.intent_id} answers another delivery")
        now = self.desk.clock.now()
        with self.desk.book.write() as book:
            book.insert_intents([intent])
            book.put_deliveries(
                [replace(delivery, state=DeliveryState.QUALIFIED, qualified_at=now)]
            )
            book.insert_events([intent_told(intent)])
            if not (self.desk.gates().dry_run or "simulated" in intent.because):
                queue_life(book, intent, now)
            follow_signals(book, [intent.signal_id], now)
        self.desk.log.event(
            "intent_qualified",
            account=intent.account,
            symbol=intent.symbol,
            intent_id=intent.intent_id,
            signal_id=intent.signal_id,
            trace_id=intent.trace_id,
            state=intent.state.value,
            reasons=intent.reasons.get("reasons", []),
        )
        self._tell_violations(intent)
        return AGAIN

    def _tell_violations(self, intent: TradeIntent) -> None:
        """Every breach of a limit is known to people, also one that the order was shrunk for."""
        for found in (*refusals(intent.reasons), *refusals(intent.because, "violations")):
            if found.code.startswith("risk_"):
                raise_alert(
                    self.desk,
                    "risk_limit_violated",
                    f"signal {intent.signal_id}: {found.message}",
                    account=intent.account,
                    subject=intent.signal_id,
                )


def _closed(watch: AccountWatch) -> str | None:
    """Why nothing new is begun for the account."""
    if watch.unreachable:
        return watch.unreachable
    if watch.wrong_mode:
        return watch.wrong_mode
    return None if watch.reconciled else "start-up reconciliation is not done"
