"""Who plays the account on the other side, by the name given to --venue."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from types import MappingProxyType

from cli.demo.bybit import Bybit
from cli.demo.emulation import listening
from cli.demo.home import DemoHome
from cli.demo.ib import Ib
from cli.demo.mexc import Mexc
from cli.demo.paper import PaperAccount
from cli.demo.story import Story, VenueStory
from cli.demo.telling import Telling
from core.domain.errors import Usage

PAPER = "paper"


# Each makes its venue, and then steers it while it runs.
VENUES: Mapping[str, type[Bybit | Mexc | Ib]] = MappingProxyType(
    {"bybit": Bybit, "mexc": Mexc, "ib": Ib}
)
NAMES = (PAPER, *VENUES)


def check_name(name: str) -> None:
    if name not in NAMES:
        near = get_close_matches(name, NAMES, n=1) or ["bybit"]
        raise Usage(
            f"--venue: there is no demo of {name!r:.40}; there are {', '.join(NAMES)}",
            hint=f"trueup demo --venue {near[0]}",
        )


@contextmanager
def story_at(name: str, telling: Telling, home: DemoHome) -> Iterator[Story]:
    """The story with its other side, which listens as long as it is told."""
    if name == PAPER:
        yield Story(telling, home, PaperAccount(home.paper_account))
        return
    emulation = VENUES[name]
    with listening(emulation.background()) as running:
        yield VenueStory(telling, home, emulation(running))
