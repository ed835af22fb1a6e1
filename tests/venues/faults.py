"""Scripted faults: what goes wrong with which request, and whether it took effect all the same.

A fault has two halves. Its effect says what became of the request in the venue: nothing, at once,
or later. Its reply says what the client hears. "The reply is lost" is the effect NOW with the reply
CUT; "it timed out and was accepted afterwards" is the effect LATER with the reply HANG.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any, ClassVar


class Effect(Enum):
    """What became of the request at the venue."""

    NONE = auto()
    NOW = auto()
    LATER = auto()


class Reply(Enum):
    """What the client hears."""

    GENUINE = auto()
    HANG = auto()
    RESET = auto()
    CUT = auto()
    TRUNCATED = auto()
    HTML = auto()
    EMPTY = auto()
    WITHOUT_ID = auto()
    REFUSAL = auto()
    STATUS = auto()
    WITHOUT_CURSOR = auto()
    SHORT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way in which a request goes wrong."""

    reply: Reply
    effect: Effect = Effect.NOW
    code: str = ""
    text: str = ""
    status: int = 200
    # Seconds until a LATER effect or a slow reply; None waits for `Venue.release`.
    seconds: float | None = None
    rows: int = 0
    retry_after_seconds: int | None = None

    HANG: ClassVar["Fault"]
    HANG_AFTER_ACCEPT: ClassVar["Fault"]
    LATE_ACCEPT: ClassVar["Fault"]
    RESET: ClassVar["Fault"]
    RESET_AFTER_ACCEPT: ClassVar["Fault"]
    LOST_REPLY: ClassVar["Fault"]
    TRUNCATED: ClassVar["Fault"]
    HTML: ClassVar["Fault"]
    EMPTY: ClassVar["Fault"]
    WITHOUT_ID: ClassVar["Fault"]
    WITHOUT_CURSOR: ClassVar["Fault"]

    @classmethod
    def refused(cls, code: str | int, text: str = "", *, effect: Effect = Effect.NONE) -> "Fault":
        """The venue answers with an error code of its own."""
        return cls(reply=Reply.REFUSAL, effect=effect, code=str(code), text=text)

    @classmethod
    def http(
        cls,
        status: int,
        *,
        effect: Effect = Effect.NONE,
        text: str = "upstream error",
        retry_after_seconds: int | None = None,
    ) -> "Fault":
        """Something in front of the venue answers with an HTTP status and no JSON."""
        return cls(
            reply=Reply.STATUS,
            effect=effect,
            status=status,
            text=text,
            retry_after_seconds=retry_after_seconds,
        )

    @classmethod
    def late_accept(cls, seconds: float | None = None) -> "Fault":
        """The client hears nothing; the request takes effect after a while or on release."""
        return cls(reply=Reply.HANG, effect=Effect.LATER, seconds=seconds)

    @classmethod
    def slow(cls, seconds: float) -> "Fault":
        """The request takes effect at once and the answer is late."""
        return cls(reply=Reply.GENUINE, seconds=seconds)

    @classmethod
    def short(cls, rows: int) -> "Fault":
        """A listing stops after some rows and says nothing of it."""
        return cls(reply=Reply.SHORT, rows=rows)

    @classmethod
    def named(cls, name: str) -> "Fault":
        """The fault an operator typed: `LOST_REPLY`, `refused:10006`, `http:503`, `short:20`."""
        kind, _, detail = name.partition(":")
        if detail and kind in _MAKERS:
            return _MAKERS[kind](detail)
        if kind not in NAMED:
            known = ", ".join([*NAMED, *(f"{maker}:N" for maker in _MAKERS)])
            raise ValueError(f"no fault is called {name!r}; there are {known}")
        return NAMED[kind]

    def accepted(self) -> "Fault":
        """The same reply to a request that did take effect."""
        return replace(self, effect=Effect.NOW)

    def not_accepted(self) -> "Fault":
        """The same reply to a request that never took effect."""
        return replace(self, effect=Effect.NONE)


Fault.HANG = Fault(reply=Reply.HANG, effect=Effect.NONE)
Fault.HANG_AFTER_ACCEPT = Fault(reply=Reply.HANG)
Fault.LATE_ACCEPT = Fault(reply=Reply.HANG, effect=Effect.LATER)
Fault.RESET = Fault(reply=Reply.RESET, effect=Effect.NONE)
Fault.RESET_AFTER_ACCEPT = Fault(reply=Reply.RESET)
Fault.LOST_REPLY = Fault(reply=Reply.CUT)
Fault.TRUNCATED = Fault(reply=Reply.TRUNCATED)
Fault.HTML = Fault(reply=Reply.HTML)
Fault.EMPTY = Fault(reply=Reply.EMPTY)
Fault.WITHOUT_ID = Fault(reply=Reply.WITHOUT_ID)
Fault.WITHOUT_CURSOR = Fault(reply=Reply.WITHOUT_CURSOR)

NAMED: Mapping[str, Fault] = {
    name: value for name, value in vars(Fault).items() if isinstance(value, Fault)
}
_MAKERS: Mapping[str, Callable[[str], Fault]] = {
    "refused": Fault.refused,
    "http": lambda detail: Fault.http(int(detail)),
    "late_accept": lambda detail: Fault.late_accept(float(detail)),
    "slow": lambda detail: Fault.slow(float(detail)),
    "short": lambda detail: Fault.short(int(detail)),
}


@dataclass(slots=True)
class _Planned:
    """A fault that waits for its request."""

    fault: Fault
    where: Mapping[str, Any]
    skip: int
    times: int | None

    def meets(self, params: Mapping[str, Any]) -> bool:
        """Whether the request is the one; counts it when it is."""
        if any(str(params.get(key)) != str(value) for key, value in self.where.items()):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


ANY = "*"


@dataclass(slots=True)
class FaultScript:
    """Which faults await the coming requests, by endpoint, in the order they were written."""

    _planned: dict[str, deque[_Planned]] = field(default_factory=dict)

    def next(
        self,
        endpoint: str,
        fault: Fault,
        *,
        times: int = 1,
        after: int = 0,
        where: Mapping[str, Any] | None = None,
    ) -> None:
        """Plan a fault for the next requests of an endpoint, or of "*", any endpoint.

        `after` lets that many matching requests through first; `where` names parameters that the
        request must carry, as in `where={"category": "spot"}`.
        """
        self._plan(endpoint, _Planned(fault, where or {}, after, times))

    def always(
        self, endpoint: str, fault: Fault, *, where: Mapping[str, Any] | None = None
    ) -> None:
        """Plan a fault for every request until `clear`."""
        self._plan(endpoint, _Planned(fault, where or {}, 0, None))

    def clear(self, endpoint: str | None = None) -> None:
        """Forget the plans for one endpoint, or all of them."""
        if endpoint is None:
            self._planned.clear()
        else:
            self._planned.pop(endpoint, None)

    def take(self, endpoint: str, params: Mapping[str, Any]) -> Fault | None:
        """The fault this request meets, used up by it; None for a healthy one."""
        for key in (endpoint, ANY):
            plans = self._planned.get(key, deque())
            for planned in plans:
                if planned.meets(params):
                    if planned.times == 0:
                        plans.remove(planned)
                    return planned.fault
        return None

    @property
    def left(self) -> dict[str, int]:
        """How many planned faults no request has met yet, by endpoint."""
        return {endpoint: len(plans) for endpoint, plans in self._planned.items() if plans}

    def _plan(self, endpoint: str, planned: _Planned) -> None:
        self._planned.setdefault(endpoint, deque()).append(planned)
