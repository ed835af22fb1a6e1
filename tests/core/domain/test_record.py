"""What the book keeps about our own doings."""

from core.domain.record import STEP_MOVES, StepState


def test_every_state_of_a_step_has_its_moves() -> None:
    assert set(STEP_MOVES) == set(StepState)
    assert {state for state, moves in STEP_MOVES.items() if not moves} == {
        StepState.DONE,
        StepState.FAILED,
    }
