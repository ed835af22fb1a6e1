"""A position that moved without an order of ours: entered, added to, or left by hand."""

from typing import Any

import pytest

from core.decide.execution.manual import manual_trades
from core.domain.order import Origin
from tests.build import book_execution, stored

EXTERNAL, OWNED = Origin.EXTERNAL, Origin.OWNED


def seen(was: Any, now: Any, origin: Origin | None = EXTERNAL, **row: Any) -> list[tuple[str, Any]]:
    """Each trade with what was held before it."""
    before = [] if was is None else [stored(was)]
    told = {"o-1": origin} if origin else {}
    fill = book_execution(**({"order_id": "o-1"} | row))
    found = manual_trades(before, [stored(now)], [fill], told)
    return [(trade.kind.value, trade.before) for trade in found]


@pytest.mark.parametrize(
    ("was", "now", "kinds"),
    [
        (None, 5, ["manual_entry"]),
        (0, 5, ["manual_entry"]),
        (0, -5, ["manual_entry"]),
        (5, 8, ["manual_dca"]),
        (-5, -8, ["manual_dca"]),
        (5, 0, ["manual_exit"]),
        (-5, 0, ["manual_exit"]),
        (5, -3, ["manual_exit", "manual_entry"]),
        (-5, 3, ["manual_exit", "manual_entry"]),
        (5, 3, []),
        (-5, -3, []),
        (5, 5, []),
        (None, 0, []),
    ],
)
def test_the_table(was: int | None, now: int, kinds: list[str]) -> None:
    assert seen(was, now) == [(kind, was or 0) for kind in kinds]


@pytest.mark.parametrize(
    ("origin", "told"),
    [(EXTERNAL, True), (None, True), (OWNED, False), (Origin.LIQUIDATION, False),
     (Origin.DRY_RUN, False)],
)  # fmt: skip
def test_only_orders_of_others_are_somebodys_hand(origin: Origin | None, told: bool) -> None:
    assert bool(seen(None, 5, origin)) == told


def test_an_execution_without_an_order_is_nobodys_of_ours() -> None:
    assert seen(None, 5, OWNED, order_id=None) == [("manual_entry", 0)]


def test_what_moves_no_quantity_and_other_symbols_say_nothing() -> None:
    assert seen(None, 5, kind="funding") == []
    assert seen(None, 5, symbol="ETHUSDT") == []
    assert list(manual_trades([], [stored(5)], [], {})) == []
