"""What can happen between the first look and the last call, while the door is open."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from core.apply.calls import call_for
from core.apply.ledger import Ledger, Outcome
from core.domain.errors import Blocked, Stale
from core.operate.applying import Selection, apply_staged
from core.operate.desk import Desk
from core.operate.planning import make_plan
from core.operate.reviewing import Decisions, review
from core.operate.staging import stage
from core.plan.change import InsertOrder, PlaceStop, Risk
from tests.build import NOON, book_order, instrument, position, snapshot
from tests.core.apply.rounds import WORLDS, journaled, placed, simulate
from tests.crash.power import Power
from tests.crash.test_apply import clock_now, desk_with
from tests.home import HomeUnderTest


class Meanwhile(Power):
    """Not a power cut: somebody else does something at the first moment of this name."""

    def __init__(self, name: str = "", deed: Callable[[], object] = lambda: None):
        super().__init__()
        self._name = name
        self._deed = deed

    def moment(self, name: str) -> None:
        if name == self._name and name not in self.moments:
            self._deed()
        super().moment(name)


def walk(
    home: HomeUnderTest, power: Power, *, interrupted: Callable[[], bool] = lambda: False
) -> Ledger:
    """An apply of what is staged; the ledger tells it all even when it is refused."""
    ledger = Ledger()

    async def run(desk: Desk) -> None:
        try:
            await apply_staged(
                desk,
                confirmed=home.plan_id(),
                ask=lambda name: None,
                selection=Selection(),
                interrupted=interrupted,
                ledger=ledger,
            )
        finally:
            await desk.close()

    try:
        asyncio.run(run(desk_with(home, power, clock_now())))
    except (Blocked, Stale) as error:
        ledger.note_of_refusal = error  # type: ignore[attr-defined]
    return ledger


def outcomes(ledger: Ledger) -> list[str]:
    return [entry.outcome.value for entry in ledger.sorted()]


@pytest.fixture
def staged(home: HomeUnderTest) -> HomeUnderTest:
    """An order and its execution to book, then a stop to place; approved and armed."""
    home.tell(WORLDS["place"])
    home.arm()
    home.stage_and_approve("all")
    return home
