"""The pause between tries of what keeps failing."""

from decimal import Decimal

import pytest

from core.operate.pause import growing_pause


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 0.5), (2, 1), (3, 2), (6, 16), (7, 30), (1025, 30), (10**9, 30)]
)
def test_it_doubles_up_to_the_longest_however_long_it_goes_on(
    failures: int, seconds: float
) -> None:
    assert growing_pause(0.5, failures, 30) == seconds
    assert growing_pause(Decimal("0.5"), failures, Decimal(30)) == seconds


def test_no_first_pause_is_no_pause_at_all() -> None:
    assert growing_pause(0, 1025, 30) == 0
