"""What an exception of ccxt says about the world.

| raised | the request |
|---|---|
| a duplicate code | an order of this id exists: look it up |
| a code of the venue's own that ccxt takes for a refusal | was refused: nothing happened |
| a rate limit or a wrong timestamp, with a code of the venue | was not looked at |
| the connection was never made, or ccxt itself would not send | was not sent |
| anything answered without a code (a gateway, a proxy), a lost connection, silence, | |
| server trouble, a code that nobody knows | may have been carried out |

ccxt is not imported for this: its exceptions are known here by the names of their classes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from core.config.secret import scrub
from core.domain.text import printable

_TEXT_MAX = 300


class Says(StrEnum):
    NOT_SENT = "not sent"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came back over HTTP before ccxt raised; it hangs on the exception as `answered`."""

    status: int
    code: str | None
    text: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """The venue's codes whose meaning ccxt's exception does not carry."""

    duplicate: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()
    not_sent: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()

    def meaning(self, code: str) -> Says | None:
        for says in Says:
            if code in getattr(self, says.name.lower()):
                return says
        return None


# Read upwards from an exception's own class; what is in no row leaves the outcome open.
BY_NAME: Mapping[str, Says] = MappingProxyType(
    {
        "DuplicateOrderId": Says.DUPLICATE,
        "AuthenticationError": Says.REJECTED,
        "InsufficientFunds": Says.REJECTED,
        "BadRequest": Says.REJECTED,
        "ArgumentsRequired": Says.REJECTED,
        "NotSupported": Says.REJECTED,
        "InvalidOrder": Says.REJECTED,
        "OperationRejected": Says.REJECTED,
        "RateLimitExceeded": Says.NOT_SENT,
        "InvalidNonce": Says.NOT_SENT,
        "ExchangeClosedByUser": Says.NOT_SENT,
        "InvalidProxySettings": Says.NOT_SENT,
    }
)
# Causes in which no connection existed over which anything could have been sent.
UNREACHED = frozenset({"ClientConnectorError", "ConnectionTimeoutError", "gaierror"})
# Asking again may help, unless it is a timestamp, which will be wrong again.
_PASSING = frozenset({"OperationFailed", "NoJson"})
_LASTING = frozenset({"InvalidNonce", "ExchangeClosedByUser"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    says: Says
    code: str
    text: str
    # Whether the same question may be answered a little later.
    passing: bool
    rate_limited: bool = False
    retry_after_seconds: float | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


def failure_of(error: Exception, codes: Codes) -> Failure:
    names = frozenset(_names(error))
    answered: Answered | None = getattr(error, "answered", None)
    says = _says(error, names, answered, codes)
    # Some venues have a sentence where others have a code.
    code = safe(answered.code) if answered and answered.code else type(error).__name__
    return Failure(
        says=says,
        code=code,
        text=_words(error, answered),
        passing=bool(names & _PASSING or _is_trouble(says, error)) and not names & _LASTING,
        rate_limited="RateLimitExceeded" in names,
        retry_after_seconds=answered.retry_after_seconds if answered else None,
    )


def _says(error: Exception, names: frozenset[str], answered: Answered | None, codes: Codes) -> Says:
    if answered is not None:
        if answered.code is None:
            return Says.UNKNOWN
        if known := codes.meaning(answered.code):
            return known
    elif any(UNREACHED & frozenset(_names(cause)) for cause in _causes(error)):
        return Says.NOT_SENT
    for each in _names(error):
        if each in BY_NAME:
            return BY_NAME[each]
    return Says.UNKNOWN


def _is_trouble(says: Says, error: Exception) -> bool:
    """A bare ExchangeError with an open outcome: the server did not know what to say."""
    return says is Says.UNKNOWN and type(error).__name__ == "ExchangeError"


def _names(error: BaseException) -> Iterator[str]:
    return (each.__name__ for each in type(error).__mro__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _words(error: Exception, answered: Answered | None) -> str:
    """Never ccxt's own text: it repeats the request's address, and some venues repeat the key."""
    if answered is not None:
        told = answered.text or "an empty answer"
        return safe(told if answered.code else f"HTTP {answered.status}: {told}")
    causes = list(_causes(error))
    if not causes:
        return safe(str(error)) or "no text"
    if any(UNREACHED & frozenset(_names(cause)) for cause in causes):
        happened = "no connection to the venue"
    elif "RequestTimeout" in _names(error):
        return "no answer in time"
    else:
        happened = "the connection broke before an answer came"
    return f"{happened} ({type(causes[-1]).__name__})"


def safe(text: str) -> str:
    """Text from outside for a message: without secrets, of bearable length, one visible line."""
    return printable(scrub(text)[:_TEXT_MAX])
