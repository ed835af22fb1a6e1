"""How long to wait before the next try of what keeps failing."""

from decimal import Decimal

# A night of failures is more doublings than a float can take.
_DOUBLED_MOST = 30


def growing_pause(first: float | Decimal, failures: int, longest: float | Decimal) -> float:
    """`first` seconds after the first failure in a row, twice that after each further one."""
    doubled: float = float(first) * 2.0 ** min(failures - 1, _DOUBLED_MOST)
    return min(doubled, float(longest))
