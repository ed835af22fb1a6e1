"""Findings that no change can mend by itself."""

from dataclasses import dataclass

# A plan with this problem is never applied.
POSITION_MODE_DIFFERS = "position_mode_differs"
# Settling comes before everything else.
STEP_UNRESOLVED = "step_unresolved"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """`code` is stable and documented; `subject` is the id a person would look up."""

    code: str
    account: str
    subject: str
    message: str
