"""Raising an alert: a row in the book, a JSON line beside it, a line in the log."""

import json

from core.domain.errors import BookError, DiskError
from core.domain.record import Alert, Severity
from core.domain.text import to_row
from core.operate.desk import Desk
from core.plan.change import AnyChange

# Broken so often in a row, and a person should know.
STALLED_AFTER = 3

# Every alert there is, with the severity that the operator guide gives it.
SEVERITIES = {
    "ambiguous_matches_found": Severity.HIGH,
    "backup_failed": Severity.CRITICAL,
    "reconcile_failed": Severity.HIGH,
    "order_outcome_unknown": Severity.HIGH,
    "position_unprotected": Severity.CRITICAL,
    "position_discrepancy": Severity.HIGH,
    "change_refused": Severity.HIGH,
    "review_needed": Severity.MEDIUM,
    "live_data_backpressure_drop": Severity.MEDIUM,
    "order_blocked_safe_mode": Severity.INFO,
    "duplicate_submission_blocked": Severity.INFO,
    "manual_entry": Severity.INFO,
    "manual_dca": Severity.INFO,
    "manual_exit": Severity.INFO,
    "signal_failed": Severity.MEDIUM,
    "signals_waiting": Severity.MEDIUM,
    "signal_dead_lettered": Severity.MEDIUM,
    "risk_limit_violated": Severity.MEDIUM,
    "liquidation": Severity.CRITICAL,
    "closed_externally": Severity.HIGH,
    "position_mode_differs": Severity.HIGH,
    "exit_failed": Severity.CRITICAL,
    "emergency_close": Severity.CRITICAL,
    "unrealized_loss": Severity.MEDIUM,
    "service_stalled": Severity.HIGH,
}


def raise_alert(
    desk: Desk, kind: str, message: str, *, account: str | None = None, subject: str | None = None
) -> None:
    """The JSON line comes first: it must exist even when the book cannot be written.

    Telling never stops what it tells of: a place that cannot be written is left out.
    """
    alert = Alert(
        alert_id=f"al-{desk.ids.token(8)}",
        at=desk.clock.now(),
        type=kind,
        severity=SEVERITIES[kind],
        message=message,
        account=account,
        subject=subject,
    )
    try:
        desk.files.append(desk.home.alerts_file, json.dumps(to_row(alert)))
    except DiskError as error:
        desk.log.event("alert_not_written", level="error", type=kind, error=error.message)
    desk.log.event("alert_raised", level="warning", type=kind, severity=alert.severity.value)
    try:
        with desk.book.write() as book:
            book.insert_alert(alert)
    except BookError as error:
        desk.log.event("alert_not_in_book", level="error", type=kind, error=error.message)


def tell_unknown(desk: Desk, change: AnyChange, note: str, *, subject: str) -> None:
    """A call to the broker of which nobody knows whether it was carried out."""
    raise_alert(
        desk,
        "order_outcome_unknown",
        f"{change.kind} {change.symbol}: {note}",
        account=change.account,
        subject=subject,
    )


def tell_stalled(desk: Desk, why: str, *, subject: str, account: str | None = None) -> None:
    """A part of the service that does not get on."""
    raise_alert(desk, "service_stalled", why, account=account, subject=subject)
