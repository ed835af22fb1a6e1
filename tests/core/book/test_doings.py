"""What the book keeps about ourselves: plans, journaled steps, events, audit and alerts."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.domain.errors import BookError
from core.domain.record import (
    STEP_MOVES,
    Alert,
    Audit,
    Event,
    OrderEvent,
    PlanRecord,
    PlanState,
    Severity,
    Step,
    StepState,
)
from core.ports import Book, Listing
from tests.build import NOON

LATER = NOON + timedelta(minutes=5)


def planned(plan_id: str = "p-1", **given: Any) -> PlanRecord:
    values: dict[str, Any] = {
        "content_digest": f"sha256:{plan_id}",
        "generated_at": NOON,
        "expires_at": NOON + timedelta(minutes=15),
    }
    return PlanRecord(plan_id=plan_id, **(values | given))


def step(step_id: str = "s-1", **given: Any) -> Step:
    values: dict[str, Any] = {
        "plan_id": "p-1",
        "action_id": "a001",
        "account": "main",
        "symbol": "BTCUSDT",
        "kind": "place_stop",
        "idempotency_key": f"tu-{step_id}",
        "request": {"kind": "place_stop", "after": {"quantity": "5", "price": None}, "risk": []},
        "begun_at": NOON,
    }
    return Step(step_id=step_id, **(values | given))


# --- plans ----------------------------------------------------------------------------------------


def test_a_plan_is_remembered(book: Book) -> None:
    full = planned(
        sealed_by="ana", sealed_at=NOON, decisions_digest="sha256:d", reviewed_at=LATER,
        backup_file="backups/b.db", state=PlanState.USED,
    )  # fmt: skip
    with book.write() as writing:
        writing.register_plan(full)
    with book.read() as reading:
        assert reading.plan("p-1") == full
        assert reading.plan("p-404") is None


def test_a_new_plan_supersedes_the_staged_one_but_not_the_used_one(book: Book) -> None:
    with book.write() as writing:
        writing.register_plan(planned("p-1"))
        writing.move_plan("p-1", PlanState.USED)
        writing.register_plan(planned("p-2"))
        writing.register_plan(planned("p-3"))
    with book.read() as reading:
        plans = [reading.plan(plan_id) for plan_id in ("p-1", "p-2", "p-3")]
    assert plans == [
        planned("p-1", state=PlanState.USED),
        planned("p-2", state=PlanState.SUPERSEDED),
        planned("p-3"),
    ]


def test_the_latest_plan_is_the_last_one_registered_whatever_the_clock_said(book: Book) -> None:
    with book.read() as reading:
        assert reading.latest_plan() is None
    with book.write() as writing:
        writing.register_plan(planned("p-1"))
        writing.register_plan(planned("p-0", generated_at=NOON - timedelta(hours=1)))
    with book.read() as reading:
        assert reading.latest_plan() == planned("p-0", generated_at=NOON - timedelta(hours=1))


def test_a_plan_id_is_registered_once(book: Book) -> None:
    with book.write() as writing:
        writing.register_plan(planned())
    with pytest.raises(BookError, match="contradicts"), book.write() as writing:
        writing.register_plan(planned(content_digest="sha256:other"))
    with book.read() as reading:
        assert reading.latest_plan() == planned()


def test_only_a_staged_plan_moves_so_that_one_process_wins(book: Book) -> None:
    with book.write() as writing:
        writing.register_plan(planned())
        assert writing.move_plan("p-1", PlanState.USED, backup_file="backups/b.db")
        assert not writing.move_plan("p-1", PlanState.USED, backup_file="backups/c.db")
        assert not writing.move_plan("p-404", PlanState.USED)
    with book.read() as reading:
        assert reading.plan("p-1") == planned(state=PlanState.USED, backup_file="backups/b.db")


def test_a_review_is_noted_and_a_seal_stays(book: Book) -> None:
    with book.write() as writing:
        writing.register_plan(planned())
        writing.note_review("p-1", at=NOON)
        assert writing.plan("p-1") == planned(reviewed_at=NOON)
        writing.note_review("p-1", at=NOON, sealed_by="ana", decisions_digest="sha256:d")
        writing.note_review("p-1", at=LATER)
    with book.read() as reading:
        assert reading.plan("p-1") == planned(
            reviewed_at=LATER, sealed_by="ana", sealed_at=NOON, decisions_digest="sha256:d"
        )


def test_a_review_of_an_unknown_plan_is_refused(book: Book) -> None:
    with pytest.raises(BookError, match="no plan_id 'p-404'"), book.write() as writing:
        writing.note_review("p-404", at=NOON)


# --- steps ----------------------------------------------------------------------------------------


def test_a_step_is_journaled_with_its_request(book: Book) -> None:
    full = step(
        order_id="o-1", state=StepState.UNKNOWN, attempts=3, settled_at=LATER,
        broker_order_id="V-1", outcome="timeout",
    )  # fmt: skip
    with book.write() as writing:
        writing.insert_step(full)
    with book.read() as reading:
        assert reading.steps() == [full]
        (open_step,) = reading.open_steps()
    assert open_step.idempotency_key == "tu-s-1"
    assert open_step.order_id == "o-1"


def test_one_key_never_stands_for_two_requests(book: Book) -> None:
    with book.write() as writing:
        writing.insert_step(step("s-1"))
        writing.move_step("s-1", StepState.DONE, at=NOON)
    with pytest.raises(BookError, match="contradicts"), book.write() as writing:
        writing.insert_step(step("s-2", idempotency_key="tu-s-1"))


@pytest.mark.parametrize("state", StepState)
@pytest.mark.parametrize("to", StepState)
def test_a_step_moves_along_the_table_only(book: Book, state: StepState, to: StepState) -> None:
    with book.write() as writing:
        writing.insert_step(step(state=state))
    if to in STEP_MOVES[state]:
        with book.write() as writing:
            writing.move_step("s-1", to, at=LATER)
    else:
        refused = pytest.raises(BookError, match=f"is {state} and cannot become {to}")
        with refused, book.write() as writing:
            writing.move_step("s-1", to, at=LATER)
    with book.read() as reading:
        (found,) = reading.steps()
    assert found.state == (to if to in STEP_MOVES[state] else state)


def test_a_settled_step_says_when_and_what_came_of_it(book: Book) -> None:
    with book.write() as writing:
        writing.insert_step(step())
        writing.move_step("s-1", StepState.UNKNOWN, at=LATER, outcome="timeout")
        assert writing.steps() == [step(state=StepState.UNKNOWN, outcome="timeout")]
        writing.move_step("s-1", StepState.DONE, at=LATER, broker_order_id="V-1")
    with book.read() as reading:
        assert reading.steps() == [
            step(state=StepState.DONE, settled_at=LATER, broker_order_id="V-1", outcome="timeout")
        ]
        assert reading.open_steps() == []


def test_sent_once_more_the_quarantine_counts_from_then(book: Book) -> None:
    with book.write() as writing:
        writing.insert_step(step(state=StepState.UNKNOWN))
        writing.move_step("s-1", StepState.BEGUN, at=LATER, attempts=2)
    with book.read() as reading:
        assert reading.steps() == [step(begun_at=LATER, attempts=2)]


def test_an_unknown_step_cannot_move(book: Book) -> None:
    with pytest.raises(BookError, match="no step_id 's-404'"), book.write() as writing:
        writing.move_step("s-404", StepState.DONE, at=NOON)


def test_steps_of_a_plan_open_ones_and_those_of_an_account(book: Book) -> None:
    with book.write() as writing:
        writing.insert_step(step("s-3", begun_at=LATER))
        writing.insert_step(step("s-1", state=StepState.DONE))
        writing.insert_step(step("s-2", plan_id="p-2", account="other", state=StepState.UNKNOWN))
    with book.read() as reading:

        def found(**asked: Any) -> list[str]:
            return [each.step_id for each in reading.steps(**asked)]

        # In the order in which they were begun, as the journal saw it.
        assert found() == ["s-3", "s-1", "s-2"]
        assert found(plan_id="p-1") == ["s-3", "s-1"]
        assert found(open_only=True) == ["s-3", "s-2"]
        assert found(plan_id="p-1", open_only=True) == ["s-3"]
        assert [each.step_id for each in reading.open_steps()] == ["s-3", "s-2"]
        assert [each.step_id for each in reading.open_steps("other")] == ["s-2"]


# --- what happened --------------------------------------------------------------------------------


def test_events_audit_and_alerts_are_kept_with_their_documents(book: Book) -> None:
    details = {"changed": ["status"], "old": {"price": "1.10"}, "ünïcode": "\u202e", "n": 1}
    with book.write() as writing:
        writing.insert_order_events(
            [
                OrderEvent(
                    order_id="o-1", account="main", event_type="update_order", from_status="open",
                    to_status="filled", details=details, source="reconcile", occurred_at=NOON,
                )
            ]
        )  # fmt: skip
        writing.insert_audit(
            [
                Audit(
                    timestamp=NOON, correlation_id="p-1", action_type="update_order",
                    order_id="o-1", details=details, executed=True,
                )
            ]
        )  # fmt: skip
        writing.insert_events(
            [Event(event_id="e-1", event_type="order.filled", occurred_at=NOON, payload=details)]
        )
        writing.insert_alert(
            Alert(
                alert_id="al-1", at=NOON, type="reconcile_failed", severity=Severity.HIGH,
                message="it [/] did",
            )
        )  # fmt: skip
    with book.read() as reading:

        def only(table: str) -> dict[str, Any]:
            (row,) = reading.page(Listing(table=table)).rows
            return dict(row)

        event, audit, told, alert = map(only, ("order_events", "order_audit", "outbox", "alerts"))
    assert event["details"] == audit["details"] == told["payload"] == details
    assert (event["occurred_at"], event["to_status"]) == ("2026-01-05T12:00:00Z", "filled")
    assert event["recorded_at"].endswith("Z")
    assert (audit["executed"], audit["reason"], audit["error"]) == (True, "", None)
    assert (alert["severity"], alert["message"], alert["account"]) == ("HIGH", "it [/] did", None)


def test_an_event_is_told_once(book: Book) -> None:
    event = Event(event_id="e-1", event_type="order.filled", occurred_at=NOON)
    with pytest.raises(BookError, match="contradicts"), book.write() as writing:
        writing.insert_events([event, replace(event, event_type="order.open")])


def test_a_document_may_hold_nouns_in_their_own_spelling(book: Book) -> None:
    request = {"at": NOON, "price": planned().expires_at, "state": StepState.DONE, "of": (1, None)}
    with book.write() as writing:
        writing.insert_step(step(request=request))
    with book.read() as reading:
        (found,) = reading.steps()
    assert found.request == {
        "at": "2026-01-05T12:00:00Z",
        "price": "2026-01-05T12:15:00Z",
        "state": "done",
        "of": [1, None],
    }
