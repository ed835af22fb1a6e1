"""Rounds of a service that does nothing else: it hears no stream and takes in no signal."""

import asyncio
import os

from cli.invocation import Invocation
from core.assembly import Caller, Wiring
from core.operate.managing import Service
from tests.home import HomeUnderTest
from tests.service.running import one_round


def look(home: HomeUnderTest, times: int = 1) -> None:
    """So many rounds, one after the other."""

    async def rounds() -> None:
        call = Invocation(os.environ)
        call.take({"home": str(home.root), "quiet": True})
        desk = Wiring(call.effective, call.gates, Caller(actor="tester", command="manage")).desk()
        service = Service(desk=desk, accounts=desk.accounts(), intakes={})
        try:
            for _ in range(times):
                await one_round(service)
        finally:
            await desk.close()

    asyncio.run(rounds())
