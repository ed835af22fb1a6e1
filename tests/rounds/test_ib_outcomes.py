"""IB took it and we never heard; IB took it late; IB said no in its own ways. Never two orders."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from core.operate import resuming
from tests.rounds.conftest import AtIb
from tests.rounds.ib_round import IbRound
from tests.venues.ib import (
    CutAfter,
    ErrorAfter,
    IbGateway,
    LateRequest,
    Order,
    Refused,
    ReplyLost,
    RequestLost,
    Status,
)
from tests.venues.ib.faults import Fault
from tests.venues.ib.requests import PlaceOrder

ABSENT = "not placed: the broker conclusively has no such order"


@pytest.fixture
def hasty(at_ib: AtIb) -> IbRound:
    """Gives up soon; for tests in which no answer comes."""
    return at_ib(timeout_seconds="0.5", quarantine_seconds="3600")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """`apply --resume` does not wait for what is left of a quarantine."""
    monkeypatch.setattr(resuming, "WAIT_SECONDS_MAX", 0)


def check_blocked(ib: IbRound) -> None:
    """As long as nobody knows, nothing more is sent, and every command says what to type."""
    sent = ib.sent()
    assert ib.home.json("status")["next"] == "trueup apply --resume"
    assert "is not known yet; nothing that depends on it is proposed" in ib.home.must("plan").out
    assert "unresolved steps" in ib.home.must("doctor", code=9).out
    ib.home.must("stage", "--quiet")
    refused = ib.home.must("apply", "--confirm", ib.home.plan_id(), code=9)
    assert "1 steps of an earlier run have no known outcome" in refused.err
    assert "next: trueup apply --resume" in refused.err
    assert ib.sent() == sent


def at_once(ib: IbRound) -> None:
    """The quarantine is over."""
    ib.home.configure("ib1", quarantine_seconds="0")


# --- the reply is lost ----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [CutAfter(), ReplyLost()], ids=["cut", "silence"])
def test_a_stop_that_was_taken_and_never_heard_of_is_found(hasty: IbRound, fault: Fault) -> None:
    """broker: our stop, accepted / here: unknown, then found by its reference"""
    hasty.naked()
    hasty.fault("place", fault)
    entry = hasty.ledger(code=9)
    assert (entry["kind"], entry["outcome"]) == ("place_stop", "unknown")
    assert entry["note"].startswith("the order may or may not have arrived: ")
    (stop,) = hasty.ours()
    (row,) = hasty.home.rows("SELECT status, perm_id FROM orders")
    assert row == {"status": "unknown", "perm_id": None}
    check_blocked(hasty)
    step = hasty.resume()
    assert (step["state"], step["broker_order_id"]) == ("done", str(stop.perm_id))
    (row,) = hasty.home.rows("SELECT status, perm_id FROM orders")
    assert row == {"status": "open", "perm_id": str(stop.perm_id)}
    hasty.check_true()
    assert hasty.ours() == [stop]


def test_a_stop_that_was_taken_and_filled_unheard_of_is_booked(hasty: IbRound) -> None:
    hasty.naked()
    hasty.fault("place", CutAfter())
    hasty.ledger(code=9)
    hasty.quote("SPY", "440.00", "440.02")
    assert hasty.resume()["note"] == "found at the broker"
    hasty.apply()
    hasty.check_true()
    assert [order.status for order in hasty.ours()] == [Status.FILLED]


def test_a_cancel_that_was_taken_and_never_heard_of_is_found(hasty: IbRound) -> None:
    hasty.orphaned()
    hasty.fault("cancel", CutAfter())
    entry = hasty.ledger(code=9)
    assert (entry["kind"], entry["outcome"]) == ("cancel_orphan_stop", "unknown")
    assert hasty.stops("SPY") == []
    check_blocked(hasty)
    assert hasty.resume()["state"] == "done"
    hasty.check_true()


# --- it is taken late, or never -------------------------------------------------------------------


def test_inside_the_quarantine_it_is_too_early_to_call_it_absent(hasty: IbRound) -> None:
    """broker: takes it long after / here: unknown, too early, found; never a second one"""
    hasty.naked()
    hasty.fault("place", LateRequest())
    assert hasty.ledger(code=9)["outcome"] == "unknown"
    early = hasty.home.must("apply", "--resume", code=9)
    assert "not there yet; a late accept is possible until" in early.out
    assert "next: trueup apply --resume, a little later" in early.out
    check_blocked(hasty)
    hasty.release()
    assert hasty.resume()["state"] == "done"
    hasty.check_true()
    assert len(hasty.ours()) == 1


def test_what_never_arrived_is_proposed_afresh(hasty: IbRound) -> None:
    hasty.naked()
    hasty.fault("place", RequestLost())
    hasty.ledger(code=9)
    at_once(hasty)
    step = hasty.resume()
    assert (step["state"], step["note"]) == ("failed", ABSENT)
    assert hasty.kinds() == ["place_stop"]
    hasty.apply()
    hasty.check_true()
    assert len(hasty.ours()) == 1


@pytest.mark.parametrize("listing", ["all_open_orders", "completed_orders", "executions"])
def test_absence_is_not_believed_while_a_listing_is_unanswered(
    hasty: IbRound, listing: str
) -> None:
    hasty.naked()
    hasty.fault("place", RequestLost())
    hasty.ledger(code=9)
    at_once(hasty)
    hasty.always(listing, RequestLost())
    hasty.home.configure("ib1", retry="1")
    step = hasty.resume(code=9)
    assert step["state"] == "unknown"
    assert "the broker could not tell" in step["note"]
    assert "no answer in 0.5 s" in step["note"]
    hasty.heal()
    assert hasty.resume()["note"] == ABSENT


# --- the gateway loses IB in between --------------------------------------------------------------


@pytest.mark.parametrize("data_lost", [True, False], ids=["1101", "1102"])
def test_ib_is_lost_between_the_order_and_its_confirmation(hasty: IbRound, data_lost: bool) -> None:
    hasty.naked()
    plan_id = hasty.staged()
    hasty.fault("place", ReplyLost())

    def lose() -> None:
        hasty.when(lambda gateway: any(_is_placing(asked) for _, asked in gateway.asked))
        hasty.do(lambda gateway: gateway.lose_connectivity())

    with ThreadPoolExecutor() as pool:
        lost = pool.submit(lose)
        told = hasty.home.must("apply", "--confirm", plan_id, code=9)
        lost.result()
    assert "the order may or may not have arrived" in told.out
    step = hasty.resume(code=9)
    assert step["state"] == "unknown"
    assert "1100: the gateway has lost its connection to IB" in step["note"]
    hasty.do(lambda gateway: gateway.restore_connectivity(data_lost=data_lost))
    assert hasty.resume()["state"] == "done"
    hasty.check_true()
    assert len(hasty.ours()) == 1


def test_ib_is_lost_before_anything_is_sent(hasty: IbRound) -> None:
    """Nothing was changed, and the same plan can be applied when IB is back."""
    hasty.hold("SPY", "100", "500")
    plan_id = hasty.staged()
    hasty.do(lambda gateway: gateway.lose_connectivity())
    refused = hasty.home.must("apply", "--confirm", plan_id, code=10)
    assert "the broker could only be read in part, so nothing was changed" in refused.err
    assert "1100: the gateway has lost its connection to IB" in refused.err
    assert hasty.home.rows("SELECT * FROM positions") == []
    hasty.do(lambda gateway: gateway.restore_connectivity())
    hasty.home.must("apply", "--confirm", plan_id)
    hasty.check_true()


# --- the process dies -----------------------------------------------------------------------------


def test_killed_between_the_order_and_its_confirmation(ib: IbRound) -> None:
    """broker: our stop, accepted / the process: gone / resume: found; one order"""
    ib.naked()
    plan_id = ib.staged()
    ib.fault("place", ReplyLost())

    def taken() -> None:
        ib.when(lambda gateway: bool(gateway.accounts["DU1"].orders))

    ib.home.killed_when(taken, "apply", "--confirm", plan_id)
    ib.when(lambda gateway: not gateway.clients)
    (step,) = ib.home.steps()
    assert step["state"] == "begun"
    check_blocked(ib)
    assert ib.resume()["state"] == "done"
    ib.check_true()
    assert len(ib.ours()) == 1


# --- order ids handed out again -------------------------------------------------------------------


def test_an_order_id_that_is_handed_out_again_matches_nothing(hasty: IbRound) -> None:
    """gateway: our order ended, and after a restart another order bears its number."""
    hasty.naked()
    hasty.fault("place", CutAfter())
    hasty.ledger(code=9)
    (stop,) = hasty.ours()
    hasty.at(lambda it: it.end(stop))
    hasty.gateway.restart()
    other = _with_the_number_of(stop, hasty)
    step = hasty.resume()
    assert (step["state"], step["note"]) == ("done", "found at the broker, cancelled by now")
    assert step["broker_order_id"] == str(stop.perm_id)
    assert hasty.kinds() == ["insert_order", "place_stop"]
    hasty.apply()
    rows = {row["broker_order_id"]: row for row in hasty.home.rows("SELECT * FROM orders")}
    assert rows[str(stop.perm_id)]["status"] == "cancelled"
    assert rows[str(other.perm_id)]["origin"] == "external"
    hasty.check_true()


def test_the_order_that_is_meant_is_cancelled_whatever_its_number(ib: IbRound) -> None:
    """gateway: restarted, the number of our filled stop went to a stranger's order"""
    ib.orphaned()
    (ours,) = ib.stops("SPY")
    ib.gateway.restart()
    stranger = ib.at(lambda it: it.client_order(17, "SPY", "BUY", 7, limit="400", tif="GTC"))
    ib.apply()
    assert (ours.status, stranger.status) == (Status.CANCELLED, Status.SUBMITTED)
    ib.check_true()


