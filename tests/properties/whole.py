"""What has to be so once an account is at rest: all agree, and every position is protected."""

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

from core.domain.life import LIFE_MOVES, LifeState
from tests.home import HomeUnderTest
from tests.scenarios.other_side import OtherSide, stops

ZERO = Decimal(0)


def wrong(side: OtherSide) -> list[str]:
    """At rest nothing waits, beside what waits for a price."""
    return [*untrue(side), *_open_ends(side)]


def untrue(side: OtherSide) -> list[str]:
    return [*_protection(side), *_figures(side)]


def _protection(side: OtherSide) -> Iterator[str]:
    """No position without its one stop, no stop without its position."""
    held, guards = side.held(), stops(side)
    if [each.left for each in guards] != ([abs(held)] if held else []):
        yield f"{held} is held, stops for {[str(each.left) for each in guards]}"
    if loose := [each.order_id for each in side.orders() if each.trigger and not each.reduce_only]:
        yield f"stops that could open: {loose}"


def _figures(side: OtherSide) -> Iterator[str]:
    """The venue, the stored position, the lives and the open trades tell one figure."""
    home = side.home
    told = {
        "book": sum((Decimal(row["quantity"]) for row in home.rows(_STORED)), ZERO),
        "lives": _signed(home.rows(_LIVES), "quantity"),
        "trades": _signed(home.rows(_TRADES), "open_quantity"),
    }
    for name, figure in told.items():
        if figure != side.held():
            yield f"venue {side.held()}, {name} {figure}"


_STORED = "SELECT quantity FROM positions"
_LIVES = "SELECT direction, quantity FROM position_lives WHERE state NOT IN ('closed', 'failed')"
_TRADES = "SELECT direction, open_quantity FROM trades WHERE status = 'OPEN'"


def _signed(rows: list[dict[str, Any]], name: str) -> Decimal:
    signs = {"long": 1, "short": -1}
    return sum((signs[row["direction"]] * Decimal(row[name]) for row in rows), ZERO)


def _open_ends(side: OtherSide) -> Iterator[str]:
    home = side.home
    if home.rows("SELECT 1 FROM journal WHERE state IN ('begun', 'unknown')"):
        yield "a call of unknown outcome"
    if rows := home.rows("SELECT * FROM exit_intents WHERE state IN ('PENDING', 'APPROVED')"):
        yield f"exits that wait: {[(row['cause'], row['state'], row['outcome']) for row in rows]}"
    resting = any(each.live and not each.trigger for each in side.orders())
    between = "SELECT state FROM position_lives WHERE state IN ('queued', 'executing', 'closing')"
    if not resting and (rows := home.rows(between)):
        yield f"lives between two states: {rows}"
    asked = "SELECT 1 FROM signals WHERE request_status IN ('pending', 'executing')"
    if not resting and home.rows(asked):
        yield "signals that wait"


# --- at any time ----------------------------------------------------------------------------------


def check_history(home: HomeUnderTest) -> None:
    """What must never have happened on the way."""
    _check_states(home)
    _check_stops(home)
    keys = Counter(row["idempotency_key"] for row in home.rows("SELECT * FROM journal"))
    assert all(count == 1 for count in keys.values())


def _check_states(home: HomeUnderTest) -> None:
    """Every state follows from the one before it, and each is told."""
    told = Counter(
        (row["position_id"], row["state"])
        for row in map(_payload, home.rows(_TOLD.format("position.state_changed")))
    )
    for (position,) in {(row["position_id"],) for row in home.rows("SELECT * FROM trades")}:
        rows = home.rows(
            "SELECT * FROM position_transitions WHERE position_id = ? ORDER BY id", position
        )
        assert rows[0]["from_state"] is None
        for one, after in pairwise(rows):
            assert one["to_state"] == after["from_state"], rows
            assert LifeState(after["to_state"]) in LIFE_MOVES[LifeState(one["to_state"])], rows
        counted = Counter((position, row["to_state"]) for row in rows)
        assert all(told[name] == times for name, times in counted.items()), (counted, told)


def _check_stops(home: HomeUnderTest) -> None:
    """The stop of one life only ever becomes tighter."""
    last: dict[str, Decimal] = {}
    for row in map(_payload, home.rows(_TOLD.format("position.stop_updated"))):
        trigger, position = Decimal(row["stop_price"]), row["position_id"]
        before = last.get(position, trigger)
        tighter = trigger >= before if row["direction"] == "long" else trigger <= before
        assert tighter, f"the stop of {position} went from {before} to {trigger}"
        last[position] = trigger


_TOLD = "SELECT payload FROM outbox WHERE event_type = '{}' ORDER BY sequence"


def _payload(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row["payload"])
    return found
