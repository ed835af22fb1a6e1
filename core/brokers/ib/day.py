"""The gateway's day: executions and completed orders are told of the current one only."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from core.domain.errors import Unavailable


def day_start(now: datetime, time_zone: str) -> datetime:
    """The gateway's last midnight."""
    local = now.astimezone(_zone(time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError) as error:
        raise Unavailable(
            f"time_zone: there is no zone {name!r:.60}", hint="a name such as America/New_York"
        ) from error