# --- what IB says no to, or seems to --------------------------------------------------------------


def test_a_rejection_that_reads_cancelled_is_told_as_one(ib: IbRound) -> None:
    ib.naked()
    ib.fault("place", Refused(201, "Order rejected - reason: not enough margin"))
    told = ib.apply(code=9)
    assert "rejected by the venue: 201: Order rejected - reason: not enough margin" in told.out
    assert [order.status for order in ib.ours()] == [Status.CANCELLED]
    (row,) = ib.home.rows("SELECT status FROM orders")
    assert row["status"] == "rejected"
    status = ib.home.json("status")
    assert len(status["unprotected_positions"]) == 1
    assert "not enough margin" in ib.home.must("alerts").out
    assert ib.home.rows("SELECT count(*) AS open FROM journal WHERE state = 'unknown'")[0] == {
        "open": 0
    }
    ib.home.must("safe-mode", "off", "--reason", "margin is there", "--confirm", "off")
    ib.apply()
    ib.check_true()
    assert len(ib.stops("SPY")) == 1


@pytest.mark.parametrize("code", [104, 161, 201, 202, 399, 10147, 10148, 10349, 2109, 2150])
def test_an_error_about_an_order_that_lives_does_not_end_it(ib: IbRound, code: int) -> None:
    """The library calls it cancelled; the broker has it, and so has the book."""
    ib.naked()
    ib.fault("place", ErrorAfter(code))
    assert ib.ledger()["outcome"] == "done"
    (row,) = ib.home.rows("SELECT status FROM orders")
    assert row["status"] == "open"
    ib.check_true()
    assert len(ib.stops("SPY")) == 1


