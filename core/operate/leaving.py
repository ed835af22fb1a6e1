"""One turn of an exit in its lane: qualified, placed once, concluded by what its order did.

| the exit is | and                                               | the turn                       |
|-------------|---------------------------------------------------|--------------------------------|
| PENDING     | a limit of the same trade rests, and it is urgent | takes that back first          |
| PENDING     |                                                   | approves or rejects it         |
| APPROVED    | nothing of the trade is open, it is too old, or   | cancels it                     |
|             | the account has been frozen since                 |                                |
| APPROVED    |                                                   | places its order, reduce-only  |
| PLACED      | its order came to nothing                         | tries again after a pause, or  |
|             |                                                   | fails                          |
| PLACED      | its limit rests too long, or nothing is held      | takes it back                  |

A failed exit leaves the position as it is, with its stop. Nothing here closes a trade: that is
for the booking of executions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from core.apply.standing import StandingDoor
from core.decide.exits.qualify import is_market
from core.decide.exits.waiting import place
from core.domain.exit import EXIT_OPEN, ExitIntent, ExitState
from core.domain.intent import FROZEN
from core.domain.order import LIVE, OrderStatus, OrderType, Origin
from core.domain.position import exit_side
from core.domain.trade import TradeStatus
from core.operate.account_watch import AccountWatch
from core.operate.desk import Desk
from core.operate.exit_concluding import conclude
from core.operate.exit_deciding import decide_exit
from core.operate.exit_orders import GATE_PAUSE, ExitOrders
from core.operate.permission import forbidden
from core.operate.turn import AGAIN, Turn, wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    desk: Desk
    watch: AccountWatch
    door: StandingDoor
    # Told of an exit that only a person can let through, by its account and id.
    ask_person: Callable[[str, str], None]

    @property
    def orders(self) -> ExitOrders:
        return ExitOrders(desk=self.desk, watch=self.watch, door=self.door)

    async def turn(self, account: str, symbol: str) -> Turn | None:
        """None when no exit of the lane wants anything right now."""
        with self.desk.book.read() as book:
            exits = book.exit_intents(account, symbol=symbol, states=EXIT_OPEN)
        for intent in exits:
            if turn := await self._turn_of(intent, exits):
                return turn
        return None

    async def refuse(self, exits: list[ExitIntent]) -> Turn | None:
        """The venue is gone: what asks now is answered so, and the trade stays open."""
        for intent in exits:
            if intent.state is ExitState.PENDING:
                await decide_exit(self.desk, self.watch, intent)
                return AGAIN
        return None

    async def _turn_of(self, intent: ExitIntent, exits: list[ExitIntent]) -> Turn | None:
        match intent.state:
            case ExitState.PENDING:
                if resting := _in_the_way(intent, exits):
                    why = "an exit that cannot wait comes first"
                    return await self.orders.take_back(resting, why)
                await decide_exit(self.desk, self.watch, intent)
                return AGAIN
            case ExitState.APPROVED:
                return await self._approved(intent)
        return await self._placed(intent)

    # --- placing ------------------------------------------------------------------------------

    async def _approved(self, intent: ExitIntent) -> Turn | None:
        now = self.desk.clock.now()
        if why := self._pointless(intent):
            self.orders.end(intent, ExitState.CANCELLED, why)
            return AGAIN
        if intent.not_before and now < intent.not_before:
            return None
        gates = self.desk.gates()
        if gates.safe_mode:
            return wait(GATE_PAUSE, "SAFE_MODE is on")
        if gates.dry_run:
            self._simulate(intent)
            return AGAIN
        if closed := forbidden(self.desk):
            self.ask_person(intent.account, intent.exit_intent_id)
            return wait(GATE_PAUSE, closed)
        if turn := await self._stop_entering(intent):
            return turn
        if odd := await self._too_much(intent):
            return odd
        return await self.orders.carry_out(place(intent), intent, name=f"exit {intent.tries}")

    async def _stop_entering(self, intent: ExitIntent) -> Turn | None:
        """What is left of the trade's own entry must not fill while the trade is left; a cancel
        that the venue refuses is not waited for."""
        entry = self.orders.trade_of(intent).order_id
        with self.desk.book.read() as book:
            rows = book.orders(intent.account, order_ids=[entry] if entry else [])
            tried = any(
                step.order_id == entry for step in book.steps(plan_id=intent.exit_intent_id)
            )
        row = rows[0] if rows else None
        if row is None or row.status not in LIVE or row.broker_order_id is None or tried:
            return None
        if row.origin is not Origin.OWNED:
            return None
        why = "the trade is being left, so it enters no further"
        return await self.orders.cancel(row, intent, why)

    async def _too_much(self, intent: ExitIntent) -> Turn | None:
        """Where no order can be reduce-only, the venue itself says what there is to take away."""
        if self.watch.broker.capabilities.reduce_only:
            return None
        snapshot = await self.watch.broker.snapshot()
        if not snapshot.knows("positions"):
            return wait(GATE_PAUSE, "the venue does not tell what is held")
        order = intent.order
        held = [
            row.quantity
            for row in snapshot.positions
            if row.symbol == intent.symbol and exit_side(row.quantity, row.side) is order.side
        ]
        if sum(map(abs, held)) >= order.quantity:
            return None
        self.orders.end(intent, ExitState.CANCELLED, "the venue holds less than that")
        return AGAIN

    def _pointless(self, intent: ExitIntent) -> str | None:
        trade = self.orders.trade_of(intent)
        if trade.status is TradeStatus.CLOSED:
            return f"the trade is closed: {trade.exit_reason}"
        age = timedelta(seconds=self.desk.settings.SIGNALS.max_signal_age_seconds)
        since = intent.created_at if intent.tries == 1 else intent.updated_at
        if self.desk.clock.now() - since > age:
            return f"older than {age.total_seconds():.0f} s, and what was true then may not be now"
        with self.desk.book.read() as book:
            halts = book.halts(intent.account)
        frozen = (f"the account is frozen: {each.reason}" for each in halts if each.kind == FROZEN)
        return next(frozen, None)

    def _simulate(self, intent: ExitIntent) -> None:
        order = intent.order
        self.orders.end(intent, ExitState.SIMULATED, "DRY_RUN is on")
        self.desk.log.event(
            f"[DRY-RUN] {order.side} {order.quantity} {order.symbol} {order.type}",
            account=intent.account,
            symbol=intent.symbol,
            exit_intent_id=intent.exit_intent_id,
        )

    # --- what became of its order -------------------------------------------------------------

    async def _placed(self, intent: ExitIntent) -> Turn | None:
        row = self.orders.order_of(intent)
        if row is None or row.status is OrderStatus.FILLED:
            return None
        if row.status not in LIVE:
            conclude(self.orders, intent, row)
            return AGAIN
        if row.broker_order_id is None:
            return None
        if self.orders.trade_of(intent).status is TradeStatus.CLOSED:
            return await self.orders.take_back(intent, "nothing of the trade is open any more")
        limit = timedelta(seconds=self.desk.settings.EXITS.limit_timeout_seconds)
        rests = row.order_type is OrderType.LIMIT and row.created_at is not None
        if rests and self.desk.clock.now() - (row.created_at or intent.updated_at) > limit:
            return await self.orders.take_back(intent, "its limit did not fill in time")
        return None


def _in_the_way(intent: ExitIntent, exits: list[ExitIntent]) -> ExitIntent | None:
    """A limit of the same trade that rests while this one cannot wait."""
    if not is_market(intent.cause):
        return None
    for other in exits:
        same = other.trade_id == intent.trade_id and other.exit_intent_id != intent.exit_intent_id
        if same and other.state is ExitState.PLACED and other.order_type is OrderType.LIMIT:
            return other
    return None
