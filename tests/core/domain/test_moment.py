"""Moments: aware or refused, UTC inside, one spelling outside."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.moment import moment_text, parse_moment

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
BERLIN = timezone(timedelta(hours=1))

offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
aware = st.datetimes(timezones=offsets | st.just(UTC)).filter(lambda it: 1 < it.year < 9999)


class Nowhere(tzinfo):
    """A zone that does not know its offset: a moment in it is as naive as one without."""

    def utcoffset(self, moment: datetime | None) -> None:
        return None


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2026-01-05T12:00:00Z"),
        (NOON.replace(microsecond=100), "2026-01-05T12:00:00.000100Z"),
        (NOON.astimezone(BERLIN), "2026-01-05T12:00:00Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
        (datetime.max.replace(tzinfo=UTC), "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_a_moment_is_written_in_utc(moment: datetime, text: str) -> None:
    assert moment_text(moment) == text


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05T12:00:00Z",
        "2026-01-05T12:00:00+00:00",
        "2026-01-05T13:00:00+01:00",
        "2026-01-05T07:00:00-05:00",
        "2026-01-05T12:00:00.000000Z",
        "2026-01-05 12:00:00Z",
    ],
)
def test_a_moment_is_read_from_any_zone(text: str) -> None:
    moment = parse_moment(text)

    assert moment == NOON
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    "moment", [NOON.replace(tzinfo=None), NOON.replace(tzinfo=Nowhere())], ids=["naive", "nowhere"]
)
def test_a_moment_without_a_zone_is_not_written(moment: datetime) -> None:
    with pytest.raises(ValueError, match="time zone"):
        moment_text(moment)


@pytest.mark.parametrize("text", ["2026-01-05T12:00:00", "2026-01-05", "20260105T120000"])
def test_a_moment_without_a_zone_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        parse_moment(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "12:00",
        "2026-13-05T12:00:00Z",
        "2026-01-05T25:00:00Z",
        "2026-01-05T12:00:00Z\n",
        "2026-01-05T12:00:00.\N{FULLWIDTH DIGIT ONE}Z",
        "1767614400",
        "\ud800",
        "9" * 100_000,
    ],
    ids=lambda text: ascii(text[:30]),
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a moment in time") as caught:
        parse_moment(text)

    assert len(str(caught.value)) < 100


@pytest.mark.parametrize("value", [None, 0, 1767614400, 1.5, NOON, b"2026-01-05T12:00:00Z", []])
def test_a_moment_is_read_from_text_alone(value: Any) -> None:
    with pytest.raises(ValueError, match="expected a moment as text"):
        parse_moment(value)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
def test_a_moment_that_utc_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="out of range"):
        parse_moment(text)
    with pytest.raises(ValueError, match="out of range"):
        moment_text(datetime.fromisoformat(text))


@given(aware)
def test_what_is_written_is_read_back(moment: datetime) -> None:
    text = moment_text(moment)

    assert text.endswith("Z")
    assert parse_moment(text) == moment
    assert moment_text(parse_moment(text)) == text
