"""User story 4 of the order manager: what must not happen never reaches the venue."""

from decimal import Decimal
from typing import Any

import pytest

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
    market,
    order,
    placed,
    reasons,
    resting,
    state,
    status,
    told,
)
from tests.service.running import Running, signal, submit, with_service


def test_4_1_an_order_beyond_the_balance_is_refused_before_it_is_sent(bybit: BybitRound) -> None:
    bybit.home.set_in("RISK", max_order_size_ratio="0", max_exposure="0", max_position_size="0")
    asked = signal(amount=200_000)
    carried_out(bybit.home, asked)
    assert reasons(bybit.home, asked) == ["insufficient_balance"]
    assert status(bybit.home, asked) == "failed"
    assert bybit.sent() == 0


def test_4_1_without_the_check_bybit_refuses_it(bybit: BybitRound) -> None:
    """Ten times the balance at leverage ten, and the fee on top."""
    bybit.home.set_in("RISK", max_order_size_ratio="0", max_exposure="0", max_position_size="0")
    bybit.home.set_in("EXECUTION", enable_balance_check="false")
    asked = signal(amount=1_000_000)
    carried_out(bybit.home, asked)
    assert (bybit.sent(), bybit.ours()) == (1, [])
    assert (state(bybit.home, asked), status(bybit.home, asked)) == ("FAILED", "failed")
    assert order(bybit.home, asked)["status"] == "rejected"
    (told_people,) = alerts(bybit.home, "signal_failed")
    assert "110007" in told_people
    assert "110007" in bybit.home.must("history", asked["signal_id"]).out
    assert "110007" in bybit.home.must("signals").out


INVALID: list[dict[str, Any]] = [
    {"amount": -100},
    {"amount": 0},
    {"amount": "NaN"},
    {"confidence": 1.5},
    {"signal_type": "hold"},
    {"asset": ""},
    {"asset": None},
    {"signal_id": "not-a-uuid"},
]


@pytest.mark.parametrize("given", INVALID, ids=str)
def test_4_2_invalid_parameters_are_refused_before_any_call(
    home: HomeUnderTest, given: dict[str, Any]
) -> None:
    async def story(running: Running) -> None:
        await running.ready()
        submit(home, signal(**given))
        await running.until(lambda: home.rows("SELECT * FROM dead_letters"), "its dead letter")

    with_service(home, story)
    (letter,) = home.rows("SELECT * FROM dead_letters")
    assert next(iter(given)) in letter["reason"]
    assert home.rows("SELECT * FROM trade_intents") == []
    assert home.rows("SELECT * FROM journal") == []
    assert len(events(home, "signal.rejected")) == 1


def test_4_2_an_asset_that_does_not_exist_is_refused(bybit: BybitRound) -> None:
    asked = signal(asset="NOPEUSDT")
    carried_out(bybit.home, asked)
    assert reasons(bybit.home, asked) == ["unknown_asset"]
    assert bybit.sent() == 0


def test_4_2_an_asset_that_is_not_on_the_list_is_refused_without_asking(
    bybit: BybitRound,
) -> None:
    bybit.home.set_in("SIGNALS", assets="[ETHUSDT]")

    async def story(running: Running) -> None:
        submit(bybit.home, signal())
        await running.until(
            lambda: bybit.home.rows("SELECT * FROM dead_letters"), "its dead letter"
        )

    with_service(bybit.home, story)
    assert bybit.home.rows("SELECT * FROM signal_deliveries") == []
    assert bybit.sent() == 0


LIMITS = {
    "max_position_size": "0.003",
    "max_exposure": "200",
    "max_order_size": "200",
    "max_order_size_ratio": "0.02",
    "max_daily_volume": "200",
}


@pytest.mark.parametrize("name", LIMITS)
def test_4_3_an_order_beyond_a_limit_is_rejected(home: HomeUnderTest, name: str) -> None:
    home.set_in("RISK", **{name: LIMITS[name]})
    asked = signal()
    carried_out(home, asked)
    assert reasons(home, asked) == [f"risk_{name}"]
    assert at_venue(home) == []
    (told_people,) = alerts(home, "risk_limit_violated")
    assert asked["signal_id"] in told_people and name in told_people


def test_4_3_the_days_volume_counts_contracts_at_their_size(home: HomeUnderTest) -> None:
    """A future of 50 times 6000: one contract has been traded, and half the limit is gone."""
    home.set_in("RISK", max_daily_volume="500000", max_order_size_ratio="0", max_exposure="0")
    future = next(row["symbol"] for row in home.account["quotes"] if row["symbol"][:2] == "ES")
    home.set_in("RISK", max_position_size="0")
    first = signal(asset=future, amount=300_100, leverage=10)
    second = signal(asset="SPY", amount=300_000, leverage=10)

    async def story(running: Running) -> None:
        await told(running, first)
        await held(running, "1", future)
        await told(running, second)

    with_service(home, story)
    assert state(home, first) == "FILLED"
    assert reasons(home, second) == ["risk_max_daily_volume"]


@pytest.mark.parametrize("name", LIMITS)
def test_4_3_or_adjusted(home: HomeUnderTest, name: str) -> None:
    home.set_in("RISK", **{name: LIMITS[name]}, on_violation="shrink")
    asked = signal()
    carried_out(home, asked)
    assert order(home, asked)["quantity"] == "0.003"


def test_4_3_too_many_open_orders(home: HomeUnderTest) -> None:
    home.set_in("RISK", max_open_orders="1", on_violation="shrink")
    first, second = resting(59_000), signal(asset="ETHUSDT")

    async def story(running: Running) -> None:
        await placed(running, first)
        await told(running, second)

    with_service(home, story)
    assert reasons(home, second) == ["risk_max_open_orders"]


