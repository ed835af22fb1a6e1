"""Positions: which way they point, and what a plan calls them."""

from decimal import Decimal

import pytest

from core.domain.order import PositionSide, Side
from core.domain.position import PositionKey, exit_side, signed


@pytest.mark.parametrize(
    ("quantity", "side", "meant", "reduced_by"),
    [
        (5, PositionSide.BOTH, 5, Side.SELL),
        (-5, PositionSide.BOTH, -5, Side.BUY),
        (5, PositionSide.LONG, 5, Side.SELL),
        (5, PositionSide.SHORT, -5, Side.BUY),
    ],
)
def test_a_short_leg_is_told_as_a_positive_figure(
    quantity: int, side: PositionSide, meant: int, reduced_by: Side
) -> None:
    assert signed(Decimal(quantity), side) == meant
    assert exit_side(Decimal(quantity), side) is reduced_by


def test_a_plan_names_a_leg_beside_its_symbol() -> None:
    assert PositionKey("main", "BTCUSDT").target == "BTCUSDT"
    assert PositionKey("main", "BTCUSDT", PositionSide.LONG).target == "BTCUSDT/long"