@pytest.mark.parametrize("code", [104, 161, 202, 10148])
def test_an_error_that_speaks_of_something_else_leaves_the_outcome_open(
    hasty: IbRound, code: int
) -> None:
    """Instead of a confirmation, and meant for other requests: it is told, and believed of none."""
    hasty.naked()
    hasty.fault("place", Refused(code, "strange words."))
    entry = hasty.ledger(code=9)
    assert (entry["outcome"], entry["note"]) == (
        "unknown",
        f"the order may or may not have arrived: no answer in time; {code}: strange words",
    )
    at_once(hasty)
    assert hasty.resume()["note"] == ABSENT


@pytest.mark.parametrize("code", [10349, 2109])
def test_a_notice_is_no_answer(hasty: IbRound, code: int) -> None:
    hasty.naked()
    hasty.fault("place", Refused(code, "by the way"))
    entry = hasty.ledger(code=9)
    assert entry["note"] == "the order may or may not have arrived: no answer in time"


@pytest.mark.parametrize("code", [161, 10147, 10148])
def test_a_cancel_that_is_refused_is_told_with_the_reason(ib: IbRound, code: int) -> None:
    ib.orphaned()
    ib.fault("cancel", Refused(code, "not cancellable now"))
    entry = ib.ledger(code=9)
    assert entry["outcome"] == "failed"
    assert entry["note"] == (
        f"rejected by the venue: {code}: not cancellable now; the order is open"
    )
    assert len(ib.stops("SPY")) == 1
    ib.home.must("safe-mode", "off", "--reason", "seen", "--confirm", "off")
    ib.apply()
    ib.check_true()


def test_an_amendment_of_a_filled_order_is_told_with_the_reason(ib: IbRound) -> None:
    ib.trade("SPY", "BUY", "100")
    ib.apply()
    ib.trade("SPY", "BUY", "10")
    ib.fault("amend", Refused(104, "Cannot modify a filled order."))
    entry = ib.ledger(code=9)
    assert (entry["kind"], entry["outcome"]) == ("resize_stop", "failed")
    assert entry["note"].startswith("rejected by the venue: 104: Cannot modify a filled order")
    assert [stop.ticket.quantity for stop in ib.stops("SPY")] == [Decimal(100)]


# --- inside ---------------------------------------------------------------------------------------


def _is_placing(asked: object) -> bool:
    return isinstance(asked, PlaceOrder)


def _with_the_number_of(ended: Order, ib: IbRound) -> Order:
    """Orders of our client id until one bears the number of the one that ended."""

    def place(gateway: IbGateway) -> Order:
        while True:
            order = gateway.accounts["DU1"].client_order(
                17, "SPY", "BUY", 1, limit="400", tif="GTC", order_ref="stranger"
            )
            if order.order_id == ended.order_id:
                return order
            gateway.accounts["DU1"].end(order)

    return ib.do(place)
