"""Everything that the qualification of one delivery may look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.domain.intent import Halt, IntentOrder
from core.domain.market import Balance, Instrument, Quote
from core.domain.money import ZERO
from core.domain.order import BookOrder
from core.domain.position import BookPosition
from core.domain.signal import SignalRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """Of the UTC day: what was traded, and what was won (or, below zero, lost)."""

    volume: Decimal = ZERO
    realized: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The lane has seen to it that no call is unsettled and no fill unbooked on the symbol."""

    signal: SignalRecord
    account: str
    now: datetime
    enabled: bool = True
    # Why the account cannot be reached.
    unreachable: str | None = None
    # Whether the start-up reconciliation has finished.
    reconciled: bool = True
    # Whether the venue holds something in the symbol that the book cannot explain.
    unexplained: bool = False
    instrument: Instrument | None = None
    quote: Quote | None = None
    # Why it could not be read, when that may be over in a moment.
    quote_unread: str | None = None
    # None when they were not read.
    balances: tuple[Balance, ...] | None = None
    position_mode: str = "one-way"
    # Whether the venue has orders that never take.
    takes_post_only: bool = True
    # All of the account.
    positions: tuple[BookPosition, ...] = ()
    # All live ones of the account.
    orders: tuple[BookOrder, ...] = ()
    # By key, all with which open intents of the account enter: sent or not, until they have ended.
    promised: Mapping[str, IntentOrder] = field(default_factory=dict)
    # The keys among them that have been sent, whatever became of them.
    sent: frozenset[str] = frozenset()
    # Of the symbols that it holds or has orders in, as far as they are known.
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    halts: tuple[Halt, ...] = ()
    # How often the present position has been added to.
    scale_ins: int = 0
    day: DayFigures = DayFigures()
    last_loss_at: datetime | None = None

    @property
    def unsent(self) -> tuple[IntentOrder, ...]:
        """Decided in other lanes a moment ago: nobody else can know of them yet."""
        return tuple(each for key, each in self.promised.items() if key not in self.sent)

    @property
    def symbol(self) -> str:
        return self.signal.symbol
