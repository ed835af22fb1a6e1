"""What becomes of each message, decided without a book: by what is known and what was read."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.config.settings import Account, Settings
from core.decide.qualify.arrival import Arrival, Sorting, Verdict, beaten, deliveries_of
from core.decide.qualify.reading import Refused, read_signal
from core.domain.arrival import Item
from core.domain.signal import RequestStatus, SignalRecord, SignalState
from tests.build import NOON
from tests.producer import message, signal_id

SETTINGS = Settings(
    ACCOUNTS={"main": Account(), "spare": Account(), "closed": Account(enabled=False)}
)


def sorted_out(
    *raw: bytes, known: tuple[SignalRecord, ...] = (), answered: dict[str, Any] | None = None
) -> list[Arrival]:
    sorting = Sorting(
        now=NOON,
        settings=SETTINGS,
        known={each.signal_id: each for each in known},
        answered=answered or {},
    )
    items = [Item(raw=each, source="spool", place=f"f:{n}") for n, each in enumerate(raw)]
    return sorting.sort(
        [(item, read_signal(item.raw, now=NOON, settings=SETTINGS)) for item in items]
    )


def one(*raw: bytes, **given: Any) -> Arrival:
    return sorted_out(*raw, **given)[-1]


def earlier(status: str = "failed", **given: Any) -> SignalRecord:
    record = one(message(**given)).record
    assert record is not None
    return replace(record, request_status=RequestStatus(status))


def test_a_signal_is_taken_in_for_every_enabled_account() -> None:
    arrival = one(message())
    assert (arrival.verdict, arrival.accounts) == (Verdict.ACCEPTED, ("main", "spare"))
    assert arrival.record is not None and arrival.record.state is SignalState.PUBLISHED
    waiting = deliveries_of(arrival, NOON)
    assert [each.account for each in waiting] == ["main", "spare"]
    assert len({each.delivery_id for each in waiting}) == 2
    assert one(message(account="spare")).accounts == ("spare",)


def test_within_one_batch_the_second_is_a_duplicate() -> None:
    first, second = sorted_out(message(), message())
    assert (first.verdict, second.verdict) == (Verdict.ACCEPTED, Verdict.DUPLICATE)
    assert deliveries_of(second, NOON) == []


@pytest.mark.parametrize("status", ["pending", "executing", "done"])
def test_what_is_done_or_under_way_is_a_duplicate(status: str) -> None:
    arrival = one(message(), known=(earlier(status),))
    assert arrival.reasons == (f"duplicate: the signal was sent before and is {status}",)


def test_a_failed_one_goes_again_to_whom_it_failed() -> None:
    again = one(message(), known=(earlier(),), answered={signal_id("one"): {"main"}})
    assert (again.verdict, again.accounts) == (Verdict.AGAIN, ("spare",))
    assert again.record is not None and again.record.attempt == 2
    nobody = one(message(), known=(earlier(),), answered={signal_id("one"): {"main", "spare"}})
    assert nobody.reasons == ("duplicate: every account has carried it out",)


@pytest.mark.parametrize("given", [{"amount": 9}, {"asset": "ETHUSDT"}, {"signal_type": "sell"}])
def test_another_content_under_a_known_id_is_kept_aside(given: dict[str, Any]) -> None:
    arrival = one(message(**given), known=(earlier(),))
    assert (arrival.verdict, arrival.record) == (Verdict.REFUSED, None)
    assert arrival.letter is not None and arrival.letter.reason.startswith("conflict:")


def test_another_time_or_snapshot_means_the_same() -> None:
    told = message(timestamp="2026-01-05T11:59:58Z", market_data_snapshot={"price": 7})
    assert one(told, known=(earlier(),)).verdict is Verdict.AGAIN


def test_what_was_refused_may_come_corrected_unless_it_has_a_confluence() -> None:
    refused = replace(earlier(), state=SignalState.REJECTED)
    assert one(message(amount=9), known=(refused,)).verdict is Verdict.AGAIN
    arrival = one(message(confluence_type="breakout"), known=(refused,))
    assert arrival.reasons[0].startswith("this id was refused before")


def test_a_refused_message_becomes_a_letter_and_a_row_of_what_it_said() -> None:
    arrival = one(message(account="nobody"))
    assert arrival.verdict is Verdict.REFUSED
    assert arrival.letter is not None and arrival.record is not None
    assert arrival.record.state is SignalState.REJECTED
    assert arrival.letter.letter_id in str(arrival.record.reason)
    assert one(message(amount=-1)).record is None


def test_old_news_of_a_known_signal_is_a_duplicate_and_no_letter() -> None:
    late = message(timestamp="2026-01-05T10:00:00Z")
    arrival = one(late, known=(earlier("done"),))
    assert (arrival.verdict, arrival.letter) == (Verdict.DUPLICATE, None)
    assert len(arrival.reasons) == 2
    changed = message(timestamp="2026-01-05T10:00:00Z", amount=9)
    unlike = one(changed, known=(earlier("done"),))
    assert unlike.letter is not None and unlike.record is None


def test_a_letter_is_named_after_what_and_where_it_is() -> None:
    def letter(raw: bytes, place: str, days: int = 0) -> str:
        now = NOON + timedelta(days=days)
        sorting = Sorting(now=now, settings=SETTINGS, known={})
        item = Item(raw=raw, source="spool", place=place)
        (arrival,) = sorting.sort([(item, Refused(reasons=("not JSON",)))])
        assert arrival.letter is not None
        return arrival.letter.letter_id

    names = {letter(b"x", "f:1"), letter(b"y", "f:1"), letter(b"x", "f:2"), letter(b"x", "f:1", 1)}
    assert len(names) == 4
    assert letter(b"x", "f:1") in names


def test_bytes_that_are_no_text_stay_visible() -> None:
    arrival = one(b"\xff\x00{")
    assert arrival.letter is not None
    assert arrival.letter.body == "\\xff\\x00{"


def test_the_second_of_a_confluence_is_beaten() -> None:
    lost = beaten(one(message()))
    assert (lost.verdict, lost.record, lost.accounts) == (Verdict.DUPLICATE, None, ())
    assert deliveries_of(lost, NOON) == []
