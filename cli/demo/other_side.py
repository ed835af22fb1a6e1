"""The account on the other side, as the story needs it: one module of this folder per broker."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from cli.demo.home import DemoHome


class OtherSide(Protocol):
    """What happens at the broker while nobody looks."""

    def evening(self) -> None:
        """Two limit orders rest there."""

    def night(self) -> None:
        """One fills in part and is cancelled, the other is gone, a third is placed by hand."""


class Mishap(NamedTuple):
    """What has happened there, and the action of the next plan whose reply will not come."""

    told: str
    action: str


class EmulatedVenue(OtherSide, Protocol):
    """A venue of our own, which speaks the real one's protocol on this machine."""

    @property
    def title(self) -> str: ...

    @property
    def address(self) -> str:
        """Where it listens, as people write it."""
        ...

    def account(self, home: DemoHome) -> Sequence[str]:
        """Its entry under ACCOUNTS, line by line; secrets are written into the home."""
        ...

    def lose_next_reply(self) -> Mishap:
        """Brings about an action; what the venue answers to it will not arrive."""
        ...

    def stops(self) -> Sequence[str]:
        """The stops that rest there now, a line each, as the venue itself knows them."""
        ...
