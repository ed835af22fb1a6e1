"""What an answer of the venue makes of a step: done, failed or unknown."""

import asyncio
from typing import Any

import pytest

from core.apply.ledger import Outcome
from core.domain.errors import Rejected
from core.domain.order import BrokerOrder
from core.ports.receipt import Receipt
from tests.core.apply.rounds import (
    ALTERED,
    applied,
    booked,
    journaled,
    placed,
    ready,
    shown,
    simulate,
)
from tests.crash.power import FragileBroker, Power
from tests.crash.test_apply import apply, clock_now, desk_with
from tests.home import HomeUnderTest

OPERATIONS = ("place", "amend", "cancel")


def fault(on: str, kind: str, **told: Any) -> dict[str, Any]:
    return {"on": on, "kind": kind, **told}


@pytest.mark.parametrize("on", OPERATIONS)
def test_an_acknowledged_request_is_done_and_the_book_has_it(home: HomeUnderTest, on: str) -> None:
    line = applied(home, ready(home, on), code=0)
    assert (line["outcome"], journaled(home)) == ("done", ["done"])
    assert booked(home, line["broker_order_id"]) == {
        name: shown(home, line["broker_order_id"])[name] for name in ("status", "quantity")
    }
    home.must("plan", "--detailed-exitcode")


@pytest.mark.parametrize("on", OPERATIONS)
def test_what_was_not_sent_failed_and_nothing_moved(home: HomeUnderTest, on: str) -> None:
    plan_id = ready(home, on)
    before = home.broker_orders()
    simulate(home, fault(on, "not_sent"))
    line = applied(home, plan_id, code=9)
    assert (line["outcome"], journaled(home)) == ("failed", ["failed"])
    assert line["note"].startswith("not sent")
    assert home.broker_orders() == before


def test_an_order_that_was_not_sent_is_rejected_in_the_book(home: HomeUnderTest) -> None:
    plan_id = ready(home, "place")
    simulate(home, fault("place", "not_sent"))
    applied(home, plan_id, code=9)
    assert home.rows("SELECT status FROM orders WHERE origin = 'owned'") == [{"status": "rejected"}]


@pytest.mark.parametrize("on", ["amend", "cancel"])
def test_a_refused_change_says_what_the_order_is_instead(home: HomeUnderTest, on: str) -> None:
    plan_id = ready(home, on)
    simulate(home, fault(on, "reject", code="too_late"))
    line = applied(home, plan_id, code=9)
    assert (line["outcome"], journaled(home)) == ("failed", ["failed"])
    assert "too_late" in line["note"] and line["note"].endswith("; the order is open")
    assert booked(home, ALTERED[on])["status"] == "open"


def test_a_refused_order_is_rejected_in_the_book(home: HomeUnderTest) -> None:
    plan_id = ready(home, "place")
    simulate(home, fault("place", "reject", code="margin"))
    line = applied(home, plan_id, code=9)
    assert (line["outcome"], placed(home)) == ("failed", [])
    assert home.rows("SELECT status FROM orders WHERE origin = 'owned'") == [{"status": "rejected"}]


def test_a_refusal_that_cannot_be_looked_into_is_still_a_refusal(home: HomeUnderTest) -> None:
    plan_id = ready(home, "cancel")
    simulate(home, fault("cancel", "reject", code="busy"), fault("find_order", "unavailable"))
    line = applied(home, plan_id, code=9)
    assert (line["outcome"], journaled(home)) == ("failed", ["failed"])
    assert "the order is" not in line["note"]
    assert booked(home, "S-2")["status"] == "open"


@pytest.mark.parametrize("on", OPERATIONS)
def test_a_lost_reply_is_unknown(home: HomeUnderTest, on: str) -> None:
    plan_id = ready(home, on)
    simulate(home, fault(on, "lost_reply"))
    line = applied(home, plan_id, code=9)
    assert (line["outcome"], journaled(home)) == ("unknown", ["unknown"])


# --- adapters with ideas of their own -------------------------------------------------------------


class Unsound(FragileBroker):
    """Carries the request out, and then raises what no one expected of it."""

    raises: Exception

    async def cancel(self, receipt: Receipt, order: BrokerOrder) -> BrokerOrder:
        await super().cancel(receipt, order)
        raise self.raises


def cancelled_by_unsound(home: HomeUnderTest, raises: Exception) -> tuple[Outcome, str]:
    plan_id = ready(home, "cancel")
    desk = desk_with(home, Power(), clock_now())
    open_broker = desk.open_broker

    def unsound(account: str) -> Unsound:
        broker = Unsound(open_broker(account), Power())
        broker.raises = raises
        return broker

    desk.open_broker = unsound
    ledger = asyncio.run(apply(desk, plan_id))
    (entry,) = ledger.entries.values()
    return entry.outcome, entry.note


def test_a_refusal_of_what_had_been_done_already_is_done(home: HomeUnderTest) -> None:
    """An earlier attempt had arrived: the venue refuses, and the order is cancelled."""
    told = cancelled_by_unsound(home, Rejected("unknown_order", "no such open order"))
    assert told == (Outcome.DONE, "already done (unknown_order)")
    assert booked(home, "S-2")["status"] == "cancelled"


def test_a_defect_of_an_adapter_says_nothing_of_the_venue(home: HomeUnderTest) -> None:
    told = cancelled_by_unsound(home, KeyError("status"))
    assert told == (Outcome.UNKNOWN, "KeyError: 'status'")
    assert journaled(home) == ["unknown"]
    assert "adapter_failed" in (home.root / "logs/reconcile.log").read_text()
    home.must("apply", "--resume")
    assert (journaled(home), booked(home, "S-2")["status"]) == (["done"], "cancelled")
