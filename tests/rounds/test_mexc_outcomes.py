"""MEXC took it and we never heard; took it late; we died in between. Never two, and never bare."""

from decimal import Decimal

import pytest

from core.operate import resuming
from tests.rounds.mexc_round import BTC, BUY, ETH, SOL, MexcRound
from tests.venues.exchange import Kind, Order, State, Ticket
from tests.venues.faults import Fault
from tests.venues.mexc import MexcVenue

QUARANTINE = 25
LOST = [Fault.LOST_REPLY, Fault.RESET_AFTER_ACCEPT, Fault.HANG_AFTER_ACCEPT]
LOST_IDS = ["cut", "reset", "silence"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """`apply --resume` does not wait for what is left of a quarantine."""
    monkeypatch.setattr(resuming, "WAIT_SECONDS_MAX", 0)


@pytest.fixture
def grown(hasty_mexc: MexcRound) -> MexcRound:
    """broker: 0.08 BTC, our stop for 0.05 / plan: a new stop, then the old one goes"""
    hasty_mexc.naked()
    hasty_mexc.apply()
    hasty_mexc.trade(BTC, BUY, 300)
    return hasty_mexc


def check_blocked(mexc: MexcRound) -> None:
    """As long as nobody knows, nothing more is sent, and every command says what to type."""
    home = mexc.home
    sent = mexc.sent()
    assert home.json("status")["next"] == "trueup apply --resume"
    shown = home.must("plan")
    assert "is not known yet; nothing that depends on it is proposed" in shown.out
    assert "next: trueup apply --resume" in shown.out
    assert "outcome unknown, begun 2" in home.must("resolve", code=9).out
    assert "unresolved steps" in home.must("doctor", code=9).out
    home.must("stage", "--quiet")
    refused = home.must("apply", "--confirm", home.plan_id(), code=9)
    assert "1 steps of an earlier run have no known outcome" in refused.err
    assert mexc.sent() == sent


# --- a stop ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", LOST, ids=LOST_IDS)
def test_a_stop_whose_acknowledgement_is_lost_is_shown_to_a_person(
    hasty_mexc: MexcRound, fault: Fault
) -> None:
    """broker: our stop, accepted, without a name of ours / here: unknown, until somebody looks"""
    mexc = hasty_mexc
    mexc.naked()
    mexc.fault("planorder/place", fault)
    (last,) = mexc.at_broker(code=9)
    assert last["outcome"] == "unknown"
    check_blocked(mexc)
    mexc.let_pass(seconds=QUARANTINE)
    (stop,) = mexc.ours()
    told = mexc.home.must("apply", "--resume", code=9).out
    assert (
        "MEXC keeps no id of ours on a plan order. Look for sell 0.05 BTC_USDT, stop, trigger "
        f"59760.1: like it is {stop.order_id}"
    ) in told
    assert (
        f"next: look at {stop.order_id} at the venue; if that is it, trueup resolve a003 --as done "
        f"--broker-order-id {stop.order_id}; if it is another, trueup resolve a003 --as not-done"
    ) in told
    assert mexc.resume(code=9)["alike"] == [stop.order_id]
    mexc.home.must("resolve", "a003", "--as", "done", "--broker-order-id", stop.order_id)
    mexc.check_true()
    assert len(mexc.ours()) == 1


def test_without_its_id_it_is_asked_which_order_it_is(hasty_mexc: MexcRound) -> None:
    mexc = hasty_mexc
    mexc.naked()
    mexc.fault("planorder/place", Fault.LOST_REPLY)
    mexc.at_broker(code=9)
    home = mexc.home
    home.must("resolve", "a003", "--as", "done")
    home.must("stage", "--quiet", code=4)
    (match,) = home.json("resolve", code=4)["matches"]
    (candidate,) = match["candidates"]
    home.must("resolve", match["id"], "--choose", candidate["book_order"]["order_id"])
    mexc.apply()
    mexc.check_true()
    assert len(mexc.ours()) == 1


def test_a_stop_that_is_not_there_can_be_called_not_done(hasty_mexc: MexcRound) -> None:
    """Another one is listed, which may be it as far as MEXC can tell; a person sees that not."""
    mexc = hasty_mexc
    mexc.naked()
    mexc.stop_by_hand(ETH, BUY, 1, "9000")
    mexc.stop_by_hand(BTC, BUY, 1, "90000")
    mexc.fault("planorder/place", Fault.HANG)
    mexc.home.must("stage", "--quiet")
    mexc.home.must("review", "--approve", "place_stop", "--skip", "cancel_orphan_stop", "--quiet")
    mexc.home.must("apply", "--confirm", mexc.home.plan_id(), code=9)
    mexc.let_pass(seconds=QUARANTINE)
    told = mexc.home.must("apply", "--resume", code=9).out
    assert "none of the 1 since is like it" in told
    (step,) = mexc.home.json("resolve", code=9)["steps"]
    assert f"trueup resolve {step['action_id']} --as done|not-done" in told
    mexc.home.must("resolve", step["action_id"], "--as", "not-done")
    mexc.apply()
    mexc.check_true()
    assert len(mexc.stops()) == 1


def test_a_stop_that_is_accepted_late_is_not_placed_twice(hasty_mexc: MexcRound) -> None:
    mexc = hasty_mexc
    mexc.naked()
    mexc.fault("planorder/place", Fault.LATE_ACCEPT)
    mexc.at_broker(code=9)
    early = mexc.home.must("apply", "--resume", code=9).out
    assert "not there yet; a late accept is possible until" in early
    check_blocked(mexc)
    mexc.do(lambda v: v.release())
    step = mexc.resume(code=9)
    (stop,) = mexc.ours()
    assert step["alike"] == [stop.order_id]
    mexc.home.must("resolve", "a003", "--as", "done", "--broker-order-id", stop.order_id)
    mexc.check_true()
    assert len(mexc.ours()) == 1


def test_what_follows_an_unknown_outcome_is_not_sent(hasty_mexc: MexcRound) -> None:
    mexc = hasty_mexc
    mexc.naked()
    mexc.trade(SOL, BUY, 10)
    mexc.fault("planorder/place", Fault.LOST_REPLY)
    first, second = mexc.at_broker(code=9)
    assert (first["outcome"], second["outcome"]) == ("unknown", "not_reached")
    assert second["note"] == "the outcome of an earlier action is unknown"
    assert mexc.sent() == 1


# --- a stop in the place of another ---------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [Fault.LOST_REPLY, Fault.HANG, Fault.LATE_ACCEPT, Fault.WITHOUT_ID],
    ids=["arrived", "never arrived", "late", "without an id"],
)
def test_as_long_as_the_new_stop_is_unknown_the_old_one_stays(
    grown: MexcRound, fault: Fault
) -> None:
    (old,) = grown.stops()
    grown.fault("planorder/place", fault)
    place, cancel = grown.at_broker(code=9)
    assert (place["outcome"], cancel["outcome"]) == ("unknown", "not_reached")
    assert old.order_id in [stop.order_id for stop in grown.stops()]
    assert grown.requests("planorder/cancel") == []
    check_blocked(grown)
    grown.do(lambda v: v.release())
    grown.let_pass(seconds=QUARANTINE)
    new = [stop.order_id for stop in grown.stops() if stop is not old]
    step = grown.resume(code=9)
    assert step["alike"] == new
    verdict = ["done", "--broker-order-id", *new] if new else ["not-done"]
    grown.home.must("resolve", step["action_id"], "--as", *verdict)
    grown.apply()
    grown.check_true()
    assert [stop.quantity for stop in grown.stops()] == [800]


