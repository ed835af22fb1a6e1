"""What looks after positions, in a home of its own: rounds by hand, and no hour takes an hour."""

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from cli.invocation import Invocation
from core.assembly import Caller, Wiring
from core.operate.account_watch import AccountWatch
from core.operate.desk import Desk
from core.operate.looking import look
from core.operate.managing import Service
from core.operate.position_records import PositionRecords
from core.operate.validation import Validation
from core.operate.witness_watch import WitnessWatch
from core.ports import Clock
from tests.home import HomeUnderTest
from tests.service.running import one_round


class Hurried:
    """A clock on which waiting takes no time; everything else happens when it does."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def sleep(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class Part(Protocol):
    async def watch(self) -> None: ...


@dataclass(slots=True)
class Watching:
    home: HomeUnderTest
    desk: Desk
    service: Service
    records: PositionRecords
    validation: Validation
    witness: WitnessWatch

    @property
    def watch(self) -> AccountWatch:
        (only,) = self.service.watches.values()
        return only

    async def round(self) -> None:
        """As the service makes one; the witness is told what was seen last."""
        await one_round(self.service)
        await self.witnessed()

    async def witnessed(self) -> None:
        """Likewise, but for a round that changes nothing."""
        found = await look(self.desk, self.service.accounts, intents=False)
        self.witness.take(found.observations)
        await self.witness.judge()

    async def lasts(self, part: Part, seconds: float) -> None:
        """The part at its work for so long, on a hurried clock."""
        until = self.desk.clock.now() + timedelta(seconds=seconds)
        task = asyncio.create_task(part.watch())
        while self.desk.clock.now() < until:
            await asyncio.sleep(0)
            if task.done():
                task.result()
        task.cancel()


def with_watching(
    home: HomeUnderTest,
    story: Callable[[Watching], Awaitable[None]],
    clock: Clock | None = None,
) -> None:
    """Nothing happens by itself; commands are typed before and after the story."""

    async def tell() -> None:
        call = Invocation(os.environ)
        call.take({"home": str(home.root), "quiet": True})
        wiring = Wiring(call.effective, call.gates, Caller(actor="tester", command="manage"))
        wiring.clock = clock or Hurried()
        desk = wiring.desk()
        service = Service(desk=desk, accounts=desk.accounts(), intakes={})
        given: Any = {"desk": desk, "watches": service.watches}
        parts = PositionRecords(**given), Validation(**given), WitnessWatch(**given)
        try:
            await story(Watching(home, desk, service, *parts))
        finally:
            await desk.close()

    asyncio.run(tell())


@contextmanager
def nothing_written(home: HomeUnderTest) -> Iterator[None]:
    """No transaction of anybody changed the book."""
    with closing(sqlite3.connect(home.book_file)) as onlooker:
        version = onlooker.execute("PRAGMA data_version").fetchone()
        yield
        assert onlooker.execute("PRAGMA data_version").fetchone() == version
