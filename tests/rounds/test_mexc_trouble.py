"""What can go wrong on the way to MEXC: said clearly, nothing lost, nothing done twice."""

from collections.abc import Iterator

import pytest

from tests.rounds.mexc_round import BTC, BUY, NAME, MexcRound
from tests.rounds.venue_home import SECRET_FILE
from tests.venues.faults import Effect, Fault

# Longer than anything that was sent can still be on its way to MEXC.
QUARANTINE = 25

TEXTS = {
    401: "Unauthorized",
    402: "API Key expired, please apply again",
    406: "Accessing IP is not in the whitelist",
    500: "Internal error",
    501: "System busy!",
    510: "Excessive frequency of requests",
    513: "Invalid request, please check Request-Time",
    600: "Parameter error",
    602: "Signature verification failed",
    603: "Repeated requests",
    701: "Permission denied: trading",
    1001: "Contract does not exist",
    1002: "Contract not activated",
    2005: "Balance insufficient",
    2009: "Position is not exists or closed.",
    2011: "Order quantity error",
    2040: "Order does not exist",
    2041: "order state cannot be cancelled",
    6001: "Trading forbidden",
    9999: "Public abnormal",
}


def code(number: int, *, accepted: bool = False) -> Fault:
    effect = Effect.NOW if accepted else Effect.NONE
    return Fault.refused(number, TEXTS[number], effect=effect)


CODES = {str(number): code(number) for number in TEXTS}
LINES = {
    "silence": Fault.HANG,
    "reset": Fault.RESET,
    "truncated": Fault.TRUNCATED,
    "HTML": Fault.HTML,
    "empty": Fault.EMPTY,
    "http 401": Fault.http(401),
    "http 429": Fault.http(429),
    "http 503": Fault.http(503),
}
LINE_WORDS = {
    "silence": "no answer in time",
    "reset": "the connection broke before an answer came",
    "truncated": "the connection broke before an answer came",
    "HTML": "HTTP 200: <html>",
    "empty": "HTTP 200: an empty answer",
    "http 401": "HTTP 401",
    "http 429": "HTTP 429",
    "http 503": "HTTP 503",
}
TROUBLES = CODES | LINES


def words(name: str) -> str:
    """What the operator has to be told."""
    return f"{name}: {TEXTS[int(name)]}" if name in CODES else LINE_WORDS[name]


# --- while looking --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def agreed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MexcRound]:
    """An account that the book agrees with: what is not shown would look like something gone."""
    root = tmp_path_factory.mktemp("agreed") / "home"
    with MexcRound(root, timeout_seconds="0.3", retry="2") as mexc:
        mexc.trade(BTC, BUY, 200, price="59000")
        mexc.naked()
        mexc.apply()
        yield mexc


ASKED = ["order/list/open_orders", "planorder/list/orders", "position/open_positions"]


@pytest.mark.parametrize("endpoint", ASKED)
@pytest.mark.parametrize("name", TROUBLES)
def test_a_plan_says_what_it_could_not_read(agreed: MexcRound, name: str, endpoint: str) -> None:
    sent = agreed.sent()
    agreed.always(endpoint, TROUBLES[name])
    plain = agreed.home.must("plan", code=10)
    agreed.heal()
    assert words(name) in plain.out
    assert "next: trueup doctor" in plain.out
    assert "Plan: 0 to insert, 0 to update, 0 to delete, 0 broker actions, 0 ambiguous" in plain.out
    agreed.check_true()
    assert agreed.sent() == sent


# Worth another try; a wrong key or timestamp is as wrong the next time.
PASSING = ["500", "501", "510", "9999", "silence", "reset", "truncated", "HTML", "empty"]
PASSING += ["http 429", "http 503"]


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_asked_again(agreed: MexcRound, name: str) -> None:
    agreed.fault("order/list/open_orders", TROUBLES[name])
    agreed.home.must("plan", "--detailed-exitcode")
    assert agreed.do(lambda v: v.faults.left) == {}


def test_a_success_without_rows_is_no_empty_listing(agreed: MexcRound) -> None:
    """Taken for empty, it would bury every order and position."""
    for endpoint in ASKED:
        agreed.always(endpoint, Fault.WITHOUT_ID)
        told = agreed.home.must("plan", code=10).out
        agreed.heal()
        assert "0 to update, 0 to delete, 0 broker actions" in told
        assert "expected a list" in told
    agreed.check_true()


