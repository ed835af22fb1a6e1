"""One transaction takes in what arrived: rows, deliveries, letters, events, and the cursor.

SAFE_MODE and DRY_RUN are on throughout, as in every new home.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.domain.arrival import Batch, Item
from core.domain.errors import BookError
from core.domain.intent import IntentState, TradeIntent, intent_name
from core.domain.order import Side
from core.domain.signal import Cursor, DeliveryState, RequestStatus, SignalState
from core.operate.desk import Desk
from core.operate.taking_in import take_in
from tests.build import NOON
from tests.home import HomeUnderTest, make_home
from tests.producer import StillClock, arrive, desk_at, message, short, signal_id, verdicts

TWO_ACCOUNTS = """
ACCOUNTS:
  main:
    broker: paper
  spare:
    broker: paper
    file: ./data/spare.json
  closed:
    broker: paper
    file: ./data/closed.json
    enabled: false
"""


@pytest.fixture
def home(tmp_path: Path) -> HomeUnderTest:
    return make_home(tmp_path / "home")


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def desk(home: HomeUnderTest, clock: StillClock) -> Iterator[Desk]:
    desk = desk_at(home, clock)
    yield desk
    desk.close_book()


@pytest.fixture
def two_accounts(home: HomeUnderTest, clock: StillClock) -> Iterator[Desk]:
    text = home.config_file.read_text("utf-8")
    home.config_file.write_text(text.partition("ACCOUNTS:")[0] + TWO_ACCOUNTS, "utf-8")
    desk = desk_at(home, clock)
    yield desk
    desk.close_book()


def events(home: HomeUnderTest, kind: str = "%") -> list[dict[str, Any]]:
    rows = home.rows("SELECT * FROM outbox WHERE event_type LIKE ? ORDER BY sequence", kind)
    return [row | {"payload": json.loads(row["payload"])} for row in rows]


def logged(home: HomeUnderTest, event: str) -> list[dict[str, Any]]:
    lines = (home.root / "logs" / "reconcile.log").read_text("utf-8").splitlines()
    return [row for line in lines if (row := json.loads(line))["event"] == event]


def end(desk: Desk, name: object, status: RequestStatus, *, intent: str | None = None) -> None:
    """What the lanes make of a signal, in short."""
    with desk.book.write() as book:
        record = book.signal(signal_id(name))
        assert record is not None
        ended = replace(record, request_status=status, finished_at=NOON, reason="as told")
        book.update_signals([ended])
        if intent is not None:
            book.insert_intents([answered(record.signal_id, "main", IntentState(intent))])


def answered(name: str, account: str, state: IntentState) -> TradeIntent:
    return TradeIntent(
        intent_id=intent_name(name, account, 1),
        signal_id=name,
        account=account,
        symbol="BTCUSDT",
        side=Side.BUY,
        state=state,
        created_at=NOON,
        updated_at=NOON,
    )


# --- taken in -------------------------------------------------------------------------------------


def test_a_signal_is_published_and_delivered(home: HomeUnderTest, desk: Desk) -> None:
    taken = arrive(desk, message(trace_id="t-1"))
    assert taken.lanes == (("main", "BTCUSDT"),)
    with desk.book.read() as book:
        record = book.signal(signal_id("one"))
        delivery = book.delivery(signal_id("one"), "main")
        assert book.lanes_waiting() == [("main", "BTCUSDT")]
    assert record is not None and delivery is not None
    assert (record.state, record.request_status) == (SignalState.PUBLISHED, RequestStatus.PENDING)
    assert (record.source, record.received_at, record.attempt) == ("spool", NOON, 1)
    assert (delivery.state, delivery.attempt) == (DeliveryState.PENDING, 1)
    told = events(home)
    assert [row["event_type"] for row in told] == ["signal.published", "signal.delivery_created"]
    assert (told[0]["trace_id"], told[0]["symbol"]) == ("t-1", "BTCUSDT")
    assert {row["correlation_id"] for row in told} == {signal_id("one")}
    assert told[0]["payload"]["amount"] == "1000"
    assert told[1]["payload"]["delivery_id"] == delivery.delivery_id


def test_taking_in_is_no_fact_of_the_book(desk: Desk) -> None:
    with desk.book.read() as book:
        before = book.identity()
    arrive(desk, message(), b"{")
    with desk.book.read() as book:
        assert book.identity() == before


def test_a_batch_is_taken_in_by_its_order(home: HomeUnderTest, desk: Desk) -> None:
    names = [f"n{number}" for number in range(20)]
    taken = arrive(desk, *(message(name, asset=f"S{n % 3}") for n, name in enumerate(names)))
    assert taken.lanes == (("main", "S0"), ("main", "S1"), ("main", "S2"))
    waiting = home.rows("SELECT signal_id FROM signal_deliveries ORDER BY sequence")
    assert [row["signal_id"] for row in waiting] == [signal_id(name) for name in names]


def test_a_signal_goes_to_whom_it_addresses(two_accounts: Desk) -> None:
    assert arrive(two_accounts, message("all")).lanes == (
        ("main", "BTCUSDT"),
        ("spare", "BTCUSDT"),
    )
    assert arrive(two_accounts, message("one", account="spare")).lanes == (("spare", "BTCUSDT"),)
    assert verdicts(arrive(two_accounts, message("x", account="closed"))) == ["refused"]


def test_the_cursor_moves_with_the_batch_and_not_without_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = Cursor(
        source="spool:7", file_id="7", head_bytes=0, head_digest="", offset=9, line=1, at=NOON
    )
    good = Item(raw=message(), source="spool", place="f:1")
    bad = Item(raw=b"", source="spool", place="f:2")
    with monkeypatch.context() as patch, pytest.raises(BookError):
        # Two events of one name: the book refuses them at the very end of the transaction.
        patch.setattr(desk.ids.__class__, "token", lambda self, count: "same")
        take_in(desk, Batch(items=(good, bad, bad), cursor=cursor))
    with desk.book.read() as book:
        assert book.cursor("spool:7") is None
        assert book.signal(signal_id("one")) is None
        assert book.dead_letters_waiting() == 0
    take_in(desk, Batch(items=(good,), cursor=cursor))
    with desk.book.read() as book:
        assert book.cursor("spool:7") == cursor


def test_nothing_but_a_cursor_is_a_batch_too(home: HomeUnderTest, desk: Desk) -> None:
    cursor = Cursor(
        source="spool:7", file_id="7", head_bytes=0, head_digest="", offset=3, line=3, at=NOON
    )
    assert take_in(desk, Batch(items=(), cursor=cursor)).arrivals == ()
    assert events(home) == []


def test_a_signal_that_was_long_on_its_way_is_logged(home: HomeUnderTest, desk: Desk) -> None:
    arrive(desk, message("late", timestamp="2026-01-05T11:57:00Z"), message("soon"))
    (row,) = logged(home, "signal_late")
    assert (row["signal_id"], row["seconds"]) == (signal_id("late"), 180)


# --- duplicates -----------------------------------------------------------------------------------


def test_the_same_signal_five_times_by_two_ways_is_one(home: HomeUnderTest, desk: Desk) -> None:
    taken = [
        arrive(desk, message(), message(), source="spool"),
        arrive(desk, message(), source="queue"),
        arrive(desk, message(), message(), source="queue"),
    ]
    ends = [verdict for each in taken for verdict in verdicts(each)]
    assert ends == ["accepted", *["duplicate"] * 4]
    assert len(home.rows("SELECT * FROM signals")) == 1
    assert len(home.rows("SELECT * FROM signal_deliveries")) == 1
    assert home.rows("SELECT * FROM dead_letters") == []
    assert Counter(row["event_type"] for row in events(home)) == {
        "signal.published": 1,
        "signal.delivery_created": 1,
        "signal.rejected": 4,
    }
    (told, *_) = events(home, "signal.rejected")
    assert told["payload"]["reasons"] == ["duplicate: the signal was sent before and is pending"]
    assert [each.lanes for each in taken] == [(("main", "BTCUSDT"),), (), ()]


@pytest.mark.parametrize(
    "status", [RequestStatus.PENDING, RequestStatus.EXECUTING, RequestStatus.DONE]
)
def test_what_is_done_or_under_way_is_not_taken_in_again(desk: Desk, status: RequestStatus) -> None:
    arrive(desk, message())
    if status is not RequestStatus.PENDING:
        end(desk, "one", status)
    (arrival,) = arrive(desk, message()).arrivals
    assert arrival.reasons == (f"duplicate: the signal was sent before and is {status}",)
    with desk.book.read() as book:
        record = book.signal(signal_id("one"))
    assert record is not None
    assert (record.request_status, record.attempt) == (status, 1)


def test_a_failed_signal_is_taken_in_again(
    home: HomeUnderTest, desk: Desk, clock: StillClock
) -> None:
    arrive(desk, message())
    end(desk, "one", RequestStatus.FAILED, intent="FAILED")
    home.execute("UPDATE signal_deliveries SET state = 'QUALIFIED'")
    clock.time += timedelta(seconds=20)
    again = arrive(desk, message(timestamp="2026-01-05T12:00:19Z"), message(), source="queue")
    assert verdicts(again) == ["again", "duplicate"]
    assert again.lanes == (("main", "BTCUSDT"),)
    with desk.book.read() as book:
        record = book.signal(signal_id("one"))
        delivery = book.delivery(signal_id("one"), "main")
    assert record is not None and delivery is not None
    assert (record.request_status, record.attempt, record.source) == ("pending", 2, "queue")
    assert (record.reason, record.finished_at) == (None, None)
    assert record.timestamp == NOON + timedelta(seconds=19)
    assert (delivery.state, delivery.attempt) == ("PENDING", 2)
    names = [row["event_id"] for row in events(home) if row["event_type"] != "signal.rejected"]
    assert len(set(names)) == len(names) == 4


@pytest.mark.parametrize("state", ["APPROVED", "PLACED", "FILLED", "CANCELLED", "SIMULATED"])
def test_an_account_that_carried_it_out_is_not_sent_it_again(
    two_accounts: Desk, state: str
) -> None:
    arrive(two_accounts, message())
    end(two_accounts, "one", RequestStatus.FAILED, intent=state)
    assert arrive(two_accounts, message()).lanes == (("spare", "BTCUSDT"),)


def test_a_failed_signal_that_every_account_carried_out_is_a_duplicate(desk: Desk) -> None:
    arrive(desk, message())
    end(desk, "one", RequestStatus.FAILED, intent="FILLED")
    (arrival,) = arrive(desk, message()).arrivals
    assert arrival.reasons == ("duplicate: every account has carried it out",)


def test_another_content_under_a_known_id_is_a_conflict(home: HomeUnderTest, desk: Desk) -> None:
    arrive(desk, message(amount=10))
    end(desk, "one", RequestStatus.FAILED)
    (arrival,) = arrive(desk, message(amount=11)).arrivals
    assert arrival.verdict == "refused"
    assert arrival.reasons[0].startswith("conflict: ")
    (row,) = home.rows("SELECT amount, request_status FROM signals")
    assert row == {"amount": "10", "request_status": "failed"}
    (letter,) = home.rows("SELECT body FROM dead_letters")
    assert json.loads(letter["body"])["amount"] == 11


def test_one_confluence_a_day(home: HomeUnderTest, desk: Desk) -> None:
    level = {"direction": "long", "confluence_type": "b", "effective_floor": 1}
    level |= {"effective_ceiling": 2}
    taken = arrive(desk, message("a", **level), message("b", **level), message("c"))
    assert verdicts(taken) == ["accepted", "duplicate", "accepted"]
    assert len(home.rows("SELECT * FROM signals")) == 2
    assert len(home.rows("SELECT * FROM signal_deliveries")) == 2
    (told,) = events(home, "signal.rejected")
    assert told["correlation_id"] == signal_id("b")


def test_minimal_lines_are_told_apart_by_their_meaning(home: HomeUnderTest, desk: Desk) -> None:
    taken = arrive(desk, short(), short(ts=1767614399), short(side="sell"))
    assert verdicts(taken) == ["accepted", "duplicate", "accepted"]


# --- poison ---------------------------------------------------------------------------------------


def test_what_cannot_be_believed_is_a_dead_letter(home: HomeUnderTest, desk: Desk) -> None:
    arrive(desk, message("good"), b'{"signal_id": 7, "amount": NaN', b"\xff\0", place="f.jsonl")
    letters = home.rows("SELECT * FROM dead_letters ORDER BY sequence")
    assert [row["place"] for row in letters] == ["f.jsonl:2", "f.jsonl:3"]
    assert letters[0]["body"] == '{"signal_id": 7, "amount": NaN'
    assert letters[1]["body"] == "\\xff\\x00"
    assert letters[0]["reason"].startswith("not valid JSON")
    (first, _) = events(home, "signal.rejected")
    assert first["payload"]["letter_id"] == letters[0]["letter_id"]
    assert first["payload"]["place"] == "f.jsonl:2"


def test_every_reason_stands_in_the_letter(home: HomeUnderTest, desk: Desk) -> None:
    arrive(desk, message(amount=-1, confidence=2, asset=""))
    (letter,) = home.rows("SELECT reason FROM dead_letters")
    assert letter["reason"] == (
        "asset: empty; amount: must be more than 0; confidence: must be at most 1"
    )
    # Of a message without an asset and an amount no row can be made that would say the truth.
    assert home.rows("SELECT * FROM signals") == []


def test_a_signal_that_breaks_a_rule_is_a_rejected_row_and_a_letter(
    home: HomeUnderTest, desk: Desk
) -> None:
    level = {"direction": "long", "confluence_type": "b", "effective_floor": 1}
    arrive(desk, message("old", timestamp="2026-01-05T11:00:00Z", effective_ceiling=2, **level))
    (row,) = home.rows("SELECT * FROM signals")
    (letter,) = home.rows("SELECT * FROM dead_letters")
    assert (row["state"], row["request_status"]) == ("REJECTED", "failed")
    assert row["reason"] == (
        f"timestamp: too old: 3600 s, at most 300 s are allowed (dead letter {letter['letter_id']})"
    )
    assert home.rows("SELECT * FROM signal_deliveries") == []
    # It does not stand in the way of a good one.
    assert verdicts(arrive(desk, message("new", effective_ceiling=2, **level))) == ["accepted"]


def test_a_refused_message_may_come_corrected(home: HomeUnderTest, desk: Desk) -> None:
    arrive(desk, message(account="nobody"))
    taken = arrive(desk, message(account="main"), place="there")
    assert verdicts(taken) == ["again"]
    (row,) = home.rows("SELECT * FROM signals")
    assert (row["state"], row["request_status"], row["attempt"]) == ("PUBLISHED", "pending", 2)
    assert row["reason"] is None


def test_a_refused_confluence_needs_a_new_id(home: HomeUnderTest, desk: Desk) -> None:
    level = {"direction": "long", "confluence_type": "b"}
    taken = arrive(
        desk, message(account="nobody", **level), message(**level), message("n", **level)
    )
    assert verdicts(taken) == ["refused", "refused", "accepted"]


def test_a_bad_and_a_good_one_of_one_id_in_one_batch(home: HomeUnderTest, desk: Desk) -> None:
    taken = arrive(desk, message(account="nobody"), message(), message(), b"x")
    assert verdicts(taken) == ["refused", "again", "duplicate", "refused"]
    (row,) = home.rows("SELECT state, attempt FROM signals")
    assert row == {"state": "PUBLISHED", "attempt": 2}


def test_an_old_spool_read_anew_brings_nothing_new(
    home: HomeUnderTest, desk: Desk, clock: StillClock
) -> None:
    lines = (message("done"), message("failed"), message("bad", account="nobody"), b"{")
    arrive(desk, *lines)
    end(desk, "done", RequestStatus.DONE)
    end(desk, "failed", RequestStatus.FAILED)
    clock.time += timedelta(hours=2)
    before = home.rows("SELECT * FROM signals"), home.rows("SELECT * FROM dead_letters")
    taken = arrive(desk, *lines)
    assert verdicts(taken) == ["duplicate", "duplicate", "duplicate", "refused"]
    assert taken.lanes == ()
    assert (home.rows("SELECT * FROM signals"), home.rows("SELECT * FROM dead_letters")) == before
    assert len(home.rows("SELECT * FROM alerts")) == 1


def test_one_alert_for_a_batch(home: HomeUnderTest, desk: Desk) -> None:
    arrive(desk, *(b"x%d" % number for number in range(30)), place="f.jsonl")
    (alert,) = home.rows("SELECT * FROM alerts")
    assert (alert["type"], alert["severity"]) == ("signal_dead_lettered", "MEDIUM")
    assert alert["message"].startswith("30 messages could not be taken in as signals; the first: f")
    assert len(home.rows("SELECT * FROM dead_letters")) == 30
    arrive(desk, message())
    assert len(home.rows("SELECT * FROM alerts")) == 1


def test_an_alert_that_cannot_be_written_stops_nothing(home: HomeUnderTest, desk: Desk) -> None:
    (home.root / "logs" / "alerts.jsonl").mkdir()
    assert arrive(desk, b"x", message()).lanes == (("main", "BTCUSDT"),)
    assert len(home.rows("SELECT * FROM dead_letters")) == 1
    (row,) = logged(home, "alert_not_written")
    assert "is a directory" in row["error"]


def test_a_huge_message_is_kept_up_to_its_limit(home: HomeUnderTest, desk: Desk) -> None:
    arrive(desk, message(metadata={"x": "y" * 100_000}))
    (letter,) = home.rows("SELECT reason, length(body) AS size FROM dead_letters")
    assert letter == {"reason": "larger than 64 KiB", "size": 64 * 1024}
