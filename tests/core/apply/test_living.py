"""Lives and trades follow what is bought and sold: the real book, a paper account, whole looks."""

from decimal import Decimal
from typing import Any

import pytest

from core.apply.living import queue_life
from core.domain.order import PositionSide
from tests.build import instrument, position, quote, snapshot
from tests.core.apply.living_world import BUY, SELL, World
from tests.home import HomeUnderTest


@pytest.fixture
def world(home: HomeUnderTest) -> World:
    """Nothing held, BTCUSDT at 100."""
    world = World(home)
    world.price(100)
    return world


def open_quantities(world: World) -> list[str]:
    return [row["open_quantity"] for row in world.trades]


# --- by signal ------------------------------------------------------------------------------------


def test_an_entry_by_signal_is_queued_then_executing_then_open(world: World) -> None:
    approved = world.wish(
        stop_loss_pct=8,
        take_profit_pct=5,
        effective_floor=90,
        trace_id="trace",
        metadata={"quadrant": "Q1", "entry_bias": "up"},
    )
    assert (world.life["state"], world.life["direction"]) == ("queued", "long")
    world.send(approved)
    assert world.life["state"] == "executing"
    world.look()
    assert world.steps == [
        ">queued approved",
        "queued>executing order_sent",
        "executing>open filled",
    ]
    held = world.life
    assert (held["quantity"], held["entry_price"], held["signal_id"]) == ("1", "100", "sig-1")
    assert (held["stop_loss_pct"], held["take_profit_pct"], held["bot_id"]) == (
        "8",
        "5",
        "strategy",
    )
    assert (held["entry_quadrant"], held["entry_bias"], held["trace_id"]) == ("Q1", "up", "trace")
    (entered,) = world.trades
    assert (entered["kind"], entered["status"], entered["signal_id"]) == ("NEWBUY", "OPEN", "sig-1")
    assert (entered["floor"], entered["fees"]) == ("90", "0.05")
    (order,) = world.rows("SELECT order_id FROM orders")
    assert entered["order_id"] == order["order_id"]


@pytest.mark.parametrize("ended", ["FAILED", "CANCELLED"])
def test_an_intent_that_comes_to_nothing_is_a_position_that_failed(
    world: World, ended: str
) -> None:
    approved = world.wish()
    world.give_up(approved, ended)
    assert world.steps == [">queued approved", "queued>failed not_entered"]
    assert world.trades == []


def test_an_order_that_the_venue_refused_is_a_position_that_failed(world: World) -> None:
    world.account.simulate(faults=[{"on": "place", "kind": "reject"}])
    approved = world.wish()
    world.send(approved)
    assert world.life["state"] == "executing"
    world.give_up(approved)
    assert world.steps[1:] == ["queued>executing order_sent", "executing>failed not_entered"]
    # The next wish is another position.
    world.wish("sig-2")
    assert [row["state"] for row in world.lives] == ["failed", "queued"]


def test_what_fills_after_it_was_given_up_is_a_position_all_the_same(world: World) -> None:
    approved = world.wish(orders=[{"type": "limit", "price": 99}])
    world.send(approved)
    (order,) = world.home.broker_orders()
    world.account.cancel(order["broker_order_id"])
    world.look()
    assert world.life["state"] == "failed"
    # A venue that filled it before it cancelled it, and tells late.
    late = {**order, "status": "filled", "filled_quantity": "1", "average_price": "99"}
    row = {
        "execution_id": "T-late", "broker_order_id": order["broker_order_id"], "symbol": "BTCUSDT",
        "side": "buy", "quantity": "1", "price": "99", "fee": "0", "fee_currency": "USDT",
        "executed_at": "2026-01-05T12:00:01Z",
    }  # fmt: skip
    held = {"symbol": "BTCUSDT", "side": "both", "quantity": "1", "average_price": "99"}
    world.venue(orders=[late], executions=[row], positions=[held])
    world.look()
    failed, held_now = world.lives
    assert (failed["state"], held_now["state"]) == ("failed", "open")
    assert (held_now["signal_source"], held_now["signal_id"]) == ("signal", "sig-1")


