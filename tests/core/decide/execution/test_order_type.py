"""Market or limit, with the thresholds met exactly and by a hair."""

import decimal
from decimal import Decimal
from typing import Any

import pytest

from core.decide.execution.market import market_of
from core.decide.execution.order_type import order_type
from core.domain.order import OrderType
from tests.build import clock, settings, signal

LIMIT, MARKET = OrderType.LIMIT, OrderType.MARKET


def decided(spread: str | None = "1", price: str = "100", **given: Any) -> tuple[OrderType, str]:
    keys = {
        name: given.pop(name)
        for name in ("market_confidence", "market_spread_pct")
        if name in given
    }
    snapshot = {"price": price} | ({"spread": spread} if spread is not None else {})
    asked = signal(market_data_snapshot=snapshot, **given)
    market = market_of(asked, None, settings(**keys), clock("11:00"))
    assert market is not None
    return order_type(asked, market, settings(**keys))


@pytest.mark.parametrize(
    ("confidence", "kind"),
    [("0", LIMIT), ("0.9", LIMIT), ("0.90000000000000000001", MARKET), ("1", MARKET)],
)
def test_the_confidence_must_exceed_its_threshold(confidence: str, kind: OrderType) -> None:
    assert decided(confidence=confidence)[0] is kind


@pytest.mark.parametrize(
    ("spread", "kind"),
    [("0", MARKET), ("0.09999999999999999999", MARKET), ("0.1", LIMIT), ("0.11", LIMIT),
     (None, LIMIT)],
)  # fmt: skip
def test_the_spread_must_stay_below_its_threshold(spread: str | None, kind: OrderType) -> None:
    """Of a price of 100, so that it is the percentage, too."""
    assert decided(spread)[0] is kind


@pytest.mark.parametrize("price", ["0.00000001", "99999999999999999999"])
def test_prices_of_any_size_have_an_exact_percentage(price: str) -> None:
    at = Decimal(price) / 1000
    assert decided(format(at, "f"), price)[0] is LIMIT
    assert decided(format(at * Decimal("0.999"), "f"), price)[0] is MARKET


def test_an_urgent_signal_goes_to_the_market() -> None:
    assert decided(urgency=True) == (MARKET, "Market, because the signal is urgent.")


@pytest.mark.parametrize("asked", [LIMIT, MARKET])
def test_what_the_signal_asks_for_wins(asked: OrderType) -> None:
    kind, why = decided("0", confidence=1, urgency=True, order_type=asked)
    assert (kind, why) == (asked, f"The signal asks for a {asked} order.")
    assert decided("10", confidence=0, order_type=asked)[0] is asked


def test_the_thresholds_are_settings() -> None:
    assert decided(confidence="0.7", market_confidence="0.6")[0] is MARKET
    assert decided("0.4", market_spread_pct="0.5")[0] is MARKET
    assert decided("0", market_spread_pct="0")[0] is LIMIT


def test_the_first_cause_that_applies_is_told() -> None:
    assert decided("0", confidence="0.95", urgency=True)[1] == (
        "Market, because the confidence 0.95 is above 0.9."
    )
    assert decided("0.05")[1] == "Market, because the spread of 0.05 % is below 0.1 %."
    assert decided("5")[1] == "Limit, because nothing asks for the market."


def test_a_spread_is_never_told_as_what_it_is_below_of() -> None:
    """Whatever rounding the process has: a venue's client library changes it."""
    for rounding in (decimal.ROUND_HALF_UP, decimal.ROUND_HALF_EVEN, decimal.ROUND_UP):
        with decimal.localcontext() as context:
            context.rounding = rounding
            assert "spread of 0.09999 % is below 0.1 %" in decided("0.099999")[1]
