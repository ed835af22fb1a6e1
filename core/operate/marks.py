"""How far the price of a position has been, and a word when it has lost much.

A new mark is written at most once in the time that a stop needs between two moves: a price that
climbs writes a few rows a minute and not one for every quote. What it reached in between is written
with the next one.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.decide.lifecycle.figures import margin_of
from core.decide.lifecycle.trailing import roe_pct
from core.domain.life import Life
from core.domain.money import decimal_text
from core.domain.record import Event
from core.domain.text import plain, to_row
from core.operate.alerting import raise_alert
from core.operate.desk import Desk
from core.operate.held import Held

# The loss has to have shrunk to this share of the warning before it is warned of once more.
_RECOVERED = Decimal("0.5")
_CENT = Decimal("0.01")


@dataclass(slots=True, kw_only=True)
class Marks:
    desk: Desk
    _written: dict[str, datetime] = field(default_factory=dict)
    # Reached and not written yet, by position.
    _reached: dict[str, Life] = field(default_factory=dict)

    def note(self, held: Held) -> None:
        life = held.life
        if not life.entry_price:
            return
        roe = roe_pct(life.entry_price, held.price, held.leverage, is_long=held.is_long)
        warns = self._warns(life, roe)
        after = _marked(held, roe, self._reached.get(life.position_id, life))
        now = self.desk.clock.now()
        if after == life and warns is None:
            return
        if warns is None and not self._is_time(life.position_id, now):
            self._reached[life.position_id] = after
            return
        if warns is not None:
            after = replace(after, loss_warned_at=now if warns else None)
        told = _warning(held, after, roe, now) if warns else None
        is_written = self._write(after, now, told)
        self._written[life.position_id] = now
        self._reached.pop(life.position_id, None)
        if is_written and warns:
            raise_alert(
                self.desk,
                "unrealized_loss",
                _in_words(held, roe),
                account=life.account,
                subject=life.position_id,
            )

    def _is_time(self, position_id: str, now: datetime) -> bool:
        pause = timedelta(milliseconds=self.desk.settings.POSITIONS.min_stop_modify_interval_ms)
        last = self._written.get(position_id)
        return last is None or now - last >= pause

    def _warns(self, life: Life, roe: Decimal) -> bool | None:
        """True when it is time to warn, False to forget an earlier warning, None for neither."""
        limit = self.desk.settings.POSITIONS.unrealized_loss_warning_pct
        if not limit:
            return None
        if life.loss_warned_at is None:
            return True if roe <= -limit else None
        return False if roe > -limit * _RECOVERED else None

    def _write(self, after: Life, now: datetime, told: Event | None) -> bool:
        """Only the marks: whatever else has become of it meanwhile stays."""
        with self.desk.book.write() as book:
            life = book.life(after.position_id)
            if life is None or not life.quantity:
                return False
            marked = replace(
                life,
                leverage=life.leverage or after.leverage,
                margin_used=after.margin_used or life.margin_used,
                highest_price=after.highest_price,
                lowest_price=after.lowest_price,
                highest_roe_pct=after.highest_roe_pct,
                loss_warned_at=after.loss_warned_at,
                updated_at=now,
            )
            book.update_lives([marked])
            if told:
                book.insert_events([told])
        return True


def _marked(held: Held, roe: Decimal, reached: Life) -> Life:
    life, price = held.life, held.price
    best = reached.highest_roe_pct
    return replace(
        life,
        leverage=life.leverage or held.leverage,
        margin_used=margin_of(life.volume, life.entry_price, held.leverage, held.instrument),
        highest_price=max(reached.highest_price or price, price),
        lowest_price=min(reached.lowest_price or price, price),
        highest_roe_pct=max(best if best is not None else roe, roe),
    )


def _warning(held: Held, life: Life, roe: Decimal, now: datetime) -> Event:
    return Event(
        event_id=f"{life.position_id}:pnl_warning:{plain(now)}",
        event_type="position.pnl_warning",
        occurred_at=now,
        account=life.account,
        symbol=life.symbol,
        trace_id=life.trace_id,
        correlation_id=life.position_id,
        payload={
            **to_row(life),
            "price": decimal_text(held.price),
            "roe_pct": decimal_text(roe),
        },
    )


def _in_words(held: Held, roe: Decimal) -> str:
    life = held.life
    return (
        f"{life.symbol} {life.direction} {decimal_text(life.quantity)}: "
        f"{decimal_text(-roe.quantize(_CENT))} % of its equity lost at "
        f"{decimal_text(held.price)}, entered at {decimal_text(life.entry_price or held.price)}"
    )
