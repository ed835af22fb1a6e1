"""Rows walked in batches as the book does it: what goes on is taken along, what is over is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from core.decide.lifecycle.booked import Booked, Walk, walked
from core.decide.lifecycle.corrected import correct
from core.domain.holding import mode_of
from core.domain.life import Life, Transition
from core.domain.market import Instrument
from core.domain.position import BookPosition, PositionKey
from core.domain.trade import Trade
from tests.build import NOON, instrument

KEY = PositionKey("main", "BTCUSDT")
LINEAR = instrument()
MINUTE = timedelta(minutes=1)


def bought(quantity: Any, price: Any = 100, **given: Any) -> Booked:
    """A row that bought, of an order of its own."""
    return _row(Decimal(quantity), price, given)


def sold(quantity: Any, price: Any = 100, **given: Any) -> Booked:
    return _row(-Decimal(quantity), price, given)


def _row(quantity: Decimal, price: Any, given: dict[str, Any]) -> Booked:
    fee = Decimal(given.pop("fee", 0))
    told = {"name": "T", "at": NOON, **given}
    price = None if price is None else Decimal(price)
    return Booked(quantity=quantity, price=price, fee=fee, **told)


@dataclass(slots=True)
class Book:
    """The lives and trades of one position key, batch after batch."""

    key: PositionKey = KEY
    instrument: Instrument | None = LINEAR
    lives: dict[str, Life] = field(default_factory=dict)
    over: list[Life] = field(default_factory=list)
    trades: dict[str, Trade] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)
    at: datetime = NOON
    rows: int = 0
    taken: list[Booked] = field(default_factory=list)

    def book(
        self,
        *rows: Booked,
        position: BookPosition | None = None,
        square: bool = False,
        confirmed: bool = False,
    ) -> Walk:
        """One batch. Its rows are a minute apart, and named in turn unless they have a name."""
        self.at += MINUTE
        walk = Walk(
            key=self.key,
            instrument=self.instrument,
            mode=mode_of(self.key.side),
            confirmed=confirmed,
            at=self.at,
            lives=dict(self.lives),
            trades={t.trade_id: t for t in self.trades.values() if t.position_id in self.lives},
        )
        taken = [self._in_turn(row) for row in rows]
        self.taken += taken
        walked(walk, taken, position, square=square)
        self.lives = walk.lives
        self.over += walk.ended.values()
        self.trades |= walk.trades
        self.transitions += walk.transitions
        return walk

    def correct(self, was: Booked, now: Booked, *, confirmed: bool = False) -> Walk:
        """A row that was walked is told otherwise, and nothing new; `was` has its full name."""
        self.at += MINUTE
        walk = Walk(
            key=self.key,
            instrument=self.instrument,
            mode=mode_of(self.key.side),
            confirmed=confirmed,
            at=self.at,
            lives=dict(self.lives),
            ended={each.position_id: each for each in self.over},
            trades=dict(self.trades),
        )
        correct(walk, was, now)
        assert list(walk.ended.values()) == self.over, "what is over stays as it was"
        self.lives, self.trades = walk.lives, walk.trades
        return walk

    def _in_turn(self, row: Booked) -> Booked:
        self.rows += 1
        at = NOON + self.rows * MINUTE if row.at == NOON else row.at
        return replace(row, name=f"{row.name}-{self.rows}", at=at)

    # --- asking -------------------------------------------------------------------------------

    @property
    def life(self) -> Life:
        (only,) = self.lives.values()
        return only

    @property
    def ended(self) -> Life:
        (only,) = self.over
        return only

    @property
    def all_lives(self) -> Sequence[Life]:
        return [*self.over, *self.lives.values()]

    def trades_of(self, life: Life) -> list[Trade]:
        return [each for each in self.trades.values() if each.position_id == life.position_id]

    @property
    def told(self) -> list[str]:
        """Every step of every life: `open>closing external`."""
        steps = ((each.from_state or "", each.to_state, each.reason) for each in self.transitions)
        return [f"{before}>{to} {reason}" for before, to, reason in steps]
