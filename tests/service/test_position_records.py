"""How every position stands is written down now and then, and the book does not move for it."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.domain.order import PositionSide, Side
from core.domain.snapshot import Unavailable
from core.host.clock import SystemClock
from core.operate.position_records import PositionRecords
from tests.home import HomeUnderTest
from tests.rounds.bybit_round import BUY as BUY_AT_BYBIT
from tests.rounds.bybit_round import SELL as SELL_AT_BYBIT
from tests.rounds.mexc_round import BTC, BUY
from tests.service.conftest import AtBybit, AtMexc
from tests.service.records import events, held, logged, market
from tests.service.running import Running, signal, submit, with_service
from tests.service.test_signals_to_orders import stops
from tests.service.watching import Hurried, Watching, nothing_written, with_watching
from tests.venues.exchange import Leg

INTERVAL, DAY = 300, timedelta(days=1)


def recorded(home: HomeUnderTest) -> list[dict[str, Any]]:
    return home.rows("SELECT * FROM position_snapshots ORDER BY id")


def gains(home: HomeUnderTest) -> list[str]:
    return [f"{row['symbol']} {row['unrealized_pnl']}" for row in recorded(home)]


def bought(home: HomeUnderTest, quantity: str = "0.01", symbol: str = "BTCUSDT") -> None:
    market(home).trade(symbol, Side.BUY, Decimal(quantity))


def serial(home: HomeUnderTest) -> int:
    return int(home.rows("SELECT serial FROM meta")[0]["serial"])


async def recorded_once(watching: Watching) -> None:
    await watching.round()
    await watching.records.record(watching.watch)


# --- in its time ----------------------------------------------------------------------------------


def test_every_position_is_recorded_at_the_interval(home: HomeUnderTest) -> None:
    bought(home)
    bought(home, "0.1", "ETHUSDT")

    async def story(watching: Watching) -> None:
        await watching.round()
        before = serial(home), home.rows("SELECT * FROM positions")
        await watching.lasts(watching.records, 3.5 * INTERVAL)
        # Whatever a person is reviewing stays as true as it was.
        assert (serial(home), home.rows("SELECT * FROM positions")) == before

    with_watching(home, story)
    assert [row["symbol"] for row in recorded(home)] == ["BTCUSDT", "ETHUSDT"] * 4


def test_a_row_tells_quantity_price_profit_state_and_stop(home: HomeUnderTest) -> None:
    bought(home)

    async def story(watching: Watching) -> None:
        await watching.round()
        market(home).move_quote("BTCUSDT", Decimal(61000))
        await watching.records.record(watching.watch)

    with_watching(home, story)
    (row,) = recorded(home)
    (stored,) = home.rows("SELECT * FROM positions")
    (life,) = home.rows("SELECT * FROM position_lives")
    (stop,) = stops(home)
    gain = (61000 - Decimal(stored["average_price"])) * Decimal("0.01")
    assert row | {"id": 0} == {
        "id": 0,
        "position_id": life["position_id"],
        "account": "main",
        "symbol": "BTCUSDT",
        "side": "both",
        "quantity": "0.01",
        "average_price": stored["average_price"],
        "mark_price": "61000",
        "unrealized_pnl": str(gain.normalize()),
        "realized_pnl": life["realized_pnl"],
        "state": "open",
        "stop_price": stop["trigger_price"],
        "at": row["at"],
    }
    (event,) = events(home, "position.snapshot")
    assert json.loads(event["payload"]) | {"id": 0} == row | {"id": 0}
    assert (event["symbol"], event["correlation_id"]) == ("BTCUSDT", life["position_id"])


def test_what_was_sold_is_not_recorded_any_more(home: HomeUnderTest) -> None:
    bought(home)

    async def story(watching: Watching) -> None:
        await recorded_once(watching)
        market(home).trade("BTCUSDT", Side.SELL, Decimal("0.01"))
        await recorded_once(watching)

    with_watching(home, story)
    assert len(recorded(home)) == 1


def test_while_nothing_is_held_nothing_is_asked_and_nothing_is_written(home: HomeUnderTest) -> None:
    async def story(watching: Watching) -> None:
        await watching.round()
        market(home).simulate(faults=[{"on": "snapshot", "kind": "unavailable"}])
        with nothing_written(home):
            await watching.records.record(watching.watch)

    with_watching(home, story)
    assert len(home.account["simulation"]["faults"]) == 1, "it still waits for somebody who asks"


def test_rows_go_when_they_are_too_old(home: HomeUnderTest) -> None:
    bought(home)
    home.set_in("POSITIONS", position_snapshot_days="2")

    async def story(watching: Watching) -> None:
        clock = watching.desk.clock
        assert isinstance(clock, Hurried)
        for _ in range(4):
            await recorded_once(watching)
            clock.ahead += DAY

    with_watching(home, story)
    assert len(recorded(home)) == 2


# --- contracts ------------------------------------------------------------------------------------


def test_a_future_is_worth_its_multiplier(home: HomeUnderTest) -> None:
    (future,) = (row for row in home.account["instruments"] if row["kind"] == "future")
    assert future["multiplier"] == "50"
    bought(home, "2", future["symbol"])

    async def story(watching: Watching) -> None:
        await watching.round()
        entry = Decimal(home.rows("SELECT * FROM positions")[0]["average_price"])
        market(home).move_quote(future["symbol"], entry + 10)
        await watching.records.record(watching.watch)

    with_watching(home, story)
    assert gains(home) == [f"{future['symbol']} 1000"]


@pytest.mark.parametrize(
    ("side", "gain"), [(Side.BUY, "0.01"), (Side.SELL, "-0.01")], ids=["long", "short"]
)
def test_an_inverse_contract_gains_in_its_base(home: HomeUnderTest, side: Side, gain: str) -> None:
    """100 contracts of 10 dollars each, from 20000 to 25000."""
    document = home.account
    btc = next(row for row in document["instruments"] if row["symbol"] == "BTCUSDT")
    terms = {
        "symbol": "BTCUSD",
        "kind": "inverse",
        "quote": "USD",
        "multiplier": "10",
        "quantity_step": "1",
        "min_quantity": "1",
        "min_notional": None,
    }
    document["instruments"].append(btc | terms)
    document["quotes"].append(
        {"symbol": "BTCUSD", "bid": "20000", "ask": "20000", "last": "20000", "at": None}
    )
    document["balances"].append({"currency": "BTC", "total": "1", "available": "1"})
    home.rewrite_account(document)
    market(home).trade("BTCUSD", side, Decimal(100))

    async def story(watching: Watching) -> None:
        await watching.round()
        market(home).move_quote("BTCUSD", Decimal(25000), bid=Decimal(25000), ask=Decimal(25000))
        await watching.records.record(watching.watch)

    home.set_in("POSITIONS", require_stop="false")
    with_watching(home, story)
    assert gains(home) == [f"BTCUSD {gain}"]


def test_contracts_at_mexc_are_recorded_in_base_units_at_its_quote(at_mexc: AtMexc) -> None:
    """500 contracts are 0.05 BTC; the venue tells no mark of a position."""
    mexc = at_mexc()
    mexc.trade(BTC, BUY, 500)

    async def story(watching: Watching) -> None:
        await watching.round()
        mexc.move(BTC, "61000")
        await watching.records.record(watching.watch)

    with_watching(mexc.home, story, SystemClock())
    (row,) = recorded(mexc.home)
    assert (row["quantity"], row["mark_price"]) == ("0.05", "61000")
    assert Decimal(row["unrealized_pnl"]) == (61000 - Decimal(row["average_price"])) * Decimal(
        "0.05"
    )


def test_both_legs_of_a_hedge_are_recorded_each_by_itself(at_bybit: AtBybit) -> None:
    bybit = at_bybit(hedged=True)
    bybit.trade("BTCUSDT", BUY_AT_BYBIT, "0.05", leg=Leg.LONG)
    bybit.trade("BTCUSDT", SELL_AT_BYBIT, "0.02", leg=Leg.SHORT)

    async def story(watching: Watching) -> None:
        await recorded_once(watching)
        await watching.records.record(watching.watch)

    with_watching(bybit.home, story, SystemClock())
    rows = recorded(bybit.home)
    assert len(rows) == 4
    for row in rows:
        sign = -1 if row["side"] == PositionSide.SHORT else 1
        moved = Decimal(row["mark_price"]) - Decimal(row["average_price"])
        assert Decimal(row["unrealized_pnl"]) == sign * moved * Decimal(row["quantity"])
    assert len({row["position_id"] for row in rows}) == 2


# --- what keeps it from being recorded ------------------------------------------------------------


def test_an_account_that_cannot_be_reached_gets_no_row_and_is_told_of_once(
    home: HomeUnderTest,
) -> None:
    bought(home)
    gone = {"on": "snapshot", "kind": "unavailable", "times": 3}

    async def story(watching: Watching) -> None:
        await watching.round()
        for _ in range(2):
            market(home).simulate(faults=[gone])
            for _ in range(3):
                await watching.records.record(watching.watch)
            assert len(recorded(home)) == len(logged(home, "positions_not_recorded")) - 1
            await watching.records.record(watching.watch)

    with_watching(home, story)
    assert len(recorded(home)) == 2
    assert {row["account"] for row in logged(home, "positions_not_recorded")} == {"main"}


def test_positions_that_are_not_told_are_not_recorded(home: HomeUnderTest) -> None:
    bought(home)

    async def story(watching: Watching) -> None:
        await watching.round()
        market(home).tell("positions", Unavailable("maintenance"))
        await watching.records.record(watching.watch)

    with_watching(home, story)
    assert recorded(home) == []
    (line,) = logged(home, "positions_not_recorded")
    assert line["why"] == "maintenance"


@pytest.mark.parametrize("gate", ["SAFE_MODE", "DRY_RUN"])
def test_behind_a_shut_gate_only_the_log_is_told(home: HomeUnderTest, gate: str) -> None:
    bought(home)

    async def before(watching: Watching) -> None:
        await watching.round()

    async def behind(watching: Watching) -> None:
        with nothing_written(home):
            await watching.records.record(watching.watch)

    with_watching(home, before)
    home.set(**{gate: "true"})
    with_watching(home, behind)
    assert recorded(home) == []
    (line,) = logged(home, "position_not_recorded")
    assert (line["symbol"], line["quantity"]) == ("BTCUSDT", "0.01")


def test_an_account_is_not_recorded_before_it_was_looked_at(home: HomeUnderTest) -> None:
    """The book lags until the first whole look has told what was bought meanwhile."""
    bought(home)

    async def before(watching: Watching) -> None:
        await watching.round()

    async def after(watching: Watching) -> None:
        await watching.lasts(watching.records, 2 * INTERVAL)
        assert recorded(home) == []
        await watching.round()
        await watching.lasts(watching.records, 1)

    with_watching(home, before)
    with_watching(home, after)
    assert len(recorded(home)) == 1


# --- the running service --------------------------------------------------------------------------


def test_beside_a_service_that_trades(home: HomeUnderTest) -> None:
    async def story(running: Running) -> None:
        submit(home, signal())
        await held(running, "0.004")
        await running.until(lambda: stops(home), "its stop")
        given: Any = {"desk": running.desk, "watches": running.service.watches}
        await PositionRecords(**given).record(running.service.watches["main"])

    with_service(home, story)
    assert {row["state"] for row in recorded(home)} == {"open"}
    home.must("plan", "--detailed-exitcode")
