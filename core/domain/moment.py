"""Moments in time: aware, UTC, and one way to write them."""

from datetime import UTC, datetime


def moment_text(moment: datetime) -> str:
    """ISO-8601 in UTC with a Z; microseconds only when there are any."""
    if moment.tzinfo is not UTC:
        moment = _in_utc(moment, "a moment without a time zone means nothing")
    return moment.isoformat().removesuffix("+00:00") + "Z"


def parse_moment(text: str) -> datetime:
    """Reads an ISO-8601 moment; one without a zone is refused rather than guessed."""
    if not isinstance(text, str):
        raise ValueError(f"expected a moment as text, got {type(text).__name__}")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"not a moment in time: {text!r:.40}") from None
    return moment if moment.tzinfo is UTC else _in_utc(moment, f"no time zone in {text!r:.40}")


def _in_utc(moment: datetime, objection: str) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError(objection)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"out of range in UTC: {moment.isoformat()}") from None
