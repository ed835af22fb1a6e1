"""How much an addition is worth."""

from decimal import Decimal

import pytest

from core.decide.execution.direction import Leg
from core.decide.execution.scaling import amount_of
from core.domain.intent import Purpose
from core.domain.order import PositionSide
from tests.build import settings


def worth(purpose: Purpose, scale_ins: int = 0, factor: str = "0.5") -> tuple[Decimal, str | None]:
    leg = Leg(purpose=purpose, position_side=PositionSide.BOTH)
    return amount_of(leg, Decimal(600), scale_ins, settings(scale_in_factor=factor))


@pytest.mark.parametrize(("scale_ins", "amount"), [(0, 300), (1, 150), (2, 75)])
def test_each_addition_shrinks_once_more(scale_ins: int, amount: int) -> None:
    assert worth(Purpose.ADD, scale_ins) == (
        amount,
        f"Addition {scale_ins + 1} is worth {amount} of 600.",
    )


def test_what_opens_is_worth_its_amount() -> None:
    assert worth(Purpose.OPEN, 2) == (Decimal(600), None)


def test_a_factor_of_one_needs_no_word() -> None:
    assert worth(Purpose.ADD, 2, "1") == (Decimal(600), None)


def test_a_share_is_a_figure_that_the_book_can_keep() -> None:
    amount, _ = worth(Purpose.ADD, 2, "0.3333333333")
    assert amount.as_tuple().exponent >= -12
