"""Identifiers as venues mint them: long numbers that do not fit a float, and hexadecimal names."""

import itertools
import uuid


class Ids:
    """Mints ids that never repeat within one exchange and sort in the order they were minted."""

    def __init__(self, first: int = 1_726_025_498_520_715_001) -> None:
        # 19 digits and above 2**53: a client that lets one pass through a float corrupts it.
        self._numbers = itertools.count(first, 255)
        self._names = itertools.count(1)
        self._sequence = itertools.count(386_825_804_001)

    def number(self) -> str:
        """A 19-digit decimal id."""
        return str(next(self._numbers))

    def name(self) -> str:
        """An id in the shape of a UUID, the same in every run."""
        seed = f"trueup-venue-{next(self._names)}"
        return str(uuid.uuid5(uuid.NAMESPACE_OID, seed))

    def sequence(self) -> int:
        """The cross-sequence number that orders what the matching engine did."""
        return next(self._sequence)
