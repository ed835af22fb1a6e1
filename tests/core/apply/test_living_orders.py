"""Lives follow their orders: the stop that guards, the exit that is out, the one that failed."""

from decimal import Decimal

import pytest

from tests.core.apply.living_world import BUY, SELL, World
from tests.home import HomeUnderTest


@pytest.fixture
def world(home: HomeUnderTest) -> World:
    """One bought at 100 by hand."""
    world = World(home)
    world.price(100)
    world.trade(BUY, 1)
    world.look()
    return world


# --- its stop -------------------------------------------------------------------------------------


def test_the_stop_that_guards_it_is_known(world: World) -> None:
    number = world.guard(92)
    world.look()
    held = world.life
    (stop,) = world.rows("SELECT * FROM orders WHERE broker_order_id = ?", number)
    assert (held["stop_order_id"], held["stop_price"]) == (stop["order_id"], "92")
    assert (held["initial_stop_price"], held["stop_created_at"]) == ("92", stop["created_at"])
    (told,) = world.told("position.stop_updated")
    assert (told["stop_price"], told["stop_was"]) == ("92", None)


def test_a_tighter_stop_is_a_trail_and_told_once(world: World) -> None:
    first = world.guard(92)
    world.look()
    world.guard(95)
    world.account.cancel(first)
    world.look(3)
    assert world.steps == [">open external", "open>trailing stop_moved"]
    assert (world.life["stop_price"], world.life["initial_stop_price"]) == ("95", "92")
    (told,) = world.told("position.trail_activated")
    assert (told["stop_was"], told["stop_price"]) == ("92", "95")
    assert [row["stop_price"] for row in world.told("position.stop_updated")] == ["92", "95"]


def test_a_trailing_stop_that_fills_says_so(world: World) -> None:
    first = world.guard(92)
    world.look()
    world.guard(95)
    world.account.cancel(first)
    world.look()
    world.price(94)
    world.look()
    assert world.steps[-1] == "trailing>closed trailing_stop"
    assert (world.life["exit_reason"], world.trades[0]["exit_reason"]) == ("trailing_stop",) * 2


def test_a_stop_that_fills_before_anything_was_moved_is_a_stop_loss(world: World) -> None:
    world.guard(92)
    world.look()
    world.price(91)
    world.look()
    assert world.steps == [">open external", "open>closed stop_loss"]
    assert world.life["stop_price"] == "92"


def test_a_stop_that_somebody_takes_away_leaves_its_price_behind(world: World) -> None:
    number = world.guard(92)
    world.look()
    world.account.cancel(number)
    world.look()
    assert (world.life["stop_order_id"], world.life["stop_price"]) == (None, "92")


def test_a_stop_of_the_other_side_guards_nothing_here(world: World) -> None:
    """A buy stop beside a long is somebody's entry."""
    world.venue(
        orders=[
            *world.home.broker_orders(),
            {
                "broker_order_id": "V-buy", "symbol": "BTCUSDT", "side": "buy", "type": "stop",
                "quantity": "1", "trigger_price": "120", "reduce_only": True, "status": "open",
                "created_at": "2026-01-05T12:00:03Z", "updated_at": "2026-01-05T12:00:03Z",
            },
        ]
    )  # fmt: skip
    world.look()
    assert world.life["stop_order_id"] is None


# --- our exits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        ("TARGET_HIT", "take_profit"),
        ("STOP_LOSS", "stop_loss"),
        ("TRAILING_STOP", "trailing_stop"),
        ("TIME_BASED", "time_based"),
        ("MANUAL", "manual"),
    ],
)
def test_an_exit_of_ours_is_closing_until_the_venue_shows_nothing(
    world: World, cause: str, reason: str
) -> None:
    world.price(110)
    world.leave(cause, order_type="limit", price=111)
    assert world.life["state"] == "closing"
    world.look(2)
    assert world.life["state"] == "closing"
    world.price(112)
    world.look()
    assert world.steps == [
        ">open external",
        "open>closing exit_sent",
        f"closing>closed {reason}",
    ]
    assert (world.trades[0]["status"], world.trades[0]["exit_reason"]) == ("CLOSED", reason)
    assert world.rows("SELECT state FROM exit_intents") == [{"state": "FILLED"}]


def test_an_exit_that_fills_at_once_is_no_exit_that_failed(world: World) -> None:
    """It is told as filled before the execution is booked."""
    world.leave()
    world.look()
    assert world.steps == [
        ">open external",
        "open>closing exit_sent",
        "closing>closed manual",
    ]


def test_funding_under_its_order_is_no_fill_of_an_exit(world: World) -> None:
    """venue: the exit has filled, its execution is not told yet / book: a funding of that order"""
    entered = world.home.account["executions"]
    shown = world.home.account["positions"]
    world.leave()
    filled = world.home.account["executions"][-1]
    # An earlier program took what the venue charges for a position for its orders' own.
    world.home.execute(
        "INSERT INTO executions (execution_key, execution_id, account, broker_order_id, symbol,"
        " side, quantity, price, fee, kind, executed_at) VALUES ('F-1', 'F-1', 'main', ?,"
        " 'BTCUSDT', 'sell', '1', '100', '0.1', 'funding', '2026-01-05T12:00:03Z')",
        filled["broker_order_id"],
    )
    world.venue(executions=entered, positions=shown)
    world.look(2)
    # An exit that failed would be asked for once more, of what is gone already.
    assert world.steps == [">open external", "open>closing exit_sent"]
    world.venue(executions=[*entered, filled], positions=[])
    world.look()
    assert world.steps[-1] == "closing>closed manual"


