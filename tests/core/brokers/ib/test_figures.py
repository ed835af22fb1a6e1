"""Numbers and names on their way in and out."""

from decimal import Decimal

import pytest

from core.brokers.ib.figures import figure, name, on_the_wire, price, quoted
from core.domain.errors import Rejected
from core.domain.money import decimal_text


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (0.1 + 0.2, "0.30000000000000004"),
        (490.05, "490.05"),
        (1e-05, "0.00001"),
        (37950.0114333, "37950.0114333"),
        (100.0, "100"),
        (-100000.0981, "-100000.0981"),
        ("1057315.32", "1057315.32"),
        (Decimal("0.25"), "0.25"),
        (0.0, "0"),
    ],
)
def test_a_number_is_what_the_gateway_spelt(told: object, text: str) -> None:
    number = figure(told)
    assert number is not None
    assert decimal_text(number) == text


@pytest.mark.parametrize(
    "told", [None, "", "many", float("nan"), float("inf"), 1.7976931348623157e308, 2147483647]
)
def test_what_is_not_set_is_no_number(told: object) -> None:
    assert figure(told) is None


def test_a_price_of_zero_is_no_price_and_a_quote_below_it_no_quote() -> None:
    assert price(0.0) is None
    assert (quoted(-1.0), quoted(0.0), quoted(0.25)) == (None, None, Decimal("0.25"))


def test_identifiers_are_text_to_the_last_digit() -> None:
    assert name(1234567890123456789) == "1234567890123456789"
    assert (name(0), name("")) == (None, None)


def test_only_what_survives_the_journey_is_sent() -> None:
    assert on_the_wire(Decimal("490.05")) == 490.05
    with pytest.raises(Rejected, match="too many digits"):
        on_the_wire(Decimal("490.01234567890123456"))
