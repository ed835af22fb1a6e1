"""The values of the gates, and how several sources of one gate become one value: the strictest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

Confirm = bool | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """What the gates say now; `why` names the source of each, for whoever is stopped by it."""

    dry_run: bool
    safe_mode: bool
    # True: armed. A plan id: armed for exactly that plan. False: not armed.
    confirm: Confirm
    why: Mapping[str, str] = field(default_factory=dict)

    @property
    def restricted(self) -> bool:
        return self.dry_run or self.safe_mode or self.confirm is False


# When nothing can be read, nothing is allowed.
SHUT = Gates(dry_run=True, safe_mode=True, confirm=False)


class Word(NamedTuple):
    """What one source says about one gate."""

    value: Any
    source: str


def strictest(gate: str, words: Sequence[Word]) -> Word:
    """The most restrictive of what was said; on a tie the first."""
    return _STRICTEST[gate](words)


def _any_true(words: Sequence[Word]) -> Word:
    return next((word for word in words if word.value is True), words[0])


def _narrowest(words: Sequence[Word]) -> Word:
    """False before a plan id before true; two different plan ids leave nothing that both allow."""
    if off := [word for word in words if word.value is False]:
        return off[0]
    plans = [word for word in words if isinstance(word.value, str)]
    if len({word.value for word in plans}) > 1:
        said = " but ".join(f"{word.source} says {word.value}" for word in plans)
        return Word(False, said)
    return plans[0] if plans else words[0]


_STRICTEST = MappingProxyType(
    {"DRY_RUN": _any_true, "SAFE_MODE": _any_true, "DRY_RUN_CONFIRM": _narrowest}
)
