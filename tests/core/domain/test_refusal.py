"""Reasons come back from the book as they went in; nonsense in their place is none."""

from typing import Any

import pytest

from core.domain.refusal import Refusal, refusals

OLD = {"code": "signal_expired", "message": "it expired at noon"}
LIMIT = {"code": "risk_max_exposure", "message": "51000 of 50000"}


def test_they_come_in_their_order_under_the_name_they_stand_under() -> None:
    document = {"reasons": [OLD, LIMIT], "violations": [LIMIT]}
    assert refusals(document) == (Refusal(**OLD), Refusal(**LIMIT))
    assert refusals(document, "violations") == (Refusal(**LIMIT),)
    assert str(refusals(document)[0]) == "signal_expired: it expired at noon"


@pytest.mark.parametrize(
    "rows",
    [None, "signal_expired", 7, {}, [], [None], ["signal_expired"], [{}], [{"code": "x"}],
     [{"code": 1, "message": "x"}], [{"code": "x", "message": None}]],
)  # fmt: skip
def test_nonsense_is_no_reason(rows: Any) -> None:
    assert refusals({"reasons": rows}) == ()
    assert refusals({}) == ()


def test_what_stands_beside_nonsense_still_counts() -> None:
    assert refusals({"reasons": [None, OLD, {}]}) == (Refusal(**OLD),)
