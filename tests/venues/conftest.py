"""Fixtures shared by the tests of the emulated venues; each file brings its own `venue`."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.venues.clients import client_of
from tests.venues.server import Venue


@pytest.fixture
async def client(venue: Venue) -> AsyncIterator[Any]:
    """The real client library, pointed at the file's venue."""
    async with client_of(venue) as client:
        yield client