def test_a_venue_that_is_down_is_reported_by_every_command(mexc: MexcRound) -> None:
    mexc.naked()
    plan_id = mexc.staged()
    mexc.venue.wait(lambda v: v.close_port())
    home = mexc.home
    for verb in ("plan", "snapshot", "verify", "doctor", "reconcile"):
        told = home.must(verb, code=10)
        said = told.out + told.err
        assert verb == "verify" or "no connection to the venue" in said, verb
        assert verb == "doctor" or "next: trueup doctor" in said, verb
    refused = home.must("apply", "--confirm", plan_id, code=10)
    assert "so nothing was changed" in refused.err
    assert home.steps() == []
    mexc.venue.wait(lambda v: v.open_port())
    home.must("apply", "--confirm", plan_id)
    mexc.check_true()
    assert len(mexc.ours()) == 1


# --- while placing --------------------------------------------------------------------------------

NOT_SENT = {"510", "513"}
UNCLEAR = {"500", "501", "9999", *LINES}
REFUSED = sorted(CODES.keys() - UNCLEAR - {"603"})


@pytest.mark.parametrize("name", REFUSED)
def test_a_stop_that_was_refused_is_placed_by_the_next_plan(mexc: MexcRound, name: str) -> None:
    mexc.naked()
    mexc.fault("planorder/place", TROUBLES[name])
    (last,) = mexc.at_broker(code=9)
    how = "not sent" if name in NOT_SENT else "rejected by the venue"
    assert (last["outcome"], last["note"]) == ("failed", f"{how}: {words(name)}")
    home = mexc.home
    # One try; then nothing more until a person has looked.
    assert mexc.sent() == 1
    assert mexc.ours() == []
    alerts = {row["type"] for row in home.json("alerts")["alerts"]}
    assert alerts == {"position_unprotected", "reconcile_failed"}
    home.must("verify", code=3)
    mexc.apply(code=7)
    mexc.unsafe()
    mexc.apply()
    mexc.check_true()
    assert len(mexc.ours()) == 1


@pytest.mark.parametrize("name", sorted(UNCLEAR))
def test_a_stop_that_did_not_arrive_is_placed_once_that_is_certain(
    hasty_mexc: MexcRound, name: str
) -> None:
    """MEXC has no plan order at all since: only then is absence certain."""
    mexc = hasty_mexc
    mexc.naked()
    mexc.fault("planorder/place", TROUBLES[name].not_accepted())
    (last,) = mexc.at_broker(code=9)
    assert last["outcome"] == "unknown"
    assert words(name) in last["note"]
    assert mexc.sent() == 1
    mexc.let_pass(seconds=QUARANTINE)
    step = mexc.resume()
    assert (step["state"], step["note"]) == (
        "failed",
        "not placed: the broker conclusively has no such order",
    )
    mexc.apply()
    mexc.check_true()
    assert len(mexc.ours()) == 1


@pytest.mark.parametrize("name", sorted(UNCLEAR - {"http 401", "http 429"}))
def test_a_stop_that_did_arrive_is_recognised_by_a_person(hasty_mexc: MexcRound, name: str) -> None:
    """A plan order carries no id of ours, so what to look at and what to type is said."""
    mexc = hasty_mexc
    mexc.naked()
    mexc.fault("planorder/place", TROUBLES[name].accepted())
    assert mexc.at_broker(code=9)[0]["outcome"] == "unknown"
    (stop,) = mexc.ours()
    mexc.let_pass(seconds=QUARANTINE)
    told = mexc.home.must("apply", "--resume", code=9).out
    assert f"resolve a003 --as done --broker-order-id {stop.order_id}" in told
    mexc.home.must("resolve", "a003", "--as", "done", "--broker-order-id", stop.order_id)
    mexc.check_true()
    mexc.apply()
    assert mexc.sent() == 1


