"""Bybit took it and we never heard; Bybit took it late; we died in between. Never two orders."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.operate import resuming
from tests.rounds.bybit_round import BUY, BybitRound
from tests.venues.exchange import State
from tests.venues.faults import Fault

# Longer than anything that was sent can still be on its way to Bybit.
QUARANTINE = 20
LOST = [Fault.LOST_REPLY, Fault.RESET_AFTER_ACCEPT, Fault.HANG_AFTER_ACCEPT]
LOST_IDS = ["cut", "reset", "silence"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """`apply --resume` does not wait for what is left of a quarantine."""
    monkeypatch.setattr(resuming, "WAIT_SECONDS_MAX", 0)


def check_blocked(bybit: BybitRound) -> None:
    """As long as nobody knows, nothing more is sent, and every command says what to type."""
    home = bybit.home
    sent = bybit.sent()
    assert home.json("status")["next"] == "trueup apply --resume"
    shown = home.must("plan")
    assert "is not known yet; nothing that depends on it is proposed" in shown.out
    assert "next: trueup apply --resume" in shown.out
    assert "outcome unknown, begun 2" in home.must("resolve", code=9).out
    assert "unresolved steps" in home.must("doctor", code=9).out
    home.must("stage", "--quiet")
    refused = home.must("apply", "--confirm", home.plan_id(), code=9)
    assert "1 steps of an earlier run have no known outcome" in refused.err
    assert "next: trueup apply --resume" in refused.err
    assert bybit.sent() == sent


# --- the reply is lost ----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", LOST, ids=LOST_IDS)
def test_a_stop_whose_acknowledgement_is_lost_is_found(hasty: BybitRound, fault: Fault) -> None:
    """broker: our stop, accepted / here: unknown, then what is true"""
    hasty.naked()
    hasty.fault("order/create", fault)
    assert hasty.ledger(code=9)["outcome"] == "unknown"
    assert [order.ticket.reduce_only for order in hasty.ours()] == [True]
    (row,) = hasty.home.rows("SELECT * FROM orders WHERE origin = 'owned'")
    assert row["status"] == "unknown"
    check_blocked(hasty)
    step = hasty.resume()
    assert (step["state"], step["note"]) == ("done", "found at the broker")
    assert step["broker_order_id"] == hasty.ours()[0].order_id
    hasty.check_true()
    assert len(hasty.ours()) == 1


@pytest.mark.parametrize("fault", LOST, ids=LOST_IDS)
def test_a_cancel_whose_acknowledgement_is_lost_is_found(hasty: BybitRound, fault: Fault) -> None:
    hasty.orphaned()
    hasty.fault("order/cancel", fault)
    assert hasty.ledger(code=9)["outcome"] == "unknown"
    assert hasty.stops() == []
    check_blocked(hasty)
    assert hasty.resume()["state"] == "done"
    hasty.check_true()
    (stop,) = hasty.home.rows("SELECT status FROM orders WHERE origin = 'owned'")
    assert stop["status"] == "cancelled"


def test_a_resize_whose_acknowledgement_is_lost_is_found(hasty: BybitRound) -> None:
    hasty.naked()
    hasty.apply()
    hasty.naked()
    hasty.fault("order/amend", Fault.LOST_REPLY)
    assert hasty.ledger(code=9)["outcome"] == "unknown"
    assert hasty.resume()["state"] == "done"
    hasty.check_true()
    assert len(hasty.ours()) == 1


def test_what_follows_an_unknown_outcome_is_not_sent(hasty: BybitRound) -> None:
    """broker: two naked positions / the first stop is lost, the second not even tried."""
    hasty.naked()
    hasty.trade("ETHUSDT", BUY, "1")
    hasty.fault("order/create", Fault.LOST_REPLY)
    last = hasty.ledger(code=9)
    assert last["outcome"] == "not_reached"
    assert last["note"] == "the outcome of an earlier action is unknown"
    assert hasty.sent() == 1
    hasty.resume()
    hasty.apply()
    hasty.check_true()
    assert len(hasty.ours()) == 2


# --- it is accepted late --------------------------------------------------------------------------


def test_too_early_to_call_it_absent(hasty: BybitRound, impatient: None) -> None:
    hasty.naked()
    hasty.fault("order/create", Fault.LATE_ACCEPT)
    hasty.ledger(code=9)
    early = hasty.home.must("apply", "--resume", code=9)
    assert "not there yet; a late accept is possible until" in early.out
    assert "next: trueup apply --resume, a little later" in early.out
    assert "trueup resolve a003 --as done|not-done" in early.out
    check_blocked(hasty)
    hasty.do(lambda v: v.release())
    assert hasty.resume()["state"] == "done"
    hasty.check_true()
    assert len(hasty.ours()) == 1


def test_resume_waits_for_what_may_still_come(hasty: BybitRound) -> None:
    """It is accepted after resume has asked for the first time."""
    hasty.naked()
    hasty.fault("order/create", Fault.LATE_ACCEPT)
    hasty.ledger(code=9)
    hasty.let_pass(seconds=13.5)
    asked = hasty.do(lambda v: v.requests.count("order/history"))

    def accept_once_asked() -> None:
        hasty.venue.wait(lambda v: v.seen("order/history", asked + 1))
        hasty.do(lambda v: v.release())

    with ThreadPoolExecutor() as pool:
        accepted = pool.submit(accept_once_asked)
        told = hasty.home.must("apply", "--resume")
        accepted.result()
    assert "found at the broker" in told.out
    assert "not there yet; asking again in" in told.err
    hasty.check_true()
    assert len(hasty.ours()) == 1


def test_what_never_came_is_absent_after_the_quarantine(hasty: BybitRound) -> None:
    hasty.naked()
    hasty.fault("order/create", Fault.HANG)
    hasty.ledger(code=9)
    hasty.let_pass(seconds=QUARANTINE)
    step = hasty.resume()
    assert (step["state"], step["note"]) == (
        "failed",
        "not placed: the broker conclusively has no such order",
    )
    alerts = hasty.home.json("alerts")["alerts"]
    assert "position_unprotected" in {row["type"] for row in alerts}
    hasty.home.must("verify", code=3)
    hasty.apply()
    hasty.check_true()
    assert len(hasty.ours()) == 1


def test_a_cancel_that_never_came_left_the_stop_alive(hasty: BybitRound) -> None:
    hasty.orphaned()
    hasty.fault("order/cancel", Fault.HANG)
    hasty.ledger(code=9)
    hasty.let_pass(seconds=QUARANTINE)
    step = hasty.resume()
    assert (step["state"], step["note"]) == ("failed", "not carried out: the order is open")
    hasty.apply()
    hasty.check_true()
    assert hasty.stops() == []


def test_as_long_as_the_venue_is_silent_nothing_is_settled(
    hasty: BybitRound, impatient: None
) -> None:
    hasty.naked()
    hasty.fault("order/create", Fault.LOST_REPLY)
    hasty.ledger(code=9)
    hasty.let_pass(seconds=QUARANTINE)
    hasty.always("order/realtime", Fault.http(503))
    step = hasty.resume(code=9)
    assert (step["state"], step["note"]) == (
        "unknown",
        "the broker could not tell: ExchangeNotAvailable: HTTP 503: upstream error",
    )
    hasty.heal()
    assert hasty.resume()["state"] == "done"


def test_a_person_who_has_looked_settles_it(hasty: BybitRound) -> None:
    hasty.naked()
    hasty.fault("order/create", Fault.LOST_REPLY)
    hasty.ledger(code=9)
    (order,) = hasty.ours()
    hasty.home.must("resolve", "a003", "--as", "done", "--broker-order-id", order.order_id)
    hasty.apply()
    hasty.check_true()
    assert len(hasty.ours()) == 1


# --- the process dies -----------------------------------------------------------------------------


def kill_once_sent(bybit: BybitRound, endpoint: str) -> None:
    """kill -9 while Bybit's answer is outstanding."""
    plan_id = bybit.staged()
    bybit.home.killed_when(
        lambda: bybit.venue.wait(lambda v: v.seen(endpoint), timeout=60),
        "apply",
        "--confirm",
        plan_id,
    )


