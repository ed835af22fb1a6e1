"""What an account has traded and won or lost since midnight UTC, from the book's own rows."""

from datetime import datetime

from core.decide.qualify.situation import DayFigures
from core.domain.execution import MOVING
from core.domain.money import ZERO
from core.ports import BookReading


def day_figures(book: BookReading, account: str, now: datetime) -> DayFigures:
    """A row that closes carries its gain, fee included; one that opens has only cost its fee."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    volume = realized = ZERO
    for row in book.executions_since(account, midnight):
        if row.kind in MOVING:
            volume += row.quantity * row.price
            realized += row.realized_pnl if row.realized_pnl is not None else -(row.fee or ZERO)
    return DayFigures(volume=volume, realized=realized)
