"""Trades are left when their time has come: asked for once, placed once, booked as filled."""

from decimal import Decimal
from typing import Any

from core.domain.errors import Rejected
from core.domain.order import BrokerOrder, OrderRequest, OrderType
from core.operate.desk import Desk
from core.ports.receipt import Receipt
from tests.home import HomeUnderTest
from tests.service.running import Running, signal, submit, with_service
from tests.service.test_signals_to_orders import stops
from tests.service.test_trailing import quote, ready_at_100


def exits(home: HomeUnderTest) -> list[dict[str, Any]]:
    return home.rows("select * from exit_intents order by sequence")


def trade(home: HomeUnderTest) -> dict[str, Any]:
    (row,) = home.rows("select * from trades")
    return row


def life(home: HomeUnderTest) -> dict[str, Any]:
    (row,) = home.rows("select * from position_lives")
    return row


async def entered(running: Running, home: HomeUnderTest, **given: Any) -> None:
    submit(home, signal(amount=500, **given))
    await running.until(lambda: stops(home), "the stop")


async def left(running: Running, home: HomeUnderTest) -> None:
    over = "select 1 from position_lives where state = 'closed'"
    await running.until(lambda: home.rows(over), "the position is closed")


def sides(home: HomeUnderTest) -> list[str]:
    return [row["side"] for row in home.rows("select side from orders where order_type <> 'stop'")]


def test_a_target_is_hit_and_the_trade_is_left_at_it(home: HomeUnderTest) -> None:
    ready_at_100(home)

    async def story(running: Running) -> None:
        # 5 % of the equity at a leverage of 10: half a percent of the price.
        await entered(running, home, take_profit_pct=5)
        quote(home, "100.6")
        await left(running, home)

    with_service(home, story)
    (done,) = exits(home)
    assert (done["cause"], done["state"], done["order_type"]) == ("TARGET_HIT", "FILLED", "limit")
    assert (done["price"], trade(home)["target"]) == ("100.5", "100.5")
    assert (trade(home)["status"], trade(home)["exit_reason"]) == ("CLOSED", "take_profit")
    assert life(home)["exit_reason"] == "take_profit"
    assert Decimal(trade(home)["exit_price"]) >= Decimal("100.5")
    assert sides(home) == ["buy", "sell"]
    assert not stops(home)


def test_a_floor_of_the_signal_is_a_stop_of_its_own(home: HomeUnderTest) -> None:
    ready_at_100(home)

    async def story(running: Running) -> None:
        await entered(running, home, effective_floor=99.5, effective_ceiling=110)
        quote(home, "99.4")
        await left(running, home)

    with_service(home, story)
    (done,) = exits(home)
    assert (done["cause"], done["state"], done["order_type"]) == ("STOP_LOSS", "FILLED", "market")
    assert life(home)["exit_reason"] == "stop_loss"
    assert Decimal(life(home)["realized_pnl"]) < 0


def test_the_stop_loss_that_a_signal_asks_for_is_where_its_stop_goes(home: HomeUnderTest) -> None:
    ready_at_100(home)

    async def story(running: Running) -> None:
        await entered(running, home, stop_loss_pct=4)

    with_service(home, story)
    assert [row["trigger_price"] for row in stops(home)] == ["99.6"]


def test_a_trade_is_held_no_longer_than_configured(home: HomeUnderTest) -> None:
    ready_at_100(home)
    home.set_in("EXITS", max_holding_minutes="1")

    async def enter(running: Running) -> None:
        await entered(running, home)

    with_service(home, enter)
    home.execute("update trades set entry_time = '2020-01-01T00:00:00Z'")

    async def wait(running: Running) -> None:
        await left(running, home)

    with_service(home, wait)
    (done,) = exits(home)
    assert (done["cause"], done["state"]) == ("TIME_BASED", "FILLED")
    assert life(home)["exit_reason"] == "time_based"


def fail_next(home: HomeUnderTest, **fault: Any) -> None:
    document = home.account
    document.setdefault("simulation", {}).setdefault("faults", []).append(fault)
    home.rewrite_account(document)


def simulate(home: HomeUnderTest, **options: Any) -> None:
    document = home.account
    document.setdefault("simulation", {}).update(options)
    home.rewrite_account(document)


def test_an_exit_that_is_refused_is_tried_again_and_then_done(home: HomeUnderTest) -> None:
    ready_at_100(home)
    home.set_in("EXITS", retry_base_seconds="0")

    async def story(running: Running) -> None:
        await entered(running, home, effective_floor=99.5, effective_ceiling=110)
        fail_next(home, on="place", kind="reject", times=2)
        quote(home, "99.4")
        await left(running, home)

    with_service(home, story)
    (done,) = exits(home)
    assert (done["state"], done["tries"]) == ("FILLED", 3)
    assert not home.rows("select * from alerts where type = 'exit_failed'")


