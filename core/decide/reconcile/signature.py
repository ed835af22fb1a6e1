"""Orders that look alike but share no identifier. Alike is not the same: a person decides."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from core.config.settings import Reconcile
from core.domain.ambiguity import Candidate
from core.domain.market import Instrument
from core.domain.money import ZERO
from core.domain.order import COMPARED, BookOrder, BrokerOrder

# (broker's name, book's name) of what is weighed, in the order in which it is told. What moves
# during an order's life (status, fills) says nothing about whether two rows are the same order.
_MOVING = frozenset({"status", "filled_quantity", "average_price"})
WEIGHED: tuple[tuple[str, str], ...] = (
    *((name, name) for name in ("symbol", "side", "position_side")),
    *(pair for pair in COMPARED if pair[1] not in _MOVING),
    ("created_at", "created_at"),
)
_EXACT: tuple[tuple[str, str], ...] = (
    *WEIGHED[:3],
    ("type", "order_type"),
    ("quantity", "quantity"),
)
_HUNDREDTH = Decimal("0.01")


class LookAlikes:
    """Book rows by looks, price and birth, so that no search walks past what cannot be meant."""

    def __init__(
        self,
        rows: Iterable[BookOrder],
        settings: Reconcile,
        instruments: Mapping[str, Instrument],
    ):
        self._window = timedelta(seconds=settings.timestamp_match_window_seconds)
        self._exact_price = settings.require_exact_price_match
        self._instruments = instruments
        self._alike: dict[tuple[Any, ...], list[tuple[datetime, BookOrder]]] = defaultdict(list)
        for row in rows:
            if row.created_at is not None:
                looks = tuple(getattr(row, name) for _, name in _EXACT)
                level = self._level(row.symbol, row.price)
                self._alike[*looks, level].append((row.created_at, row))
        for alike in self._alike.values():
            alike.sort(key=_began)

    def of(self, order: BrokerOrder) -> tuple[BookOrder, ...]:
        """The rows that this order might be."""
        looks = tuple(getattr(order, name) for name, _ in _EXACT)
        return tuple(
            row
            for level in self._levels_near(order)
            for row in self._born_near(order, self._alike.get((*looks, level), []))
            if self._prices_fit(order, row)
        )

    def _tick(self, symbol: str) -> Decimal | None:
        instrument = self._instruments.get(symbol)
        return instrument.price_tick if instrument and not self._exact_price else None

    def _level(self, symbol: str, price: Decimal | None) -> Decimal | None:
        """Prices within a tick of each other are on the same level or on the next."""
        tick = self._tick(symbol)
        return price if price is None or not tick else price // tick

    def _levels_near(self, order: BrokerOrder) -> tuple[Decimal | None, ...]:
        level = self._level(order.symbol, order.price)
        if level is None or not self._tick(order.symbol):
            return (level,)
        return level - 1, level, level + 1

    def _born_near(
        self, order: BrokerOrder, alike: list[tuple[datetime, BookOrder]]
    ) -> Iterator[BookOrder]:
        if order.created_at is not None:
            first = bisect_left(alike, order.created_at - self._window, key=_began)
            last = bisect_right(alike, order.created_at + self._window, key=_began)
            yield from (row for _, row in alike[first:last])

    def _prices_fit(self, order: BrokerOrder, row: BookOrder) -> bool:
        if order.price is None or row.price is None:
            return True  # on one level, so both are without a price
        return abs(order.price - row.price) <= (self._tick(order.symbol) or ZERO)


def weighed(order: BrokerOrder, rows: Iterable[BookOrder]) -> tuple[Candidate, ...]:
    """The rows as candidates, the likeliest first."""
    candidates = [_weigh(order, row) for row in rows]
    return tuple(sorted(candidates, key=lambda each: (-each.score, each.book_order.order_id)))


def _weigh(order: BrokerOrder, row: BookOrder) -> Candidate:
    """Scored by how much agrees of all that both sides tell."""
    agree: list[str] = []
    differ: list[str] = []
    for theirs, ours in WEIGHED:
        told, held = getattr(order, theirs), getattr(row, ours)
        if told is not None and held is not None:
            (agree if told == held else differ).append(ours)
    score = (Decimal(len(agree)) / (len(agree) + len(differ))).quantize(_HUNDREDTH)
    return Candidate(book_order=row, score=score, agree=tuple(agree), differ=tuple(differ))


def _began(entry: tuple[datetime, BookOrder]) -> datetime:
    return entry[0]
