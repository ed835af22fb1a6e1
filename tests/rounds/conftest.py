"""Emulated venues, and homes of operators who have accounts there."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.rounds.bybit_round import BybitRound
from tests.rounds.ib_round import IbRound
from tests.rounds.mexc_round import MexcRound
from tests.venues.ib.clients import installed_library

AtBybit = Callable[..., BybitRound]
AtIb = Callable[..., IbRound]
AtMexc = Callable[..., MexcRound]

# ccxt asks its transport for something that the transport no longer needs.
CCXTS_OWN = "ignore:enable_cleanup_closed:DeprecationWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(CCXTS_OWN))


@pytest.fixture
def at_bybit(tmp_path: Path) -> Iterator[AtBybit]:
    """Makes a home with an account at a Bybit of its own: at_bybit(hedged=True, market="spot")."""
    with ExitStack() as stack:
        yield lambda **given: stack.enter_context(BybitRound(tmp_path / "home", **given))


@pytest.fixture
def bybit(at_bybit: AtBybit) -> BybitRound:
    """One-way, linear, nothing in it yet."""
    return at_bybit()


@pytest.fixture
def hasty(at_bybit: AtBybit) -> BybitRound:
    """The same, and gives up soon: for tests in which no answer comes."""
    return at_bybit(timeout_seconds="0.4")


@pytest.fixture
def at_ib(tmp_path: Path) -> Iterator[AtIb]:
    """Makes a home with accounts behind an IB gateway of its own: at_ib(TWO, retry="1")."""
    if installed_library() is None:
        pytest.skip("neither ib_insync nor ib_async can be imported here")
    with ExitStack() as stack:
        yield lambda *given, **keys: stack.enter_context(IbRound(tmp_path / "home", *given, **keys))


@pytest.fixture
def ib(at_ib: AtIb) -> IbRound:
    """One account, nothing in it yet."""
    return at_ib()


@pytest.fixture
def at_mexc(tmp_path: Path) -> Iterator[AtMexc]:
    """Makes a home with an account at a MEXC of its own: at_mexc(hedged=True, retry="1")."""
    with ExitStack() as stack:
        yield lambda **given: stack.enter_context(MexcRound(tmp_path / "home", **given))


@pytest.fixture
def mexc(at_mexc: AtMexc) -> MexcRound:
    """One-way, nothing in it yet."""
    return at_mexc()


@pytest.fixture
def hasty_mexc(at_mexc: AtMexc) -> MexcRound:
    """The same, and gives up soon: for tests in which no answer comes."""
    return at_mexc(timeout_seconds="0.4")