def test_an_exit_that_is_always_refused_fails_and_the_position_keeps_its_stop(
    home: HomeUnderTest,
) -> None:
    ready_at_100(home)
    home.set_in("EXITS", retry_base_seconds="0", max_exit_retries="2")

    async def story(running: Running) -> None:
        await entered(running, home, effective_floor=99.5, effective_ceiling=110)
        fail_next(home, on="place", kind="reject", times=3)
        quote(home, "99.4")
        await running.until(
            lambda: home.rows("select * from alerts where type = 'exit_failed'"), "told"
        )

    with_service(home, story)
    (done,) = exits(home)
    assert (done["state"], done["tries"]) == ("FAILED", 3)
    assert (life(home)["state"], trade(home)["status"]) == ("open", "OPEN")
    assert len(stops(home)) == 1
    moves = [
        (row["from_state"], row["to_state"], row["reason"])
        for row in home.rows("select * from position_transitions order by id")
    ]
    assert ("closing", "open", "close_failed") in moves


def test_a_lost_reply_to_an_exit_is_asked_for_and_never_sent_again(home: HomeUnderTest) -> None:
    ready_at_100(home)

    async def story(running: Running) -> None:
        await entered(running, home, effective_floor=99.5, effective_ceiling=110)
        fail_next(home, on="place", kind="lost_reply")
        quote(home, "99.4")
        await left(running, home)

    with_service(home, story)
    assert sides(home) == ["buy", "sell"]
    assert [row["state"] for row in exits(home)] == ["FILLED"]


def refusing_stops(desk: Desk) -> None:
    """The venue takes every order but stops."""
    broker = desk.broker("main")
    place = broker.place

    async def refuse(receipt: Receipt, request: OrderRequest) -> BrokerOrder:
        if request.type is OrderType.STOP:
            raise Rejected("stop_refused", "no stops today")
        return await place(receipt, request)

    broker.place = refuse  # type: ignore[method-assign]


def test_a_stop_that_the_venue_never_takes_ends_the_position(home: HomeUnderTest) -> None:
    ready_at_100(home)

    async def story(running: Running) -> None:
        submit(home, signal(amount=500))
        await running.until(lambda: home.rows("select * from trades"), "entered")
        await left(running, home)

    with_service(home, story, refusing_stops)
    kinds = [row["type"] for row in home.rows("select type from alerts")]
    assert kinds.count("emergency_close") == 1
    assert kinds.count("position_unprotected") == 1
    assert sides(home) == ["buy", "sell"]


def test_without_an_emergency_close_the_position_stays_and_is_told_of(home: HomeUnderTest) -> None:
    ready_at_100(home)
    home.set_in("POSITIONS", emergency_close_after="0")

    async def story(running: Running) -> None:
        submit(home, signal(amount=500))
        refused = "select * from journal where kind = 'place_stop' and state = 'failed'"
        await running.until(lambda: len(home.rows(refused)) >= 4, "refused again and again")

    with_service(home, story, refusing_stops)
    assert life(home)["state"] == "open"
    assert [row["type"] for row in home.rows("select type from alerts")] == ["position_unprotected"]


def test_where_only_one_stop_can_stand_a_move_that_fails_ends_the_position(
    home: HomeUnderTest,
) -> None:
    ready_at_100(home)
    simulate(home, amends=False, one_stop=True)

    async def story(running: Running) -> None:
        await entered(running, home)
        quote(home, "103")
        await running.until(
            lambda: [row["trigger_price"] for row in stops(home)] == ["102.7"], "the stop follows"
        )
        fail_next(home, on="place", kind="reject")
        quote(home, "105")
        await left(running, home)

    with_service(home, story)
    assert [row["type"] for row in home.rows("select type from alerts")] == ["emergency_close"]
    assert life(home)["exit_reason"] == "stop_loss"


def test_no_exit_is_asked_for_in_safe_mode_and_afterwards_it_is(home: HomeUnderTest) -> None:
    ready_at_100(home)

    async def story(running: Running) -> None:
        await entered(running, home, effective_floor=99.5, effective_ceiling=110)
        home.must("safe-mode", "on", "--reason", "a test")
        quote(home, "99.4")

    with_service(home, story)
    assert exits(home) == []
    home.must("safe-mode", "off", "--reason", "tested", "--confirm", "off")

    async def go(running: Running) -> None:
        await left(running, home)

    with_service(home, go)
    assert [row["state"] for row in exits(home)] == ["FILLED"]
