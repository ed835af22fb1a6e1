"""doctor: everything that a run depends on, each with a verdict and a remedy."""

import stat
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from core.config.gates import Gates
from core.domain.errors import BrokerError, TrueupError
from core.domain.snapshot import missing_parts
from core.operate.desk import Desk
from core.ports import Broker

SKEW_MAX = timedelta(seconds=2)


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    verdict: Verdict
    what: str
    told: str
    remedy: str = ""


def fine(what: str, told: str) -> Finding:
    return Finding(verdict=Verdict.OK, what=what, told=told)


def warn(what: str, told: str, remedy: str) -> Finding:
    return Finding(verdict=Verdict.WARN, what=what, told=told, remedy=remedy)


def fail(what: str, told: str, remedy: str) -> Finding:
    return Finding(verdict=Verdict.FAIL, what=what, told=told, remedy=remedy)


async def check(desk: Desk, accounts: Sequence[str], warnings: Sequence[str]) -> list[Finding]:
    """One bad part never hides another: every check stands alone."""
    findings = [*_configuration(warnings), *_gates(desk.gates()), *_permissions(desk), *_book(desk)]
    for account in accounts:
        findings += [finding async for finding in _account(desk, account)]
    return findings


# --- the home ---------------------------------------------------------------------------------


def _configuration(warnings: Sequence[str]) -> Iterator[Finding]:
    if not warnings:
        yield fine("configuration", "valid")
    for warning in warnings:
        yield warn("configuration", warning, "trueup config check")


def _gates(gates: Gates) -> Iterator[Finding]:
    if gates.restricted:
        told = [
            name
            for name, shut in (
                ("DRY_RUN on", gates.dry_run),
                ("SAFE_MODE on", gates.safe_mode),
                ("not armed", gates.confirm is False),
            )
            if shut
        ]
        yield fine("gates", f"nothing can be changed: {', '.join(told)}")
    else:
        yield warn("gates", "armed: apply may change the broker and the book", "trueup status")


def _permissions(desk: Desk) -> Iterator[Finding]:
    """What may hold account data belongs to its owner alone."""
    home = desk.home
    private = [home.config_file, home.book, home.staged_file, home.run_log, home.alerts_file]
    loose = [path for path in private if _is_loose(path)]
    if not loose:
        yield fine("permissions", "private to you")
    for path in loose:
        shown = home.shown(path)
        yield warn("permissions", f"{shown} can be read by others", f"chmod 600 {shown}")


def _is_loose(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:
        return False


def _book(desk: Desk) -> Iterator[Finding]:
    try:
        with desk.book.read() as book:
            identity = book.identity()
            steps = book.steps(open_only=True)
        health = desk.book.examine()
    except TrueupError as error:
        yield fail("book", error.message, error.hint or "trueup backup list, trueup restore FILE")
        return
    yield fine("book", f"lineage {identity.lineage}, serial {identity.serial}")
    for flaw in health.flaws:
        yield fail("book integrity", flaw, "trueup restore FILE")
    for note in health.doubts:
        yield warn("database engine", note, "update SQLite")
    if steps:
        told = f"{len(steps)} steps of unknown outcome"
        yield fail("unresolved steps", told, "trueup apply --resume")


# --- the brokers ------------------------------------------------------------------------------


@runtime_checkable
class Diagnosing(Protocol):
    """A broker that knows what else can be wrong with it."""

    async def diagnose(self) -> Sequence[Finding]: ...


async def _account(desk: Desk, account: str) -> AsyncIterator[Finding]:
    name = f"account {account}"
    try:
        broker = desk.broker(account)
        snapshot = await broker.snapshot()
    except BrokerError as error:
        remedy = error.hint or "check the network, the venue's status page, the account's keys"
        yield fail(name, f"not reachable: {error.message}", remedy)
        return
    lacking = dict(missing_parts(snapshot))
    if lacking:
        # One cause usually stands behind all of them.
        why = next(iter(lacking.values()))
        yield fail(name, f"cannot be read whole: {', '.join(lacking)}: {why}", "trueup snapshot")
    else:
        told = f"{len(snapshot.orders)} orders, {len(snapshot.positions)} positions"
        yield fine(name, f"reachable through {snapshot.broker}: {told}")
    diagnosed = await broker.diagnose() if isinstance(broker, Diagnosing) else ()
    for finding in diagnosed:
        yield finding
    said = {each.what for each in diagnosed} | ({name} if lacking else set())
    async for finding in _circumstances(desk, account, broker, name):
        if finding.what not in said:
            yield finding


async def _circumstances(
    desk: Desk, account: str, broker: Broker, name: str
) -> AsyncIterator[Finding]:
    try:
        mode = await broker.account_mode()
        skew = await broker.clock_skew()
    except BrokerError as error:
        yield fail(name, error.message, error.hint or "try again")
        return
    wanted = desk.settings.account(account).position_mode
    if wanted in ("any", mode.position_mode):
        yield fine(f"{name} mode", mode.position_mode)
    else:
        told = f"the venue is set to {mode.position_mode}, the configuration says {wanted}"
        yield fail(f"{name} mode", told, f"set ACCOUNTS.{account}.position_mode, or the venue")
    seconds = f"{skew.total_seconds():+.3f} s"
    if abs(skew) <= SKEW_MAX:
        yield fine(f"{name} clock", seconds)
    else:
        yield warn(f"{name} clock", f"{seconds} against the venue", "synchronise the clock (ntp)")
    if not broker.capabilities.finds_by_key:
        told = "orders cannot be looked up by our key, so it may only be reconciled"
        yield warn(f"{name} venue", told, "trade through another venue")
