"""What an amount buys: never more than its worth, on the step, whatever the size of the figures."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.decide.execution.quantity import (
    least_quantity,
    notional,
    on_step,
    quantity_of,
    too_few,
    too_small,
)
from core.domain.market import Instrument
from core.domain.money import decimal_text, parse_decimal
from tests.build import instrument


def bought(amount: Any, price: Any, **given: Any) -> Decimal:
    return quantity_of(Decimal(amount), Decimal(price), instrument(**given))


@pytest.mark.parametrize(
    ("amount", "price", "step", "quantity"),
    [
        ("1000", "50000", "0.001", "0.02"),
        ("1000", "50000.1", "0.001", "0.019"),  # a hair short of 0.02
        ("1049.99", "50000", "0.001", "0.02"),
        ("1050", "50000", "0.001", "0.021"),  # exactly one step more
        ("49.99", "50000", "0.001", "0"),
        ("50", "50000", "0.001", "0.001"),
        ("1", "0.00000001", "1", "100000000"),
        ("99999999999999999999", "0.00000001", "1", "9999999999999999999900000000"),
        ("1000", "3", "0.0001", "333.3333"),
        ("1000", "7", "3", "141"),  # a step that is no power of ten
        ("0.000001", "50000", "0.00000001", "0"),
    ],
)
def test_the_amount_over_the_price_floored_to_the_step(
    amount: str, price: str, step: str, quantity: str
) -> None:
    assert bought(amount, price, quantity_step=step) == Decimal(quantity)


@pytest.mark.parametrize(
    ("amount", "quantity"), [("299999.99", "0"), ("300000", "1"), ("899999.99", "2")]
)
def test_a_future_is_worth_its_price_times_its_size(amount: str, quantity: str) -> None:
    contract = {"kind": "future", "multiplier": 50, "quantity_step": 1}
    assert bought(amount, "6000", **contract) == Decimal(quantity)


def test_a_contract_of_a_ten_thousandth() -> None:
    assert bought("1000", "50000", multiplier="0.0001", quantity_step=1) == 200
    assert bought("999.99", "50000", multiplier="0.0001", quantity_step=1) == 199


def test_an_inverse_contract_is_worth_its_size_whatever_the_price() -> None:
    inverse = instrument(kind="inverse", quantity_step=1, multiplier=10)
    assert quantity_of(Decimal(1009), Decimal(50000), inverse) == 100
    assert notional(Decimal(100), Decimal(50000), inverse) == 1000


@pytest.mark.parametrize("price", ["0", "-1"])
def test_nothing_is_bought_at_no_price(price: str) -> None:
    assert bought("1000", price) == 0


def test_without_a_step_the_quantity_is_still_one_that_the_book_can_keep() -> None:
    quantity = bought("1000", "3", quantity_step=None, min_quantity=None)
    assert quantity == Decimal("333.333333333333")
    assert parse_decimal(decimal_text(quantity)) == quantity


# --- minimums -------------------------------------------------------------------------------------


def codes(quantity: Any, price: Any, **given: Any) -> list[str]:
    found = too_small(Decimal(quantity), Decimal(price), instrument(**given))
    return [reason.code for reason in found]


@pytest.mark.parametrize(
    ("quantity", "refused"),
    [
        ("0", ["below_minimum_quantity"]),
        ("0.004", ["below_minimum_quantity"]),
        ("0.005", []),
        ("0.006", []),
    ],
)
def test_the_smallest_quantity(quantity: str, refused: list[str]) -> None:
    assert codes(quantity, 100, min_quantity="0.005") == refused


@pytest.mark.parametrize(
    ("quantity", "refused"),
    [("0.049", ["below_minimum_notional"]), ("0.05", []), ("0.051", [])],
)
def test_the_smallest_worth(quantity: str, refused: list[str]) -> None:
    assert codes(quantity, 100, min_notional=5) == refused
    (each,) = too_small(Decimal("0.049"), Decimal(100), instrument(min_notional=5))
    assert each.message == "4.9 is below the minimum of 5"


def test_without_a_minimum_anything_above_nothing_will_do() -> None:
    nothing = {"min_quantity": None, "quantity_step": None}
    assert codes("0.000000001", 100, **nothing) == []
    assert codes("0", 100, **nothing) == ["below_minimum_quantity"]
    assert codes("0", 100, min_quantity=None) == ["below_minimum_quantity"]


def test_only_the_count_matters_to_what_reduces() -> None:
    asked = instrument(min_quantity="0.005", min_notional=5)
    assert [reason.code for reason in too_few(Decimal("0.004"), asked)] == [
        "below_minimum_quantity"
    ]
    assert not list(too_few(Decimal("0.005"), asked))


@pytest.mark.parametrize(
    ("given", "price", "least"),
    [
        ({}, "100", "0.001"),
        ({"min_quantity": None}, "100", "0.001"),
        ({"min_quantity": "0.0015"}, "100", "0.002"),
        ({"min_notional": 5}, "100", "0.05"),
        ({"min_notional": 5}, "99.9", "0.051"),
        ({"min_notional": 5}, "0", "0.001"),
        ({"min_notional": 5, "multiplier": 50, "quantity_step": 1}, "100", "1"),
        ({"min_notional": 500, "kind": "inverse", "quantity_step": 10}, "100", "500"),
        ({"min_notional": 10, "quantity_step": None}, "3", "3.333333333334"),
        ({"min_quantity": None, "quantity_step": None}, "3", "0"),
    ],
)
def test_the_least_that_the_venue_takes(given: dict[str, Any], price: str, least: str) -> None:
    assert least_quantity(Decimal(price), instrument(**given)) == Decimal(least)


# --- whatever the figures -------------------------------------------------------------------------

AMOUNTS = st.decimals("0.00000001", "99999999999999999999", places=8)
PRICES = st.decimals("0.00000001", "99999999", places=8)
STEPS = st.sampled_from(["0.00000001", "0.0001", "0.001", "0.5", "1", "3", "10", None])


@st.composite
def instruments(draw: st.DrawFn) -> Instrument:
    return instrument(
        kind=draw(st.sampled_from(["linear", "spot", "future", "inverse"])),
        quantity_step=draw(STEPS),
        multiplier=draw(st.sampled_from(["1", "50", "0.0001"])),
        min_quantity=draw(st.sampled_from([None, "0.001", "1", "7"])),
        min_notional=draw(st.sampled_from([None, "5", "100"])),
    )


@given(amount=AMOUNTS, price=PRICES, asked=instruments())
def test_never_more_than_the_amount_is_worth_and_never_a_step_less(
    amount: Decimal, price: Decimal, asked: Instrument
) -> None:
    quantity = quantity_of(amount, price, asked)
    step = Fraction(asked.quantity_step or Decimal("1e-12"))
    one = Fraction(asked.multiplier) * (1 if asked.kind == "inverse" else Fraction(price))
    assert Fraction(quantity) * one <= Fraction(amount) < (Fraction(quantity) + step) * one
    assert Fraction(quantity) % step == 0
    assert "E" not in decimal_text(quantity).upper()


@given(price=PRICES, asked=instruments())
def test_the_least_is_enough_and_one_step_less_is_not(price: Decimal, asked: Instrument) -> None:
    least = least_quantity(price, asked)
    if not least:
        return
    assert not list(too_small(least, price, asked))
    assert on_step(least, asked) == least
    less = least - (asked.quantity_step or Decimal("1e-12"))
    if asked.min_quantity or asked.min_notional:
        assert list(too_small(less, price, asked))
