"""What the broker says at one instant, and for each part whether it said all, some or nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.domain.execution import BrokerExecution
from core.domain.market import Balance, Instrument, Quote
from core.domain.order import BrokerOrder
from core.domain.position import BrokerPosition

PARTS = ("orders", "executions", "positions", "balances")


@dataclass(frozen=True, slots=True)
class Known:
    """Everything there is: presence and absence both count."""


@dataclass(frozen=True, slots=True)
class Partial:
    """Some rows: they prove presence, never absence."""

    why: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """No answer: nothing follows from it."""

    why: str


Part = Known | Partial | Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSnapshot:
    account: str
    broker: str
    taken_at: datetime
    position_mode: str = "one-way"
    parts: Mapping[str, Part]
    # Whether nothing can be sent to this account from here, whatever it would need.
    read_only: bool = False
    # From when on the executions are complete; None means from the beginning.
    executions_since: datetime | None = None
    orders: tuple[BrokerOrder, ...] = ()
    executions: tuple[BrokerExecution, ...] = ()
    positions: tuple[BrokerPosition, ...] = ()
    balances: tuple[Balance, ...] = ()
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    quotes: Mapping[str, Quote] = field(default_factory=dict)

    def knows(self, part: str) -> bool:
        """Whether absence from this part means anything."""
        return isinstance(self.parts.get(part, Unavailable("not told")), Known)

    @property
    def complete(self) -> bool:
        return all(self.knows(part) for part in PARTS)


def missing_parts(snapshot: BrokerSnapshot) -> Iterator[tuple[str, str]]:
    """Each part that was not told whole, and why."""
    for name in PARTS:
        part = snapshot.parts.get(name, Unavailable("not told"))
        if not isinstance(part, Known):
            yield name, part.why


@dataclass(frozen=True, slots=True)
class Found:
    """The broker knows the order."""

    order: BrokerOrder


@dataclass(frozen=True, slots=True)
class Absent:
    """The broker answers for such orders and conclusively has none."""


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """The broker could not be asked, or does not answer for an order like this one."""

    why: str
    # Orders of which any may be the one, where the venue keeps no key of ours on them.
    candidates: tuple[BrokerOrder, ...] = ()
    # Whether these are all that there are: if it is none of them, it does not exist.
    whole: bool = False


Lookup = Found | Absent | Inconclusive
