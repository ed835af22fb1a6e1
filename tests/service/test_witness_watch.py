"""The witness inside the service: a position that is bare at rest is told once until it is over."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from core.domain.order import OrderRequest, OrderType, Side
from core.domain.snapshot import Unavailable
from core.host.clock import SystemClock
from core.operate.looking import look
from core.operate.witness_watch import WitnessWatch
from tests.home import HomeUnderTest
from tests.rounds.bybit_round import BUY as BUY_AT_BYBIT
from tests.rounds.mexc_round import BTC, BUY
from tests.service.conftest import AtBybit, AtMexc
from tests.service.records import alerts, held, logged, market, told
from tests.service.running import Running, one_round, signal, with_service
from tests.service.test_signals_to_orders import stops
from tests.service.watching import Hurried, Watching, nothing_written, with_watching

BARE = "position_unprotected"


def bought(home: HomeUnderTest, quantity: str = "0.01", symbol: str = "BTCUSDT") -> None:
    market(home).trade(symbol, Side.BUY, Decimal(quantity))


@pytest.fixture
def guarded(home: HomeUnderTest) -> HomeUnderTest:
    """0.01 BTC long with its stop; the service may look, but nothing more."""
    bought(home)
    home.adopt_all()
    home.must("verify")
    home.set(SAFE_MODE="true")
    return home


def stop_taken_away(home: HomeUnderTest) -> None:
    """By hand, at the venue."""
    for row in stops(home):
        market(home).cancel(row["broker_order_id"])


def stop_by_hand(home: HomeUnderTest, quantity: str) -> None:
    market(home).place(
        OrderRequest(
            symbol="BTCUSDT",
            side=Side.SELL,
            type=OrderType.STOP,
            quantity=Decimal(quantity),
            trigger_price=Decimal(50000),
            reduce_only=True,
        )
    )


def why(home: HomeUnderTest) -> list[str]:
    return [text.partition(";")[0] for text in alerts(home, BARE)]


# --- what is bare ---------------------------------------------------------------------------------


def test_a_position_without_a_stop_is_told_once_with_what_to_do(guarded: HomeUnderTest) -> None:
    stop_taken_away(guarded)

    async def story(watching: Watching) -> None:
        for _ in range(3):
            await watching.round()

    with_watching(guarded, story)
    assert alerts(guarded, BARE) == [
        "BTCUSDT: no reduce-only stop; 0.01 held. SAFE_MODE is on, so no stop is sent from here: "
        "place it at the venue (`trueup status`)"
    ]
    (row,) = guarded.rows("SELECT * FROM alerts WHERE type = ?", BARE)
    assert (row["severity"], row["account"], row["subject"]) == ("CRITICAL", "main", "BTCUSDT")
    (line,) = logged(guarded, "position_bare")
    assert (line["symbol"], line["quantity"], line["stops"]) == ("BTCUSDT", "0.01", [])
    guarded.must("verify", code=3)


def test_two_stops_are_told_and_so_is_one_of_the_wrong_size(guarded: HomeUnderTest) -> None:
    async def story(watching: Watching) -> None:
        stop_by_hand(guarded, "0.01")
        await watching.round()
        assert why(guarded) == ["BTCUSDT: 2 reduce-only stops"]
        stop_taken_away(guarded)
        stop_by_hand(guarded, "0.004")
        # Still not as it should be, and told already.
        await watching.round()
        assert len(alerts(guarded, BARE)) == 1

    async def afterwards(watching: Watching) -> None:
        await watching.round()

    clock = Hurried()
    with_watching(guarded, story, clock)
    with_watching(guarded, afterwards, clock)
    assert why(guarded)[1:] == ["BTCUSDT: stop for 0.004, position 0.01"]


def test_where_a_plan_could_mend_it_the_alert_says_so(guarded: HomeUnderTest) -> None:
    """Armed, but the standing policy protects nothing."""
    stop_taken_away(guarded)
    guarded.set(SAFE_MODE="false")
    guarded.set_in("EXECUTION", standing_policy="[record]")

    async def story(watching: Watching) -> None:
        await watching.round()

    with_watching(guarded, story)
    (text,) = alerts(guarded, BARE)
    assert text.endswith(
        "`trueup plan` says what would protect it, `trueup stage` and `trueup review` let it "
        "through; or place the stop at the venue"
    )
    guarded.must("apply", "--confirm", guarded.stage_and_approve("place_stop"), "--quiet")
    guarded.must("verify")


def test_when_it_is_protected_again_the_log_says_so_and_the_next_time_is_told_anew(
    guarded: HomeUnderTest,
) -> None:
    async def story(watching: Watching) -> None:
        for _ in range(2):
            stop_taken_away(guarded)
            await watching.round()
            stop_by_hand(guarded, "0.01")
            await watching.round()

    with_watching(guarded, story)
    assert len(alerts(guarded, BARE)) == 2
    assert [row["how"] for row in logged(guarded, "position_bare_over")] == ["protected"] * 2


def test_what_the_round_has_told_itself_is_not_told_twice(guarded: HomeUnderTest) -> None:
    """The venue refuses the stop, and the round says so; later it is taken away once more."""
    stop_taken_away(guarded)
    market(guarded).simulate(faults=[{"on": "place", "kind": "reject", "text": "not today"}])

    async def story(watching: Watching) -> None:
        guarded.set(SAFE_MODE="false")
        await watching.round()
        assert len(alerts(guarded, BARE)) == len(logged(guarded, "position_bare")) == 1
        await watching.round()
        assert len(stops(guarded)) == 1
        guarded.set(SAFE_MODE="true")
        stop_taken_away(guarded)
        await watching.round()

    with_watching(guarded, story)
    refused, bare = alerts(guarded, BARE)
    assert "not today" in refused
    assert bare.startswith("BTCUSDT: no reduce-only stop; 0.01 held.")


def test_a_position_that_is_left_is_not_bare_any_more(guarded: HomeUnderTest) -> None:
    async def story(watching: Watching) -> None:
        stop_taken_away(guarded)
        await watching.round()
        market(guarded).trade("BTCUSDT", Side.SELL, Decimal("0.01"))
        await watching.round()

    with_watching(guarded, story)
    assert [row["how"] for row in logged(guarded, "position_bare_over")] == ["closed"]


def test_what_is_protected_makes_nobody_write_anything(guarded: HomeUnderTest) -> None:
    async def story(watching: Watching) -> None:
        await watching.round()
        with nothing_written(guarded):
            for _ in range(3):
                await watching.witnessed()

    with_watching(guarded, story)
    assert alerts(guarded, BARE) == []


# --- only at rest ---------------------------------------------------------------------------------


def test_one_look_is_not_enough(home: HomeUnderTest) -> None:
    """A fill is seen before its stop; by the second look the round has placed it."""

    async def story(watching: Watching) -> None:
        await one_round(watching.service)
        bought(home)
        before = await look(watching.desk, ["main"], intents=False)
        watching.witness.take(before.observations)
        await one_round(watching.service)
        await watching.witness.judge()

    with_watching(home, story)
    assert len(stops(home)) == 1
    assert alerts(home, BARE) == []


def test_two_looks_at_the_same_moment_are_one(guarded: HomeUnderTest) -> None:
    """The second one that counts is at least a second younger."""
    stop_taken_away(guarded)

    async def story(watching: Watching) -> None:
        for _ in range(3):
            seen = await look(watching.desk, ["main"], intents=False)
            watching.witness._judge(seen.observations["main"])
        assert alerts(guarded, BARE) == []
        await watching.witnessed()

    with_watching(guarded, story)
    assert len(alerts(guarded, BARE)) == 1


def test_a_stop_whose_outcome_is_open_may_be_there(home: HomeUnderTest) -> None:
    bought(home)
    market(home).simulate(faults=[{"on": "place", "kind": "timeout_before_accept"}])

    async def story(watching: Watching) -> None:
        await watching.round()
        await watching.witnessed()

    with_watching(home, story)
    assert [row["state"] for row in home.rows("SELECT * FROM journal")] == ["unknown"]
    assert stops(home) == []
    assert alerts(home, BARE) == []
    assert len(alerts(home, "order_outcome_unknown")) == 1


def test_a_call_under_way_does_not_make_it_protected(guarded: HomeUnderTest) -> None:
    async def story(watching: Watching) -> None:
        stop_taken_away(guarded)
        await watching.round()
        guarded.set(SAFE_MODE="false")
        market(guarded).simulate(faults=[{"on": "place", "kind": "timeout_before_accept"}])
        await watching.round()

    with_watching(guarded, story)
    assert "unknown" in {row["state"] for row in guarded.rows("SELECT * FROM journal")}
    assert len(alerts(guarded, BARE)) == 1
    assert logged(guarded, "position_bare_over") == []


def test_a_broker_that_does_not_tell_its_orders_shows_nothing_bare_and_mends_nothing(
    guarded: HomeUnderTest,
) -> None:
    async def story(watching: Watching) -> None:
        market(guarded).tell("orders", Unavailable("maintenance"))
        await watching.round()
        assert alerts(guarded, BARE) == []

    with_watching(guarded, story)


def test_a_broker_that_falls_silent_makes_nothing_protected(guarded: HomeUnderTest) -> None:
    async def story(watching: Watching) -> None:
        stop_taken_away(guarded)
        await watching.round()
        market(guarded).tell("orders", Unavailable("maintenance"))
        await watching.round()

    with_watching(guarded, story)
    assert len(alerts(guarded, BARE)) == 1
    assert logged(guarded, "position_bare_over") == []


def test_a_doubt_that_cannot_be_settled_waits_for_the_next_round(guarded: HomeUnderTest) -> None:
    """bare in one look, then the venue is gone: two looks in a row are needed once it is back"""
    stop_taken_away(guarded)

    async def story(watching: Watching) -> None:
        seen = await look(watching.desk, ["main"], intents=False)
        watching.witness.take(seen.observations)
        market(guarded).simulate(faults=[{"on": "snapshot", "kind": "unavailable"}])
        await watching.witness.judge()
        assert alerts(guarded, BARE) == []
        await watching.round()

    with_watching(guarded, story)
    assert len(alerts(guarded, BARE)) == 1


# --- what the settings leave alone ----------------------------------------------------------------


def test_where_no_stop_is_required_none_is_missed(home: HomeUnderTest) -> None:
    home.set_in("POSITIONS", require_stop="false")
    bought(home)
    left_alone(home)


def test_an_account_may_say_so_for_itself(home: HomeUnderTest) -> None:
    text = home.config_file.read_text()
    home.config_file.write_text(text.replace("    require_stop: null", "    require_stop: false"))
    bought(home)
    left_alone(home)


def test_what_was_opened_by_hand_is_left_alone_when_so_configured(home: HomeUnderTest) -> None:
    home.set_in("POSITIONS", protect_external_positions="false")
    bought(home)
    left_alone(home)


def test_what_was_opened_by_hand_is_left_alone_before_the_book_has_heard_of_it(
    home: HomeUnderTest,
) -> None:
    """A round may see the position a moment before its execution is booked."""
    home.set_in("POSITIONS", protect_external_positions="false")

    async def story(watching: Watching) -> None:
        await watching.round()
        bought(home)
        seen = await look(watching.desk, ["main"], intents=False)
        assert "place_stop" not in {change.kind for change in seen.proposal.changes}

    with_watching(home, story)


def test_ours_are_not_left_alone_with_them(home: HomeUnderTest) -> None:
    home.set_in("POSITIONS", protect_external_positions="false")

    async def enter(running: Running) -> None:
        await told(running, signal())
        await running.until(lambda: stops(home), "its stop")

    async def story(watching: Watching) -> None:
        stop_taken_away(home)
        await watching.round()

    with_service(home, enter)
    home.set(SAFE_MODE="true")
    with_watching(home, story)
    assert why(home) == ["BTCUSDT: no reduce-only stop"]


def test_dust_cannot_be_protected(home: HomeUnderTest) -> None:
    rest = {"symbol": "BTCUSDT", "quantity": "0.0004", "average_price": "60000"}
    home.rewrite_account(home.account | {"positions": [rest]})
    left_alone(home)


def test_a_holding_on_spot_has_no_stop(at_bybit: AtBybit) -> None:
    bybit = at_bybit(market="spot")
    bybit.trade("BTCUSDT", BUY_AT_BYBIT, "0.01")
    left_alone(bybit.home, SystemClock())


def left_alone(home: HomeUnderTest, clock: Any = None) -> None:
    """Neither the round nor the witness asks for a stop."""

    async def story(watching: Watching) -> None:
        await watching.round()
        await watching.witnessed()

    with_watching(home, story, clock)
    assert alerts(home, BARE) == []
    assert "place_stop" not in {row["kind"] for row in home.rows("SELECT * FROM journal")}


# --- contracts, and the running service -----------------------------------------------------------


def test_a_stop_in_contracts_covers_its_position_in_base_units(at_mexc: AtMexc) -> None:
    mexc = at_mexc()
    mexc.trade(BTC, BUY, 500)

    async def story(watching: Watching) -> None:
        await watching.round()
        assert len(mexc.stops()) == 1
        await watching.witnessed()
        assert alerts(mexc.home, BARE) == []
        mexc.home.set(SAFE_MODE="true")
        mexc.stop_by_hand(BTC, mexc.stops()[0].ticket.side, 200, "50000")
        await watching.witnessed()

    with_watching(mexc.home, story, SystemClock())
    assert why(mexc.home) == ["BTC_USDT: 2 reduce-only stops"]


def test_a_stop_that_somebody_cancels_is_replaced_as_soon_as_it_is_heard_of(
    home: HomeUnderTest,
) -> None:
    """Long before the next round is due."""

    async def story(running: Running) -> None:
        await told(running, signal())
        await running.until(lambda: stops(home), "its stop")
        (first,) = stops(home)
        stop_taken_away(home)
        await running.until(lambda: stops(home), "another one")
        assert stops(home)[0]["broker_order_id"] != first["broker_order_id"]

    with_service(home, story)
    home.must("verify")


def test_a_service_that_trades_is_never_called_bare(home: HomeUnderTest) -> None:
    """Entries, additions and exits one after the other, looked at all the time."""
    home.set_in("EXECUTION", scale_in="true", max_scale_ins="9")
    home.set_in("RISK", max_order_size_ratio="0")

    async def watched(running: Running, witness: WitnessWatch) -> None:
        while True:
            seen = await look(running.desk, ["main"], intents=False)
            witness.take(seen.observations)
            await asyncio.sleep(0.02)

    async def story(running: Running) -> None:
        await running.ready()
        witness = WitnessWatch(desk=running.desk, watches=running.service.watches)
        tasks = [
            asyncio.create_task(witness.watch()),
            asyncio.create_task(watched(running, witness)),
        ]
        for _ in range(4):
            await told(running, signal(), signal(asset="ETHUSDT"))
        await running.until(lambda: len(stops(home)) == 2, "both are protected")
        await told(running, signal(signal_type="sell", intent="close"))
        await held(running, "0")
        await running.until(lambda: not witness._findings.doubted(), "all that was odd has gone")
        for task in tasks:
            assert not task.done(), task
            task.cancel()

    with_service(home, story)
    assert len(home.rows("SELECT * FROM executions")) > 4
    assert alerts(home, BARE) == []
