"""Moving quotes: the venue has no market of its own, it shows the prices it is told."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from core.brokers.paper.account import Account
from core.domain.market import Quote
from core.domain.money import ZERO


def move_quote(account: Account, symbol: str, last: Decimal, now: datetime) -> None:
    """The last trade goes there and bid and ask keep their distance from it."""
    before = account.quotes.get(symbol) or Quote(symbol=symbol)
    account.quotes.put(
        replace(
            before,
            bid=last - _distance(before.last, before.bid),
            ask=last + _distance(before.ask, before.last),
            last=last,
            at=now,
        )
    )


def _distance(high: Decimal | None, low: Decimal | None) -> Decimal:
    """A quote that was crossed or half empty counts as having no spread."""
    return ZERO if high is None or low is None else max(high - low, ZERO)
