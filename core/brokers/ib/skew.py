"""How far the gateway's clock is from ours, as finely as whole seconds can tell."""

from datetime import datetime, timedelta

from core.brokers.ib.line import Line
from core.brokers.ib.questions import CURRENT_TIME
from core.domain.errors import Unavailable
from core.ports import Clock

NONE = timedelta(0)
SECOND = timedelta(seconds=1)


async def skew_of(line: Line, clock: Clock) -> timedelta:
    """Theirs minus ours; zero when the truncated second and the journey explain the difference."""
    await line.connection()
    asked = clock.now()
    answer = await line.ask(CURRENT_TIME)
    answered = clock.now()
    if answer.missing:
        raise Unavailable(answer.missing)
    told: datetime = answer.rows[0]
    least, most = told - answered, told + SECOND - asked
    if least <= NONE <= most:
        return NONE
    return least if least > NONE else most
