"""Snapshots: what was said in whole, in part or not at all."""

import pytest

from core.domain.snapshot import PARTS, Known, Part, Partial, Unavailable
from tests.build import snapshot


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("told", [Partial("one page"), Unavailable("timeout"), None])
def test_absence_counts_only_in_what_is_known(part: str, told: Part | None) -> None:
    seen = snapshot()
    assert seen.complete

    parts = {name: Known() for name in PARTS if name != part} | ({part: told} if told else {})
    partly = type(seen)(account="main", broker="paper", taken_at=seen.taken_at, parts=parts)

    assert not partly.knows(part)
    assert not partly.complete
    assert all(partly.knows(other) for other in PARTS if other != part)
