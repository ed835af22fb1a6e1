"""A home on the paper venue, armed."""

from pathlib import Path

import pytest

from tests.home import HomeUnderTest, make_home


@pytest.fixture
def home(tmp_path: Path) -> HomeUnderTest:
    home = make_home(tmp_path / "home")
    home.arm()
    return home
