"""One amount as several orders: as many as keep each below the limit, with an exact sum."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.decide.execution.quantity import least_quantity, notional, on_step
from core.decide.execution.splitting import PARTS_MAX, count_of, parts_of
from core.domain.market import Instrument
from tests.build import instrument, settings


def split(
    quantity: Any, price: Any, most: Any = 10000, on: bool = True, **given: Any
) -> tuple[Decimal, ...]:
    asked = instrument(**given)
    rules = settings(enable_order_splitting=on, max_single_order_size=str(most))
    amount, at = Decimal(quantity), Decimal(price)
    return parts_of(amount, count_of(amount, at, least_quantity(at, asked), asked, rules), asked)


def test_off_by_default() -> None:
    assert split("30", "10000", on=False) == (Decimal(30),)
    assert not settings().EXECUTION.enable_order_splitting


@pytest.mark.parametrize(
    ("quantity", "parts"),
    [
        ("1", ["1"]),  # exactly the largest
        ("1.001", ["0.501", "0.5"]),  # one step above
        ("2", ["1", "1"]),
        ("2.5", ["0.834", "0.833", "0.833"]),
        ("3", ["1", "1", "1"]),
    ],
)
def test_near_equal_parts(quantity: str, parts: list[str]) -> None:
    assert split(quantity, "10000") == tuple(map(Decimal, parts))


def test_no_part_is_worth_more_than_the_largest_order() -> None:
    """Two parts would do for the sum, but not for 3 and 2 of 4000 each."""
    assert split("5", "4000", quantity_step=1, min_quantity=1) == (2, 2, 1)


def test_a_step_that_is_worth_more_than_the_largest_order_stays_whole() -> None:
    assert split("3", "300000", quantity_step=1, min_quantity=1) == (1, 1, 1)


def test_no_part_is_below_the_minimum() -> None:
    assert split("5", "4000", quantity_step=1, min_quantity=2) == (3, 2)
    assert split("3", "4000", quantity_step=1, min_quantity=2) == (3,)
    assert split("2", "10000", 5000, min_notional=9000) == (1, 1)


def test_contracts_count_at_their_size() -> None:
    future = {"kind": "future", "multiplier": 50, "quantity_step": 1, "min_quantity": 1}
    assert split("5", "6000", 600_000, **future) == (2, 2, 1)
    assert split("25", "6000", 100, kind="inverse", multiplier=10, quantity_step=1) == (9, 8, 8)


def test_without_a_step() -> None:
    parts = split("10", "3000", quantity_step=None, min_quantity=None)
    assert sum(parts) == 10
    assert len(parts) == 4
    assert split("10", "4000", quantity_step=None, min_quantity=None) == (
        Decimal("2.5"), Decimal("2.5"), Decimal("2.5"), Decimal("2.5"),
    )  # fmt: skip


def test_a_count_is_told_without_making_the_parts() -> None:
    rules = settings(enable_order_splitting=True, max_single_order_size="0.01")
    count = count_of(Decimal("1e19"), Decimal(10000), Decimal("0.001"), instrument(), rules)
    assert count == Decimal("1e22")
    assert count > PARTS_MAX


QUANTITIES = st.integers(1, 10**9)


@given(
    steps=QUANTITIES,
    step=st.sampled_from(["0.00000001", "0.001", "0.5", "1", "3", None]),
    price=st.decimals("0.00000001", "99999", places=8),
    most=st.decimals("1", "1000000", places=2),
    least=st.sampled_from([None, "0.001", "1", "7"]),
    worth=st.sampled_from([None, "5", "100"]),
    size=st.sampled_from(["1", "50", "0.0001"]),
)
def test_the_sum_is_exact_and_every_part_can_be_traded(
    steps: int,
    step: str | None,
    price: Decimal,
    most: Decimal,
    least: str | None,
    worth: str | None,
    size: str,
) -> None:
    asked: Instrument = instrument(
        quantity_step=step, min_quantity=least, min_notional=worth, multiplier=size
    )
    grid = Decimal(step or "1e-12")
    quantity = steps * grid
    smallest = least_quantity(price, asked)
    assume(quantity >= smallest)
    rules = settings(enable_order_splitting=True, max_single_order_size=str(most))
    count = count_of(quantity, price, smallest, asked, rules)
    assume(count <= PARTS_MAX)
    parts = parts_of(quantity, count, asked)
    assert sum(parts) == quantity
    assert all(on_step(part, asked) == part and part > 0 for part in parts)
    assert max(parts) - min(parts) <= grid
    assert min(parts) >= smallest
    within = notional(max(parts), price, asked) <= most
    # More parts would either be below the minimum, or there is no smaller step.
    assert within or (len(parts) + 1) * smallest > quantity or max(parts) == grid
