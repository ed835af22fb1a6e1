"""When a market is open: sessions in their own time zone, over midnight, through summer time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.window import DAYS, EXAMPLE, parse_window, windows_of

NEW_YORK = ZoneInfo("America/New_York")
NIGHT = "main sun-thu 22:00-06:00 Europe/Berlin"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def closes(text: str, at: str) -> str | None:
    """When the session ends in UTC; `at` is in UTC too."""
    found = parse_window(text).closes_at(utc(at))
    return f"{found.astimezone(UTC):%Y-%m-%dT%H:%M}" if found else None


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        # Monday: opens at 14:30 and closes at 21:00 UTC.
        ("2026-01-05T14:29:59", None),
        ("2026-01-05T14:30:00", "2026-01-05T21:00"),
        ("2026-01-05T20:59:59", "2026-01-05T21:00"),
        ("2026-01-05T21:00:00", None),
        # Sunday, and Friday evening.
        ("2026-01-04T15:00:00", None),
        ("2026-01-09T20:00:00", "2026-01-09T21:00"),
        ("2026-01-10T15:00:00", None),
        # In summer an hour earlier.
        ("2026-07-06T13:30:00", "2026-07-06T20:00"),
        ("2026-07-06T20:00:00", None),
    ],
)
def test_a_session_opens_and_closes_by_the_clock_of_its_place(
    at: str, expected: str | None
) -> None:
    assert closes(EXAMPLE, at) == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        # Monday night belongs to Monday, until Tuesday morning at five UTC.
        ("2026-01-05T20:59:00", None),
        ("2026-01-05T21:00:00", "2026-01-06T05:00"),
        ("2026-01-06T04:59:00", "2026-01-06T05:00"),
        ("2026-01-06T05:00:00", None),
        # Friday and Saturday nights are free, Thursday's goes on into Friday.
        ("2026-01-09T04:00:00", "2026-01-09T05:00"),
        ("2026-01-09T22:00:00", None),
        ("2026-01-10T22:00:00", None),
        ("2026-01-11T21:00:00", "2026-01-12T05:00"),
    ],
)
def test_a_session_over_midnight_belongs_to_the_day_on_which_it_began(
    at: str, expected: str | None
) -> None:
    assert closes(NIGHT, at) == expected


def test_a_session_keeps_its_hours_on_the_day_on_which_the_clocks_change() -> None:
    """2026-03-08, New York: two o'clock is three."""
    text = "main sun 01:00-16:00 America/New_York"
    assert closes(text, "2026-03-08T06:00:00") == "2026-03-08T20:00"
    assert closes(text, "2026-03-08T19:59:59") == "2026-03-08T20:00"
    assert closes(text, "2026-03-08T20:00:00") is None
    # 2026-11-01: two o'clock is one again.
    assert closes(text, "2026-11-01T20:59:59") == "2026-11-01T21:00"
    assert closes(text, "2026-11-01T21:00:00") is None


def test_a_session_ends_once_where_its_last_hour_comes_twice_or_never() -> None:
    twice = "main sun 00:00-01:30 America/New_York"
    assert closes(twice, "2026-11-01T05:10:00") == "2026-11-01T05:30"
    # An hour later it is 01:10 again.
    assert closes(twice, "2026-11-01T06:10:00") is None
    never = "main sun 00:00-02:30 America/New_York"
    assert closes(never, "2026-03-08T06:45:00") == "2026-03-08T07:30"
    assert closes(never, "2026-03-08T07:30:00") is None


def test_a_market_that_never_closes_can_be_said() -> None:
    text = "main mon-sun 00:00-24:00 UTC"
    assert closes(text, "2026-01-05T00:00:00") == "2026-01-06T00:00"
    assert closes(text, "2026-01-11T23:59:59") == "2026-01-12T00:00"


def test_one_that_opens_when_it_closes_is_open_for_a_day() -> None:
    text = "main mon 17:00-17:00 UTC"
    assert closes(text, "2026-01-05T16:59:00") is None
    assert closes(text, "2026-01-05T17:00:00") == "2026-01-06T17:00"
    assert closes(text, "2026-01-06T16:59:00") == "2026-01-06T17:00"
    assert closes(text, "2026-01-06T17:00:00") is None


@pytest.mark.parametrize(
    ("days", "numbers"),
    [("mon", {0}), ("sat-sun", {5, 6}), ("fri-mon", {4, 5, 6, 0}), ("sun-sat", set(range(7)))],
)
def test_days_may_lead_over_the_weekend(days: str, numbers: set[int]) -> None:
    assert parse_window(f"main {days} 09:30-16:00 UTC").days == numbers


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be ACCOUNT DAYS HH:MM-HH:MM ZONE, such as 'main mon-fri"),
        ("main 09:30-16:00 UTC", "must be ACCOUNT DAYS"),
        ("main mon-fri 9:30-16:00 UTC", "must be ACCOUNT DAYS"),
        ("main mon-fri 09:30-16:00 UTC ", "must be ACCOUNT DAYS"),
        ("main mon-fri 09:30–16:00 UTC", "must be ACCOUNT DAYS"),
        ("main mon-fre 09:30-16:00 UTC", "days are mon, tue, .*not mon-fre"),
        ("main mo -fri 09:30-16:00 UTC", "must be ACCOUNT DAYS"),
        ("main MON 09:30-16:00 UTC", "must be ACCOUNT DAYS"),
        ("main mon 24:01-16:00 UTC", "24:01 is no time of day"),
        ("main mon 09:60-16:00 UTC", "09:60 is no time of day"),
        ("main mon 09:30-25:00 UTC", "25:00 is no time of day"),
        ("main mon 09:30-16:00 Mars/Olympus", "there is no time zone 'Mars/Olympus'"),
        ("main mon 09:30-16:00 ../../etc/passwd", "there is no time zone"),
        ("main mon 09:30-16:00 /etc/localtime", "there is no time zone"),
        ("main mon 09:30-16:00 Europe", "there is no time zone"),
        (f"main mon 09:30-16:00 {'x' * 300}", "there is no time zone '?xxx"),
    ],
)
def test_what_is_no_window_says_what_one_is(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_window(text)


def test_an_account_may_have_several_windows_or_none() -> None:
    texts = [EXAMPLE, "other mon 09:00-10:00 UTC", "main sat 10:00-12:00 UTC"]
    assert [window.zone for window in windows_of("main", texts)] == ["America/New_York", "UTC"]
    assert windows_of("third", texts) == ()


MINUTES = st.integers(0, 24 * 60 - 1)


@given(
    days=st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS)),
    opens=MINUTES,
    closes=MINUTES,
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]),
    at=st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
)
def test_an_open_market_closes_later_and_within_a_day(
    days: tuple[str, str], opens: int, closes: int, zone: str, at: datetime
) -> None:
    told = f"{opens // 60:02}:{opens % 60:02}-{closes // 60:02}:{closes % 60:02}"
    window = parse_window(f"main {days[0]}-{days[1]} {told} {zone}")
    ends = window.closes_at(at)
    if ends is None:
        return
    # By its own clock; a change of the clocks may make a day an hour longer.
    assert at < ends.astimezone(UTC) <= at + timedelta(hours=26)
    assert (ends.hour, ends.minute) == divmod(closes, 60)
    began = ends.weekday() if closes > opens else (ends - timedelta(days=1)).weekday()
    assert began in window.days
    # At the very end it is over, unless the next one begins just then.
    following = window.closes_at(ends)
    assert following is None or following > ends
