"""Fees that become known, prices that are corrected: trades and lives take the figures over."""

from decimal import Decimal
from typing import Any

import pytest

from tests.build import execution, instrument, order, position, snapshot
from tests.core.apply.living_world import BUY, SELL, World
from tests.home import HomeUnderTest


@pytest.fixture
def world(home: HomeUnderTest) -> World:
    world = World(home)
    world.price(100)
    return world


def tell(world: World, number: int, **otherwise: Any) -> None:
    """The venue tells that execution otherwise from now on."""
    rows = world.home.account["executions"]
    rows[number] |= otherwise
    world.venue(executions=rows)


def figures(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def test_a_fee_that_becomes_known_reaches_the_trade_and_its_life(world: World) -> None:
    world.trade(BUY, 1)
    tell(world, 0, fee=None, fee_currency=None)
    world.look()
    assert figures(world.trades[0], "fees", "realized_pnl") == ("0", "0")
    tell(world, 0, fee="0.05", fee_currency="USDT")
    world.look()
    assert figures(world.trades[0], "fees", "realized_pnl") == ("0.05", "-0.05")
    assert world.life["realized_pnl"] == "-0.05"
    assert world.steps == [">open external"]
    assert world.writes_while(3) == 0


def test_the_fee_of_an_exit_that_becomes_known_after_the_end_is_the_trades_alone(
    world: World,
) -> None:
    world.trade(BUY, 1)
    world.look()
    world.price(110)
    world.trade(SELL, 1)
    tell(world, 1, fee=None, fee_currency=None)
    world.look()
    before = world.life
    assert (before["state"], before["realized_pnl"]) == ("closed", "9.95")
    tell(world, 1, fee="0.45", fee_currency="USDT")
    world.look()
    assert world.life == before
    assert figures(world.trades[0], "status", "fees", "realized_pnl") == ("CLOSED", "0.5", "9.5")
    # Of a margin of 10.
    assert world.trades[0]["realized_pnl_pct"] == "95"
    (held,) = world.rows("SELECT realized_pnl FROM positions")
    assert held["realized_pnl"] == "9.5"


def test_the_fee_of_an_exit_in_parts_is_every_parts(world: World) -> None:
    world.trade(BUY, 2)
    world.look()
    world.price(110)
    for _ in range(2):
        world.trade(SELL, 1)
        tell(world, -1, fee=None, fee_currency=None)
        world.look()
    for number, fee in ((1, "0.2"), (2, "0.3")):
        tell(world, number, fee=fee, fee_currency="USDT")
        world.look()
    assert figures(world.trades[0], "fees", "realized_pnl") == ("0.6", "19.4")


def test_a_stranger_of_an_earlier_life_gets_nothing(world: World) -> None:
    """Two lives of one symbol; what is told late belongs to the first."""
    for price in (100, 120):
        world.price(price)
        world.trade(BUY, 1)
        world.look()
        world.price(price + 10)
        world.trade(SELL, 1)
        world.look()
    tell(world, 1, fee="1")
    world.look()
    first, second = world.trades
    assert figures(first, "fees") == ("1.05",)
    # 0.06 for buying at 120, 0.065 for selling at 130.
    assert figures(second, "fees") == ("0.125",)


def test_a_corrected_price_reaches_what_it_was_part_of(world: World) -> None:
    world.trade(BUY, 1)
    world.trade(BUY, 1)
    world.look()
    tell(world, 0, price="90", fee="0.045")
    world.look()
    first, second = world.trades
    assert (first["entry_price"], second["entry_price"]) == ("90", "100")
    assert world.life["entry_price"] == "95"
    (held,) = world.rows("SELECT average_price FROM positions")
    assert held["average_price"] == "95"
    world.price(110)
    world.trade(SELL, 2)
    world.look()
    # 30 less 0.045, 0.05 and 0.11.
    assert world.life["realized_pnl"] == "29.795"


def test_a_purchase_that_was_smaller_is_no_exit(home: HomeUnderTest) -> None:
    """book: bought 5 / broker: it was 4 / the trade is of 4, and nothing was left"""
    world = World(home)
    for quantity in (5, 4):
        told = order(status="filled", filled_quantity=quantity, quantity=quantity)
        home.tell(snapshot_of(told, quantity))
        home.adopt_all()
    (entered,) = world.trades
    assert figures(entered, "quantity", "open_quantity", "exit_time") == ("4", "4", None)
    assert figures(world.life, "quantity", "volume", "exit_time") == ("4", "4", None)


def snapshot_of(told: Any, quantity: int) -> Any:
    return snapshot(told, execution("T-1", quantity), position(quantity), instrument())


def test_a_fee_in_kind_that_becomes_known_makes_the_purchase_smaller(home: HomeUnderTest) -> None:
    world = World(home)
    told = order(status="filled", filled_quantity=5, quantity=5)
    coin = instrument(kind="spot")
    bought = execution("T-1", 5, fee=None, fee_currency=None)
    home.tell(snapshot(told, bought, position(5), coin))
    home.adopt_all()
    bought = execution("T-1", 5, fee="0.005", fee_currency="BTC")
    home.tell(snapshot(told, bought, position("4.995"), coin))
    home.adopt_all()
    (entered,) = world.trades
    assert figures(entered, "quantity", "open_quantity", "exit_time") == ("4.995", "4.995", None)
    assert figures(world.life, "quantity", "realized_pnl") == ("4.995", "0")


def test_a_corrected_reversal_is_shared_as_it_was_booked(world: World) -> None:
    world.trade(BUY, 1)
    world.look()
    world.trade(SELL, 3)
    tell(world, 1, fee=None, fee_currency=None)
    world.look()
    tell(world, 1, fee="0.3", fee_currency="USDT")
    world.look()
    long, short = world.trades
    assert figures(long, "fees") == ("0.15",)
    assert figures(short, "fees") == ("0.2",)
    assert world.lives[1]["realized_pnl"] == "-0.2"
    (held,) = world.rows("SELECT realized_pnl FROM positions")
    assert Decimal(held["realized_pnl"]) == sum(
        Decimal(row["realized_pnl"]) for row in world.trades
    )
