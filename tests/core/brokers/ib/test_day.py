"""The gateway's day begins at midnight in its own time zone."""

from datetime import UTC, datetime

import pytest

from core.brokers.ib.day import day_start
from core.domain.errors import Unavailable

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "hour"), [("America/New_York", "05T05"), ("UTC", "05T00"), ("Asia/Tokyo", "04T15")]
)
def test_midnight_there(zone: str, hour: str) -> None:
    assert day_start(NOON, zone).isoformat() == f"2026-01-{hour}:00:00+00:00"


@pytest.mark.parametrize("zone", ["America", "America/Nowhere", "../zone", "/etc/hosts", "a\0b"])
def test_a_zone_that_is_none_is_named(zone: str) -> None:
    with pytest.raises(Unavailable, match="there is no zone") as raised:
        day_start(NOON, zone)
    assert raised.value.hint == "a name such as America/New_York"
