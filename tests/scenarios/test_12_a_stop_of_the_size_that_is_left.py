"""Elsewhere an exit filled in part and was cancelled, and the stop stayed as large as the position
had been, or was not there at all.

Here the stop is as large as what is left, in every moment that somebody can see: 100 held, 40 of
the exit filled, the rest cancelled; a stop for 60.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.scenarios.lives import ENTERED, life, states
from tests.scenarios.other_side import (
    BYBIT,
    MEXC,
    BybitSide,
    MexcSide,
    OtherSide,
    Shown,
    close,
    every_stop,
    is_guarded,
    other_side,
    stops,
    wish,
)
from tests.service.records import held, intent, placed, told
from tests.service.running import Running, with_service

# 100, 40 and 60 thousandths of a bitcoin.
ALL, FILLED, LEFT = "0.1", "0.04", "0.06"
THAT_BUYS_IT = 6000.02


async def entered(running: Running, other: OtherSide) -> None:
    await told(running, wish(other, amount=THAT_BUYS_IT))
    await running.until(lambda: is_guarded(other), "its stop")
    assert other.held() == Decimal(ALL)


def resting_exit(other: OtherSide) -> Shown:
    (order,) = [each for each in other.orders() if each.live and not each.is_stop]
    assert order.reduce_only
    return order


def test_12_an_exit_that_filled_in_part_and_was_cancelled(other: OtherSide) -> None:
    home = other.home
    home.set_in("RISK", max_order_size_ratio="0")
    asked = close(other, order_type="limit", market_data_snapshot={"price": 61_000, "spread": 0})

    async def story(running: Running) -> None:
        await entered(running, other)
        await placed(running, asked)
        await running.until(lambda: life(home)["state"] == "closing", "an exit of all is out")
        order = resting_exit(other)
        other.fill(order.order_id, FILLED, "61000")
        await held(running, LEFT, other.symbol)
        await running.until(lambda: is_guarded(other), "a stop for what is left")
        other.cancel(order.order_id)
        await running.until(lambda: life(home)["state"] == "open", "back")

    with_service(home, story)
    (stop,) = stops(other)
    assert (stop.left, stop.reduce_only) == (Decimal(LEFT), True)
    assert states(home) == [*ENTERED, "closing", "open"]
    assert (life(home)["quantity"], life(home)["exit_price"]) == (LEFT, "61000")
    (trade,) = home.rows("SELECT * FROM trades")
    assert (trade["status"], trade["open_quantity"]) == ("OPEN", LEFT)
    assert intent(home, asked)["state"] != "PLACED"
    home.must("plan", "--detailed-exitcode")
    home.must("verify")


@pytest.fixture(params=[BYBIT, MEXC])
def venue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BybitSide | MexcSide]:
    """Where somebody else decides how much can be sold at a price."""
    with other_side(request.param, tmp_path / "home") as other:
        assert isinstance(other, BybitSide | MexcSide)
        yield other


def test_12_a_target_that_fills_in_part_and_is_taken_back(venue: BybitSide | MexcSide) -> None:
    """Only 40 can be sold at it; what rests too long is taken back."""
    home = venue.home
    home.set_in("EXITS", limit_timeout_seconds="1")
    home.set_in("POSITIONS", trail="false")

    async def story(running: Running) -> None:
        await told(running, wish(venue, amount=THAT_BUYS_IT, take_profit_pct=10))
        await running.until(lambda: is_guarded(venue), "its stop")
        await running.until(lambda: home.rows("SELECT 1 FROM trades WHERE target > ''"), "aimed")
        venue.offer("60650", FILLED)
        await held(running, LEFT, venue.symbol)
        venue.move("60200")
        await running.until(lambda: exit_states(venue) == ["CANCELLED"], "taken back")
        await running.until(lambda: life(home)["state"] == "open", "back")
        await running.until(lambda: is_guarded(venue), "a stop for what is left")

    with_service(home, story)
    assert [each.left for each in stops(venue)] == [Decimal(LEFT)]
    assert states(home) == [*ENTERED, "closing", "open"]
    home.must("plan", "--detailed-exitcode")
    home.must("verify")


def exit_states(other: OtherSide) -> list[str]:
    rows = other.home.rows("SELECT state FROM exit_intents ORDER BY sequence")
    return [row["state"] for row in rows]


def test_12_a_stop_that_fills_in_part_makes_way_for_another(venue: BybitSide | MexcSide) -> None:
    """Only 40 could be sold when it triggered, and the price was back before anybody looked."""
    home = venue.home

    async def story(running: Running) -> None:
        await entered(running, venue)
        (first,) = stops(venue)
        venue.dip("59000", FILLED, back_to="60000")
        await held(running, LEFT, venue.symbol)
        await running.until(lambda: is_guarded(venue), "a stop for what is left")
        (second,) = stops(venue)
        assert (second.order_id == first.order_id, second.trigger) == (False, first.trigger)

    with_service(home, story)
    assert len(every_stop(venue)) == 2
    assert (life(home)["state"], life(home)["quantity"]) == ("open", LEFT)
    home.must("plan", "--detailed-exitcode")
    home.must("verify")