@pytest.mark.parametrize("arrived", [True, False])
def test_an_unknown_cancel_of_the_old_stop_is_settled(grown: MexcRound, arrived: bool) -> None:
    grown.fault("planorder/cancel", Fault.LOST_REPLY if arrived else Fault.HANG)
    place, cancel = grown.at_broker(code=9)
    assert (place["outcome"], cancel["outcome"]) == ("done", "unknown")
    check_blocked(grown)
    grown.let_pass(seconds=QUARANTINE)
    assert grown.resume()["state"] == ("done" if arrived else "failed")
    grown.apply()
    grown.check_true()
    assert [stop.quantity for stop in grown.stops()] == [800]


def kill_once_sent(mexc: MexcRound, endpoint: str, count: int) -> None:
    """kill -9 while MEXC's answer is outstanding."""
    mexc.home.configure("mx1", timeout_seconds="10")
    plan_id = mexc.staged()
    mexc.home.killed_when(
        lambda: mexc.venue.wait(lambda v: v.seen(endpoint, count), timeout=60),
        "apply",
        "--confirm",
        plan_id,
    )


def test_killed_between_the_new_stop_and_the_end_of_the_old_one(grown: MexcRound) -> None:
    """The new one has arrived; nobody has heard of it, and the old one still stands."""
    (old,) = grown.stops()
    grown.fault("planorder/place", Fault.HANG_AFTER_ACCEPT)
    kill_once_sent(grown, "planorder/place", 2)
    assert [step["state"] for step in grown.home.steps()] == ["done", "begun"]
    assert len(grown.stops()) == 2
    check_blocked(grown)
    (new,) = [stop.order_id for stop in grown.stops() if stop is not old]
    grown.let_pass(seconds=QUARANTINE)
    step = grown.resume(code=9)
    assert step["alike"] == [new]
    grown.home.must("resolve", step["action_id"], "--as", "done", "--broker-order-id", new)
    assert grown.kinds() == ["cancel_duplicate_stop"]
    grown.apply()
    grown.check_true()
    assert [stop.order_id for stop in grown.stops()] == [new]


