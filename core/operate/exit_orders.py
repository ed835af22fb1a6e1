"""The order of an exit, sent and taken back; and the one way in which an exit ends."""

from dataclasses import dataclass, replace

from core.apply.exit_progress import move_exit
from core.apply.standing import StandingDoor
from core.domain.errors import Blocked, Stale
from core.domain.exit import ExitIntent, ExitState
from core.domain.order import LIVE, BookOrder, at_broker
from core.domain.record import StepState
from core.domain.trade import Trade
from core.operate.account_watch import AccountWatch
from core.operate.alerting import tell_unknown
from core.operate.desk import Desk
from core.operate.pause import growing_pause
from core.operate.turn import AGAIN, Turn, wait
from core.plan.change import AnyChange, CancelOrder, Risk

GATE_PAUSE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitOrders:
    desk: Desk
    watch: AccountWatch
    door: StandingDoor

    async def carry_out(self, change: AnyChange, intent: ExitIntent, *, name: str) -> Turn:
        try:
            answer = await self.door.carry_out(change, cause=intent.exit_intent_id, name=name)
        except Blocked as error:
            return wait(GATE_PAUSE, error.message)
        except Stale:
            return AGAIN
        if answer.state is StepState.UNKNOWN:
            tell_unknown(self.desk, change, answer.note, subject=intent.exit_intent_id)
        elif answer.state is StepState.FAILED:
            self.watch.doubt()
            if isinstance(change, CancelOrder):
                return wait(GATE_PAUSE, answer.note)
        return AGAIN

    async def take_back(self, intent: ExitIntent, why: str) -> Turn | None:
        row = self.order_of(intent)
        if row is None or row.status not in LIVE or row.broker_order_id is None:
            return None
        return await self.cancel(row, intent, why)

    async def cancel(self, row: BookOrder, intent: ExitIntent, why: str) -> Turn:
        if (seconds := self._pause_left(row, intent)) > 0:
            return wait(seconds, "the venue refused to cancel the order that is in the way")
        change = CancelOrder(
            account=intent.account,
            symbol=intent.symbol,
            target=row.order_id,
            reason="makes_way_for_exit",
            because=f"An order of ours is cancelled: {why}.",
            risk=Risk.LOW,
            before=at_broker(row),
        )
        return await self.carry_out(change, intent, name=f"cancel {self.desk.ids.token(4)}")

    def _pause_left(self, row: BookOrder, intent: ExitIntent) -> float:
        """Longer each time that the venue refused to cancel it."""
        with self.desk.book.read() as book:
            answers = [
                step.settled_at
                for step in book.steps(plan_id=intent.exit_intent_id)
                if step.order_id == row.order_id and step.kind == CancelOrder.kind
            ]
        if not answers or answers[-1] is None:
            return 0.0
        longest = self.desk.settings.EXITS.retry_cap_seconds
        pause = growing_pause(GATE_PAUSE, len(answers), longest)
        return (answers[-1] - self.desk.clock.now()).total_seconds() + pause

    # --- rows ---------------------------------------------------------------------------------

    def trade_of(self, intent: ExitIntent) -> Trade:
        with self.desk.book.read() as book:
            trade = book.trade(intent.trade_id)
        assert trade is not None, "an exit is asked for of a trade that is there"
        return trade

    def order_of(self, intent: ExitIntent) -> BookOrder | None:
        with self.desk.book.read() as book:
            rows = book.orders(intent.account, order_ids=[intent.key_of(intent.tries)])
        return rows[0] if rows else None

    def why_of(self, row: BookOrder) -> str:
        with self.desk.book.read() as book:
            outcome = book.outcome_of(row.order_id)
        return outcome or f"its order was {row.status}"

    def end(self, intent: ExitIntent, to: ExitState, why: str) -> bool:
        with self.desk.book.write() as book:
            moved = move_exit(book, intent, to, self.desk.clock.now(), why)
        if moved:
            self.log(replace(intent, state=to, outcome=why), "exit_moved")
        return moved

    def log(self, intent: ExitIntent, event: str) -> None:
        self.desk.log.event(
            event,
            account=intent.account,
            symbol=intent.symbol,
            exit_intent_id=intent.exit_intent_id,
            trade_id=intent.trade_id,
            cause=intent.cause.value,
            state=intent.state.value,
            tries=intent.tries,
            outcome=intent.outcome,
            trace_id=intent.trace_id,
        )
