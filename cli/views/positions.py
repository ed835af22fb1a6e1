"""Positions and trades as a list tells them, where a column alone does not say enough."""

import re
from types import MappingProxyType
from typing import Any

from cli.views.listing import Row, Shown


def _to_the_second(moment: str) -> str:
    """The fraction is of no use to a reader; JSON and CSV have it."""
    return re.sub(r"\.\d+", "", moment)


TIMES: Shown = MappingProxyType(
    dict.fromkeys(("entry_time", "exit_time", "created_at", "updated_at"), _to_the_second)
)
# Of what is over, and of which no execution tells the price.
UNKNOWN = "– unknown"


def told_as_held(row: Row) -> Row:
    """By its life; what nobody has followed yet by what is stored of it."""
    if row["life_state"] is not None:
        # A life remembers its last stop; the list tells of one that stands.
        return row if row["stop_order_id"] else {**row, "stop_price": None}
    return {
        **row,
        "direction": _direction(row),
        "life_state": row["state"],
        "life_realized_pnl": row["realized_pnl"],
    }


def told_as_left(row: Row) -> Row:
    known = row["exit_price"] is not None
    return row if known else {**row, "exit_price": UNKNOWN}


def told_as_trade(row: Row) -> Row:
    return told_as_left(row) if row["status"] == "CLOSED" else row


def _direction(row: Row) -> Any:
    """By its sign, where one row stands for both sides."""
    quantity = str(row["quantity"])
    if quantity == "0" or row["side"] != "both":
        return None if quantity == "0" else row["side"]
    return "short" if quantity.startswith("-") else "long"
