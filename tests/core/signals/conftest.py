"""A home, a desk at which its spool is taken in, and the spool itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.operate.desk import Desk
from tests.home import HomeUnderTest, make_home
from tests.producer import StillClock, desk_at


@pytest.fixture
def home(tmp_path: Path) -> HomeUnderTest:
    return make_home(tmp_path / "home")


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def desk(home: HomeUnderTest, clock: StillClock) -> Iterator[Desk]:
    desk = desk_at(home, clock)
    yield desk
    desk.close_book()


@pytest.fixture
def spool(home: HomeUnderTest) -> Path:
    return home.root / "data" / "spool" / "signals.jsonl"