def test_killed_between_send_and_settle_and_it_had_arrived(bybit: BybitRound) -> None:
    bybit.naked()
    bybit.fault("order/create", Fault.HANG_AFTER_ACCEPT)
    kill_once_sent(bybit, "order/create")
    assert [step["state"] for step in bybit.home.steps()] == ["begun"]
    check_blocked(bybit)
    assert bybit.resume()["state"] == "done"
    bybit.check_true()
    assert [order.state for order in bybit.ours()] == [State.UNTRIGGERED]


def test_killed_between_send_and_settle_and_it_never_arrived(bybit: BybitRound) -> None:
    bybit.naked()
    bybit.fault("order/create", Fault.HANG)
    kill_once_sent(bybit, "order/create")
    bybit.let_pass(seconds=QUARANTINE)
    assert bybit.resume()["state"] == "failed"
    bybit.apply()
    bybit.check_true()
    assert len(bybit.ours()) == 1


def test_killed_while_a_cancel_was_under_way(bybit: BybitRound) -> None:
    bybit.orphaned()
    bybit.fault("order/cancel", Fault.HANG_AFTER_ACCEPT)
    kill_once_sent(bybit, "order/cancel")
    assert bybit.resume()["state"] == "done"
    bybit.check_true()
    assert bybit.stops() == []
    with sqlite3.connect(bybit.home.book_file) as book:
        assert book.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    book.close()
