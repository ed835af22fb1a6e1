"""Decimals: strict text in, canonical text out, and no digit lost between."""

import decimal
import threading
from decimal import Decimal, getcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.money import (
    average,
    bounded,
    ceil_to_step,
    decimal_text,
    floor_to_step,
    parse_decimal,
)

REFUSED = [
    "NaN",
    "nan",
    "sNaN",
    "-NaN",
    "NaN123",
    "Infinity",
    "-Infinity",
    "inf",
    "1e5",
    "1E5",
    "1e999",
    "1e1000000",
    "1e-1000000",
    "1_000",
    "1,000",
    "\uff11\uff12",  # full-width digits
    "\u0663",  # an Arabic digit
    "-0",
    "-0.0",
    "-0.00",
    "+1",
    "01",
    "00",
    "-01",
    ".5",
    "5.",
    "-",
    ".",
    "",
    " 1",
    "1 ",
    "1\n",
    "1.0\x00",
    "0x10",
    "1.2.3",
    "--1",
    "\u22121",  # a minus sign that JSON does not know
    "9" * 21,
    "0." + "1" * 21,
    "9" * 5_000,
    "0." + "0" * 5_000 + "1",
    "\ud800",
]
NO_TEXT: list[Any] = [None, True, 0, 1, 1.5, float("nan"), Decimal(1), b"1", ["1"], {"1": 1}]
PLAIN = ["0", "1", "-1", "0.1", "0.10", "-0.5", "100", "9" * 20, "9" * 20 + "." + "9" * 20]

written = st.decimals(allow_nan=False, allow_infinity=False, places=20).filter(
    lambda value: abs(value) < Decimal(10) ** 20
)


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_what_a_person_would_not_write_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a plain decimal number"):
        parse_decimal(text)


@pytest.mark.parametrize("value", NO_TEXT, ids=repr)
def test_what_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="not a plain decimal number"):
        parse_decimal(value)


@pytest.mark.parametrize("text", ["9" * 1_000_000, "1e" + "9" * 1_000_000], ids=["long", "huge"])
def test_the_objection_to_a_long_number_is_short(text: str) -> None:
    with pytest.raises(ValueError, match="not a plain decimal number") as caught:
        parse_decimal(text)

    assert len(str(caught.value)) < 100


@pytest.mark.parametrize("text", PLAIN)
def test_every_digit_arrives(text: str) -> None:
    assert str(parse_decimal(text)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("0.000", "0"),
        ("0E+10", "0"),
        ("-0E-30", "0"),
        ("1", "1"),
        ("1.0", "1"),
        ("1.500", "1.5"),
        ("100", "100"),
        ("100.00", "100"),
        ("1E+2", "100"),
        ("1.50E+4", "15000"),
        ("1E-7", "0.0000001"),
        ("-1E-20", "-0.00000000000000000001"),
        ("-10.10", "-10.1"),
    ],
)
def test_a_number_has_one_spelling(value: str, text: str) -> None:
    assert decimal_text(Decimal(value)) == text


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_never_written(value: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        decimal_text(Decimal(value))


@given(written)
def test_what_is_written_is_read_back(value: Decimal) -> None:
    text = decimal_text(value)

    assert parse_decimal(text) == value
    assert decimal_text(parse_decimal(text)) == text


@given(written, st.integers(0, 10))
def test_equal_numbers_are_spelled_alike(value: Decimal, zeros: int) -> None:
    longer = value.quantize(Decimal(1).scaleb(-20 - zeros))

    assert decimal_text(longer) == decimal_text(value) == decimal_text(value.normalize())


# --- rounding ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "step", "below", "above"),
    [
        ("1.234", "0.01", "1.23", "1.24"),
        ("1.23", "0.01", "1.23", "1.23"),
        ("0.9", "0.3", "0.9", "0.9"),
        ("100.3", "0.5", "100", "100.5"),
        ("7", "5", "5", "10"),
        ("0.0004", "0.001", "0", "0.001"),
        ("0", "0.25", "0", "0"),
        ("-1.234", "0.01", "-1.23", "-1.24"),
        ("-7", "5", "-5", "-10"),
        ("4512.37", "0.25", "4512.25", "4512.5"),
    ],
)
def test_steps_round_towards_zero_and_away(value: str, step: str, below: str, above: str) -> None:
    assert decimal_text(floor_to_step(Decimal(value), Decimal(step))) == below
    assert decimal_text(ceil_to_step(Decimal(value), Decimal(step))) == above


amounts = st.decimals("-1e12", "1e12", places=12)
steps = st.decimals("1e-12", "1e6", places=12).filter(bool)


@given(amounts, steps)
def test_a_rounded_amount_is_the_nearest_multiple(value: Decimal, step: Decimal) -> None:
    below, above = floor_to_step(value, step), ceil_to_step(value, step)

    assert below % step == 0
    assert above % step == 0
    assert abs(below) <= abs(value) <= abs(above)
    assert abs(above) - abs(below) == (step if value % step else 0)


def test_an_average_is_rounded_to_twelve_places() -> None:
    assert decimal_text(average(Decimal(200), Decimal(3))) == "66.666666666667"
    assert decimal_text(average(Decimal(300), Decimal(3))) == "100"


@given(amounts, st.decimals("1e-6", "1e12", places=6).filter(bool))
def test_what_was_divided_can_be_written_and_read(total: Decimal, quantity: Decimal) -> None:
    result = average(total, quantity)

    assert parse_decimal(decimal_text(result)) == result
    assert abs(result * quantity - total) <= Decimal("1e-12") * quantity


@given(amounts)
def test_what_is_short_already_is_not_rounded(value: Decimal) -> None:
    assert bounded(value) == value


def test_every_thread_calculates_with_the_same_digits() -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(getcontext().prec))
    thread.start()
    thread.join()

    assert found == [getcontext().prec] == [60]


def test_an_average_does_not_depend_on_what_a_library_did_to_the_context() -> None:
    """ccxt sets the rounding of the whole process; 2.5 of the last place is rounded to even."""
    half = Decimal("0.0000000000025")
    with decimal.localcontext() as context:
        context.rounding = decimal.ROUND_HALF_UP
        assert bounded(half) == Decimal("0.000000000002")
