"""Numbers, moments and names as venues spell them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.brokers.ccxt.figures import figure, milliseconds, moment, name, needed, price


@pytest.mark.parametrize(
    ("told", "number"),
    [
        ("0.10", "0.1"),
        (10, "10"),
        ("1e-7", "0.0000001"),
        ("1E+2", "100"),
        ("-0.5", "-0.5"),
        ("55.000000000000000000", "55"),
        ("0.1234567890123456789012345", "0.123456789012"),
    ],
)
def test_numbers(told: object, number: str) -> None:
    assert figure(told) == Decimal(number)


@pytest.mark.parametrize("told", [None, ""])
def test_a_number_left_out_is_none(told: object) -> None:
    assert figure(told) is None
    with pytest.raises(ValueError, match="missing"):
        needed(told)


@pytest.mark.parametrize(
    "told", ["NaN", "1_000", "1e1000000", "0x10", "１２", True, "abc", "1" * 41, "1e25", []]
)
def test_what_is_no_number_is_refused(told: object) -> None:
    with pytest.raises(ValueError, match="number"):
        figure(told)


def test_a_price_of_zero_is_none() -> None:
    assert price("0.00") is None
    assert price("0.01") == Decimal("0.01")


def test_moments_in_milliseconds() -> None:
    noon = datetime(2026, 1, 5, 12, 0, 0, 250_000, tzinfo=UTC)
    assert moment(str(milliseconds(noon))) == noon
    assert moment("0") is None
    for told in ("1700000000", "soon", -1, "17000000000000"):
        with pytest.raises(ValueError, match="not a moment"):
            moment(told)


def test_ids_stay_digit_by_digit() -> None:
    assert name(1234567890123456789) == "1234567890123456789"
    assert name("") is None
    assert name("0") is None
