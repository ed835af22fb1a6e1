"""A home of its own for every test; some have their account at an emulated Bybit."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.home import HomeUnderTest, make_home
from tests.rounds.bybit_round import BybitRound
from tests.scenarios.other_side import EVERYWHERE, OtherSide, other_side

# ccxt asks its transport for something that the transport no longer needs.
CCXTS_OWN = "ignore:enable_cleanup_closed:DeprecationWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(CCXTS_OWN))


@pytest.fixture
def home(tmp_path: Path) -> HomeUnderTest:
    return make_home(tmp_path / "home")


@pytest.fixture
def bybit(tmp_path: Path) -> Iterator[BybitRound]:
    """One-way, linear, nothing in it yet; armed, and not patient."""
    with BybitRound(tmp_path / "bybit", timeout_seconds="0.4", retry="1") as bybit:
        yield bybit


@pytest.fixture(params=EVERYWHERE)
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OtherSide]:
    """The other side of an account on paper, at Bybit and at MEXC; armed, nothing in it yet."""
    with other_side(request.param, tmp_path / "home") as other:
        yield other
