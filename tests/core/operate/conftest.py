"""A home of its own for every test."""

from pathlib import Path

import pytest

from tests.home import HomeUnderTest, make_home


@pytest.fixture
def home(tmp_path: Path) -> HomeUnderTest:
    return make_home(tmp_path / "home")
