"""The first stop of a position that an order of ours has just opened, without a look at the venue.

It goes by what the book itself knows, so that neither the number of positions nor a venue that is
slow to list them keeps a new one bare. Every later stop, and all that is odd, is for the rounds.
"""

from dataclasses import dataclass
from datetime import timedelta

from core.apply.standing import StandingDoor
from core.decide.reconcile.stop_price import stop_of_entry
from core.domain.errors import Blocked, BrokerError, Stale
from core.domain.exit import EXIT_OPEN
from core.domain.life import Life, LifeState
from core.domain.order import STOP_TYPES
from core.domain.position import BookPosition, signed
from core.domain.record import StepState
from core.operate.account_watch import AccountWatch
from core.operate.alerting import tell_unknown
from core.operate.desk import Desk
from core.operate.fetching import must_have_ended
from core.operate.turn import AGAIN, Turn
from core.plan.change import PlaceStop

# Later, the price may have gone anywhere, and a round has been there.
JUST_NOW = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarding:
    desk: Desk
    watch: AccountWatch
    door: StandingDoor

    async def turn(self, symbol: str) -> Turn | None:
        """None when there is nothing to protect here, or it is not for this place to do so."""
        found = self._bare(symbol)
        if found is None:
            return None
        change = await self._stop_for(*found)
        # The venue may have been asked; whether it is still so is looked up once more.
        if change is None or self._bare(symbol) != found:
            return None
        life, _ = found
        try:
            answer = await self.door.carry_out(change, cause=_cause(life), name="first stop")
        except (Blocked, Stale):
            return None
        if answer.state is StepState.UNKNOWN:
            tell_unknown(self.desk, change, answer.note, subject=change.target)
        elif answer.state is StepState.FAILED:
            self.watch.doubt()
        return AGAIN

    def _bare(self, symbol: str) -> tuple[Life, BookPosition] | None:
        """A life that began a moment ago with the fill of a signal's order, all of it booked."""
        account, now = self.watch.account, self.desk.clock.now()
        with self.desk.book.read() as book:
            fresh = [
                life
                for life in book.lives(account, symbol=symbol)
                if _is_fresh(life) and life.entry_time and now - life.entry_time < JUST_NOW
            ]
            if len(fresh) != 1 or symbol in self.watch.unexplained:
                return None
            (life,) = fresh
            live = book.live_orders_in(account, symbol)
            positions = book.positions(account)
            tried = book.steps(plan_id=_cause(life))
            leaving = book.exit_intents(account, symbol=symbol, states=EXIT_OPEN)
        filling = any(must_have_ended(row) for row in live)
        # One of a position that this one has taken the place of guards nothing any more.
        guarded = any(
            row.order_type in STOP_TYPES and row.side is life.direction.exit_side for row in live
        )
        if filling or guarded or tried or leaving:
            return None
        position = next((row for row in positions if _is_of(row, life)), None)
        return (life, position) if position else None

    async def _stop_for(self, life: Life, position: BookPosition) -> PlaceStop | None:
        settings = self.desk.settings
        try:
            instrument = await self.watch.instrument(life.symbol)
            leverage = await self.watch.leverage(
                life.symbol, otherwise=settings.POSITIONS.default_leverage
            )
        except BrokerError:
            return None
        if leverage is None:
            # A stop at a guess may lie beyond the liquidation; the round sees the position itself.
            return None
        return stop_of_entry(life, position, leverage, instrument, settings)


def _is_fresh(life: Life) -> bool:
    return (
        life.state is LifeState.OPEN
        and life.signal_source == "signal"
        and bool(life.quantity)
        and life.initial_stop_price is None
    )


def _is_of(row: BookPosition, life: Life) -> bool:
    """The position that is all of this life; while rows are missing, it is not."""
    held = signed(row.quantity, row.side)
    return (row.symbol, row.side) == (life.symbol, life.side) and (
        held == life.direction.sign * life.quantity
    )


def _cause(life: Life) -> str:
    return f"guard-{life.position_id}"