def test_an_intent_for_what_is_held_already_wishes_for_nothing_new(world: World) -> None:
    world.trade(BUY, 1)
    world.look()
    approved = world.wish(orders=[{"purpose": "add"}])
    assert [row["state"] for row in world.lives] == ["open"]
    world.send(approved)
    world.look()
    assert [(row["kind"], row["signal_id"]) for row in world.trades] == [
        ("NEWBUY", None),
        ("REBUY", "sig-1"),
    ]
    assert world.life["quantity"] == "2"


@pytest.mark.parametrize(
    ("orders", "state"),
    [
        ([{"side": "sell", "purpose": "close", "reduce_only": True}], None),
        ([{"side": "sell", "purpose": "open"}], "short"),
    ],
)
def test_only_what_enters_is_wished_for(
    world: World, orders: list[dict[str, Any]], state: str | None
) -> None:
    world.wish(orders=orders)
    assert [row["direction"] for row in world.lives] == ([state] if state else [])


def test_an_intent_that_was_rejected_wishes_for_nothing(world: World) -> None:
    approved = world.wish()
    world.give_up(approved)
    with world.desk.book.write() as book:
        (ended,) = book.intents(signal_id="sig-1")
        queue_life(book, ended, world.clock.now())
    assert len(world.lives) == 1


def test_a_queued_wish_that_a_person_is_quicker_with_is_open(world: World) -> None:
    """The book takes no skipped state: every step of it is written."""
    world.wish()
    world.trade(BUY, 1)
    world.look()
    assert world.steps == [
        ">queued approved",
        "queued>executing filled",
        "executing>open filled",
    ]


def test_an_entry_that_was_stopped_out_before_anybody_looked_went_all_the_way(
    world: World,
) -> None:
    world.send(world.wish())
    world.guard(95)
    world.price(94)
    world.look()
    assert world.steps == [
        ">queued approved",
        "queued>executing order_sent",
        "executing>open filled",
        "open>closed stop_loss",
    ]
    assert (world.life["exit_reason"], world.trades[0]["exit_reason"]) == ("stop_loss",) * 2
    assert world.writes_while(2) == 0


# --- by hand --------------------------------------------------------------------------------------


def test_an_entry_and_an_exit_by_hand_are_external(world: World) -> None:
    world.trade(BUY, 1)
    world.look()
    assert (world.life["signal_source"], world.life["signal_id"]) == ("external", None)
    assert world.trades[0]["kind"] == "NEWBUY"
    world.price(110)
    world.trade(SELL, 1)
    world.look()
    assert world.steps == [">open external", "open>closed external"]
    assert (world.life["exit_reason"], world.life["exit_price"]) == ("external", "110")
    # 10 won, fees of 0.05 and 0.055 paid.
    assert world.life["realized_pnl"] == "9.895"
    (closed,) = world.told("position.closed")
    assert (closed["reason"], closed["realized_pnl"]) == ("external", "9.895")


def test_a_short_by_hand_is_a_short(world: World) -> None:
    world.trade(SELL, 2)
    world.look()
    assert (world.life["direction"], world.life["quantity"]) == ("short", "2")
    world.price(90)
    world.trade(BUY, 1)
    world.look()
    assert open_quantities(world) == ["1"]
    assert world.trades[0]["exit_price"] == "90"


def test_scaling_in_is_a_trade_of_its_own_and_exits_leave_the_oldest_first(world: World) -> None:
    world.trade(BUY, 1)
    world.look()
    world.price(110)
    world.trade(BUY, 2)
    world.look()
    assert [(row["kind"], row["open_quantity"]) for row in world.trades] == [
        ("NEWBUY", "1"),
        ("REBUY", "2"),
    ]
    world.price(120)
    world.trade(SELL, "1.5")
    world.look()
    assert open_quantities(world) == ["0", "1.5"]
    assert [row["status"] for row in world.trades] == ["CLOSED", "OPEN"]
    assert (world.life["quantity"], world.life["volume"], world.life["state"]) == (
        "1.5", "3", "open",
    )  # fmt: skip
    # 20 - 0.05 - 0.06, and 5 - 0.11 - 0.03.
    assert [row["realized_pnl"] for row in world.trades] == ["19.89", "4.86"]
    assert world.life["realized_pnl"] == "24.75"


