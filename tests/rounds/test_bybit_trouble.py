"""Whatever Bybit or the line to it answers: said clearly, nothing lost, nothing done twice."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rounds.bybit_round import BUY, NAME, BybitRound
from tests.rounds.venue_home import SECRET_FILE
from tests.venues.bybit import BybitVenue
from tests.venues.faults import Effect, Fault

# Longer than anything that was sent can still be on its way to Bybit.
QUARANTINE = 20

TEXTS = {
    10000: "Server Timeout",
    10002: "invalid request, please check your server timestamp or recv_window param.",
    10003: "API key is invalid.",
    10004: "error sign!",
    10005: "Permission denied, please check your API key permissions.",
    10006: "Too many visits. Exceeded the API Rate Limit.",
    10014: "Invalid duplicate request.",
    10016: "Server error.",
    10018: "Exceeded the IP Rate Limit.",
    110001: "order not exists or too late to cancel",
    110007: "ab not enough for new order",
    110008: "Order has been finished or canceled",
    110010: "Order already cancelled",
    110072: "OrderLinkedID is duplicate",
    12141: "Duplicate clientOrderId.",
    170032: "System error",
    5004: "Server Timeout",
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
    "401": Fault.http(401),
    "429": Fault.http(429),
    "503": Fault.http(503),
}
LINE_WORDS = {
    "silence": "no answer in time",
    "reset": "the connection broke before an answer came",
    "truncated": "the connection broke before an answer came",
    "HTML": "HTTP 200: <html>",
    "empty": "HTTP 200: an empty answer",
    "401": "HTTP 401",
    "429": "HTTP 429",
    "503": "HTTP 503",
}
TROUBLES = CODES | LINES
# Worth another try; a wrong key or timestamp is as wrong the next time.
PASSING = ["10000", "10006", "10016", "10018", "170032", "5004"]
PASSING += ["silence", "reset", "truncated", "HTML", "empty", "429", "503"]


def words(name: str) -> str:
    """What the operator has to be told."""
    return f"{name}: {TEXTS[int(name)]}" if name in CODES else LINE_WORDS[name]


# --- while looking --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def agreed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BybitRound]:
    """An account that the book agrees with: what is not shown would look like something gone."""
    root = tmp_path_factory.mktemp("agreed") / "home"
    with BybitRound(root, timeout_seconds="0.3", retry="2") as bybit:
        bybit.trade("BTCUSDT", BUY, "0.02", price="59000")
        bybit.naked()
        bybit.apply()
        yield bybit


@pytest.mark.parametrize("endpoint", ["order/realtime", "position/list", "execution/list"])
@pytest.mark.parametrize("name", TROUBLES)
def test_a_plan_says_what_it_could_not_read(agreed: BybitRound, name: str, endpoint: str) -> None:
    sent = agreed.sent()
    agreed.always(endpoint, TROUBLES[name])
    plain = agreed.home.must("plan", code=10)
    document = agreed.home.json("plan", code=10)
    agreed.heal()
    assert words(name) in plain.out
    assert "next: trueup doctor" in plain.out
    assert document["base"]["complete"] is False
    assert not any(document["plan"]["summary"][what] for what in ("insert", "update", "delete"))
    assert document["plan"]["summary"]["broker"] == 0
    agreed.check_true()
    assert agreed.sent() == sent


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_asked_again(agreed: BybitRound, name: str) -> None:
    agreed.fault("order/realtime", TROUBLES[name])
    agreed.home.must("plan", "--detailed-exitcode")
    assert agreed.do(lambda v: v.faults.left) == {}


def test_a_venue_that_says_when_to_come_back_is_left_alone_until_then(agreed: BybitRound) -> None:
    def moments(venue: BybitVenue) -> list[int]:
        return [each.at_ms for each in venue.requests.seen]

    agreed.do(lambda v: v.requests.clear())
    agreed.fault("position/list", Fault.http(429, retry_after_seconds=1))
    agreed.home.must("plan", "--detailed-exitcode")
    at = agreed.do(moments)
    assert max(later - sooner for sooner, later in itertools.pairwise(at)) >= 1000


def test_a_venue_that_is_down_is_reported_by_every_command(bybit: BybitRound) -> None:
    bybit.naked()
    plan_id = bybit.staged()
    bybit.venue.wait(lambda v: v.close_port())
    home = bybit.home
    for verb in ("plan", "snapshot", "verify", "doctor", "reconcile", "stage"):
        told = home.must(verb, code=10)
        said = told.out + told.err
        assert verb == "verify" or "no connection to the venue" in said, verb
        assert verb == "doctor" or "next: trueup doctor" in said, verb
    assert "check the network" in home.must("doctor", code=10).out
    bybit.venue.wait(lambda v: v.open_port())
    assert home.plan_id() != plan_id
    bybit.apply()
    bybit.check_true()


def test_a_venue_that_goes_down_before_apply_leaves_the_plan_as_it_was(bybit: BybitRound) -> None:
    bybit.naked()
    plan_id = bybit.staged()
    bybit.venue.wait(lambda v: v.close_port())
    refused = bybit.home.must("apply", "--confirm", plan_id, code=10)
    assert "no connection to the venue" in refused.err
    assert bybit.home.steps() == []
    bybit.venue.wait(lambda v: v.open_port())
    bybit.home.must("apply", "--confirm", plan_id)
    bybit.check_true()
    assert len(bybit.ours()) == 1


# --- while placing --------------------------------------------------------------------------------

FAILS = {"10006", "10018", "10002", "10003", "10004", "10005", "110001", "110007", "110008"}
FAILS |= {"110010"}
NOT_SENT = {"10002", "10006", "10018"}


@pytest.mark.parametrize("name", sorted(FAILS))
def test_a_stop_that_was_refused_is_placed_by_the_next_plan(bybit: BybitRound, name: str) -> None:
    bybit.naked()
    bybit.fault("order/create", TROUBLES[name])
    last = bybit.ledger(code=9)
    how = "not sent" if name in NOT_SENT else "rejected by the venue"
    assert (last["outcome"], last["note"]) == ("failed", f"{how}: {words(name)}")
    home = bybit.home
    # One try; then nothing more until a person has looked.
    assert bybit.sent() == 1
    assert bybit.ours() == []
    alerts = {row["type"] for row in home.json("alerts")["alerts"]}
    assert alerts == {"position_unprotected", "reconcile_failed"}
    assert home.sentinel.exists()
    home.must("verify", code=3)
    bybit.apply(code=7)
    home.must("safe-mode", "off", "--reason", "looked", "--confirm", "off", "--quiet")
    bybit.apply()
    bybit.check_true()
    assert len(bybit.ours()) == 1


UNCLEAR = sorted(TROUBLES.keys() - FAILS)
# What may have happened although the answer says nothing of it.
MAYBE_ACCEPTED = sorted(set(UNCLEAR) - {"110072", "12141", "10014", "429", "401"})


@pytest.mark.parametrize("name", UNCLEAR)
def test_a_stop_that_did_not_arrive_is_placed_once_that_is_certain(
    hasty: BybitRound, name: str
) -> None:
    hasty.naked()
    hasty.fault("order/create", TROUBLES[name].not_accepted())
    last = hasty.ledger(code=9)
    assert last["outcome"] == "unknown"
    assert (f"({name})" if name in ("110072", "12141", "10014") else words(name)) in last["note"]
    assert hasty.sent() == 1
    hasty.let_pass(seconds=QUARANTINE)
    assert hasty.resume()["state"] == "failed"
    hasty.apply()
    hasty.check_true()
    assert len(hasty.ours()) == 1


@pytest.mark.parametrize("name", MAYBE_ACCEPTED)
def test_a_stop_that_did_arrive_is_found(hasty: BybitRound, name: str) -> None:
    hasty.naked()
    hasty.fault("order/create", TROUBLES[name].accepted())
    assert hasty.ledger(code=9)["outcome"] == "unknown"
    assert hasty.resume()["state"] == "done"
    hasty.check_true()
    hasty.apply()
    assert hasty.sent() == 1
    assert len(hasty.ours()) == 1


def test_success_without_an_id_is_no_success(bybit: BybitRound) -> None:
    bybit.naked()
    bybit.fault("order/create", Fault.WITHOUT_ID)
    last = bybit.ledger(code=9)
    assert last["note"] == "Bybit answered with success and without an order id"
    assert bybit.resume()["state"] == "done"
    bybit.check_true()


@pytest.mark.parametrize("number", [110072, 12141, 10014])
def test_a_duplicate_is_the_order_that_is_there_already(bybit: BybitRound, number: int) -> None:
    bybit.naked()
    bybit.fault("order/create", code(number, accepted=True))
    last = bybit.ledger()
    assert (last["outcome"], last["note"]) == ("done", f"already done ({number})")
    bybit.check_true()
    assert len(bybit.ours()) == 1


# --- while cancelling -----------------------------------------------------------------------------


@pytest.mark.parametrize("number", [110001, 110008, 110010])
def test_too_late_to_cancel_what_is_gone_is_done(bybit: BybitRound, number: int) -> None:
    bybit.orphaned()
    bybit.fault("order/cancel", code(number, accepted=True))
    assert bybit.ledger()["note"] == f"already done ({number})"
    bybit.check_true()
    assert bybit.stops() == []


@pytest.mark.parametrize("number", [110001, 110008, 110010, 10006])
def test_a_cancel_that_was_refused_leaves_the_order_to_the_next_plan(
    bybit: BybitRound, number: int
) -> None:
    bybit.orphaned()
    bybit.fault("order/cancel", code(number))
    last = bybit.ledger(code=9)
    assert last["outcome"] == "failed"
    assert words(str(number)) in last["note"]
    assert len(bybit.stops()) == 1
    bybit.home.must("safe-mode", "off", "--reason", "looked", "--confirm", "off", "--quiet")
    bybit.apply()
    assert bybit.stops() == []
    bybit.check_true()


@pytest.mark.parametrize("name", ["10000", "10016", "170032", "5004", "truncated", "HTML", "503"])
@pytest.mark.parametrize("arrived", [True, False], ids=["arrived", "lost"])
def test_a_cancel_of_unclear_outcome_is_settled_to_the_truth(
    bybit: BybitRound, name: str, arrived: bool
) -> None:
    bybit.orphaned()
    fault = TROUBLES[name]
    bybit.fault("order/cancel", fault.accepted() if arrived else fault.not_accepted())
    assert bybit.ledger(code=9)["outcome"] == "unknown"
    bybit.let_pass(seconds=QUARANTINE)
    assert bybit.resume()["state"] == ("done" if arrived else "failed")
    bybit.apply()
    bybit.check_true()
    assert bybit.stops() == []


# --- keys and clocks ------------------------------------------------------------------------------


def test_a_wrong_secret_is_said_to_be_one(bybit: BybitRound) -> None:
    home = bybit.home
    bybit.naked()
    home.write_secret(SECRET_FILE, "not-the-one")
    told = home.must("plan", code=10).out
    assert "10004: error sign!" in told
    assert "not-the-one" not in told
    doctor = home.must("doctor", code=10).out
    assert "check api_key and api_secret" in doctor
    home.write_secret(SECRET_FILE, bybit.venue.api_secret)
    bybit.apply()
    bybit.check_true()


def test_a_secret_that_is_not_there_says_where_it_was_looked_for(
    bybit: BybitRound, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = bybit.home
    (home.root / SECRET_FILE).unlink()
    assert f"{SECRET_FILE} does not exist" in home.must("plan", code=10).out
    assert "put it there, or write in the configuration" in home.must("doctor", code=10).out
    home.write_secret(SECRET_FILE, bybit.venue.api_secret)
    (home.root / SECRET_FILE).chmod(0o644)
    assert f"next: chmod 600 {home.root / SECRET_FILE}" in home.must("snapshot", code=10).err
    (home.root / SECRET_FILE).chmod(0o600)
    monkeypatch.delenv("BYBIT_API_KEY")
    assert "env:BYBIT_API_KEY is empty or not set" in home.must("plan", code=10).out


def finding(bybit: BybitRound, what: str, *, exit_code: int = 0) -> dict[str, Any]:
    """One line of doctor's; there is exactly one of each name."""
    lines = bybit.home.json("doctor", code=exit_code)["findings"]
    (found,) = [line for line in lines if line["what"] == f"account {NAME} {what}"]
    line: dict[str, Any] = found
    return line


