"""What an order is reckoned with: the signal's snapshot while fresh, else the venue's quote."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.decide.execution.market import Market, market_of
from core.domain.market import Quote
from tests.build import clock, quote, settings, signal

NOW = clock("11:00:30")


def market(
    snapshot: dict[str, str] | None = None, told: Quote | None = None, **given: Any
) -> Market | None:
    now = given.pop("now", NOW)
    keys = {name: given.pop(name) for name in ("price_move_warning_pct",) if name in given}
    asked = signal(market_data_snapshot=snapshot or {}, **given)
    return market_of(asked, told, settings(**keys), now)


def known(*given: Any, **more: Any) -> Market:
    found = market(*given, **more)
    assert found is not None
    return found


def test_a_fresh_snapshot_counts_whatever_the_quote_says() -> None:
    seen = known({"price": "100", "spread": "0.5"}, quote(bid=102, ask=103))
    assert (seen.price, seen.spread) == (Decimal(100), Decimal("0.5"))
    assert seen.because == "Reckoned with the signal's price of 100."


@pytest.mark.parametrize(
    ("seconds", "price"), [(-5, "100"), (0, "100"), (60, "100"), (61, "103"), (299, "103")]
)
def test_a_snapshot_is_fresh_up_to_its_age(seconds: int, price: str) -> None:
    now = clock("11:00") + timedelta(seconds=seconds)
    seen = known({"price": "100", "spread": "0.5"}, quote(bid=102, ask=103), now=now)
    assert seen.price == Decimal(price)
    assert ("too old" in seen.because) == (price == "103")


@pytest.mark.parametrize(("side", "price"), [("buy", "103"), ("sell", "102")])
def test_the_quote_counts_on_the_side_that_the_order_would_meet(side: str, price: str) -> None:
    seen = known(None, quote(bid=102, ask=103), signal_type=side)
    assert (seen.price, seen.spread) == (Decimal(price), Decimal(1))
    assert seen.because == (f"The signal tells no price, so the venue's quote of {price} counts.")


def test_a_side_that_nobody_quotes_is_the_last_price() -> None:
    assert known(None, quote(bid=102, ask=None, last=101)).price == 101
    assert known(None, quote(bid=102, ask=0, last=101)).price == 101


@pytest.mark.parametrize("told", [None, quote(bid=None, ask=None), quote(bid=100, ask=0, last=0)])
def test_without_any_price_there_is_no_market(told: Quote | None) -> None:
    assert market(None, told) is None
    assert market({"spread": "1"}, told) is None


def test_a_spread_that_the_snapshot_lacks_is_the_quotes() -> None:
    assert known({"price": "100"}, quote(bid=99, ask=101)).spread == 2
    assert known({"price": "100"}, quote(bid=None, ask=101)).spread is None
    assert known({"price": "100"}, quote(bid=99, ask=None)).spread is None
    assert known({"price": "100"}).spread is None
    assert known({"price": "100"}).spread_pct is None


def test_a_crossed_quote_has_no_spread_below_nothing() -> None:
    assert known({"price": "100"}, quote(bid=101, ask=100)).spread == 0


def test_the_spread_is_a_difference_of_prices_and_told_in_percent() -> None:
    assert known({"price": "50000", "spread": "1.5"}).spread_pct == Decimal("0.003")


@pytest.mark.parametrize(
    ("ask", "warned"),
    [("105", False), ("105.01", True), ("95", False), ("94.99", True), ("100", False)],
)
def test_a_move_of_more_than_five_percent_is_warned_of(ask: str, warned: bool) -> None:
    seen = known({"price": "100"}, quote(bid=90, ask=ask))
    assert bool(seen.warnings) == warned
    assert seen.price == 100


def test_the_warning_names_both_prices() -> None:
    seen = known({"price": "100"}, quote(bid=90, ask=110), price_move_warning_pct="9.99")
    assert seen.warnings == ("The price moved 10 % since the signal: 100 → 110.",)


def test_a_stale_price_is_still_compared() -> None:
    seen = known({"price": "100"}, quote(bid=199, ask=200), now=clock("11:04"))
    assert (seen.price, len(seen.warnings)) == (Decimal(200), 1)
