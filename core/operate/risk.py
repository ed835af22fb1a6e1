"""risk: what stops the entries of an account, and a person who lifts it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.domain.errors import Blocked, Stale, Usage
from core.domain.intent import FROZEN, Halt
from core.domain.record import Audit
from core.domain.text import to_row
from core.operate.desk import Desk
from core.ports import Listing

SHOWN_MAX = 20


def standing_halts(desk: Desk, account: str | None = None) -> list[Halt]:
    with desk.book.read() as book:
        return book.halts(account)


def lifted_halts(desk: Desk, account: str | None = None) -> list[Mapping[str, Any]]:
    """The last ones that somebody lifted, the latest first."""
    where = {} if account is None else {"account": account}
    asked = Listing(table="halts", where=where, sort="lifted_at", page_size=SHOWN_MAX)
    with desk.book.read() as book:
        return [row for row in book.page(asked).rows if row["lifted_at"] is not None]


def halts_to_lift(desk: Desk, account: str, kind: str | None) -> list[Halt]:
    """What a reset of this scope would lift; Usage when that is nothing."""
    standing = standing_halts(desk, account)
    halts = [halt for halt in standing if kind in (None, halt.kind)]
    if not halts:
        others = ", ".join(halt.kind for halt in standing)
        raise Usage(
            f"nothing of kind {kind!r:.40} halts {account}; standing: {others}"
            if others
            else f"nothing halts the entries of {account}",
            hint="trueup risk status",
        )
    return halts


def freeze(desk: Desk, account: str, *, reason: str) -> Halt:
    """Neither entries nor exits of the account until somebody lifts it; stops at the venue stay."""
    _check_writable(desk)
    halt = Halt(
        halt_id=f"h-{desk.ids.token(6)}",
        account=account,
        kind=FROZEN,
        reason=reason,
        since=desk.clock.now(),
    )
    with desk.book.write() as book:
        if any(each.kind == FROZEN for each in book.halts(account)):
            raise Blocked(f"{account} is frozen already", hint="trueup risk status")
        book.put_halt(halt)
    desk.log.event("account_frozen", level="warning", account=account, by=desk.actor, reason=reason)
    return halt


def lift(desk: Desk, halts: Sequence[Halt], *, reason: str) -> list[Halt]:
    """Exactly these, all or none; one that came meanwhile goes on standing."""
    _check_writable(desk)
    now = desk.clock.now()
    lifted = [
        replace(halt, lifted_at=now, lifted_by=desk.actor, lifted_because=reason) for halt in halts
    ]
    with desk.book.write() as book:
        standing = {halt.halt_id for halt in book.halts()}
        if gone := [halt for halt in halts if halt.halt_id not in standing]:
            raise Stale(
                f"somebody else lifted {gone[0].kind} of {gone[0].account}; nothing was changed",
                hint="trueup risk status",
            )
        for halt in lifted:
            book.put_halt(halt)
        book.insert_audit([_audit(halt, reason) for halt in lifted])
    for halt in lifted:
        desk.log.event(
            "entries_allowed",
            level="warning",
            account=halt.account,
            kind=halt.kind,
            halt_id=halt.halt_id,
            by=desk.actor,
            reason=reason,
        )
    return lifted


def _check_writable(desk: Desk) -> None:
    gates = desk.gates()
    if gates.safe_mode:
        raise Blocked(
            "SAFE_MODE is on, so no halt is set or lifted", hint="trueup safe-mode status"
        )
    if gates.dry_run:
        raise Blocked("DRY_RUN is on, so no halt is set or lifted", hint="set DRY_RUN: false")


def _audit(halt: Halt, reason: str) -> Audit:
    assert halt.lifted_at is not None
    return Audit(
        timestamp=halt.lifted_at,
        correlation_id=halt.halt_id,
        action_type="risk_reset",
        reason=reason,
        details=to_row(halt),
        executed=True,
    )