def test_4_3_no_limit_holds_up_an_exit(home: HomeUnderTest) -> None:
    """The limits are set after the position was opened; all of them are exceeded."""
    bought = signal()
    sold = signal(signal_type="sell", intent="close")

    async def opening(running: Running) -> None:
        await told(running, bought)
        await held(running, "0.004")

    async def closing(running: Running) -> None:
        await told(running, sold)
        await held(running, "0")

    with_service(home, opening)
    tiny = dict.fromkeys(LIMITS, "0.000001")
    home.set_in("RISK", **tiny, max_daily_loss="0.000001", cooldown_after_loss_seconds="3600")
    home.execute(
        "INSERT INTO halts (halt_id, account, kind, reason, since)"
        " VALUES ('h-1', 'main', 'liquidation', 'test', '2026-01-05T12:00:00Z')"
    )
    with_service(home, closing)
    assert state(home, sold) == "FILLED"
    assert order(home, sold)["reduce_only"] == 1


def test_4_3_a_reversal_that_may_not_open_closes_all_the_same(home: HomeUnderTest) -> None:
    """Getting out is allowed whatever stands against getting in; both is told."""
    home.set_in("EXECUTION", allow_reverse="true")
    bought, sold = signal(), signal(signal_type="sell", amount=600)

    async def opening(running: Running) -> None:
        await told(running, bought)
        await held(running, "0.004")

    async def reversing(running: Running) -> None:
        await told(running, sold)
        await held(running, "0")

    with_service(home, opening)
    home.set_in("RISK", max_order_size="500")
    with_service(home, reversing)
    assert state(home, sold) == "FILLED"
    row = order(home, sold)
    assert (row["quantity"], row["reduce_only"], row["relationship_type"]) == (
        "0.004",
        1,
        "one_to_one",
    )
    assert "The other way is not opened: max_order_size" in because(home, sold)
    (told_people,) = alerts(home, "risk_limit_violated")
    assert "max_order_size" in told_people


def test_4_3_a_days_loss_stops_entries_until_a_person_lifts_it(home: HomeUnderTest) -> None:
    """And what is lost from then on counts, not what was lost before."""
    home.set_in("RISK", max_daily_loss="5")

    async def lose(running: Running, quantity: str = "0.004") -> None:
        await told(running, signal())
        await held(running, quantity)
        market(home).move_quote("BTCUSDT", Decimal(58_600))
        await told(running, signal(signal_type="sell", intent="close"))
        await held(running, "0")
        market(home).move_quote("BTCUSDT", Decimal(60_000))

    refused, allowed = signal(), signal()

    async def losing(running: Running) -> None:
        await lose(running)
        await told(running, refused)

    home.set_in("POSITIONS", require_stop="false")
    with_service(home, losing)
    assert set(reasons(home, refused)) == {"entries_halted", "risk_max_daily_loss"}
    assert len([each for each in alerts(home, "risk_limit_violated") if "lost on" in each]) == 1
    home.must("risk", "reset", "--account", "main", "--reason", "seen", "--confirm", "main")

    async def afterwards(running: Running) -> None:
        await told(running, allowed)
        await held(running, "0.004")
        await told(running, signal(signal_type="sell", intent="close"))
        await held(running, "0")

    with_service(home, afterwards)
    assert state(home, allowed) == "FILLED"
    # Fees are losses, too, but not five dollars of them.
    assert home.json("risk", "status")["halts"] == []

    again = signal()

    async def once_more(running: Running) -> None:
        await lose(running)
        await told(running, again)

    with_service(home, once_more)
    assert set(reasons(home, again)) == {"entries_halted", "risk_max_daily_loss"}


def test_4_4_conflicting_signals_are_queued_and_duplicates_refused(bybit: BybitRound) -> None:
    bought, sold = signal(), signal(signal_type="sell")

    async def story(running: Running) -> None:
        submit(bybit.home, bought, sold, bought, sold)
        for each in (bought, sold):
            await running.settled(each["signal_id"])
        await running.until(
            lambda: len(events(bybit.home, "signal.rejected")) == 2, "both duplicates refused"
        )
        await running.until(
            lambda: len(bybit.home.rows("SELECT * FROM executions")) == 2, "both booked"
        )

    with_service(bybit.home, story)
    assert begun(bybit.home) == ["place_order", "place_order"]
    first, second = (order(bybit.home, each) for each in (bought, sold))
    assert (first["side"], first["reduce_only"]) == ("buy", 0)
    assert (second["side"], second["reduce_only"]) == ("sell", 1)


@pytest.mark.parametrize("resting_at", [None, {"BTCUSDT": 49_000, "ETHUSDT": 2_900}])
def test_signals_of_one_moment_count_towards_each_other(
    bybit: BybitRound, resting_at: dict[str, int] | None
) -> None:
    """Each symbol is decided in a lane of its own, and the limit is one of the account."""
    bybit.home.set_in("RISK", max_exposure="400", max_order_size_ratio="0")
    asked = [
        resting(resting_at[asset], asset=asset) if resting_at else signal(asset=asset)
        for asset in ("BTCUSDT", "ETHUSDT")
    ]

    async def story(running: Running) -> None:
        await running.ready()
        submit(bybit.home, *asked)
        await running.until(lambda: len(decided(bybit.home)) == 2, "both are decided")

    with_service(bybit.home, story)
    (against,) = [reasons(bybit.home, each) for each in asked if reasons(bybit.home, each)]
    assert against == ["risk_max_exposure"]
    assert len(bybit.trades()) == 1


def decided(home: HomeUnderTest) -> list[dict[str, Any]]:
    return home.rows("SELECT * FROM trade_intents WHERE state <> 'APPROVED'")
