"""One quote a second for every position that is held, and what each of them means.

| the quote goes to | which                                                              |
|-------------------|--------------------------------------------------------------------|
| the marks         | keeps the highest and lowest price, and tells of a large loss      |
| trailing          | moves the stop after the profit                                    |
| exits             | asks for the exit of trades whose time has come                    |
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from core.apply.standing import StandingDoor
from core.domain.errors import BrokerError
from core.domain.exit import ExitIntent
from core.domain.life import HELD, Life
from core.domain.order import STOP_TYPES, BookOrder, Side
from core.domain.position import BookPosition
from core.domain.trade import Trade
from core.operate.account_watch import AccountWatch
from core.operate.desk import Desk
from core.operate.emergency import close_in_emergency
from core.operate.exit_watch import ExitWatch
from core.operate.held import Held
from core.operate.marks import Marks
from core.operate.trailing import Trailing

LOOK_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class PriceWatch:
    desk: Desk
    watches: Mapping[str, AccountWatch]
    door: StandingDoor
    # Told of every exit that was asked for, so that its lane takes it up.
    asked: Callable[[ExitIntent], None]

    _trailing: Trailing = field(init=False)
    _exits: ExitWatch = field(init=False)
    _marks: Marks = field(init=False)

    def __post_init__(self) -> None:
        self._trailing = Trailing(desk=self.desk, door=self.door, in_emergency=self._emergency)
        self._exits = ExitWatch(desk=self.desk, asked=self.asked)
        self._marks = Marks(desk=self.desk)

    async def watch(self) -> None:
        while True:
            await self.look()
            await self.desk.clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """A position whose quote cannot be read waits for the next one."""
        if self.door.forbidden():
            return
        awake = [
            watch
            for watch in self.watches.values()
            if watch.reconciled and not watch.unreachable and not watch.wrong_mode
        ]
        # Side by side: one slow answer holds up no other position.
        await asyncio.gather(
            *(self._try(watch, held) for watch in awake for held in self._held(watch.account))
        )

    async def _try(self, watch: AccountWatch, held: Held) -> None:
        try:
            await self._tell(watch, held)
        except BrokerError as error:
            self.desk.log.event(
                "quote_not_read",
                account=watch.account,
                symbol=held.life.symbol,
                why=error.message,
            )

    def _held(self, account: str) -> list[Held]:
        with self.desk.book.read() as book:
            lives = [life for life in book.lives(account) if life.state in HELD and life.quantity]
            if not lives:
                return []
            positions = {(row.symbol, row.side): row for row in book.positions(account)}
            orders = book.orders(account, live=True)
            trades = book.open_trades(account)
            busy = {step.symbol for step in book.open_steps(account)}
        found = []
        for life in lives:
            position = positions.get((life.symbol, life.side))
            if position is None or position.dust or not position.quantity:
                continue
            found.append(_held_of(life, position, orders, trades, is_busy=life.symbol in busy))
        return found

    async def _tell(self, watch: AccountWatch, held: Held) -> None:
        quote = await watch.broker.quote(held.life.symbol)
        price = quote.bid if held.life.direction.exit_side is Side.SELL else quote.ask
        if price is None:
            return
        leverage = await self._leverage(watch, held)
        instrument = await watch.instrument(held.life.symbol)
        now = held.at(price, leverage, instrument)
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
