"""What a lane does once a turn is over."""

from dataclasses import dataclass
from enum import StrEnum


class Next(StrEnum):
    AGAIN = "again"
    WAIT = "wait"
    SLEEP = "sleep"


@dataclass(frozen=True, slots=True)
class Turn:
    """What the lane does now; `seconds` is how long it waits unless it is woken."""

    then: Next
    seconds: float = 0.0
    why: str = ""


AGAIN = Turn(Next.AGAIN)
SLEEP = Turn(Next.SLEEP)


def wait(seconds: float, why: str) -> Turn:
    return Turn(Next.WAIT, seconds, why)
