"""The paper venue that most tests here begin with."""

from pathlib import Path

import pytest

from tests.core.brokers.paper.venue import PaperVenue


@pytest.fixture
def venue(tmp_path: Path) -> PaperVenue:
    return PaperVenue(tmp_path / "paper_broker.json")