def test_turning_around_in_one_batch_ends_one_life_and_begins_another(world: World) -> None:
    world.trade(BUY, 1)
    world.look()
    world.price(110)
    world.trade(SELL, 3)
    world.look()
    long, short = world.lives
    assert (long["state"], long["exit_price"]) == ("closed", "110")
    assert (short["state"], short["direction"], short["quantity"]) == ("open", "short", "2")
    assert world.steps == [
        ">open external",
        "open>closing external",
        ">open external",
        "closing>closed external",
    ]
    # The fee of 0.165 is shared: a third of it left, two thirds entered.
    assert (long["realized_pnl"], short["realized_pnl"]) == ("9.895", "-0.11")
    (held,) = world.rows("SELECT realized_pnl FROM positions")
    together = sum(Decimal(row["realized_pnl"]) for row in world.lives)
    assert Decimal(held["realized_pnl"]) == together


def test_what_was_opened_and_closed_before_anybody_heard_is_historical(world: World) -> None:
    world.trade(BUY, 1)
    world.price(110)
    world.trade(SELL, 1)
    world.look()
    assert (world.life["state"], world.life["exit_reason"]) == ("closed", "historical")
    assert world.steps == [">open external", "open>closed historical"]
    assert world.life["realized_pnl"] == "9.895"


def test_a_liquidation_is_told_as_such(world: World) -> None:
    world.trade(BUY, 1)
    world.look()
    world.price(91)
    world.wait(1)
    world.account.liquidate("BTCUSDT")
    world.look()
    assert world.steps[-1] == "open>closed liquidation"
    assert (world.life["exit_reason"], world.trades[0]["exit_reason"]) == ("liquidation",) * 2


def execution_of(order: str, name: str, **given: Any) -> dict[str, Any]:
    """One sold at 91, in the venue's words."""
    return {
        "execution_id": name, "broker_order_id": order, "symbol": "BTCUSDT", "side": "sell",
        "quantity": "1", "price": "91", "fee": "0", "fee_currency": "USDT",
        "executed_at": "2026-01-05T12:00:05Z", **given,
    }  # fmt: skip


def test_all_of_a_liquidation_is_one_also_where_a_part_is_told_as_a_trade(world: World) -> None:
    """venue: its order is only known by its fills, of which one says what it is"""
    world.trade(BUY, 2)
    world.look()
    (held,) = world.home.account["positions"]
    entered = world.home.account["executions"]
    forced = execution_of("V-forced", "T-1", kind="liquidation")
    world.venue(executions=[*entered, forced], positions=[{**held, "quantity": "1"}])
    world.look()
    rest = execution_of("V-forced", "T-2", executed_at="2026-01-05T12:00:06Z")
    world.venue(executions=[*entered, forced, rest], positions=[])
    world.look()
    assert world.steps == [">open external", "open>closed liquidation"]
    assert world.trades[0]["exit_reason"] == "liquidation"


def test_a_take_profit_at_the_venue_is_told_as_such(world: World) -> None:
    world.trade(BUY, 1)
    world.look()
    (held,) = world.home.account["positions"]
    world.venue(
        positions=[],
        orders=[
            *world.home.broker_orders(),
            {
                "broker_order_id": "V-tp", "symbol": "BTCUSDT", "side": "sell",
                "type": "take_profit", "quantity": held["quantity"], "trigger_price": "110",
                "filled_quantity": held["quantity"], "reduce_only": True, "status": "filled",
                "created_at": "2026-01-05T12:00:02Z", "updated_at": "2026-01-05T12:00:02Z",
            },
        ],
        executions=[
            *world.home.account["executions"],
            {
                "execution_id": "T-tp", "broker_order_id": "V-tp", "symbol": "BTCUSDT",
                "side": "sell", "quantity": "1", "price": "110", "fee": "0.055",
                "fee_currency": "USDT", "executed_at": "2026-01-05T12:00:02.5Z",
            },
        ],
    )  # fmt: skip
    world.look()
    assert world.life["exit_reason"] == "take_profit"


