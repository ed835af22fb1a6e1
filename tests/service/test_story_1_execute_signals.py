"""User story 1 of the order manager, scenarios 1 to 9: a signal becomes the right order."""

from decimal import Decimal

from tests.home import HomeUnderTest
from tests.rounds.bybit_round import BybitRound
from tests.service.conftest import AtBybit
from tests.service.records import (
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
    moves,
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

# Spread of 1/6 percent: too wide for the market.
WIDE = {"price": 59990, "spread": 100, "orderbook_depth": {"bid_depth": 3, "ask_depth": 5}}


def test_1_1_a_buy_signal_becomes_an_order_at_bybit(bybit: BybitRound) -> None:
    asked = signal(amount=1000, confidence=0.85, market_data_snapshot=WIDE, trace_id="trace-1")

    async def story(running: Running) -> None:
        await placed(running, asked)

    with_service(bybit.home, story)
    (there,) = bybit.ours()
    ticket = there.ticket
    # 59990 − 100 × 0.5, and the amount in whole steps.
    assert (str(there.price), str(there.quantity)) == ("59940", "0.016")
    assert (ticket.time_in_force.value, ticket.reduce_only) == ("PostOnly", False)
    row = order(bybit.home, asked)
    assert (row["broker_order_id"], row["status"]) == (there.order_id, "open")
    assert (row["trace_id"], row["signal_id"]) == ("trace-1", asked["signal_id"])
    assert moves(bybit.home, row["order_id"]) == ["pending", "open"]
    told_others = events(bybit.home, "intent.approved", "order.pending", "order.open")
    assert [each["event_type"] for each in told_others] == [
        "intent.approved",
        "order.pending",
        "order.open",
    ]
    assert {each["trace_id"] for each in told_others} == {"trace-1"}


def test_1_2_a_sell_signal_is_held_against_position_and_balance(home: HomeUnderTest) -> None:
    bought, sold = signal(), signal(signal_type="sell", amount=120)

    async def story(running: Running) -> None:
        await told(running, bought)
        await held(running, "0.004")
        await told(running, sold)
        await held(running, "0.002")

    with_service(home, story)
    row = order(home, sold)
    # 120 ÷ 59999.9 floored to the step; it only takes away.
    assert (row["side"], row["quantity"], row["reduce_only"]) == ("sell", "0.002", 1)
    assert status(home, sold) == "done"
    assert events(home, "intent.filled")[-1]["correlation_id"] == sold["signal_id"]


def test_1_2_a_spot_account_cannot_sell_what_it_does_not_hold(bybit_spot: BybitRound) -> None:
    asked = signal(signal_type="sell")
    carried_out(bybit_spot.home, asked)
    assert reasons(bybit_spot.home, asked) == ["no_position_to_sell"]
    assert bybit_spot.sent() == 0


def test_1_2_a_spot_account_sells_what_the_fee_has_left(bybit_spot: BybitRound) -> None:
    """300 ÷ 60000.1 floored to 0.004999 BTC, of which the fee takes 0.000005."""
    home = bybit_spot.home
    bought, sold = signal(), signal(signal_type="sell", intent="close")

    async def story(running: Running) -> None:
        await told(running, bought)
        await held(running, "0.004994")
        await told(running, sold)
        await held(running, "0")

    with_service(home, story)
    row = order(home, sold)
    assert (row["quantity"], row["reduce_only"]) == ("0.004994", 0)
    bybit_spot.check_true()


def test_1_3_a_signal_beyond_the_balance_is_rejected_and_told(home: HomeUnderTest) -> None:
    home.set_in("RISK", max_order_size_ratio="0")
    asked = signal(amount=20_000)
    carried_out(home, asked)
    assert reasons(home, asked) == ["insufficient_balance"]
    assert at_venue(home) == []
    (line,) = logged(home, "intent_qualified")
    assert line["reasons"][0]["message"] == "it needs 19980.0333 USDT, available are 10000"
    (event,) = events(home, "intent.rejected")
    assert "insufficient_balance" in event["payload"]
    assert event["correlation_id"] == asked["signal_id"]


def test_1_4_a_newer_signal_amends_the_order_that_rests(bybit: BybitRound) -> None:
    first, second = resting(59000), resting(58500)

    async def story(running: Running) -> None:
        await placed(running, first, second)

    with_service(bybit.home, story)
    (there,) = bybit.ours()
    assert (str(there.price), str(there.quantity), there.open) == ("58500", "0.005", True)
    row = order(bybit.home, second)
    assert (row["relationship_type"], row["price"]) == ("many_to_one", "58500")
    assert order(bybit.home, first)["order_id"] == row["order_id"]
    assert begun(bybit.home) == ["place_order", "amend_order"]


def test_1_4_an_order_that_cannot_be_amended_is_replaced(home: HomeUnderTest) -> None:
    """From limit to market it is another kind of order."""
    first, second = resting(59000), signal()

    async def story(running: Running) -> None:
        await placed(running, first)
        await told(running, second)

    with_service(home, story)
    assert begun(home) == ["place_order", "cancel_order", "place_order"]
    assert [row["status"] for row in at_venue(home)] == ["cancelled", "filled"]
    assert (state(home, first), state(home, second)) == ("CANCELLED", "FILLED")


def test_1_5_the_market_snapshot_decides_type_and_price(home: HomeUnderTest) -> None:
    """Wide spread: a limit below the market; narrow spread: the market."""
    wide = signal(confidence=0.5, market_data_snapshot=WIDE)
    narrow = signal(confidence=0.5, market_data_snapshot={"price": 60000, "spread": 1.5})

    async def story(running: Running) -> None:
        await placed(running, wide)
        await told(running, narrow)

    with_service(home, story)
    row = order(home, wide)
    assert (row["order_type"], row["price"], row["time_in_force"]) == ("limit", "59940", "GTC")
    assert row["post_only"] == 1
    assert "Limit 59940: 0.5 of the spread below 59990." in because(home, wide)
    assert order(home, narrow)["order_type"] == "market"
    assert "the spread of 0.0025 % is below 0.1 %" in because(home, narrow)


def test_1_5_a_sell_rests_above_the_market(home: HomeUnderTest) -> None:
    asked = signal(
        signal_type="sell", confidence=0.5, market_data_snapshot={"price": 60000.05, "spread": 99.9}
    )

    async def story(running: Running) -> None:
        await placed(running, asked)

    with_service(home, story)
    # 60000.05 + 49.95 is on the tick already.
    row = order(home, asked)
    assert (row["price"], row["quantity"], row["reduce_only"]) == ("60050", "0.004", 0)


def test_1_6_an_amount_becomes_a_quantity_on_the_step(home: HomeUnderTest) -> None:
    asked = signal(asset="ETHUSDT", amount=123.45)
    small = signal(amount=59)
    carried_out(home, asked, small)
    row = order(home, asked)
    # 123.45 ÷ 3000.01 = 0.04114…
    assert (row["quantity"], row["allocation_quantity"]) == ("0.04", "0.04")
    assert Decimal(row["allocation_amount"]) == Decimal("0.04") * Decimal("3000.01")
    assert reasons(home, small) == ["below_minimum_quantity"]
    assert order(home, asked)["status"] == "filled"


def test_1_7_a_large_amount_is_split(home: HomeUnderTest) -> None:
    home.set_in("EXECUTION", enable_order_splitting="true", max_single_order_size="300")
    asked = signal(amount=1000)
    carried_out(home, asked)
    rows = orders(home, asked)
    assert [row["quantity"] for row in rows] == ["0.004", "0.004", "0.004", "0.004"]
    assert [row["execution_sequence"] for row in rows] == [1, 2, 3, 4]
    assert {row["relationship_type"] for row in rows} == {"one_to_many"}
    worth = sum(Decimal(row["allocation_amount"]) for row in rows)
    assert worth == Decimal("0.016") * Decimal("60000.1")
    assert len(at_venue(home)) == 4
    assert state(home, asked) == "FILLED"


def test_1_8_signals_of_one_direction_add_up_when_scaling_in_is_on(home: HomeUnderTest) -> None:
    home.set_in("EXECUTION", scale_in="true", max_scale_ins="2", scale_in_factor="0.5")
    asked = [signal(amount=600) for _ in range(4)]

    async def story(running: Running) -> None:
        for each, total in zip(asked, ("0.009", "0.013", "0.015", "0.015"), strict=True):
            await told(running, each)
            await held(running, total)

    with_service(home, story)
    assert "Addition 2 is worth 150 of 600." in because(home, asked[2])
    assert reasons(home, asked[3]) == ["max_scale_ins_reached"]
    (position,) = home.rows("SELECT * FROM positions")
    assert position["average_price"] == "60000.1"


def test_1_8_and_are_refused_otherwise(home: HomeUnderTest) -> None:
    first, second = signal(), signal()

    async def story(running: Running) -> None:
        await told(running, first)
        await held(running, "0.004")
        await told(running, second)

    with_service(home, story)
    assert reasons(home, second) == ["position_exists"]
    assert len(at_venue(home)) == 1


def test_1_9_a_signal_against_the_position_takes_away_at_most_all_of_it(
    home: HomeUnderTest,
) -> None:
    bought, sold = signal(), signal(signal_type="sell", amount=900)

    async def story(running: Running) -> None:
        await told(running, bought)
        await held(running, "0.004")
        await told(running, sold)
        await held(running, "0")

    with_service(home, story)
    row = order(home, sold)
    assert (row["quantity"], row["reduce_only"]) == ("0.004", 1)
    assert intent(home, sold)["orders"]["orders"][0]["purpose"] == "reduce"


def test_1_9_a_reversal_is_two_dependent_orders(home: HomeUnderTest) -> None:
    home.set_in("EXECUTION", allow_reverse="true")
    bought, sold = signal(), signal(signal_type="sell", amount=600)

    async def story(running: Running) -> None:
        await told(running, bought)
        await held(running, "0.004")
        await told(running, sold)
        await held(running, "-0.01")

    with_service(home, story)
    close, opening = orders(home, sold)
    assert (close["quantity"], close["reduce_only"]) == ("0.004", 1)
    assert (opening["quantity"], opening["reduce_only"]) == ("0.01", 0)
    assert state(home, sold) == "FILLED"


def test_1_9_a_reversal_whose_first_half_does_not_fill_stays_undone(home: HomeUnderTest) -> None:
    """It waits for the fill; when the first half is cancelled, the second is never sent."""
    home.set_in("EXECUTION", allow_reverse="true")
    bought = signal()
    sold = resting(62000, signal_type="sell", amount=600)

    async def story(running: Running) -> None:
        await told(running, bought)
        await held(running, "0.004")
        submit(home, sold)
        (close,) = await running.until(lambda: live_at_venue(home), "the closing half")
        await running.until(
            lambda: running.service.lanes.waiting.get(("main", "BTCUSDT"), "").endswith(
                "has to fill first"
            ),
            "the second half waits",
        )
        market(home).cancel(close["broker_order_id"])
        row = await running.settled(sold["signal_id"])
        assert "was cancelled, so the rest was not sent" in row["reason"]

    with_service(home, story)
    assert holding(home) == Decimal("0.004")
    assert len(at_venue(home)) == 2


def test_1_9_in_hedge_mode_the_legs_are_apart(at_bybit: AtBybit) -> None:
    bybit = at_bybit(hedged=True)
    bought, sold = signal(), signal(signal_type="sell")
    closed = signal(signal_type="sell", intent="close")

    async def story(running: Running) -> None:
        await told(running, bought, sold)
        await running.until(
            lambda: len(running.home.rows("SELECT * FROM positions")) == 2, "both legs"
        )
        await told(running, closed)

    with_service(bybit.home, story)
    legs = [(each.ticket.side.value, each.ticket.leg.name) for each in bybit.trades()]
    assert legs == [("Buy", "LONG"), ("Sell", "SHORT"), ("Sell", "LONG")]
