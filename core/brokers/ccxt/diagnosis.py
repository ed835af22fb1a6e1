"""Why an account does not work, or soon will not: what doctor asks, each with its remedy."""

from dataclasses import replace
from datetime import timedelta

from core.brokers.ccxt.told import readable
from core.brokers.ccxt.venue import MIXED, Venue
from core.config.settings import Account
from core.domain.errors import Unavailable
from core.operate.checking import SKEW_MAX, Finding, fail, fine, warn
from core.ports import Capabilities, Clock

SET_CLOCK = "synchronise the clock (ntp)"


async def diagnose(name: str, settings: Account, venue: Venue, clock: Clock) -> list[Finding]:
    """Stops at the first thing without which nothing else can be asked."""
    what = f"account {name}"
    try:
        with readable("its clock"):
            skew = await skew_of(venue, clock)
    except Unavailable as error:
        remedy = error.hint or "check the network, and the venue's status page"
        return [fail(f"{what} venue", f"{venue.name} is not reachable: {error.message}", remedy)]
    place = settings.endpoint or settings.environment
    return [
        fine(f"{what} venue", f"{venue.name} answers ({place})"),
        _clock(what, skew),
        *_capabilities(what, settings, venue),
        *await _permissions(what, venue, skew),
        await _mode(what, settings, venue),
    ]


async def skew_of(venue: Venue, clock: Clock) -> timedelta:
    """Theirs minus ours, as if the answer had been on its way half the time."""
    asked_at = clock.now()
    theirs = await venue.time()
    answered_at = clock.now()
    return theirs - (asked_at + (answered_at - asked_at) / 2)


def _clock(what: str, skew: timedelta) -> Finding:
    told = f"{skew.total_seconds():+.3f} s"
    if abs(skew) <= SKEW_MAX:
        return fine(f"{what} clock", told)
    return warn(f"{what} clock", f"{told} against the venue", SET_CLOCK)


def _capabilities(what: str, settings: Account, venue: Venue) -> list[Finding]:
    able = venue.capabilities
    if settings.market == "spot":
        # Nobody misses legs where there are no positions.
        able = replace(able, hedges=True)
    lacking = _lacking(able)
    if not able.finds_by_key:
        told = f"{venue.name} {'; '.join(lacking)}: it may only be reconciled"
        return [warn(f"{what} abilities", told, "trade on bybit or mexc")]
    if lacking:
        remedy = "know it before you rely on it"
        return [warn(f"{what} abilities", f"{venue.name} {'; '.join(lacking)}", remedy)]
    return [fine(f"{what} abilities", f"{venue.name} does all that is asked of it")]


def _lacking(able: Capabilities) -> list[str]:
    told = {
        "does not find an order by our key": able.finds_by_key,
        "may take an order twice under one key": able.deduplicates,
        "cannot move every kind of order": able.amends,
        "has no hedge mode": able.hedges,
    }
    return [words for words, can in told.items() if not can]


async def _permissions(what: str, venue: Venue, skew: timedelta) -> list[Finding]:
    try:
        with readable("what the key may do"):
            return list(await venue.permissions(what))
    except Unavailable as error:
        # A request of the wrong time is refused whatever the key is.
        usual = "check api_key and api_secret, and what the key may do"
        remedy = error.hint or (usual if abs(skew) <= SKEW_MAX else SET_CLOCK)
        return [fail(f"{what} key", error.message, remedy)]


async def _mode(what: str, settings: Account, venue: Venue) -> Finding:
    holdings = await venue.holdings()
    if holdings.positions.missing is not None:
        return fail(f"{what} mode", holdings.positions.missing, "try again")
    if holdings.mode == MIXED:
        told = "some symbols are in hedge mode and some are not"
        return warn(f"{what} mode", told, "set one mode for all symbols at the venue")
    if settings.position_mode in ("", "any", holdings.mode):
        return fine(f"{what} mode", holdings.mode)
    told = f"the venue is set to {holdings.mode}, the configuration says {settings.position_mode}"
    remedy = f"set ACCOUNTS.{what.removeprefix('account ')}.position_mode, or the venue"
    return fail(f"{what} mode", told, remedy)
