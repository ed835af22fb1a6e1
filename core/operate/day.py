"""What an account has traded and won or lost since midnight UTC, from the book's own rows.

A loss that a person has looked at is forgiven: after the halt that it led to was lifted, only what
is lost from then on counts.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType

from core.decide.qualify.situation import DayFigures
from core.domain.execution import MOVING
from core.domain.market import ONE, Instrument
from core.domain.moment import parse_moment
from core.domain.money import ZERO
from core.ports import BookReading, Listing

DAILY_LOSS = "daily_loss"
_NONE: Mapping[str, Instrument] = MappingProxyType({})


def day_figures(
    book: BookReading,
    account: str,
    now: datetime,
    instruments: Mapping[str, Instrument] = _NONE,
) -> DayFigures:
    """A row that closes carries its gain, fee included; one that opens has only cost its fee."""
    midnight = _midnight(now)
    forgiven = max(midnight, _loss_lifted_at(book, account) or midnight)
    volume = realized = ZERO
    for row in book.executions_since(account, midnight):
        if row.kind not in MOVING:
            continue
        instrument = instruments.get(row.symbol)
        volume += row.quantity * row.price * (instrument.multiplier if instrument else ONE)
        if row.executed_at >= forgiven:
            realized += row.realized_pnl if row.realized_pnl is not None else -(row.fee or ZERO)
    return DayFigures(volume=volume, realized=realized)


def traded_today(book: BookReading, account: str, now: datetime) -> Collection[str]:
    rows = book.executions_since(account, _midnight(now))
    return {row.symbol for row in rows if row.kind in MOVING}


def _loss_lifted_at(book: BookReading, account: str) -> datetime | None:
    """When a person last lifted what a day's loss had halted."""
    where = {"account": account, "kind": DAILY_LOSS}
    page = book.page(Listing(table="halts", where=where, sort="lifted_at", page_size=1))
    lifted = page.rows[0]["lifted_at"] if page.rows else None
    return parse_moment(lifted) if lifted else None


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
