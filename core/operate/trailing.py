"""Trailing: the stop of a position that gains follows its price, quote by quote."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.apply.standing import StandingDoor
from core.decide.lifecycle.moving import moved_in_place, old_one_away, tighter_beside
from core.decide.lifecycle.trailing import Trail, trail
from core.domain.errors import Blocked, Stale
from core.domain.order import BookOrder, Origin
from core.domain.record import StepState
from core.operate.account_watch import AccountWatch
from core.operate.desk import Desk
from core.operate.held import Held
from core.plan.change import AnyChange


@dataclass(slots=True, kw_only=True)
class Trailing:
    desk: Desk
    door: StandingDoor
    # Told of a position that has lost its stop in the middle of a move.
    in_emergency: Callable[[Held, str], None]
    # When each stop was moved last, by position.
    _moved: dict[str, datetime] = field(default_factory=dict)

    async def follow(self, watch: AccountWatch, held: Held) -> None:
        """A position with exactly one live stop of ours; anything else is mended by a round."""
        stop = held.stops[0] if len(held.stops) == 1 else None
        if stop is None or held.is_busy or not self._may_move(stop, held):
            return
        assert stop.trigger_price is not None, "_may_move has seen to it"
        found = trail(
            held.position,
            stop.trigger_price,
            held.price,
            held.leverage,
            held.instrument,
            self.desk.settings.POSITIONS,
        )
        if found is None:
            return
        self._moved[held.life.position_id] = self.desk.clock.now()
        able = watch.broker.capabilities
        if able.amends:
            await self._done(moved_in_place(stop, found), found)
        elif able.one_stop:
            await self._in_its_place(stop, held, found)
        elif await self._done(tighter_beside(stop, held.position, found), found, stop):
            # Only once the new one stands; until then the old one is all there is.
            await self._done(old_one_away(stop, found), found)

    async def _in_its_place(self, stop: BookOrder, held: Held, found: Trail) -> None:
        """The venue takes one stop only: between the two the position is bare, so a new one that
        is refused ends the position rather than leave it so."""
        if not await self._done(old_one_away(stop, found), found):
            return
        if not await self._done(tighter_beside(stop, held.position, found), found):
            self.in_emergency(held, "its stop made way for a tighter one, which was not accepted")

    def _may_move(self, stop: BookOrder, held: Held) -> bool:
        settings = self.desk.settings.POSITIONS
        ours = stop.origin is Origin.OWNED and stop.broker_order_id and stop.trigger_price
        if not (settings.trail and ours):
            return False
        pause = timedelta(milliseconds=settings.min_stop_modify_interval_ms)
        last = self._moved.get(held.life.position_id)
        return last is None or self.desk.clock.now() - last >= pause

    async def _done(self, change: AnyChange, found: Trail, beside: BookOrder | None = None) -> bool:
        """`beside` is the stop that it is placed next to: a round may have replaced that."""
        name, cause = f"{change.kind} {self.desk.ids.token(4)}", f"trail-{change.target}"
        try:
            answer = await self.door.carry_out(change, cause=cause, name=name, relies_on=beside)
        except (Blocked, Stale) as error:
            self.desk.log.event("stop_not_moved", symbol=change.symbol, why=error.message)
            return False
        self.desk.log.event(
            "stop_moved",
            account=change.account,
            symbol=change.symbol,
            trigger=str(found.trigger),
            because=found.because,
            state=answer.state.value,
        )
        return answer.state is StepState.DONE
