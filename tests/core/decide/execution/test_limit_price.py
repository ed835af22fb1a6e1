"""Where a limit rests: half the spread away, on the tick, on its own side of the price."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.decide.execution.limit_price import limit_price
from core.decide.execution.market import Market
from core.domain.money import decimal_text, parse_decimal
from core.domain.order import Side
from tests.build import instrument, settings

BUY, SELL = Side.BUY, Side.SELL


def rests(
    side: Side, price: Any, spread: Any = 0, tick: str | None = "0.1", ratio: str = "0.5"
) -> tuple[Decimal, str]:
    market = Market(
        price=Decimal(price),
        spread=None if spread is None else Decimal(spread),
        because="",
    )
    return limit_price(
        side, market, instrument(price_tick=tick), settings(limit_offset_ratio=ratio)
    )


@pytest.mark.parametrize(
    ("side", "price", "spread", "at"),
    [
        (BUY, "50000", "1.5", "49999.2"),  # 49999.25, away from crossing
        (SELL, "50000", "1.5", "50000.8"),  # 50000.75, likewise
        (BUY, "50000", "2", "49999"),  # on the tick already
        (SELL, "50000", "2", "50001"),
        (BUY, "50000", "0", "50000"),
        (SELL, "50000", None, "50000"),  # nobody tells a spread
        (BUY, "50000.01", "0", "50000"),
        (SELL, "50000.01", "0", "50000.1"),  # one tick
        (BUY, "0.05", "10", "0.1"),  # never at nothing or below
    ],
)
def test_half_the_spread_away_from_the_market(
    side: Side, price: str, spread: str | None, at: str
) -> None:
    assert rests(side, price, spread)[0] == Decimal(at)


def test_the_ratio_is_a_setting_and_the_sentence_names_it() -> None:
    price, why = rests(BUY, "100", "4", ratio="0.25")
    assert (price, why) == (Decimal(99), "Limit 99: 0.25 of the spread below 100.")
    assert rests(SELL, "100", "4")[1] == "Limit 102: 0.5 of the spread above 100."


def test_prices_of_a_hundred_millionth() -> None:
    tick = "0.00000001"
    assert rests(BUY, "0.00000003", "0.00000003", tick)[0] == Decimal("1E-8")
    assert rests(SELL, "0.00000003", "0.00000003", tick)[0] == Decimal("5E-8")
    assert decimal_text(rests(BUY, "0.00000003", "0.00000003", tick)[0]) == "0.00000001"


def test_without_a_tick_the_price_is_still_one_that_the_book_can_keep() -> None:
    for side in Side:
        price, _ = rests(side, "0.12345678901234567891", "0.00000000000000000003", None)
        assert price > 0
        assert parse_decimal(decimal_text(price)) == price


def test_without_a_tick_an_offset_larger_than_the_price_leaves_one_above_nothing() -> None:
    assert rests(BUY, "1", "10", None)[0] > 0


FIGURES = st.decimals("0.00000001", "99999999", places=8)


@given(
    side=st.sampled_from(Side),
    price=FIGURES,
    spread=FIGURES | st.just(Decimal(0)),
    tick=st.sampled_from(["0.00000001", "0.0001", "0.05", "0.25", "1", "3"]),
    ratio=st.sampled_from(["0", "0.1", "0.5", "1", "3"]),
)
def test_it_is_on_the_tick_and_never_on_the_other_side_of_the_market(
    side: Side, price: Decimal, spread: Decimal, tick: str, ratio: str
) -> None:
    at, _ = rests(side, price, spread, tick, ratio)
    step = Decimal(tick)
    assert at % step == 0 and at > 0
    wanted = price - side.sign * spread * Decimal(ratio)
    if side is SELL:
        assert wanted <= at < wanted + step
    elif wanted >= step:
        assert wanted - step < at <= wanted
    else:
        assert at == step
