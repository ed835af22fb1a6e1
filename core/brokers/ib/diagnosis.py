"""Why an IB account does not work, or soon will not: what doctor asks, each with its remedy."""

from collections.abc import Iterator
from datetime import timedelta

from core.brokers.ib.connection import ClientIdInUse
from core.brokers.ib.library import library
from core.brokers.ib.line import CUT_OFF, Line
from core.brokers.ib.skew import skew_of
from core.config.settings import Account
from core.domain.errors import Unavailable
from core.operate.checking import Finding, fail, fine, warn
from core.ports import Clock

# TWS and IB Gateway listen here unless told otherwise.
PAPER_PORTS = frozenset({7497, 4002})
LIVE_PORTS = frozenset({7496, 4001})
SKEW_MAX = timedelta(seconds=2)


async def diagnose(name: str, settings: Account, line: Line, clock: Clock) -> list[Finding]:
    """Stops at the first thing without which nothing else can be asked."""
    what = f"account {name}"
    try:
        found = [fine(f"{what} library", library().__name__)]
    except Unavailable as error:
        return [fail(f"{what} library", error.message, error.hint or "")]
    try:
        connection = await line.connection()
    except ClientIdInUse as error:
        return [*found, fail(f"{what} client id", error.message, error.hint or "")]
    except Unavailable as error:
        return [*found, fail(f"{what} gateway", error.message, error.hint or "")]
    found.append(fine(f"{what} gateway", f"{settings.host}:{settings.port}"))
    if connection.cut_off:
        found.append(fail(f"{what} gateway", CUT_OFF, "wait, or log in to the gateway again"))
    found.append(fine(f"{what} client id", str(settings.client_id)))
    found += managed(what, settings, line.managed_account, connection.accounts)
    found.append(await _clock(what, line, clock))
    return found


def managed(what: str, settings: Account, chosen: str, accounts: list[str]) -> Iterator[Finding]:
    """Which account it is, and whether that looks like the one that was meant."""
    told = f"{chosen} of {', '.join(accounts)}"
    yield fine(f"{what} managed account", told)
    on_paper = chosen.startswith("D")
    if settings.port in (LIVE_PORTS if on_paper else PAPER_PORTS):
        kind, usual = ("paper", "live") if on_paper else ("live", "paper")
        yield warn(
            f"{what} port",
            f"{chosen} is a {kind} account on {settings.port}, the usual port of {usual} ones",
            f"make sure that this is the login you mean, and set ACCOUNTS.{what[8:]}.port",
        )
    if settings.client_id == 0:
        yield warn(
            f"{what} client id",
            "client id 0 is told of orders entered by hand as if they were ours",
            "choose another client_id",
        )


async def _clock(what: str, line: Line, clock: Clock) -> Finding:
    try:
        skew = await skew_of(line, clock)
    except Unavailable as error:
        return fail(f"{what} clock", error.message, "try again")
    told = f"{skew.total_seconds():+.3f} s"
    if abs(skew) <= SKEW_MAX:
        return fine(f"{what} clock", told)
    return warn(f"{what} clock", f"{told} against the gateway", "synchronise the clock (ntp)")
