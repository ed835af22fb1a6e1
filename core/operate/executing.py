"""One turn of an approved intent: what makes way goes first, then its next order.

| what the book tells of its orders           | the turn                                          |
|---------------------------------------------|---------------------------------------------------|
| all of them have been taken by the venue    | the intent is placed; its orders tell the rest    |
| the last one never reached the venue        | tried again after a pause, at most so often       |
| one was refused                             | the intent failed                                 |
| the next one waits for the one before it    | wait                                              |
| the next one can go                         | cancel or amend what is in its way, then place it |
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from core.apply.asking import Answer
from core.apply.progressing import follow_signals, intent_told
from core.apply.standing import StandingDoor
from core.decide.execution.clearing import steps as clearing_steps
from core.decide.execution.duplicates import duplicate_of
from core.domain.errors import Blocked, Stale
from core.domain.intent import (
    IntentOrder,
    IntentState,
    Relationship,
    TradeIntent,
    orders_of,
    signal_order,
)
from core.domain.order import LIVE, BookOrder, OrderStatus
from core.domain.record import Step, StepState
from core.operate.account_watch import AccountWatch
from core.operate.alerting import raise_alert, tell_unknown
from core.operate.desk import Desk
from core.operate.intents import fail_intent, move, simulate
from core.operate.pause import growing_pause
from core.operate.permission import forbidden
from core.operate.turn import AGAIN, Turn, wait
from core.plan.change import AmendOrder, CancelOrder, PlaceOrder
from core.plan.codec import action_from_document
from core.ports import Listing

GATE_PAUSE = 0.5
FILL_PAUSE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Executing:
    desk: Desk
    watch: AccountWatch
    door: StandingDoor
    intent: TradeIntent
    # Told of an intent that only a person can let through, by its account and id.
    ask_person: Callable[[str, str], None]

    async def turn(self) -> Turn:
        intent, now = self.intent, self.desk.clock.now()
        if intent.not_before and now < intent.not_before:
            return wait((intent.not_before - now).total_seconds(), "pausing before another try")
        wanted = orders_of(intent)
        with self.desk.book.read() as book:
            rows = {
                row.order_id: row
                for row in book.orders(intent.account, order_ids=[each.key for each in wanted])
            }
            steps = book.steps(plan_id=intent.intent_id)
        begun = [rows[order.key] for order in wanted if order.key in rows]
        if refused := [row for row in begun if row.status is OrderStatus.REJECTED]:
            return self._refused(refused[0], begun, steps)
        waiting = [order for order in wanted if order.key not in rows]
        if not waiting:
            return self._placed()
        if waiting[0].after_previous and not _is_done(begun):
            return self._previous(begun[-1])
        return await self._go(waiting[0], wanted, steps)

    # --- what the book tells ------------------------------------------------------------------

    def _placed(self, outcome: str = "") -> Turn:
        move(self.desk, self.intent, IntentState.PLACED, outcome or "taken by the venue")
        return AGAIN

    def _refused(self, row: BookOrder, begun: Sequence[BookOrder], steps: Sequence[Step]) -> Turn:
        step = next((step for step in steps if step.order_id == row.order_id), None)
        why = (step.outcome if step else None) or "rejected"
        limit = self.desk.settings.SIGNALS.attempts
        alone = len(begun) == 1
        if step is None or not step.never_sent or self.intent.tries >= limit or not alone:
            tried = f" after {self.intent.tries} tries" if self.intent.tries > 1 else ""
            fail_intent(self.desk, self.intent, f"{why}{tried}")
            return AGAIN
        return self._again(why)

    def _again(self, why: str) -> Turn:
        """Nothing of it reached the venue, so the same order may go once more, under a new key."""
        settings, now = self.desk.settings.SIGNALS, self.desk.clock.now()
        pause = growing_pause(
            settings.retry_base_seconds, self.intent.tries, settings.retry_cap_seconds
        )
        after = replace(
            self.intent,
            tries=self.intent.tries + 1,
            not_before=now + timedelta(seconds=pause),
            updated_at=now,
            outcome=why,
        )
        with self.desk.book.write() as book:
            book.move_intent(after, from_state=IntentState.APPROVED)
        self.desk.log.event(
            "intent_tried_again",
            account=after.account,
            symbol=after.symbol,
            intent_id=after.intent_id,
            tries=after.tries,
            why=why,
        )
        return AGAIN

    def _previous(self, row: BookOrder) -> Turn:
        """The half before it has to be filled; when it ended otherwise, the rest never happens."""
        if row.status in LIVE:
            return wait(FILL_PAUSE, f"order {row.order_id} has to fill first")
        fail_intent(
            self.desk,
            self.intent,
            f"order {row.order_id} was {row.status}, so the rest was not sent",
        )
        return AGAIN

    # --- going --------------------------------------------------------------------------------

    async def _go(
        self, order: IntentOrder, wanted: Sequence[IntentOrder], steps: Sequence[Step]
    ) -> Turn:
        simulated = self.intent.because.get("simulated")
        gates = self.desk.gates()
        if gates.safe_mode:
            self._tell_blocked()
            return wait(GATE_PAUSE, "SAFE_MODE is on")
        if gates.dry_run or simulated:
            why = "a warm-up signal" if simulated else "DRY_RUN is on"
            simulate(self.desk, self.intent, wanted, why)
            return AGAIN
        if closed := forbidden(self.desk):
            self.ask_person(self.intent.account, self.intent.intent_id)
            return wait(GATE_PAUSE, closed)
        if blocked := self._duplicate(order):
            raise_alert(
                self.desk,
                "duplicate_submission_blocked",
                f"{order.symbol} {order.side} {order.quantity}: {blocked} was just sent",
                account=self.intent.account,
                subject=self.intent.signal_id,
            )
            fail_intent(self.desk, self.intent, f"a duplicate of {blocked}")
            return AGAIN
        return await self._clear_and_place(order, steps)

    async def _clear_and_place(self, order: IntentOrder, steps: Sequence[Step]) -> Turn:
        """One change a turn: after each, the book is looked at again.

        What the calls before this one came to is read from the book, whoever settled them.
        """
        if amended := _done(steps, AmendOrder.kind):
            return self._taken_over(amended, order)
        if filled := self._filled_instead(steps):
            told = f"order {filled.broker_order_id} filled while it was being cancelled"
            fail_intent(self.desk, self.intent, told)
            return AGAIN
        with self.desk.book.read() as book:
            live = book.live_orders_in(self.intent.account, self.intent.symbol)
        ours = {each.key for each in orders_of(self.intent)}
        amends = self.watch.broker.capabilities.amends and not _has_failed(steps, "amend_order")
        change = clearing_steps(
            [order],
            [row for row in live if row.order_id not in ours],
            self.desk.settings,
            account=self.intent.account,
            amends=amends,
            now=self.desk.clock.now(),
        )[0]
        name = f"{change.kind} {len(steps) + 1}"
        if isinstance(change, CancelOrder) and (ended := self._gave_up(change, steps)):
            fail_intent(self.desk, self.intent, ended)
            return AGAIN
        try:
            answer = await self.door.carry_out(change, cause=self.intent.intent_id, name=name)
        except Blocked as error:
            return wait(GATE_PAUSE, error.message)
        except Stale:
            return AGAIN
        return self._after(change, order, answer)

    def _after(
        self, change: CancelOrder | AmendOrder | PlaceOrder, order: IntentOrder, answer: Answer
    ) -> Turn:
        if answer.state is StepState.UNKNOWN:
            tell_unknown(self.desk, change, answer.note, subject=self.intent.signal_id)
            return AGAIN
        if answer.state is StepState.FAILED:
            self.watch.doubt()
            if isinstance(change, CancelOrder):
                return wait(FILL_PAUSE, answer.note)
        return AGAIN

    def _filled_instead(self, steps: Sequence[Step]) -> BookOrder | None:
        """An order that was to make way for this one and filled before its cancel arrived."""
        cancelled = {
            step.order_id: action_from_document(step.request).change
            for step in steps
            if step.kind == CancelOrder.kind and step.order_id
        }
        with self.desk.book.read() as book:
            rows = book.orders(self.intent.account, order_ids=list(cancelled))
        for row in rows:
            change = cancelled[row.order_id]
            assert isinstance(change, CancelOrder)
            if row.filled_quantity > change.before.filled_quantity:
                return row
        return None

    def _taken_over(self, order_id: str, order: IntentOrder) -> Turn:
        """The amended order stands for this signal, too."""
        now = self.desk.clock.now()
        after = replace(
            self.intent,
            state=IntentState.PLACED,
            outcome=f"amended {order_id}",
            updated_at=now,
        )
        with self.desk.book.write() as book:
            book.put_signal_orders(
                [
                    replace(
                        signal_order(order),
                        order_id=order_id,
                        relationship_type=Relationship.MANY_TO_ONE,
                    )
                ]
            )
            book.move_intent(after, from_state=IntentState.APPROVED)
            book.insert_events([intent_told(after)])
            follow_signals(book, [self.intent.signal_id], now)
        return AGAIN

    def _gave_up(self, change: CancelOrder, steps: Sequence[Step]) -> str | None:
        """Why what is in the way cannot be cleared."""
        failed = [
            step
            for step in steps
            if step.kind == change.kind
            and step.state is StepState.FAILED
            and step.order_id == change.target
        ]
        if len(failed) < self.desk.settings.SIGNALS.attempts:
            return None
        return f"order {change.target} could not be cancelled: {failed[-1].outcome}"

    def _duplicate(self, order: IntentOrder) -> str | None:
        now = self.desk.clock.now()
        window = timedelta(seconds=self.desk.settings.EXECUTION.duplicate_window_seconds)
        with self.desk.book.read() as book:
            recent = book.orders_of_signals([self.intent.signal_id])
        return duplicate_of(order, self.intent.account, recent, now=now, window=window)

    def _tell_blocked(self) -> None:
        """Once for each intent, however long it waits."""
        kind = "order_blocked_safe_mode"
        asked = Listing(table="alerts", where={"type": kind, "subject": self.intent.intent_id})
        with self.desk.book.read() as book:
            if book.page(asked).total_items:
                return
        raise_alert(
            self.desk,
            kind,
            f"{self.intent.symbol} {self.intent.side} waits: SAFE_MODE is on",
            account=self.intent.account,
            subject=self.intent.intent_id,
        )


def _is_done(begun: Sequence[BookOrder]) -> bool:
    return bool(begun) and all(row.status is OrderStatus.FILLED for row in begun)


def _done(steps: Sequence[Step], kind: str) -> str | None:
    """The order that such a call has changed."""
    done = (step.order_id for step in steps if step.kind == kind and step.state is StepState.DONE)
    return next(done, None)


def _has_failed(steps: Sequence[Step], kind: str) -> bool:
    return any(step.kind == kind and step.state is StepState.FAILED for step in steps)
