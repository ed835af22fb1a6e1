"""Prices of several parts, what leaving won, and what that was of the margin."""

from decimal import Decimal
from typing import Any

import pytest

from core.decide.lifecycle.figures import averaged, margin_of, pct_of_margin, won_by
from core.domain.market import Instrument
from tests.build import instrument

LINEAR = instrument()
TENFOLD = instrument(kind="future", multiplier=10)
INVERSE = instrument(kind="inverse", multiplier=100)


def dec(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


@pytest.mark.parametrize(
    ("quantity", "price", "more", "at", "kind", "expected"),
    [
        # The first part is all there is, known or not.
        (0, None, 5, 100, LINEAR, 100),
        (0, 90, 5, 100, LINEAR, 100),
        (0, None, 5, None, LINEAR, None),
        (5, 100, 5, 110, LINEAR, 105),
        (5, 100, 15, 110, None, "107.5"),
        # The size of a contract weighs on both alike.
        (5, 100, 5, 110, TENFOLD, 105),
        # 100 / 100 + 300 / 150 coins for 400 contracts.
        (100, 100, 300, 150, INVERSE, "133.333333333333"),
        # Once a part is not known, the whole is not.
        (5, None, 5, 110, LINEAR, None),
        (5, 100, 5, None, LINEAR, None),
        # A price of zero is a price, but no coin can be bought for it.
        (5, 0, 5, 110, LINEAR, 55),
        (5, 100, 5, 0, LINEAR, 50),
        (5, 0, 5, 110, INVERSE, None),
        (5, 100, 5, 0, INVERSE, None),
        # A part taken out again.
        (10, 105, -5, 110, LINEAR, 100),
    ],
)
def test_two_parts_have_one_price(
    quantity: Any, price: Any, more: Any, at: Any, kind: Instrument | None, expected: Any
) -> None:
    found = averaged(Decimal(quantity), dec(price), Decimal(more), dec(at), kind)
    assert found == dec(expected)


@pytest.mark.parametrize(
    ("closed", "entry", "price", "kind", "expected"),
    [
        (5, 100, 110, LINEAR, 50),
        (-5, 100, 110, LINEAR, -50),
        (5, 100, 110, TENFOLD, 500),
        # 100 contracts of 100 dollars each, 100 coins in and 80 out.
        (100, 100, 125, INVERSE, 20),
        (-100, 100, 125, INVERSE, -20),
        (5, None, 110, LINEAR, 0),
        (5, 100, None, LINEAR, 0),
        # What settles at nothing has lost all of it.
        (5, 100, 0, LINEAR, -500),
        (5, 100, 0, INVERSE, 0),
        (5, 0, 100, INVERSE, 0),
    ],
)
def test_what_leaving_won_is_told_as_far_as_both_prices_are_known(
    closed: Any, entry: Any, price: Any, kind: Instrument, expected: Any
) -> None:
    assert won_by(Decimal(closed), dec(entry), dec(price), kind) == Decimal(expected)


@pytest.mark.parametrize(
    ("quantity", "price", "leverage", "kind", "expected"),
    [
        (5, 100, 10, LINEAR, 50),
        (5, 100, 1, None, 500),
        (5, 100, 10, TENFOLD, 500),
        # 100 contracts of 100 dollars at 100: a hundred coins, a tenth of them put in.
        (100, 100, 10, INVERSE, 10),
        (5, None, 10, LINEAR, None),
        (5, 100, None, LINEAR, None),
        (5, 0, 10, LINEAR, None),
    ],
)
def test_the_margin_is_what_a_position_stands_for_by_its_leverage(
    quantity: Any, price: Any, leverage: Any, kind: Instrument | None, expected: Any
) -> None:
    assert margin_of(Decimal(quantity), dec(price), dec(leverage), kind) == dec(expected)


@pytest.mark.parametrize(
    ("won", "quantity", "entry", "leverage", "kind", "expected"),
    [
        (25, 5, 100, 10, LINEAR, 50),
        (-25, 5, 100, 10, LINEAR, -50),
        (20, 100, 100, 10, INVERSE, 200),
        # Without a leverage all of it was put in.
        (25, 5, 100, None, LINEAR, 5),
        (25, 5, None, 10, LINEAR, None),
        (25, 0, 100, 10, LINEAR, None),
        (1, 3, 100, None, LINEAR, "0.333333333333"),
    ],
)
def test_profit_is_told_in_percent_of_what_was_put_in(
    won: Any, quantity: Any, entry: Any, leverage: Any, kind: Instrument, expected: Any
) -> None:
    found = pct_of_margin(Decimal(won), Decimal(quantity), dec(entry), dec(leverage), kind)
    assert found == dec(expected)
