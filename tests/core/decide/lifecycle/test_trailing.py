"""Where a stop goes as the profit grows: tiers, rounding, and that it never goes back."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config.trading_settings import Positions
from core.decide.lifecycle.trailing import price_at, roe_pct, step_at, trail
from core.domain.market import Instrument
from core.domain.order import PositionSide
from core.domain.position import BookPosition

SETTINGS = Positions()
TICK = Instrument(symbol="BTCUSDT", price_tick=Decimal("0.1"))


def position(quantity: Any = 1, entry: Any = 100, side: str = "both") -> BookPosition:
    return BookPosition(
        account="main",
        symbol="BTCUSDT",
        side=PositionSide(side),
        quantity=Decimal(quantity),
        average_price=None if entry is None else Decimal(entry),
    )


def trailed(held: BookPosition, stop: Any, price: Any, leverage: Any = 10) -> Decimal | None:
    found = trail(held, Decimal(stop), Decimal(price), Decimal(leverage), TICK, SETTINGS)
    return found.trigger if found else None


@pytest.mark.parametrize(
    ("price", "stop"),
    [
        ("100.9", None),  # 9 %: not yet
        ("101", "100.5"),  # 10 %: 5 behind
        ("101.99", "101.5"),  # 19.9 %: 5 behind, rounded towards the profit
        ("102", "101.6"),  # 20 %: 4 behind
        ("103", "102.7"),  # 30 %: 3 behind
        ("105", "104.8"),  # 50 %: 2 behind
    ],
)
def test_the_tiers_of_a_long(price: str, stop: str | None) -> None:
    assert trailed(position(), "99.2", price) == (Decimal(stop) if stop else None)


@pytest.mark.parametrize(("price", "stop"), [("99", "99.5"), ("97", "97.3"), ("95", "95.2")])
@pytest.mark.parametrize("held", [position(-1), position(1, side="short")])
def test_a_short_is_its_mirror(held: BookPosition, price: str, stop: str) -> None:
    assert trailed(held, "100.8", price) == Decimal(stop)


def test_a_stop_never_loosens() -> None:
    assert trailed(position(), "104.8", "102") is None
    assert trailed(position(), "101.6", "102") is None
    assert trailed(position(-1), "95.2", "97") is None


def test_a_step_too_small_for_the_tick_does_not_cross_the_price() -> None:
    """With much leverage the step is less than a tick, and the stop would close at once."""
    assert trailed(position(), "99", "100.1", leverage=500) is None


def test_without_an_entry_price_nothing_moves() -> None:
    assert trailed(position(entry=None), "90", "120") is None


def test_the_sentence_says_why() -> None:
    found = trail(position(), Decimal("99.2"), Decimal(101), Decimal(10), TICK, SETTINGS)
    assert found is not None
    assert found.because == (
        "At 101 the position has gained 10 % of its equity; its stop follows 5 % behind, from "
        "99.2 to 100.5."
    )


def test_tiers_are_read_in_any_order_and_have_a_floor() -> None:
    settings = Positions(trail_tiers=["0:9", "40:1"])
    assert [step_at(Decimal(gain), settings) for gain in (0, 39, 40, 100)] == [9, 9, 1, 1]


@given(
    entry=st.decimals("0.01", "100000", places=2),
    leverage=st.integers(1, 100),
    prices=st.lists(st.decimals("0.5", "2", places=3), min_size=1, max_size=20),
    is_long=st.booleans(),
)
def test_along_any_path_the_stop_only_tightens_and_never_crosses(
    entry: Decimal, leverage: int, prices: list[Decimal], is_long: bool
) -> None:
    held = position(1 if is_long else -1, entry)
    stop = entry * (Decimal("0.001") if is_long else Decimal(1000))
    for ratio in prices:
        price = entry * ratio
        found = trail(held, stop, price, Decimal(leverage), None, SETTINGS)
        if found is None:
            continue
        assert (stop < found.trigger < price) if is_long else (price < found.trigger < stop)
        gained = roe_pct(entry, price, Decimal(leverage), is_long=is_long)
        kept = roe_pct(entry, found.trigger, Decimal(leverage), is_long=is_long)
        assert gained >= SETTINGS.trail_trigger_pct
        assert abs(gained - kept - step_at(gained, SETTINGS)) < Decimal("0.001")
        stop = found.trigger


def test_price_and_gain_are_each_others_inverse() -> None:
    for is_long in (True, False):
        price = price_at(Decimal(100), Decimal(30), Decimal(10), None, is_long=is_long)
        assert roe_pct(Decimal(100), price, Decimal(10), is_long=is_long) == 30
