"""Positions, executions, snapshots, steps: what they are called and which way they point."""

from decimal import Decimal

import pytest

from core.domain.execution import MOVING, ExecutionKind, execution_key
from core.domain.order import PositionSide, Side
from core.domain.position import PositionKey, exit_side, signed
from core.domain.record import STEP_MOVES, StepState
from core.domain.snapshot import PARTS, Known, Part, Partial, Unavailable
from tests.build import book_execution, book_view, snapshot


def test_an_execution_is_named_by_account_symbol_order_and_id() -> None:
    assert execution_key("main", "BTCUSDT", "V-1", "T-1") == "main|BTCUSDT|V-1|T-1"
    assert execution_key("main", "BTCUSDT", None, "T-1") == "main|BTCUSDT|-|T-1"


def test_funding_moves_no_position() -> None:
    assert set(ExecutionKind) - MOVING == {ExecutionKind.FUNDING}


@pytest.mark.parametrize(
    ("quantity", "side", "meant", "reduced_by"),
    [
        (5, PositionSide.BOTH, 5, Side.SELL),
        (-5, PositionSide.BOTH, -5, Side.BUY),
        (5, PositionSide.LONG, 5, Side.SELL),
        (5, PositionSide.SHORT, -5, Side.BUY),
    ],
)
def test_a_short_leg_is_told_as_a_positive_figure(
    quantity: int, side: PositionSide, meant: int, reduced_by: Side
) -> None:
    assert signed(Decimal(quantity), side) == meant
    assert exit_side(Decimal(quantity), side) is reduced_by


def test_a_plan_names_a_leg_beside_its_symbol() -> None:
    assert PositionKey("main", "BTCUSDT").target == "BTCUSDT"
    assert PositionKey("main", "BTCUSDT", PositionSide.LONG).target == "BTCUSDT/long"


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


def test_executions_are_summed_by_their_order() -> None:
    book = book_view(book_execution("T-1", 5), book_execution("T-2", 3))

    assert book.executed_quantity("V-1") == 8
    assert book.executed_quantity("V-2") == 0
    assert book.executed_quantity(None) == 0


def test_every_state_of_a_step_has_its_moves() -> None:
    assert set(STEP_MOVES) == set(StepState)
    assert {state for state, moves in STEP_MOVES.items() if not moves} == {
        StepState.DONE,
        StepState.FAILED,
    }
