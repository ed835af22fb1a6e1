"""The market as a decision sees it: the signal's snapshot while fresh, else the venue's quote."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.config.settings import Settings
from core.domain.market import Quote
from core.domain.money import ZERO, bounded, decimal_text
from core.domain.order import Side
from core.domain.signal import MarketSnapshot, Signal
from core.domain.text import from_row

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """`price` is what the signal's amount is reckoned with; `spread` is a difference of prices."""

    price: Decimal
    spread: Decimal | None
    because: str
    warnings: tuple[str, ...] = ()

    @property
    def spread_pct(self) -> Decimal | None:
        return None if self.spread is None else self.spread / self.price * _HUNDRED


def market_of(
    signal: Signal, quote: Quote | None, settings: Settings, now: datetime
) -> Market | None:
    """None when nobody tells a price."""
    snapshot = snapshot_of(signal)
    current = _current(quote, signal.signal_type)
    longest = timedelta(seconds=settings.EXECUTION.max_snapshot_age_seconds)
    if snapshot.price and now - signal.timestamp <= longest:
        return Market(
            price=snapshot.price,
            spread=snapshot.spread if snapshot.spread is not None else _spread(quote),
            because=f"Reckoned with the signal's price of {decimal_text(snapshot.price)}.",
            warnings=tuple(_moved(snapshot.price, current, settings)),
        )
    if current is None:
        return None
    stale = "The signal's snapshot is too old" if snapshot.price else "The signal tells no price"
    return Market(
        price=current,
        spread=_spread(quote),
        because=f"{stale}, so the venue's quote of {decimal_text(current)} counts.",
        warnings=tuple(_moved(snapshot.price, current, settings)),
    )


def snapshot_of(signal: Signal) -> MarketSnapshot:
    return from_row(MarketSnapshot, signal.market_data_snapshot)


def _current(quote: Quote | None, side: Side) -> Decimal | None:
    """What an order of that side would meet."""
    if quote is None:
        return None
    met = quote.ask if side is Side.BUY else quote.bid
    return next((price for price in (met, quote.last) if price and price > ZERO), None)


def _spread(quote: Quote | None) -> Decimal | None:
    if quote is None or quote.bid is None or quote.ask is None:
        return None
    return max(quote.ask - quote.bid, ZERO)


def _moved(then: Decimal | None, now: Decimal | None, settings: Settings) -> Iterator[str]:
    if not then or now is None:
        return
    moved = bounded(abs(now - then) / then * _HUNDRED)
    if moved > settings.EXECUTION.price_move_warning_pct:
        yield (
            f"The price moved {decimal_text(moved)} % since the signal: "
            f"{decimal_text(then)} → {decimal_text(now)}."
        )
