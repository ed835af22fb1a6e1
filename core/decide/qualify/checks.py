"""Rules that a signal must keep to be taken in, whoever sent it; what it may do comes later.

Each looks at the fields that it needs, so that a message which lacks one is still told the rest.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from core.config.settings import Settings
from core.domain.moment import moment_text

# (field, what is wrong with it)
Objection = tuple[str, str]


def objections(
    values: Mapping[str, Any], *, now: datetime, settings: Settings
) -> Iterator[Objection]:
    """Everything that speaks against a signal of these values; None is what could not be read."""
    at, expires_at = values["timestamp"], values["expires_at"]
    if at is not None:
        yield from _age(at, now, settings)
    if expires_at is not None:
        yield from _expiry(expires_at, at, now)
    if values["symbol"] is not None:
        yield from _asset(values["symbol"], settings)
    yield from _account(values["account"], settings)
    floor, ceiling = values["effective_floor"], values["effective_ceiling"]
    if floor is not None and ceiling is not None and floor > ceiling:
        yield "effective_floor", "above effective_ceiling"


def _age(at: datetime, now: datetime, settings: Settings) -> Iterator[Objection]:
    oldest, furthest = settings.SIGNALS.max_signal_age_seconds, settings.SIGNALS.max_ahead_seconds
    age = (now - at).total_seconds()
    if age > oldest:
        yield "timestamp", f"too old: {age:.0f} s, at most {oldest} s are allowed"
    elif -age > furthest:
        yield "timestamp", f"from the future: {-age:.0f} s ahead, at most {furthest} s are allowed"


def _expiry(expires_at: datetime, at: datetime | None, now: datetime) -> Iterator[Objection]:
    if at is not None and expires_at < at:
        yield "expires_at", "before the timestamp"
    elif expires_at <= now:
        yield "expires_at", f"expired at {moment_text(expires_at)}"


def _asset(symbol: str, settings: Settings) -> Iterator[Objection]:
    known = settings.SIGNALS.assets
    if known and symbol not in known:
        yield "asset", f"{symbol!r} is not one of SIGNALS.assets"


def _account(name: str | None, settings: Settings) -> Iterator[Objection]:
    if name is None:
        if not any(account.enabled for account in settings.ACCOUNTS.values()):
            yield "account", "no account is enabled"
    elif (account := settings.ACCOUNTS.get(name)) is None:
        yield "account", f"no account is called {name!r:.60}"
    elif not account.enabled:
        yield "account", f"{name!r:.60} is not enabled"
