"""What looks at positions find again: only that stands, and it is told once until it is over.

A fill under way looks for a moment like a position that is bare, or that nothing explains. What is
found counts when two looks in a row tell the same of it, a while apart.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.domain.position import PositionKey

APART = timedelta(seconds=1)
# How often an account is looked at anew until what is odd about it stands or has gone.
LOOKS_MAX = 5


@dataclass(frozen=True, slots=True)
class Turned:
    """What one look made of it: positions whose finding stands from now on, and whose is over."""

    stands: tuple[PositionKey, ...] = ()
    over: tuple[PositionKey, ...] = ()


@dataclass(slots=True)
class Recurring:
    # What was found first, and when that look had ended.
    _seen: dict[PositionKey, tuple[object, datetime]] = field(default_factory=dict)
    _told: set[PositionKey] = field(default_factory=set)
    # Of what is found now: the look before the first that found it; and the last look there was.
    _before: dict[PositionKey, datetime | None] = field(default_factory=dict)
    _last: dict[str, datetime] = field(default_factory=dict)

    def note(
        self,
        account: str,
        found: Mapping[PositionKey, object],
        *,
        unsure: Callable[[PositionKey], bool] = lambda key: False,
        taken_at: datetime,
        now: datetime,
    ) -> Turned:
        """Of one look, from `taken_at` until `now`; of what is `unsure` it could tell nothing."""
        self._note_before(account, found, unsure, taken_at)
        for key in self._of(account, self._seen):
            if found.get(key) != self._seen[key][0]:
                del self._seen[key]
        stands = []
        for key, finding in found.items():
            _, since = self._seen.setdefault(key, (finding, now))
            if key not in self._told and taken_at - since >= APART:
                stands.append(key)
        over = [
            key for key in self._of(account, self._told) if key not in found and not unsure(key)
        ]
        self._told = (self._told | set(stands)) - set(over)
        return Turned(tuple(stands), tuple(over))

    def _note_before(
        self,
        account: str,
        found: Collection[PositionKey],
        unsure: Callable[[PositionKey], bool],
        taken_at: datetime,
    ) -> None:
        for key in self._of(account, self._before):
            if key not in found and not unsure(key):
                del self._before[key]
        for key in found:
            self._before.setdefault(key, self._last.get(account))
        self._last[account] = taken_at

    def last_well(self, key: PositionKey) -> datetime | None:
        """When the last look was taken that did not find it so; None: every one has."""
        return self._before.get(key)

    def doubted(self) -> list[str]:
        """Accounts of which something was found that has not been told."""
        return sorted({key.account for key in self._seen if key not in self._told})

    def forget_doubts(self, account: str) -> None:
        """What was seen once has to be seen twice again."""
        for key in self._of(account, self._seen):
            if key not in self._told:
                del self._seen[key]

    def standing(self, account: str) -> list[PositionKey]:
        return sorted(self._of(account, self._told))

    @staticmethod
    def _of(account: str, keys: Collection[PositionKey]) -> list[PositionKey]:
        return [key for key in keys if key.account == account]
