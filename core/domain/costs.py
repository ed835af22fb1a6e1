"""The fees that an open position has cost, for venues that count them into its average."""

from decimal import Decimal

from core.domain.execution import BookExecution
from core.domain.market import Instrument
from core.domain.money import ZERO, bounded
from core.domain.tally import is_inverse


def carried(
    fees: Decimal | None, before: Decimal, after: Decimal, paid: Decimal | None
) -> Decimal | None:
    """What is carried on when a row that cost `paid` moved the position; None when not known.

    Opening adds, closing takes its share with it, and what turns around begins anew.
    """
    if not after:
        return ZERO
    if before * after < 0:
        return paid
    if abs(after) < abs(before):
        return None if fees is None else bounded(fees * after / before)
    return None if fees is None or paid is None else fees + paid


def fee_paid(row: BookExecution, instrument: Instrument | None) -> Decimal | None:
    """In the currency that the position is priced in; None while that is not known."""
    if not row.fee or row.fee_currency is None or instrument is None:
        return row.fee
    settles = instrument.base if is_inverse(instrument) else instrument.quote
    return row.fee if row.fee_currency == settles else None
