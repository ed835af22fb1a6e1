"""Keys that do not fit the account they stand in: another broker's, missing, or at odds.

Refused when the configuration is read: an account that says `environment: testnet` to a broker that
has no such thing would trade real money for somebody who does not expect it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields

from core.config.settings import Account

_PAPER, _IB, _CCXT = "paper", "ib", "ccxt"
_HEDGE, _SPOT = "hedge", "spot"
_EXCHANGE_ID = re.compile(r"[a-z][a-z0-9_]{1,30}", re.ASCII)
# What people call IB, and the library that is no venue.
_SPELLED_OTHERWISE = {"interactive brokers": _IB, "ibkr": _IB, "tws": _IB}
_NO_VENUES = frozenset({_CCXT, *_SPELLED_OTHERWISE})

# A key, and what is wrong with it.
Misfit = tuple[str, str]


def misfits(account: Account) -> Iterator[Misfit]:
    """Where the broker is not known, nothing else can be said."""
    if not _EXCHANGE_ID.fullmatch(account.broker) or account.broker in _NO_VENUES:
        yield "broker", _no_broker(account.broker)
        return
    yield from _of_another_broker(account)
    yield from _lacking(account)
    for is_wrong, key, why in _AT_ODDS:
        if is_wrong(account):
            yield key, why
    if account.broker == _IB:
        yield from _zone(account)


def _no_broker(told: str) -> str:
    meant = _SPELLED_OTHERWISE.get(told.lower(), told.lower())
    known = _EXCHANGE_ID.fullmatch(meant) and meant != told
    instead = f"write {meant}" if known else "there are paper, ib, bybit, mexc and ids such as okx"
    return f"there is no broker {told!r:.40}; {instead}"


def _family(broker: str) -> str:
    """Whose keys count: paper's, ib's, or those that all exchanges of ccxt share."""
    return broker if broker in (_PAPER, _IB) else _CCXT


def _of_another_broker(account: Account) -> Iterator[Misfit]:
    """A key that stands there with its default says nothing, as in the file that `init` writes."""
    mine = _family(account.broker)
    for each in fields(account):
        whose = each.metadata.get("only", mine)
        if whose != mine and getattr(account, each.name) != each.default:
            yield each.name, f"an account at {account.broker} has no such key, it is one of {whose}"


def _lacking(account: Account) -> Iterator[Misfit]:
    """An account that is not in use yet may still wait for its keys."""
    if _family(account.broker) != _CCXT or not account.enabled:
        return
    for name in ("api_key", "api_secret"):
        if getattr(account, name) is None:
            yield (
                name,
                f"an account at {account.broker} needs one: say where it lies, as env:NAME, "
                "file:PATH or keyring:SERVICE/NAME",
            )


def _zone(account: Account) -> Iterator[Misfit]:
    # Imported here: nobody else asks for a zone.
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(account.time_zone)
    except (LookupError, OSError, ValueError):
        yield "time_zone", f"there is no zone {account.time_zone!r:.40}; write America/New_York"


_AT_ODDS: tuple[tuple[Callable[[Account], bool], str, str], ...] = (
    (
        lambda it: it.broker == "mexc" and it.environment == "testnet",
        "environment",
        "MEXC has no testnet; an emulated one is reached by endpoint",
    ),
    (
        lambda it: it.broker == "mexc" and it.market == _SPOT,
        "market",
        "at MEXC only contracts are traded from here: write linear",
    ),
    (
        lambda it: it.broker == _IB and it.position_mode == _HEDGE,
        "position_mode",
        "IB holds one position per contract: write one-way or any",
    ),
    (
        lambda it: it.market == _SPOT and it.position_mode == _HEDGE,
        "position_mode",
        "spot has no long and short legs: write one-way or any",
    ),
)
