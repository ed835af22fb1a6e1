"""May this account act on this signal at all? Every objection at once, before any arithmetic."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from core.config.settings import Settings
from core.decide.qualify.reasons import Reason
from core.decide.qualify.situation import Situation
from core.domain.moment import moment_text
from core.domain.money import decimal_text
from core.domain.signal import Signal


def expiry_of(signal: Signal, settings: Settings) -> datetime:
    """The earlier of the signal's own and the longest that any signal lives."""
    oldest = signal.timestamp + timedelta(seconds=settings.SIGNALS.max_signal_age_seconds)
    return min(oldest, signal.expires_at) if signal.expires_at else oldest


def objections(seen: Situation, settings: Settings) -> Iterator[Reason]:
    if not seen.enabled:
        yield Reason("account_disabled", f"account {seen.account} is not enabled")
    if seen.unreachable:
        yield Reason("account_unreachable", f"{seen.account}: {seen.unreachable}")
    if not seen.reconciled:
        yield Reason("not_reconciled", f"{seen.account} has not been reconciled since the start")
    if seen.now > (expiry := expiry_of(seen.signal, settings)):
        yield Reason("signal_expired", f"it expired at {moment_text(expiry)}")
    least = settings.EXECUTION.min_confidence
    if seen.signal.confidence < least:
        yield Reason(
            "confidence_too_low",
            f"confidence {decimal_text(seen.signal.confidence)} is below {decimal_text(least)}",
        )
    yield from _instrument(seen)


def entry_objections(seen: Situation, settings: Settings) -> Iterator[Reason]:
    """What forbids opening or adding, and never closing."""
    if seen.unexplained:
        yield Reason(
            "position_unexplained", f"the position in {seen.symbol} waits for `trueup review`"
        )
    for halt in seen.halts:
        yield Reason("entries_halted", f"{halt.kind}: {halt.reason}")
    pause = timedelta(seconds=settings.RISK.cooldown_after_loss_seconds)
    if seen.last_loss_at and pause and seen.now < (until := seen.last_loss_at + pause):
        yield Reason("cooldown_after_loss", f"no entries before {moment_text(until)}")


def _instrument(seen: Situation) -> Iterator[Reason]:
    instrument = seen.instrument
    if instrument is None:
        if not seen.unreachable:
            yield Reason("unknown_asset", f"{seen.account} has no instrument {seen.symbol}")
    elif instrument.expiry and instrument.expiry <= seen.now:
        yield Reason("not_tradable", f"{seen.symbol} expired at {moment_text(instrument.expiry)}")