def test_doctor_has_nothing_to_say_twice(bybit: BybitRound) -> None:
    names = [line["what"] for line in bybit.home.json("doctor")["findings"]]
    assert sorted(names) == sorted(set(names))


def test_a_clock_that_is_off_is_told_before_it_matters(bybit: BybitRound) -> None:
    bybit.do(lambda v: v.exchange.clock.skew(3))
    line = finding(bybit, "clock")
    assert (line["verdict"], line["remedy"]) == ("warn", "synchronise the clock (ntp)")
    assert line["told"].startswith(("+3.", "+2.9"))
    bybit.naked()
    bybit.apply()
    bybit.check_true()


def test_a_clock_too_far_off_is_the_remedy_not_the_key(bybit: BybitRound) -> None:
    bybit.do(lambda v: v.exchange.clock.skew(8))
    assert "10002" in bybit.home.must("plan", code=10).out
    assert finding(bybit, "clock", exit_code=10)["verdict"] == "warn"
    assert finding(bybit, "key", exit_code=10)["remedy"] == "synchronise the clock (ntp)"


def read_only(venue: BybitVenue) -> None:
    """The key was made for reading: it says so, and its orders are refused."""
    answered = venue.success

    def success(result: Any, call: Any) -> Any:
        if call.endpoint == "user/query-api":
            result = result | {"readOnly": 1}
        return answered(result, call)

    venue.success = success  # type: ignore[method-assign]
    venue.faults.always("order/create", code(10005))


def test_a_key_that_may_only_read_is_told_before_it_matters(bybit: BybitRound) -> None:
    bybit.do(read_only)
    line = finding(bybit, "key")
    assert (line["verdict"], line["told"]) == ("warn", "it may only read: nothing can be traded")
    assert line["remedy"] == "edit the API key at Bybit"
    bybit.naked()
    told = bybit.apply(code=9)
    assert f"rejected by the venue: {words('10005')}" in told.out
    assert "SAFE_MODE is on until a person has looked" in told.err
    # The facts were recorded all the same.
    bybit.home.must("verify", code=3)
    assert len(bybit.home.rows("SELECT * FROM executions")) == 1
