"""What the endpoints of every venue see of a request and may answer to it."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.venues.faults import Effect, Fault


class VenueError(Exception):
    """The venue answers a request with an error code."""

    def __init__(self, code: int | str, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = str(code)
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: its parameters from path, query and body together, and the raw text signed."""

    endpoint: str
    params: Mapping[str, Any]
    headers: Mapping[str, str]
    signed_text: str = ""
    body: Any = None

    def text(self, name: str, default: str = "") -> str:
        """A parameter as text, the default when it is missing."""
        value = self.params.get(name)
        return default if value is None else str(value)

    def whole(self, name: str, default: int) -> int:
        """A parameter as a whole number."""
        text = self.text(name)
        return int(text) if text.lstrip("-").isdecimal() else default

    def moment(self, name: str) -> int | None:
        """A parameter in milliseconds since 1970, None when it is missing."""
        return int(self.text(name)) if self.text(name).isdecimal() else None

    def number(self, name: str) -> Decimal | None:
        """A parameter as a decimal, None when it is missing, empty or not a number."""
        try:
            number = Decimal(self.text(name))
        except InvalidOperation:
            return None
        return number if number.is_finite() else None

    def flag(self, name: str) -> bool:
        """A parameter as true or false, false when it is missing."""
        return self.text(name).lower() in {"true", "1"}


Answer = Callable[[Call], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One endpoint: its name for scripts and logs, where it lies, and who answers."""

    name: str
    method: str
    path: str
    answer: Answer
    private: bool = True


@dataclass(slots=True, kw_only=True)
class Seen:
    """One request as the venue remembers it, so that a test can count what was really sent."""

    endpoint: str
    params: Mapping[str, Any]
    at_ms: int
    fault: Fault | None = None
    # None until it took effect or was turned down.
    accepted: bool | None = None
    code: str = ""


@dataclass(slots=True)
class RequestLog:
    """Every request that reached the venue, in order."""

    seen: list[Seen] = field(default_factory=list)

    def count(self, endpoint: str, *, accepted: bool | None = None) -> int:
        """How many requests an endpoint met; with `accepted`, only those with that outcome."""
        return len(self.of(endpoint, accepted=accepted))

    def of(self, endpoint: str, *, accepted: bool | None = None) -> list[Seen]:
        """The requests an endpoint met."""
        return [
            each
            for each in self.seen
            if each.endpoint == endpoint and accepted in {None, each.accepted}
        ]

    def clear(self) -> None:
        """Forget what was seen so far."""
        self.seen.clear()


def takes_effect(fault: Fault | None) -> bool:
    """Whether a request with this fault is carried out before the reply."""
    return fault is None or fault.effect is Effect.NOW


def sign(secret: str, text: str) -> str:
    """The hexadecimal HMAC-SHA256 of a text."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def plain(number: Decimal | None) -> str:
    """A decimal as venues write it: no exponent, no trailing zeros, 8 decimals; empty for None."""
    if number is None:
        return ""
    text = format(round(number, 8), "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
