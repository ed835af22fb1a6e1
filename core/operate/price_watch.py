"""One quote a second for every position that is held, and what each of them means.

| the quote goes to | which                                                              |
|-------------------|--------------------------------------------------------------------|
| the marks         | keeps the highest and lowest price, and tells of a large loss      |
| trailing          | moves the stop after the profit                                    |
| exits             | asks for the exit of trades whose time has come                    |

Each position is looked at by itself: a quote that is slow, and whatever breaks, holds up no other.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from core.apply.standing import StandingDoor
from core.config.secret import defect_text
from core.domain.errors import BrokerError, TrueupError
from core.domain.exit import ExitIntent
from core.domain.life import HELD, Life
from core.domain.order import STOP_TYPES, BookOrder, Side
from core.domain.position import BookPosition
from core.domain.trade import Trade
from core.operate.account_watch import AccountWatch
from core.operate.alerting import STALLED_AFTER, tell_stalled
from core.operate.desk import Desk
from core.operate.emergency import close_in_emergency
from core.operate.exit_watch import ExitWatch
from core.operate.held import Held
from core.operate.marks import Marks
from core.operate.pause import growing_pause
from core.operate.trailing import Trailing

LOOK_SECONDS = 1.0
# After looks that broke; a quote that could not be read is simply read again.
PAUSE_SECONDS_MAX = 30.0


@dataclass(slots=True, kw_only=True)
class PriceWatch:
    desk: Desk
    watches: Mapping[str, AccountWatch]
    door: StandingDoor
    # Told of every exit that was asked for, so that its lane takes it up.
    asked: Callable[[ExitIntent], None]
    # Told of what broke, why, and how many seconds it now rests.
    in_trouble: Callable[[str, str, float], None]

    # What each account holds, by position, and the serial of the book that said so.
    _held: dict[str, tuple[int, Mapping[str, Held]]] = field(default_factory=dict)
    # The look at each position that is under way, and how often in a row it broke.
    _looks: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    _failures: Counter[str] = field(default_factory=Counter)
    _trailing: Trailing = field(init=False)
    _exits: ExitWatch = field(init=False)
    _marks: Marks = field(init=False)

    def __post_init__(self) -> None:
        self._trailing = Trailing(desk=self.desk, door=self.door, in_emergency=self._emergency)
        self._exits = ExitWatch(desk=self.desk, asked=self.asked)
        self._marks = Marks(desk=self.desk)

    async def watch(self) -> None:
        try:
            while True:
                self._begin()
                await self.desk.clock.sleep(LOOK_SECONDS)
        except asyncio.CancelledError:
            # Only a service that ends takes its looks along: one may be moving a stop.
            for look in self._looks.values():
                look.cancel()
            await asyncio.gather(*self._looks.values(), return_exceptions=True)
            raise

    async def look(self) -> None:
        """At every position once, and to the end."""
        self._begin()
        await asyncio.gather(*self._looks.values())

    def _begin(self) -> None:
        """A position that is still being looked at has its turn with the next quote."""
        self._looks = {name: look for name, look in self._looks.items() if not look.done()}
        if self.door.forbidden():
            return
        for watch in self.watches.values():
            if not watch.reconciled or watch.unreachable or watch.wrong_mode:
                continue
            for name, held in self._read(watch.account).items():
                if name not in self._looks:
                    self._looks[name] = asyncio.create_task(self._look(watch, held))

    async def _look(self, watch: AccountWatch, held: Held) -> None:
        try:
            await self._tell(watch, held)
            self._failures.pop(held.life.position_id, None)
        except BrokerError as error:
            self.desk.log.event(
                "quote_not_read",
                account=watch.account,
                symbol=held.life.symbol,
                why=error.message,
            )
        except TrueupError as error:
            await self._pause(held, error.message)
        except Exception as error:  # noqa: BLE001 - a defect at one position must not end the others
            await self._pause(held, defect_text(error))

    async def _pause(self, held: Held, why: str) -> None:
        life, name = held.life, f"prices {held.life.symbol}"
        self._failures[life.position_id] += 1
        times = self._failures[life.position_id]
        self.desk.log.event(
            "part_failed", level="error", account=life.account, part=name, why=why, times=times
        )
        pause = growing_pause(LOOK_SECONDS, times, PAUSE_SECONDS_MAX)
        self.in_trouble(name, why, pause)
        if times == STALLED_AFTER:
            tell_stalled(self.desk, f"{name}: {why}", account=life.account, subject=life.symbol)
        await self.desk.clock.sleep(pause)

    def _read(self, account: str) -> Mapping[str, Held]:
        with self.desk.book.read() as book:
            serial = book.identity().serial
            lives = [life for life in book.lives(account) if life.state in HELD and life.quantity]
            if not lives:
                self._held[account] = serial, {}
                return {}
            positions = {(row.symbol, row.side): row for row in book.positions(account)}
            orders = book.orders(account, live=True)
            trades = book.open_trades(account)
            busy = {step.symbol for step in book.open_steps(account)}
        found: dict[str, Held] = {}
        for life in lives:
            position = positions.get((life.symbol, life.side))
            if position is None or position.dust or not position.quantity:
                continue
            is_busy = life.symbol in busy
            found[life.position_id] = _held_of(life, position, orders, trades, is_busy=is_busy)
        self._held[account] = serial, found
        return found

    def _as_it_is_now(self, held: Held) -> Held | None:
        """While its quote was on its way, its stop or all of it may have become another."""
        account = held.life.account
        serial, found = self._held[account]
        with self.desk.book.read() as book:
            has_moved = book.identity().serial != serial
        return (self._read(account) if has_moved else found).get(held.life.position_id)

    async def _tell(self, watch: AccountWatch, held: Held) -> None:
        quote = await watch.broker.quote(held.life.symbol)
        price = quote.bid if held.life.direction.exit_side is Side.SELL else quote.ask
        if price is None:
            return
        leverage = await self._leverage(watch, held)
        instrument = await watch.instrument(held.life.symbol)
        fresh = self._as_it_is_now(held)
        if fresh is None:
            return
        now = fresh.at(price, leverage, instrument)
        self._marks.note(now)
        await self._trailing.follow(watch, now)
        self._exits.look(now)

    def _emergency(self, held: Held, why: str) -> None:
        for intent in close_in_emergency(self.desk, held.life, why):
            self.asked(intent)

    async def _leverage(self, watch: AccountWatch, held: Held) -> Decimal:
        told = ((await watch.mode()).leverage or {}).get(held.life.symbol)
        return told or held.life.leverage or self.desk.settings.POSITIONS.default_leverage


def _held_of(
    life: Life,
    position: BookPosition,
    orders: Sequence[BookOrder],
    trades: Sequence[Trade],
    *,
    is_busy: bool,
) -> Held:
    return Held(
        life=life,
        position=position,
        stops=tuple(row for row in orders if _guards(row, life)),
        trades=tuple(each for each in trades if each.position_id == life.position_id),
        is_busy=is_busy,
    )


def _guards(row: BookOrder, life: Life) -> bool:
    return (
        row.symbol == life.symbol
        and row.order_type in STOP_TYPES
        and bool(row.reduce_only)
        and row.position_side.value in ("both", life.side.value)
        and row.side is life.direction.exit_side
    )
