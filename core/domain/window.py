"""When an account's market is open, as configured: `main mon-fri 09:30-16:00 America/New_York`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SHAPE = re.compile(
    r"(?P<account>\S+) (?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?"
    r" (?P<opens>\d\d:\d\d)-(?P<closes>\d\d:\d\d) (?P<zone>\S+)"
)
EXAMPLE = "main mon-fri 09:30-16:00 America/New_York"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One session a day, on some days; one that closes before it opens ends the day after."""

    account: str
    days: frozenset[int]
    # Minutes after midnight.
    opens: int
    closes: int
    zone: str

    def closes_at(self, now: datetime) -> datetime | None:
        """When the session that goes on now ends; None when none does."""
        local = now.astimezone(ZoneInfo(self.zone))
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        # The one that began yesterday may still go on.
        for day in (midnight, midnight - timedelta(days=1)):
            if day.weekday() not in self.days:
                continue
            opens = day + timedelta(minutes=self.opens)
            closes = day + timedelta(minutes=self.closes)
            if self.closes <= self.opens:
                closes += timedelta(days=1)
            # Not by the clock on the wall: twice a year that shows an hour twice, or not at all.
            if opens.astimezone(UTC) <= now < closes.astimezone(UTC):
                return closes
        return None


@cache
def parse_window(text: str) -> Window:
    found = SHAPE.fullmatch(text)
    if found is None:
        raise ValueError(f"must be ACCOUNT DAYS HH:MM-HH:MM ZONE, such as {EXAMPLE!r}")
    first, last = found["first"], found["last"] or found["first"]
    if first not in DAYS or last not in DAYS:
        raise ValueError(f"days are {', '.join(DAYS)}, such as mon-fri, not {first}-{last}")
    try:
        ZoneInfo(found["zone"])
    except (KeyError, ValueError, OSError):
        raise ValueError(f"there is no time zone {found['zone']!r:.42}") from None
    start, end = DAYS.index(first), DAYS.index(last)
    length = (end - start) % 7 + 1
    return Window(
        account=found["account"],
        days=frozenset((start + step) % 7 for step in range(length)),
        opens=_minutes(found["opens"]),
        closes=_minutes(found["closes"]),
        zone=found["zone"],
    )


def windows_of(account: str, texts: Sequence[str]) -> tuple[Window, ...]:
    """Those of one account; none means that it is always open."""
    return tuple(window for text in texts if (window := parse_window(text)).account == account)


def _minutes(text: str) -> int:
    hours, minutes = int(text[:2]), int(text[3:])
    if hours > 24 or minutes > 59 or hours * 60 + minutes > 24 * 60:
        raise ValueError(f"{text} is no time of day")
    return hours * 60 + minutes
