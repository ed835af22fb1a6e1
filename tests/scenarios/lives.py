"""How the life of a position went, as the book keeps it."""

from decimal import Decimal
from typing import Any

from tests.home import HomeUnderTest

ENTERED = ["queued", "executing", "open"]


def life(home: HomeUnderTest) -> dict[str, Any]:
    """The only one there ever was."""
    (row,) = home.rows("SELECT * FROM position_lives")
    return row


def states(home: HomeUnderTest) -> list[str]:
    """The states that it went through, in their order."""
    rows = home.rows("SELECT * FROM position_transitions ORDER BY id")
    assert {row["position_id"] for row in rows} == {life(home)["position_id"]}
    froms = [row["from_state"] for row in rows]
    assert froms == [None, *(row["to_state"] for row in rows[:-1])]
    assert rows[-1]["to_state"] == life(home)["state"]
    return [row["to_state"] for row in rows]


def exit_of(home: HomeUnderTest) -> str | None:
    reason: str | None = life(home)["exit_reason"]
    return reason


def left_at(home: HomeUnderTest) -> Decimal:
    """The average price of what closed it, by the executions that the book has."""
    side = "sell" if life(home)["direction"] == "long" else "buy"
    rows = home.rows("SELECT * FROM executions WHERE side = ?", side)
    parts = [(Decimal(row["quantity"]), Decimal(row["price"])) for row in rows]
    nothing = Decimal(0)
    whole = sum((quantity for quantity, _ in parts), nothing)
    return sum((quantity * price for quantity, price in parts), nothing) / whole
