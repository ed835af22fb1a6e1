"""Every row of the table in core/apply/resume.py, for each thing that can be asked of a venue."""

from typing import Any

import pytest

from tests.build import instrument, position, snapshot, stop
from tests.core.apply.rounds import (
    ALTERED,
    BOUGHT,
    applied,
    booked,
    journaled,
    placed,
    ready,
    simulate,
)
from tests.home import HomeUnderTest

OPERATIONS = ("place", "amend", "cancel")
NEVER_ARRIVED = "timeout_before_accept"


def left_open(home: HomeUnderTest, on: str, kind: str, *later: dict[str, Any], wait: int) -> None:
    """An action whose outcome nobody knows, at a venue whose quarantine is `wait` seconds."""
    plan_id = ready(home, on)
    simulate(home, {"on": on, "kind": kind}, *later, quarantine_seconds=wait)
    assert applied(home, plan_id, code=9)["outcome"] == "unknown"


def resumed(home: HomeUnderTest, code: int = 0) -> tuple[str, str]:
    (step,) = home.json("apply", "--resume", code=code)["steps"]
    return step["state"], step["note"]


@pytest.mark.parametrize("on", OPERATIONS)
def test_found_with_its_effect_is_done_at_once(home: HomeUnderTest, on: str) -> None:
    left_open(home, on, "lost_reply", wait=600)
    assert resumed(home) == ("done", "found at the broker")
    assert journaled(home) == ["done"]
    home.must("plan", "--detailed-exitcode")
    home.must("verify")


def test_a_placed_order_that_has_ended_since_is_not_taken_for_a_live_one(
    home: HomeUnderTest,
) -> None:
    left_open(home, "place", "lost_reply", wait=600)
    account = home.account
    account["orders"] = [{**row, "status": "cancelled"} for row in account["orders"]]
    home.rewrite_account(account)
    assert resumed(home) == ("done", "found at the broker, cancelled by now")


@pytest.mark.parametrize("on", ["amend", "cancel"])
def test_found_without_its_effect_after_the_quarantine_failed(home: HomeUnderTest, on: str) -> None:
    left_open(home, on, NEVER_ARRIVED, wait=0)
    assert resumed(home) == ("failed", "not carried out: the order is open")
    assert booked(home, ALTERED[on])["status"] == "open"


@pytest.mark.parametrize("on", OPERATIONS)
def test_before_the_quarantine_has_passed_it_stays_open(home: HomeUnderTest, on: str) -> None:
    left_open(home, on, NEVER_ARRIVED, wait=600)
    for _ in range(2):  # asking twice changes nothing
        state, note = resumed(home, code=9)
        assert (state, journaled(home)) == ("unknown", ["unknown"])
        assert note.startswith("not there yet; a late accept is possible until")
    assert home.json("status")["next"] == "trueup apply --resume"


def test_an_order_conclusively_absent_was_not_placed(home: HomeUnderTest) -> None:
    left_open(home, "place", NEVER_ARRIVED, wait=0)
    assert resumed(home) == (
        "failed",
        "not placed: the broker conclusively has no such order",
    )
    assert home.rows("SELECT status FROM orders WHERE origin = 'owned'") == [{"status": "rejected"}]
    assert placed(home) == []
    alerts = [row["type"] for row in home.rows("SELECT type FROM alerts ORDER BY sequence")]
    assert alerts[-1] == "position_unprotected"


@pytest.mark.parametrize("on", OPERATIONS)
@pytest.mark.parametrize("kind", ["inconclusive", "unavailable"])
def test_what_the_broker_cannot_tell_stays_open(home: HomeUnderTest, on: str, kind: str) -> None:
    left_open(home, on, "lost_reply", {"on": "find_order", "kind": kind}, wait=0)
    state, note = resumed(home, code=9)
    assert (state, note.partition(":")[0]) == ("unknown", "the broker could not tell")
    assert resumed(home)[0] == "done"


@pytest.mark.parametrize("on", ["amend", "cancel"])
def test_an_altered_order_that_the_broker_has_forgotten_failed(
    home: HomeUnderTest, on: str
) -> None:
    """A broker shows S-1 and S-2 / we ask, the reply is lost / afterwards there is neither."""
    left_open(home, on, "lost_reply", wait=0)
    home.tell(snapshot(*BOUGHT, position(5), instrument()), quarantine_seconds=0)
    assert resumed(home)[0] == "failed"


def test_a_cancel_that_lost_the_race_against_the_fill_failed(home: HomeUnderTest) -> None:
    left_open(home, "cancel", NEVER_ARRIVED, wait=0)
    document = home.account
    for row in document["orders"]:
        if row["broker_order_id"] == "S-2":
            row |= {"status": "filled", "filled_quantity": "5", "average_price": "89"}
    home.rewrite_account(document)
    assert resumed(home) == ("failed", "not carried out: the order is filled")
    assert booked(home, "S-2")["status"] == "filled"


@pytest.mark.parametrize("on", ["amend", "cancel"])
def test_an_order_that_the_book_has_never_had_is_settled_all_the_same(
    home: HomeUnderTest, on: str
) -> None:
    """plan: only the broker's action is carried out, the order's row is left for later."""
    worlds = {
        "amend": snapshot(*BOUGHT, position(5), stop("S-1", 8), instrument()),
        "cancel": snapshot(*BOUGHT, position(5), stop("S-1", 5), stop("S-2", 5), instrument()),
    }
    home.tell(worlds[on], faults=[{"on": on, "kind": "lost_reply"}])
    home.arm()
    home.must("stage", "--quiet")
    home.must("review", "--approve", "broker_actions", "--quiet")
    home.must("apply", "--confirm", home.plan_id(), "--only", "broker_actions", code=9)
    assert home.rows("SELECT * FROM orders") == []
    assert resumed(home)[0] == "done"
    assert home.rows("SELECT * FROM orders") == []
    (audit,) = home.rows("SELECT executed FROM order_audit WHERE executed = 1")
    assert audit == {"executed": 1}