def test_an_exit_that_was_taken_back_leaves_the_position_open(world: World) -> None:
    world.leave(order_type="limit", price=111)
    (order,) = (row for row in world.home.broker_orders() if row["status"] == "open")
    world.account.cancel(order["broker_order_id"])
    world.look(2)
    assert world.steps == [
        ">open external",
        "open>closing exit_sent",
        "closing>open close_failed",
    ]


def test_an_exit_that_fills_in_part_and_ends_leaves_the_rest_open(world: World) -> None:
    world.leave(order_type="limit", price=111)
    (order,) = (row for row in world.home.broker_orders() if row["status"] == "open")
    world.account.fill(order["broker_order_id"], Decimal("0.4"), Decimal(111))
    world.look()
    assert world.life["state"] == "closing"
    world.account.cancel(order["broker_order_id"])
    world.look()
    assert world.steps[-1] == "closing>open close_failed"
    assert (world.life["quantity"], world.trades[0]["open_quantity"]) == ("0.6", "0.6")


def test_one_that_was_trailing_goes_on_trailing_when_its_exit_fails(world: World) -> None:
    first = world.guard(92)
    world.look()
    world.guard(95)
    world.account.cancel(first)
    world.look()
    world.leave(order_type="limit", price=111)
    (order,) = (
        row
        for row in world.home.broker_orders()
        if (row["status"], row["type"]) == ("open", "limit")
    )
    world.account.cancel(order["broker_order_id"])
    world.look()
    assert world.steps[-2:] == ["trailing>closing exit_sent", "closing>trailing close_failed"]


def test_an_exit_of_a_part_closes_nothing(world: World) -> None:
    world.leave(quantity="0.4", order_type="limit", price=111)
    world.look()
    assert world.life["state"] == "open"
    world.price(112)
    world.look()
    assert (world.life["state"], world.life["quantity"]) == ("open", "0.6")
    assert world.trades[0]["open_quantity"] == "0.6"


def test_an_exit_is_for_its_own_trade_whatever_is_older(world: World) -> None:
    world.price(110)
    world.trade(BUY, 2)
    world.look()
    world.leave("TARGET_HIT")
    world.look()
    assert [row["status"] for row in world.trades] == ["OPEN", "CLOSED"]
    assert (world.life["state"], world.life["quantity"]) == ("open", "1")


def test_a_person_who_is_quicker_than_our_exit_is_why_it_is_closed(world: World) -> None:
    world.leave(order_type="limit", price=111)
    world.trade(SELL, 1)
    world.look()
    assert world.steps[-1] == "closing>closed external"


# --- reversals ------------------------------------------------------------------------------------


def test_the_closing_half_of_a_reversal_is_no_entry(world: World) -> None:
    """Its opening half was refused: the wish fails, and is in nobody's way."""
    orders = [
        {"side": "sell", "purpose": "close", "reduce_only": True},
        {"side": "sell", "purpose": "open"},
    ]
    approved = world.wish(orders=orders)
    assert [row["state"] for row in world.lives] == ["open", "queued"]
    world.send(approved, 1)
    world.look()
    assert [row["state"] for row in world.lives] == ["closed", "queued"]
    assert world.lives[0]["exit_reason"] == "signal"
    world.account.simulate(faults=[{"on": "place", "kind": "reject"}])
    world.send(approved, 2)
    world.give_up(approved)
    world.look()
    assert [row["state"] for row in world.lives] == ["closed", "failed"]


def test_a_reversal_ends_one_life_and_opens_the_one_it_wished_for(world: World) -> None:
    orders = [
        {"side": "sell", "purpose": "close", "reduce_only": True},
        {"side": "sell", "purpose": "open", "quantity": 2},
    ]
    approved = world.wish(orders=orders)
    world.send(approved, 1)
    world.send(approved, 2)
    world.look()
    long, short = world.lives
    assert (long["state"], short["state"], short["quantity"]) == ("closed", "open", "2")
    assert [row["kind"] for row in world.trades] == ["NEWBUY", "NEWBUY"]


def test_an_entry_that_only_left_what_was_there_entered_nothing(world: World) -> None:
    """Somebody else had turned the position around before it filled."""
    approved = world.wish(orders=[{"side": "sell", "purpose": "open"}])
    world.send(approved)
    assert [row["state"] for row in world.lives] == ["open", "executing"]
    world.look()
    assert [row["state"] for row in world.lives] == ["closed", "failed"]
    assert world.lives[0]["exit_reason"] == "signal"


# --- telling --------------------------------------------------------------------------------------


def test_every_step_is_told_with_what_it_was_and_is(world: World) -> None:
    world.guard(92)
    world.look()
    world.leave()
    world.look()
    told = world.told("position.state_changed")
    assert [(each["from_state"], each["state"], each["reason"]) for each in told] == [
        (None, "open", "external"),
        ("open", "closing", "exit_sent"),
        ("closing", "closed", "manual"),
    ]
    assert {each["position_id"] for each in told} == {world.life["position_id"]}
    assert len(world.told("position.closed")) == 1
    moments = world.rows(
        "SELECT o.occurred_at AS told, t.at AS done FROM outbox o JOIN position_transitions t"
        " ON o.event_id = t.position_id || ':' || t.id WHERE event_type = 'position.state_changed'"
    )
    assert len(moments) == 3
    assert all(row["told"] == row["done"] for row in moments)