def test_success_without_an_id_is_no_success(mexc: MexcRound) -> None:
    mexc.naked()
    mexc.fault("planorder/place", Fault.WITHOUT_ID)
    (last,) = mexc.at_broker(code=9)
    assert (last["outcome"], last["note"]) == (
        "unknown",
        "MEXC answered with success and without an order id",
    )
    assert len(mexc.stops()) == 1


def test_a_duplicate_that_nobody_can_see_stays_open(mexc: MexcRound) -> None:
    mexc.naked()
    mexc.fault("planorder/place", code(603))
    (last,) = mexc.at_broker(code=9)
    assert last["outcome"] == "unknown"
    assert "an order of this id exists already (603), and it is not shown" in last["note"]


# --- while cancelling -----------------------------------------------------------------------------


@pytest.mark.parametrize("number", [2040, 2041, 600, 510])
def test_a_cancel_that_was_refused_leaves_the_order_to_the_next_plan(
    mexc: MexcRound, number: int
) -> None:
    mexc.orphaned()
    mexc.fault("planorder/cancel", code(number))
    (last,) = mexc.at_broker(code=9)
    assert last["outcome"] == "failed"
    assert words(str(number)) in last["note"]
    assert len(mexc.stops()) == 1
    mexc.unsafe()
    mexc.apply()
    assert mexc.stops() == []
    mexc.check_true()


@pytest.mark.parametrize("number", [2040, 2041])
def test_too_late_to_cancel_what_is_gone_is_done(mexc: MexcRound, number: int) -> None:
    mexc.orphaned()
    mexc.fault("planorder/cancel", code(number, accepted=True))
    assert mexc.at_broker()[0]["note"] == f"already done ({number})"
    mexc.check_true()
    assert mexc.stops() == []


@pytest.mark.parametrize("name", ["500", "9999", "silence", "truncated", "HTML", "http 503"])
@pytest.mark.parametrize("arrived", [True, False], ids=["arrived", "lost"])
def test_a_cancel_of_unclear_outcome_is_settled_to_the_truth(
    hasty_mexc: MexcRound, name: str, arrived: bool
) -> None:
    mexc = hasty_mexc
    mexc.orphaned()
    fault = TROUBLES[name]
    mexc.fault("planorder/cancel", fault.accepted() if arrived else fault.not_accepted())
    assert mexc.at_broker(code=9)[0]["outcome"] == "unknown"
    mexc.let_pass(seconds=QUARANTINE)
    assert mexc.resume()["state"] == ("done" if arrived else "failed")
    mexc.apply()
    mexc.check_true()
    assert mexc.stops() == []


# --- keys and clocks ------------------------------------------------------------------------------


def finding(mexc: MexcRound, what: str, *, exit_code: int = 0) -> tuple[str, str, str]:
    """One line of doctor's."""
    lines = mexc.home.json("doctor", code=exit_code)["findings"]
    (line,) = [each for each in lines if each["what"] == f"account {NAME} {what}"]
    return line["verdict"], line["told"], line["remedy"]


def test_a_wrong_secret_or_key_is_said_to_be_one(
    mexc: MexcRound, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = mexc.home
    mexc.naked()
    remedy = "check api_key and api_secret, and what the key may do"
    home.write_secret(SECRET_FILE, "not-the-one")
    told = home.must("plan", code=10).out
    assert "602: Signature verification failed" in told
    assert "not-the-one" not in told
    assert finding(mexc, "key", exit_code=10) == ("fail", words("602"), remedy)
    home.write_secret(SECRET_FILE, mexc.venue.api_secret)
    with monkeypatch.context() as other:
        other.setenv("MEXC_API_KEY", "another-key")
        assert finding(mexc, "key", exit_code=10) == ("fail", words("402"), remedy)
        other.delenv("MEXC_API_KEY")
        assert "env:MEXC_API_KEY is empty or not set" in home.must("plan", code=10).out
    mexc.apply()
    mexc.check_true()


def test_a_clock_too_far_off_is_the_remedy_not_the_key(mexc: MexcRound) -> None:
    mexc.do(lambda v: v.exchange.clock.skew(15))
    assert "513" in mexc.home.must("plan", code=10).out
    assert finding(mexc, "key", exit_code=10)[2] == "synchronise the clock (ntp)"
    assert finding(mexc, "clock", exit_code=10)[0] == "warn"
