"""Leaving an S&P position as a plan recommends it: a person agrees, one order goes, it is gone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.build import instrument, position, quote, snapshot
from tests.home import HomeUnderTest

ES = "ESZ0"
SOON, LATER = timedelta(days=3), timedelta(days=300)


def holding(home: HomeUnderTest, mark: Any, expires_in: timedelta) -> None:
    """Two contracts bought at 5000, and the book has them."""
    terms = {"kind": "future", "base": "ES", "quote": "USD", "multiplier": 50}
    contract = instrument(
        ES, **terms, price_tick="0.25", quantity_step=1, min_quantity=1,
        expiry=datetime.now(UTC) + expires_in,
    )  # fmt: skip
    held = position(2, symbol=ES, average_price=5000, mark_price=mark)
    home.tell(snapshot(held, contract, quote(ES, bid=mark, ask=mark)))
    home.arm()
    home.must("stage", "--quiet")
    home.must("review", "--approve", "adopt_position", "--quiet")
    home.must("apply", "--confirm", home.plan_id(), "--only", "adopt_position", "--quiet")


@pytest.mark.parametrize(
    ("kind", "mark", "expires_in"),
    [
        ("close_recommendation", 4800, LATER),
        ("take_profit", 5200, LATER),
        ("roll_due", 5000, SOON),
    ],
)
def test_an_agreed_recommendation_ends_the_position(
    home: HomeUnderTest, kind: str, mark: int, expires_in: timedelta
) -> None:
    holding(home, mark, expires_in)
    home.must("stage", "--quiet")
    home.must("review", "--approve", kind, "--quiet")
    (entry,) = [
        each
        for each in home.json("apply", "--confirm", home.plan_id(), "--only", kind)["actions"]
        if each["kind"] == kind
    ]
    assert entry["outcome"] == "done"
    (sent,) = [row for row in home.broker_orders() if row["type"] == "market"]
    assert (sent["side"], sent["quantity"], sent["status"]) == ("sell", "2", "filled")
    assert sent["reduce_only"]
    assert not home.account["positions"]
    home.adopt_all()
    (over,) = home.rows("SELECT state, exit_reason FROM position_lives")
    assert over == {"state": "closed", "exit_reason": "manual"}
    home.must("plan", "--detailed-exitcode")
