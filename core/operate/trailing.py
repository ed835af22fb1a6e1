"""Trailing: the stop of each position that gains follows its price, quote by quote."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from core.apply.standing import StandingDoor
from core.decide.lifecycle.moving import moved_in_place, old_one_away, tighter_beside
from core.decide.lifecycle.trailing import Trail, exit_price_side, protects, trail
from core.domain.errors import Blocked, BrokerError, Stale
from core.domain.order import LIVE, STOP_TYPES, BookOrder, Origin, Side
from core.domain.position import BookPosition
from core.domain.record import StepState
from core.operate.account_watch import AccountWatch
from core.operate.desk import Desk
from core.plan.change import AnyChange

LOOK_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class Trailing:
    desk: Desk
    watches: Mapping[str, AccountWatch]
    door: StandingDoor
    # When each stop was moved last, by position.
    _moved: dict[tuple[str, str, str], datetime] = field(default_factory=dict)

    async def watch(self) -> None:
        while True:
            await self.look()
            await self.desk.clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """One quote for each position with a stop of ours; one that cannot be read waits."""
        if not self.desk.settings.POSITIONS.trail or self.door.forbidden():
            return
        for watch in self.watches.values():
            if not watch.reconciled:
                continue
            for position, stop in self._protected(watch.account):
                try:
                    await self._follow(watch, position, stop)
                except BrokerError as error:
                    self.desk.log.event(
                        "quote_not_read",
                        account=watch.account,
                        symbol=position.symbol,
                        why=error.message,
                    )

    def _protected(self, account: str) -> Iterator[tuple[BookPosition, BookOrder]]:
        """Positions with exactly one live stop that is ours; anything else is mended by a round."""
        with self.desk.book.read() as book:
            positions = [row for row in book.positions(account) if row.quantity and not row.dust]
            orders = book.orders(account, live=True)
            busy = {step.symbol for step in book.open_steps(account)}
        for position in positions:
            stops = [row for row in orders if _guards(row, position)]
            if len(stops) != 1 or position.symbol in busy or not self._may_move(position):
                continue
            if stops[0].origin is Origin.OWNED and stops[0].broker_order_id:
                yield position, stops[0]

    def _may_move(self, position: BookPosition) -> bool:
        pause = timedelta(milliseconds=self.desk.settings.POSITIONS.min_stop_modify_interval_ms)
        last = self._moved.get(_name(position))
        return last is None or self.desk.clock.now() - last >= pause

    async def _follow(self, watch: AccountWatch, position: BookPosition, stop: BookOrder) -> None:
        quote = await watch.broker.quote(position.symbol)
        price = quote.bid if exit_price_side(position) is Side.SELL else quote.ask
        if price is None or stop.trigger_price is None:
            return
        settings = self.desk.settings.POSITIONS
        leverage = (await watch.mode()).leverage.get(position.symbol) or settings.default_leverage
        found = trail(
            position,
            stop.trigger_price,
            price,
            Decimal(leverage),
            await watch.instrument(position.symbol),
            settings,
        )
        if found is None:
            return
        self._moved[_name(position)] = self.desk.clock.now()
        if watch.broker.capabilities.amends:
            await self._done(moved_in_place(stop, found), found)
        elif await self._done(tighter_beside(stop, position, found), found):
            # Only once the new one stands; until then the old one is all there is.
            await self._done(old_one_away(stop, found), found)

    async def _done(self, change: AnyChange, found: Trail) -> bool:
        name = f"{change.kind} {self.desk.ids.token(4)}"
        try:
            answer = await self.door.carry_out(change, cause=f"trail-{change.target}", name=name)
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


def _guards(row: BookOrder, position: BookPosition) -> bool:
    return (
        row.symbol == position.symbol
        and row.status in LIVE
        and row.order_type in STOP_TYPES
        and bool(row.reduce_only)
        and protects(row.side, row.position_side, position)
    )


def _name(position: BookPosition) -> tuple[str, str, str]:
    return position.account, position.symbol, position.side.value
