"""What a connection tells by itself, before anybody has made sense of it."""

from dataclasses import dataclass
from datetime import datetime

from core.brokers.ib.library import Fill, Trade


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An error, a warning or a notice; `subject` is the request or order it is about, or -1."""

    subject: int
    code: int
    text: str
    is_about_live_order: bool = False
    # When the gateway was last heard of before this.
    since: datetime

    def __str__(self) -> str:
        return f"{self.code}: {self.text.rstrip('.')}"


@dataclass(frozen=True, slots=True)
class TradeTold:
    trade: Trade


@dataclass(frozen=True, slots=True)
class FillTold:
    """An execution, or the commission of one told before."""

    fill: Fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The connection is over; `since` is when it was last heard of."""

    why: str
    since: datetime


Happening = Told | TradeTold | FillTold | Lost
