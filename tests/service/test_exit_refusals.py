"""The reasons against an exit that its other flows do not meet, each at the running service.

Nothing is sent, the trade stays open and keeps its stop; what stood in the way goes, and so does
the trade.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from core.decide.exits.reasons import EXIT_REASONS
from core.domain.exit import ExitCause, ExitState
from core.domain.moment import moment_text
from tests.home import HomeUnderTest
from tests.service import test_exit_flows as flows
from tests.service import test_exit_flows_orders as orders
from tests.service.records import at_venue
from tests.service.running import signal, submit
from tests.service.test_exit_flows import FLOOR, TARGET, Flow, flow
from tests.service.test_exits import exits, fail_next, life, trade
from tests.service.test_signals_to_orders import stops
from tests.service.test_trailing import quote

# A fixture of its neighbour.
__all__ = ["flow"]


def check_untouched(home: HomeUnderTest) -> None:
    assert [row["side"] for row in at_venue(home)] == ["buy"]
    assert (trade(home)["status"], life(home)["state"], len(stops(home))) == ("OPEN", "open", 1)


def test_the_last_minutes_of_the_session_belong_to_stops(flow: Flow) -> None:
    """The target is hit in them, and once more; then the price falls to the floor."""
    flow.home.set_in("POSITIONS", trail="false")
    flow.enter(**TARGET, **FLOOR)
    now = flow.time.now()
    start, end = now - timedelta(hours=1), now + timedelta(minutes=4)
    flow.home.set_in("EXITS", windows=f'["main mon-sun {start:%H:%M}-{end:%H:%M} UTC"]')
    for price in ("100.6", "101.5"):
        quote(flow.home, price)
        flow.serve_for(40)
        assert (flow.states, flow.outcomes) == (["REJECTED"], ["WINDOW_ENDING"]), price
    check_untouched(flow.home)
    quote(flow.home, "99.4")
    flow.serve_until(lambda: flow.is_left)
    assert flow.states == ["REJECTED", "FILLED"]
    flow.left_once(cause="STOP_LOSS", reason="stop_loss")


def test_a_person_is_refused_while_another_exit_waits_for_its_next_try(flow: Flow) -> None:
    flow.home.set_in("EXITS", retry_base_seconds="20")
    flow.enter(**FLOOR)
    fail_next(flow.home, on="place", kind="reject")
    quote(flow.home, "99.4")
    flow.serve_until(lambda: [row["tries"] for row in exits(flow.home)] == [2])
    assert flow.ask(approved=False) is ExitState.PENDING
    flow.serve_until(lambda: flow.states[1:] == ["REJECTED"])
    assert flow.outcomes[1] == "EXIT_PENDING"
    flow.serve_until(lambda: flow.is_left)
    assert flow.states == ["FILLED", "REJECTED"]
    flow.left_once(cause="STOP_LOSS", reason="stop_loss")


def test_without_a_price_no_limit_is_sent_and_with_one_it_is(flow: Flow) -> None:
    """The venue answers, and tells neither bid nor ask."""
    flow.home.set_in("EXITS", max_holding_minutes="1")
    flow.enter()
    assert flow.ask(ExitCause.TIME_BASED, approved=False) is ExitState.PENDING
    silence(flow.home)
    flow.serve_for(60)
    assert (flow.states, flow.outcomes) == (["REJECTED"], ["NO_PRICE"])
    check_untouched(flow.home)
    quote(flow.home, "100")
    flow.serve_until(lambda: flow.is_left)
    assert flow.states == ["REJECTED", "FILLED"]
    flow.left_once(cause="TIME_BASED", reason="time_based")


def silence(home: HomeUnderTest) -> None:
    document = home.account
    document["quotes"] = [{**row, "bid": None, "ask": None} for row in document["quotes"]]
    home.rewrite_account(document)


def test_a_trade_smaller_than_the_venues_least_order_is_asked_about_once(flow: Flow) -> None:
    """NEWBUY of 5 and REBUY of 3, of which the higher floor is reached; the least is four."""
    flow.home.set_in("EXECUTION", scale_in="true")
    flow.enter(**FLOOR | {"effective_floor": 98})
    submit(flow.home, signal(amount=300, timestamp=moment_text(flow.time.now()), **FLOOR))
    flow.serve_until(lambda: [row["quantity"] for row in stops(flow.home)] == ["8"])
    least = smallest(flow.home, "4")
    for price in ("99.4", "98.5"):
        quote(flow.home, price)
        flow.serve_for(60)
        assert (flow.states, flow.outcomes) == (["REJECTED"], ["BELOW_MINIMUM"]), price
    assert [row["status"] for row in orders.trades(flow.home)] == ["OPEN", "OPEN"]
    assert [row["quantity"] for row in stops(flow.home)] == ["8"]
    smallest(flow.home, least)
    flow.serve_until(lambda: [row["quantity"] for row in stops(flow.home)] == ["5"])
    assert [row["status"] for row in orders.trades(flow.home)] == ["OPEN", "CLOSED"]
    assert [row["side"] for row in at_venue(flow.home)] == ["buy", "buy", "sell"]


def smallest(home: HomeUnderTest, quantity: Any) -> Any:
    """The least that one order may be for; what it was before."""
    document = home.account
    (row,) = [each for each in document["instruments"] if each["symbol"] == "BTCUSDT"]
    before, row["min_quantity"] = row["min_quantity"], quantity
    home.rewrite_account(document)
    return before


def test_a_person_who_wants_less_than_can_be_traded_is_told_so(flow: Flow) -> None:
    flow.enter()
    said = flow.home.must(
        "close", "BTCUSDT", "--quantity", "0.00000001", "--confirm", "BTCUSDT", code=7
    )
    assert "BELOW_MINIMUM: " in said.err
    assert flow.states == ["REJECTED"]
    check_untouched(flow.home)


def test_an_exit_that_would_add_to_the_trade_is_never_sent(flow: Flow) -> None:
    """Somebody was at the book with a shell."""
    flow.enter()
    assert flow.ask(approved=False) is ExitState.PENDING
    flow.home.execute("update exit_intents set side = 'buy'")
    flow.serve_for(60)
    assert (flow.states, flow.outcomes) == (["REJECTED"], ["WRONG_DIRECTION"])
    check_untouched(flow.home)


def test_a_person_does_not_leave_by_an_account_that_is_switched_off(flow: Flow) -> None:
    flow.enter()
    config = flow.home.config_file
    config.write_text(config.read_text().replace("enabled: true", "enabled: false"))
    said = flow.home.must("close", "BTCUSDT", "--account", "main", "--confirm", "BTCUSDT", code=7)
    assert "ACCOUNT_DISABLED: " in said.err
    assert flow.states == ["REJECTED"]
    check_untouched(flow.home)


# --- the list -------------------------------------------------------------------------------------

# Where the service, or a command, is seen to refuse an exit for it.
SHOWN: dict[str, Callable[..., None]] = {
    "EXIT_COOLDOWN_ACTIVE":
        flows.test_a_second_exit_is_refused_while_the_first_one_cools_also_after_a_restart,
    "ACCOUNT_DISABLED": test_a_person_does_not_leave_by_an_account_that_is_switched_off,
    "ACCOUNT_UNREACHABLE": flows.test_a_known_outage_refuses_what_asks_and_the_trade_stays_open,
    "TRADE_CLOSED": orders.test_a_limit_that_fills_while_it_is_taken_back_was_the_exit,
    "NOT_OURS": flows.test_what_somebody_else_entered_is_asked_about_once_and_left_alone,
    "WRONG_DIRECTION": test_an_exit_that_would_add_to_the_trade_is_never_sent,
    "EXIT_PENDING": test_a_person_is_refused_while_another_exit_waits_for_its_next_try,
    "WINDOW_CLOSED": flows.test_a_market_that_is_closed_is_waited_for,
    "WINDOW_ENDING": test_the_last_minutes_of_the_session_belong_to_stops,
    "PORTFOLIO_FROZEN": flows.test_a_frozen_account_is_asked_once_and_again_when_it_is_lifted,
    "NO_PRICE": test_without_a_price_no_limit_is_sent_and_with_one_it_is,
    "BELOW_MINIMUM": test_a_trade_smaller_than_the_venues_least_order_is_asked_about_once,
}  # fmt: skip


def test_every_reason_is_shown_from_end_to_end() -> None:
    assert set(SHOWN) == set(EXIT_REASONS)