def test_killed_while_the_old_stop_was_being_cancelled(grown: MexcRound) -> None:
    grown.fault("planorder/cancel", Fault.HANG_AFTER_ACCEPT)
    kill_once_sent(grown, "planorder/cancel", 1)
    assert [step["state"] for step in grown.home.steps()] == ["done", "done", "begun"]
    assert grown.resume()["state"] == "done"
    grown.check_true()
    assert [stop.quantity for stop in grown.stops()] == [800]


# --- a limit order --------------------------------------------------------------------------------


@pytest.fixture
def stale(hasty_mexc: MexcRound) -> tuple[MexcRound, Order]:
    """broker: a limit order under a key of ours, older than it may become"""

    def place(venue: MexcVenue) -> Order:
        return venue.exchange.place(
            Ticket(
                instrument=venue.exchange.instrument(ETH),
                side=BUY,
                quantity=Decimal(30),
                kind=Kind.LIMIT,
                price=Decimal(2000),
                client_id="tu-0123456789abcdef01234567",
            )
        )

    mexc = hasty_mexc
    order = mexc.do(place)
    mexc.apply()
    mexc.do(lambda v: setattr(order, "created_ms", order.created_ms - 3_600_000))
    mexc.home.set_in("EXECUTION", cancel_stale_order_timeout="600")
    assert mexc.kinds() == ["cancel_stale_order"]
    return mexc, order


@pytest.mark.parametrize("fault", LOST, ids=LOST_IDS)
def test_a_cancel_whose_acknowledgement_is_lost_is_found(
    stale: tuple[MexcRound, Order], fault: Fault
) -> None:
    mexc, order = stale
    mexc.fault("order/cancel", fault)
    assert mexc.at_broker(code=9)[0]["outcome"] == "unknown"
    assert order.state is State.CANCELLED
    check_blocked(mexc)
    assert mexc.resume()["state"] == "done"
    mexc.check_true()
    (row,) = mexc.home.rows("SELECT status FROM orders")
    assert row["status"] == "cancelled"


def test_a_cancel_that_never_came_left_the_order_alive(stale: tuple[MexcRound, Order]) -> None:
    mexc, order = stale
    mexc.fault("order/cancel", Fault.HANG)
    mexc.at_broker(code=9)
    mexc.let_pass(seconds=QUARANTINE)
    step = mexc.resume()
    assert (step["state"], step["note"]) == ("failed", "not carried out: the order is open")
    mexc.apply()
    assert order.state is State.CANCELLED
    mexc.check_true()


def test_a_cancel_without_a_verdict_is_no_cancel(stale: tuple[MexcRound, Order]) -> None:
    mexc, order = stale
    mexc.fault("order/cancel", Fault.WITHOUT_ID)
    (last,) = mexc.at_broker(code=9)
    assert last["outcome"] == "unknown"
    assert f"MEXC answered without a verdict about {order.order_id}" in last["note"]
    assert mexc.resume()["state"] == "done"
    mexc.check_true()
