"""Time in force, post-only and reduce-only."""

from decimal import Decimal

import pytest

from core.decide.execution.direction import Leg
from core.decide.execution.flags import post_only, reduce_only, time_in_force
from core.domain.intent import Purpose
from core.domain.order import OrderType, PositionSide
from tests.build import settings

OPENS = Leg(purpose=Purpose.OPEN, position_side=PositionSide.BOTH)
CLOSES = Leg(purpose=Purpose.CLOSE, position_side=PositionSide.BOTH, held=Decimal(1))


def test_a_limit_rests_and_a_market_order_does_not() -> None:
    assert time_in_force(OrderType.LIMIT) == "GTC"
    assert time_in_force(OrderType.MARKET) == "IOC"


@pytest.mark.parametrize(
    ("kind", "wanted", "has_it", "expected"),
    [
        (OrderType.LIMIT, True, True, True),
        (OrderType.LIMIT, False, True, False),
        (OrderType.LIMIT, True, False, False),
        (OrderType.MARKET, True, True, False),
    ],
)
def test_post_only_is_for_limits_where_it_is_wanted_and_the_venue_has_it(
    kind: OrderType, wanted: bool, has_it: bool, expected: bool
) -> None:
    assert post_only(kind, settings(post_only=wanted), venue_has_it=has_it) is expected


@pytest.mark.parametrize("kind", ["linear", "inverse", "future"])
def test_what_takes_away_only_reduces(kind: str) -> None:
    assert reduce_only(CLOSES, kind)
    assert not reduce_only(OPENS, kind)


@pytest.mark.parametrize("kind", ["spot", "stock"])
def test_where_there_is_no_such_flag_it_is_not_set(kind: str) -> None:
    assert not reduce_only(CLOSES, kind)
