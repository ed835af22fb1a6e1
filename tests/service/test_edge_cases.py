"""Edge cases of the order manager: signals that repeat, conflict, come late or ask for too much."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.domain.moment import moment_text
from tests.home import HomeUnderTest
from tests.rounds.bybit_round import BybitRound
from tests.service.records import (
    alerts,
    at_venue,
    because,
    begun,
    carried_out,
    events,
    held,
    holding,
    intent,
    live_at_venue,
    logged,
    market,
    order,
    orders,
    placed,
    reasons,
    resting,
    state,
    status,
    told,
)
from tests.service.running import Running, signal, submit, with_service
from tests.venues.faults import Fault


def ago(seconds: float) -> str:
    return moment_text(datetime.now(UTC) - timedelta(seconds=seconds))


async def refused(running: Running, count: int) -> None:
    await running.until(
        lambda: len(events(running.home, "signal.rejected")) == count, f"{count} refused"
    )


def test_edge_04_the_same_signal_id_again(home: HomeUnderTest) -> None:
    """While it is under way, and after it was carried out; another content is a dead letter."""
    asked, other = resting(59_000), None
    other = {**asked, "amount": 900}

    async def story(running: Running) -> None:
        await placed(running, asked)
        submit(home, asked)
        await refused(running, 1)
        market(home).move_quote("BTCUSDT", Decimal(58_990))
        await running.settled(asked["signal_id"])
        submit(home, asked, other)
        await refused(running, 3)

    with_service(home, story)
    assert begun(home) == ["place_order"]
    (letter,) = home.rows("SELECT * FROM dead_letters")
    assert asked["signal_id"] in letter["body"]


def test_edge_10_confidence_below_the_threshold(home: HomeUnderTest) -> None:
    home.set_in("EXECUTION", min_confidence="0.6")
    below, at = signal(confidence=0.59), signal(confidence=0.6)
    carried_out(home, below, at)
    assert reasons(home, below) == ["confidence_too_low"]
    assert "confidence 0.59 is below 0.6" in home.must("history", below["signal_id"]).out
    assert state(home, at) == "FILLED"


def test_edge_11_the_price_moved_since_the_signal(home: HomeUnderTest) -> None:
    """Its own price counts, and the distance is warned of; an old one gives way to the quote."""
    moved = signal(market_data_snapshot={"price": 50_000, "spread": 1})
    old = signal(
        asset="ETHUSDT", timestamp=ago(120), market_data_snapshot={"price": 2_000, "spread": 1}
    )
    carried_out(home, moved, old)
    assert order(home, moved)["quantity"] == "0.006"
    assert intent(home, moved)["because"]["warnings"] == [
        "The price moved 20.0002 % since the signal: 50000 → 60000.1."
    ]
    assert "The signal's snapshot is too old" in because(home, old)
    assert order(home, old)["quantity"] == "0.09"


def test_edge_12_conflicting_directions_at_once(bybit: BybitRound) -> None:
    """The one that arrived first; the other then takes away what the first one bought."""
    bought, sold = signal(), signal(signal_type="sell")

    async def story(running: Running) -> None:
        submit(bybit.home, bought, sold)
        for each in (bought, sold):
            await running.settled(each["signal_id"])
        await held(running, "0")

    with_service(bybit.home, story)
    assert order(bybit.home, sold)["reduce_only"] == 1
    assert holding(bybit.home) == 0


def test_edge_13_a_signal_of_several_orders_of_which_one_is_refused(bybit: BybitRound) -> None:
    """What filled is held and protected; the rest is not sent, and the signal says both."""
    bybit.home.set_in("EXECUTION", enable_order_splitting="true", max_single_order_size="300")
    asked = signal(amount=900)
    bybit.do(
        lambda v: v.faults.next("order/create", Fault.refused(110007, "ab not enough"), after=1)
    )

    async def story(running: Running) -> None:
        submit(bybit.home, asked)
        await running.until(lambda: alerts(bybit.home, "signal_failed"), "told")
        await running.until(lambda: bybit.stops(), "a stop for what filled")

    with_service(bybit.home, story)
    assert [row["status"] for row in orders(bybit.home, asked)] == ["filled", "rejected"]
    assert [row["relationship_type"] for row in orders(bybit.home, asked)] == ["one_to_many"] * 2
    (told_people,) = alerts(bybit.home, "signal_failed")
    assert "110007" in told_people
    assert state(bybit.home, asked) == "FILLED"
    assert status(bybit.home, asked) == "done"
    bybit.check_true()


def test_edge_13_parts_that_rest_do_not_cancel_each_other(bybit: BybitRound) -> None:
    bybit.home.set_in("EXECUTION", enable_order_splitting="true", max_single_order_size="300")
    asked, newer = resting(59_000, amount=900), resting(58_000)

    async def story(running: Running) -> None:
        await placed(running, asked)
        assert [each.open for each in bybit.ours()] == [True] * 3
        await placed(running, newer)

    with_service(bybit.home, story)
    # The last one that is left is not cancelled but amended, and stands for both signals.
    (left,) = [each for each in bybit.ours() if each.open]
    assert str(left.price) == "58000"
    assert begun(bybit.home)[3:] == ["cancel_order", "cancel_order", "amend_order"]
    assert order(bybit.home, newer)["order_id"] in {
        row["order_id"] for row in orders(bybit.home, asked)
    }


def test_edge_15_a_signal_from_too_long_ago(home: HomeUnderTest) -> None:
    """Late is told and carried out; older than it may be is refused on arrival."""
    late, stale = signal(timestamp=ago(200)), signal(timestamp=ago(301))

    async def story(running: Running) -> None:
        submit(home, stale)
        await refused(running, 1)
        await told(running, late)

    with_service(home, story)
    (letter,) = home.rows("SELECT * FROM dead_letters")
    assert stale["signal_id"] in letter["body"]
    assert state(home, late) == "FILLED"
    assert [line["signal_id"] for line in logged(home, "signal_late")] == [late["signal_id"]]


def test_edge_16_several_limits_at_once_are_all_told(home: HomeUnderTest) -> None:
    home.set_in("RISK", max_order_size="100", max_exposure="100", max_position_size="0.001")
    asked = signal()
    carried_out(home, asked)
    assert len(reasons(home, asked)) == len(alerts(home, "risk_limit_violated")) == 3
    assert status(home, asked) == "failed"
    (row,) = home.rows("SELECT reason FROM signals")
    assert all(code in row["reason"] for code in reasons(home, asked))


def test_edge_19_positions_and_waiting_orders_count_against_the_size(home: HomeUnderTest) -> None:
    home.set_in("RISK", max_position_size="0.01")
    home.set_in("EXECUTION", scale_in="true", cancel_opposite_orders_only="true")
    first, waiting, last = signal(), resting(59_000), signal()

    async def story(running: Running) -> None:
        await told(running, first)
        await held(running, "0.004")
        await placed(running, waiting)
        await told(running, last)

    with_service(home, story)
    assert reasons(home, last) == ["risk_max_position_size"]
    assert "0.013 would exceed 0.01" in home.must("history", last["signal_id"]).out


# --- gates ----------------------------------------------------------------------------------------


def test_safe_mode_holds_a_signal_until_it_expires_and_says_so_once(home: HomeUnderTest) -> None:
    home.set(SAFE_MODE="true")
    home.set_in("SIGNALS", max_signal_age_seconds="5")
    asked = signal()
    carried_out(home, asked)
    assert at_venue(home) == []
    assert (state(home, asked), status(home, asked)) == ("FAILED", "failed")
    (blocked,) = alerts(home, "order_blocked_safe_mode")
    assert "BTCUSDT buy waits" in blocked
    (failed,) = alerts(home, "signal_failed")
    assert "expired at" in failed


def test_safe_mode_lifted_in_time_lets_the_signal_go(home: HomeUnderTest) -> None:
    home.sentinel.touch()
    asked = signal()

    async def story(running: Running) -> None:
        submit(home, asked)
        await running.until(lambda: alerts(home, "order_blocked_safe_mode"), "blocked")
        home.sentinel.unlink()
        await running.settled(asked["signal_id"])

    with_service(home, story)
    assert state(home, asked) == "FILLED"
    assert len(at_venue(home)) == 1


def test_an_unarmed_service_sends_nothing(bybit: BybitRound) -> None:
    bybit.home.set(DRY_RUN_CONFIRM="false")
    bybit.home.set_in("SIGNALS", max_signal_age_seconds="5")
    asked = signal()
    carried_out(bybit.home, asked)
    assert bybit.sent() == 0
    assert state(bybit.home, asked) == "FAILED"
    assert len(alerts(bybit.home, "review_needed")) >= 1


@pytest.mark.parametrize(
    ("rule", "ended", "quantity"),
    [("simulate", "SIMULATED", "0.004"), ("execute", "FILLED", "0.004"),
     ("minimum_size", "FILLED", "0.001")],
)  # fmt: skip
def test_warm_up_signals_follow_their_rule(
    home: HomeUnderTest, rule: str, ended: str, quantity: str
) -> None:
    home.set_in("EXECUTION", warmup=rule)
    asked = signal(is_warmup=True)
    carried_out(home, asked)
    assert state(home, asked) == ended
    row = order(home, asked)
    assert row["quantity"] == quantity
    assert len(at_venue(home)) == (rule != "simulate")
    assert (row["status"] == "dry_run") == (rule == "simulate")
    assert len(logged(home, "[DRY-RUN]")) == (rule == "simulate")


def test_a_stale_order_is_cancelled_after_its_time(home: HomeUnderTest) -> None:
    home.set_in("EXECUTION", cancel_stale_order_timeout="1", reconcile_interval="1")
    asked = resting(59_000)

    async def story(running: Running) -> None:
        await placed(running, asked)
        await running.settled(asked["signal_id"])

    with_service(home, story)
    assert state(home, asked) == "CANCELLED"
    assert live_at_venue(home) == []
