"""User story 1 of the order manager, scenarios 10 to 18: many signals, limits, restarts."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.domain.moment import moment_text
from core.domain.order import OrderRequest, OrderType, Side
from tests.home import HomeUnderTest, is_live
from tests.rounds.bybit_round import BUY, BybitRound
from tests.service.records import (
    alerts,
    at_venue,
    because,
    begun,
    carried_out,
    events,
    held,
    holding,
    live_at_venue,
    logged,
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


def ago(seconds: float) -> str:
    return moment_text(datetime.now(UTC) - timedelta(seconds=seconds))


def sequence(home: HomeUnderTest) -> list[str]:
    """The signals in the order in which their orders were begun."""
    rows = home.rows("SELECT signal_id FROM orders WHERE signal_id IS NOT NULL ORDER BY rowid")
    return [row["signal_id"] for row in rows]


def test_1_10_signals_are_carried_out_in_the_order_of_their_arrival(home: HomeUnderTest) -> None:
    """The later one of the two came first; the other is told as late, and still good."""
    home.set_in("EXECUTION", scale_in="true")
    newer, older = signal(timestamp=ago(1)), signal(timestamp=ago(60))

    async def story(running: Running) -> None:
        submit(home, newer, older)
        await running.settled(newer["signal_id"])
        await running.settled(older["signal_id"])

    with_service(home, story)
    assert sequence(home) == [newer["signal_id"], older["signal_id"]]
    (line,) = logged(home, "signal_late")
    assert line["signal_id"] == older["signal_id"]
    assert line["seconds"] >= 60


def test_1_11_simultaneous_signals_of_an_asset_queue_and_others_pass(home: HomeUnderTest) -> None:
    """The second one meets the position that the first one has made."""
    first, second = signal(), signal(signal_type="sell", amount=10_000)
    home.set_in("RISK", max_order_size_ratio="0")
    other = signal(asset="ETHUSDT")

    async def story(running: Running) -> None:
        submit(home, first, second, other)
        for each in (first, second, other):
            await running.settled(each["signal_id"])
        await held(running, "0")

    with_service(home, story)
    assert order(home, second)["reduce_only"] == 1
    assert order(home, second)["quantity"] == order(home, first)["quantity"]
    assert state(home, other) == "FILLED"


def test_1_12_a_signal_beyond_a_limit_is_rejected_and_told(home: HomeUnderTest) -> None:
    home.set_in("RISK", max_order_size="100", max_exposure="200")
    asked = signal()
    carried_out(home, asked)
    assert reasons(home, asked) == ["risk_max_exposure", "risk_max_order_size"]
    assert at_venue(home) == []
    exposure, size = alerts(home, "risk_limit_violated")
    assert exposure == f"signal {asked['signal_id']}: max_exposure: 240.0004 would exceed 200"
    assert "max_order_size: 240.0004 would exceed 100" in size
    history = home.must("history", asked["signal_id"]).out
    assert "risk_max_exposure" in history
    assert "risk_max_exposure" in home.must("signals").out


def test_1_12_or_shrunk_to_what_the_limits_leave(home: HomeUnderTest) -> None:
    home.set_in("RISK", max_order_size="200", on_violation="shrink")
    asked = signal(amount=600)
    carried_out(home, asked)
    # 600 would buy 0.009; 200 ÷ 60000.1 floored is 0.003.
    assert order(home, asked)["quantity"] == "0.003"
    assert "Shrunk to 0.003: max_order_size: 540.0009 would exceed 200." in because(home, asked)
    (line,) = alerts(home, "risk_limit_violated")
    assert "max_order_size: 540.0009 would exceed 200" in line


def test_1_13_a_new_signal_cancels_the_pending_orders_of_its_asset(home: HomeUnderTest) -> None:
    """Those of ours; what a person placed, and other assets, stay."""
    theirs = market(home).place(by_hand("BTCUSDT", 58_000))
    first, other = resting(59_000), resting(2_900, asset="ETHUSDT")
    last = signal()

    async def story(running: Running) -> None:
        await placed(running, first, other)
        await told(running, last)

    with_service(home, story)
    assert state(home, first) == "CANCELLED"
    assert status(home, first) == "done"
    there = {row["broker_order_id"]: row["status"] for row in home.broker_orders()}
    assert there[theirs.broker_order_id] == "open"
    assert [row["symbol"] for row in live_at_venue(home)] == ["ETHUSDT"]


def test_1_14_a_sell_cancels_the_buys_that_are_pending(home: HomeUnderTest) -> None:
    home.set_in("EXECUTION", cancel_opposite_orders_only="true")
    bought, sold = resting(59_000), resting(62_000, signal_type="sell")

    async def story(running: Running) -> None:
        await placed(running, bought, sold)

    with_service(home, story)
    assert begun(home) == ["place_order", "cancel_order", "place_order"]
    assert (state(home, bought), state(home, sold)) == ("CANCELLED", "PLACED")


def test_1_14_orders_of_one_side_stay_when_only_opposite_ones_go(home: HomeUnderTest) -> None:
    home.set_in("EXECUTION", cancel_opposite_orders_only="true")
    first, second = resting(59_000), resting(58_000)

    async def story(running: Running) -> None:
        await placed(running, first, second)

    with_service(home, story)
    assert [row["price"] for row in live_at_venue(home)] == ["59000", "58000"]


def test_1_15_a_market_signal_cancels_the_limits_that_are_pending(bybit: BybitRound) -> None:
    """One that has filled in part stays, and keeps what it has."""
    whole, partly = resting(59_000, asset="ETHUSDT"), resting(59_000)
    now = [signal(asset="ETHUSDT"), signal()]
    bybit.home.set_in("EXECUTION", scale_in="true")
    whole["market_data_snapshot"]["price"] = 2_900

    async def story(running: Running) -> None:
        await placed(running, whole, partly)
        key = order(bybit.home, partly)["order_id"]
        bybit.do(lambda v: v.exchange.fill(key, "0.002"))
        await held(running, "0.002")
        await told(running, *now)

    with_service(bybit.home, story)
    assert state(bybit.home, whole) == "CANCELLED"
    assert order(bybit.home, partly)["status"] == "partially_filled"
    assert {state(bybit.home, each) for each in now} == {"FILLED"}
    (left,) = [each for each in bybit.ours() if each.open and each.trigger is None]
    assert str(left.filled) == "0.002"


def test_1_16_a_restart_learns_what_happened_meanwhile_before_it_trades(
    bybit: BybitRound,
) -> None:
    """Filled, cancelled and traded by hand while nobody listened; then the next signal."""
    filled, cancelled = resting(59_000), resting(2_900, asset="ETHUSDT")
    after = signal()

    async def first(running: Running) -> None:
        await placed(running, filled, cancelled)

    async def second(running: Running) -> None:
        submit(bybit.home, after)
        await running.settled(after["signal_id"])

    with_service(bybit.home, first)
    keys = [order(bybit.home, each)["order_id"] for each in (filled, cancelled)]
    bybit.do(lambda v: v.exchange.fill(keys[0]))
    bybit.do(lambda v: v.exchange.cancel(v.exchange.order(keys[1])))
    bybit.trade("SOLUSDT", BUY, "1")
    with_service(bybit.home, second)
    assert (state(bybit.home, filled), state(bybit.home, cancelled)) == ("FILLED", "CANCELLED")
    assert holding(bybit.home) == Decimal("0.005")
    assert holding(bybit.home, "SOLUSDT") == Decimal(1)
    # It met the position that had filled meanwhile.
    assert reasons(bybit.home, after) == ["position_exists"]


def test_1_17_a_dry_run_decides_everything_and_sends_nothing(bybit: BybitRound) -> None:
    home = bybit.home
    home.set(DRY_RUN="true")
    asked, refused = signal(trace_id="trace-7"), signal(amount=1_000_000)
    carried_out(home, asked, refused)
    assert bybit.sent() == 0
    row = order(home, asked)
    assert (row["status"], row["origin"], row["quantity"]) == ("dry_run", "dry_run", "0.004")
    assert (state(home, asked), status(home, asked)) == ("SIMULATED", "done")
    assert "insufficient_balance" in reasons(home, refused)
    (line,) = logged(home, "[DRY-RUN]")
    assert line["event"] == "[DRY-RUN] buy 0.004 BTCUSDT market"
    assert (line["trace_id"], line["signal_id"]) == ("trace-7", asked["signal_id"])
    assert [each["correlation_id"] for each in events(home, "intent.simulated")] == [
        asked["signal_id"]
    ]


def test_1_18_a_position_is_stopped_out_at_the_venue_at_the_loss_that_was_set(
    home: HomeUnderTest,
) -> None:
    """8 percent ROE at leverage 10 are 0.8 percent of the price: 59520.1, sold when it is met."""
    asked = signal()

    async def story(running: Running) -> None:
        await told(running, asked)
        (stop,) = await running.until(lambda: stops(home), "its stop")
        assert (stop["trigger_price"], stop["quantity"]) == ("59520.1", "0.004")
        market(home).move_quote("BTCUSDT", Decimal(59_000))
        await held(running, "0")

    with_service(home, story)
    assert stops(home) == []
    home.must("verify")


def stops(home: HomeUnderTest) -> list[dict[str, Any]]:
    return [row for row in home.broker_orders() if row["type"] == "stop" and is_live(row)]


def by_hand(symbol: str, price: int) -> OrderRequest:
    """A limit order to buy that somebody enters on the venue's page."""
    return OrderRequest(
        symbol=symbol,
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal("0.01"),
        price=Decimal(price),
    )