# --- hedges ---------------------------------------------------------------------------------------


@pytest.fixture
def hedged(home: HomeUnderTest) -> World:
    world = World(home)
    home.tell(snapshot(instrument(), quote(), position_mode="hedge"))
    world.venue(balances=[{"currency": "USDT", "total": "100000", "available": "100000"}])
    world.price(100)
    return world


def test_legs_of_a_hedge_live_side_by_side(hedged: World) -> None:
    hedged.trade(BUY, 2, PositionSide.LONG)
    hedged.trade(SELL, 3, PositionSide.SHORT)
    hedged.look()
    assert [(row["side"], row["direction"], row["quantity"]) for row in hedged.lives] == [
        ("long", "long", "2"),
        ("short", "short", "3"),
    ]
    hedged.trade(SELL, 2, PositionSide.LONG)
    hedged.look()
    assert [row["state"] for row in hedged.lives] == ["closed", "open"]


def test_rows_that_are_missing_on_one_leg_do_not_get_in_the_way_of_the_other(
    hedged: World,
) -> None:
    """The venue's history begins with the exit of a long; a short leg is held beside it."""
    hedged.trade(BUY, 5, PositionSide.LONG)
    hedged.venue(executions=[], orders=[])
    hedged.trade(SELL, 2, PositionSide.LONG)
    hedged.trade(SELL, 3, PositionSide.SHORT)
    hedged.look()
    rows = hedged.rows("SELECT side, quantity FROM positions ORDER BY side")
    assert [(row["side"], row["quantity"]) for row in rows] == [("long", "-2"), ("short", "3")]
    assert [(row["side"], row["direction"]) for row in hedged.lives] == [("short", "short")]
    assert hedged.writes_while(3) == 0
    hedged.home.adopt_all()
    assert [(row["side"], row["direction"], row["quantity"]) for row in hedged.lives] == [
        ("short", "short", "3"),
        ("long", "long", "3"),
    ]


# --- adopted --------------------------------------------------------------------------------------


def test_a_position_found_at_the_broker_is_open_once_a_person_adopts_it(
    home: HomeUnderTest,
) -> None:
    home.tell(snapshot(position(3, average_price=107), instrument()))
    world = World(home)
    world.look()
    assert world.lives == []
    home.adopt_all()
    assert world.steps == [">open adopted"]
    assert (world.life["quantity"], world.life["entry_price"]) == ("3", "107")
    assert (world.life["signal_source"], world.trades[0]["order_id"]) == ("adopted", None)
    assert open_quantities(world) == ["3"]


def test_what_a_person_adopts_smaller_was_left_past_us(home: HomeUnderTest) -> None:
    world = World(home)
    for quantity in (3, 2):
        home.tell(snapshot(position(quantity), instrument()))
        home.adopt_all()
    assert open_quantities(world) == ["2"]
    assert (world.trades[0]["exit_price"], world.trades[0]["exit_reason"]) == (None, "external")
    home.tell(snapshot(instrument()))
    home.adopt_all()
    assert world.steps == [">open adopted", "open>closed external"]
    assert world.life["exit_price"] is None


def test_a_position_from_before_there_were_lives_is_adopted_by_the_first_look(
    world: World,
) -> None:
    """A book that was brought forward holds positions, and no life of theirs."""
    world.trade(BUY, 2)
    world.look()
    world.home.execute("DROP TRIGGER position_lives_kept")
    world.home.execute("DROP TRIGGER position_transitions_kept")
    for table in ("position_lives", "position_transitions", "trades"):
        world.home.execute(f"DELETE FROM {table}")
    world.look()
    assert world.steps == [">open adopted"]
    assert (world.life["quantity"], world.life["entry_price"]) == ("2", "100")
    assert world.life["leverage"] == "10"
    assert world.writes_while(2) == 0
