"""positions: what is held, with its state, its stop and its profit; or what is over."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cli.desk_work import desk_for
from cli.invocation import Invocation
from cli.views.listing import Sheet, asked_for, listing_command, show_page
from cli.views.positions import TIMES, told_as_held, told_as_left
from core.domain.errors import Usage
from core.ports import Listing

FILTERS = ("symbol", "side", "direction", "mode", "state")
# How far a position that is held has come; what is stored of it only says that it is open.
_FURTHER = frozenset({"trailing", "closing"})

_HELD = Sheet(
    columns=(
        "account",
        "symbol",
        "direction",
        "life_state",
        "quantity",
        "average_price",
        "mark_price",
        "unrealized_pnl",
        "life_realized_pnl",
        "stop_price",
        "leverage",
        "entry_time",
    ),
    titles={
        "life_state": "state",
        "average_price": "entry",
        "mark_price": "mark",
        "unrealized_pnl": "unrealized",
        "life_realized_pnl": "realized",
        "stop_price": "stop",
        "entry_time": "since",
    },
    shown=TIMES,
    worded=told_as_held,
)
_OVER = Sheet(
    columns=(
        "account",
        "symbol",
        "direction",
        "volume",
        "entry_price",
        "exit_price",
        "exit_reason",
        "realized_pnl",
        "realized_pnl_pct",
        "entry_time",
        "exit_time",
        "position_id",
    ),
    titles={
        "volume": "quantity",
        "entry_price": "entry",
        "exit_price": "exit",
        "exit_reason": "reason",
        "realized_pnl": "realized",
        "realized_pnl_pct": "realized %",
        "entry_time": "since",
        "exit_time": "until",
    },
    shown=TIMES,
    worded=told_as_left,
)


def _listing(call: Invocation, **given: Any) -> int:
    if given["closed"]:
        return show_page(call, _over(call, given), _OVER, given)
    asked = _held(call, given)
    if given["as_json"] or given["as_csv"] or given["state"] or call.options.verbose:
        return show_page(call, asked, _HELD, given)
    code = show_page(call, replace(asked, table="open_positions"), _HELD, given)
    _count_flat(call, asked)
    return code


def _held(call: Invocation, given: Mapping[str, Any]) -> Listing:
    asked = asked_for(call, "positions", FILTERS, given)
    if given["state"] not in _FURTHER:
        return asked
    where = {"life_state" if name == "state" else name: asked.where[name] for name in asked.where}
    return replace(asked, where=where)


def _over(call: Invocation, given: Mapping[str, Any]) -> Listing:
    if given["state"] is not None:
        raise Usage("--closed and --state exclude each other", hint="trueup positions --closed")
    asked = asked_for(call, "position_lives", FILTERS, given)
    where = {**asked.where, "state": "closed"}
    return replace(asked, where=where, sort=asked.sort or "exit_time")


def _count_flat(call: Invocation, asked: Listing) -> None:
    """What was held once is no news, but it is there."""
    with desk_for(call) as desk, desk.book.read() as book:
        every, held = (
            book.page(replace(asked, table=table, page=1, page_size=1)).total_items
            for table in ("positions", "open_positions")
        )
    if every > held:
        call.screen.note(f"{every - held} more, of which nothing is held: --verbose")


command = listing_command(
    _listing,
    filters=FILTERS,
    flags={"closed": "Those that are over, the latest first."},
    examples=(
        "trueup positions",
        "trueup positions --closed --symbol BTCUSDT",
        "trueup positions --symbol BTCUSDT --json",
    ),
    told="Lists the positions that are held; with --closed those that are over.",
)
