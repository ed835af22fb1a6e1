"""Findings that no change can mend by itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """`code` is stable and documented; `subject` is the id a person would look up."""

    code: str
    account: str
    subject: str
    message: str
