"""What is believed of an order that the venue tells of by itself, and what it is asked about."""

from typing import Any

import pytest

from core.decide.execution.follow import goes_forward, is_fact, sort_out
from core.domain.order import FORWARD, OrderStatus
from core.plan.change import AdoptPosition, CancelStaleOrder, InsertOrder, UpdateOrder
from tests.build import book_order, order, stored

ABOUT = {"account": "main", "symbol": "BTCUSDT", "target": "o-1", "reason": "", "because": ""}


def update(before: dict[str, Any], after: dict[str, Any], *, corrects: bool = False) -> UpdateOrder:
    return UpdateOrder(
        **ABOUT, before=book_order(**before), after=book_order(**after), corrects=corrects
    )


@pytest.mark.parametrize("before", list(OrderStatus))
@pytest.mark.parametrize("after", list(OrderStatus))
def test_a_state_only_moves_forward(before: OrderStatus, after: OrderStatus) -> None:
    forward = after is before or after in FORWARD[before]
    assert goes_forward(update({"status": before}, {"status": after})) == forward


@pytest.mark.parametrize(("filled", "forward"), [(4, False), (5, True), (6, True)])
def test_what_is_filled_only_grows(filled: int, forward: bool) -> None:
    assert goes_forward(update({"filled_quantity": 5}, {"filled_quantity": filled})) == forward


@pytest.mark.parametrize(
    ("at", "filled", "forward"),
    [
        ("11:00", 5, True),
        ("11:00:01", 5, True),
        ("10:59:59", 5, False),
        ("10:59:59", 6, True),
        (None, 5, True),
    ],
)
def test_old_news_counts_only_when_more_has_filled(
    at: str | None, filled: int, forward: bool
) -> None:
    told = update({"filled_quantity": 5}, {"filled_quantity": filled, "updated_at": at})
    assert goes_forward(told) == forward


def test_facts_are_taken_odd_updates_asked_about_and_the_rest_left_alone() -> None:
    news = update({}, {"status": "filled", "filled_quantity": 10})
    odd = update({"status": "filled"}, {"status": "open"})
    row = InsertOrder(**ABOUT, after=book_order())
    adopts = AdoptPosition(**ABOUT, before=None, after=stored(), unexplained=stored().quantity)
    cancels = CancelStaleOrder(**ABOUT, before=order())
    found = sort_out([news, odd, row, adopts, cancels])
    assert (found.facts, found.odd) == ((news, row), (odd,))


def test_a_correction_is_no_fact() -> None:
    assert not is_fact(update({}, {"price": 101}, corrects=True))
    assert is_fact(update({}, {"price": 101}))
