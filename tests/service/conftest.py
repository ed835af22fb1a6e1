"""A home on the paper venue, armed; and homes with an account at an emulated Bybit or MEXC."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.home import HomeUnderTest, make_home
from tests.rounds.bybit_round import BybitRound
from tests.rounds.mexc_round import MexcRound

AtBybit = Callable[..., BybitRound]
AtMexc = Callable[..., MexcRound]

# ccxt asks its transport for something that the transport no longer needs.
CCXTS_OWN = "ignore:enable_cleanup_closed:DeprecationWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(CCXTS_OWN))


@pytest.fixture
def home(tmp_path: Path) -> HomeUnderTest:
    home = make_home(tmp_path / "home")
    home.arm()
    return home


@pytest.fixture
def at_bybit(tmp_path: Path) -> Iterator[AtBybit]:
    """Makes a home with an account at a Bybit of its own: at_bybit(hedged=True, market="spot")."""
    with ExitStack() as stack:
        yield lambda **given: stack.enter_context(BybitRound(tmp_path / "bybit", **given))


@pytest.fixture
def at_mexc(tmp_path: Path) -> Iterator[AtMexc]:
    """Makes a home with an account at a MEXC of its own: at_mexc(hedged=True)."""
    with ExitStack() as stack:
        yield lambda **given: stack.enter_context(MexcRound(tmp_path / "mexc", **given))


@pytest.fixture
def bybit(at_bybit: AtBybit) -> BybitRound:
    """One-way, linear, nothing in it yet."""
    return at_bybit()


@pytest.fixture
def bybit_spot(at_bybit: AtBybit) -> BybitRound:
    return at_bybit(market="spot")
