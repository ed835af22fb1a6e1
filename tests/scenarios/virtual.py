"""The whole service on a clock that passes while everybody waits: minutes in the wink of an eye."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from core.assembly import intakes, listeners
from core.operate.managing import Service
from tests.crash.power import Power, PowerCut
from tests.crash.test_manage import desk_with
from tests.home import HomeUnderTest
from tests.virtual_time import run_to_its_end


def in_virtual_time(
    home: HomeUnderTest,
    start: datetime,
    story: Callable[[Service], Awaitable[None]],
    power: Power | None = None,
) -> None:
    """Runs the service for as long as the story lasts, or until its power is cut."""

    async def tell() -> None:
        async with _running(home, start, power or Power()) as service:
            await story(service)

    run_to_its_end(tell(), PowerCut)


async def until(is_so: Callable[[], object]) -> None:
    while True:
        if is_so():
            return
        await asyncio.sleep(0.25)


@asynccontextmanager
async def _running(home: HomeUnderTest, start: datetime, power: Power) -> AsyncIterator[Service]:
    desk = desk_with(home, power, start)
    service = Service(
        desk=desk, accounts=desk.accounts(), intakes=intakes(desk), listeners=listeners(desk)
    )
    stop = asyncio.Event()
    try:
        # The book is made before anybody asks it anything.
        with desk.book.read():
            running = asyncio.create_task(service.run(stop))
        yield service
        stop.set()
        await running
    finally:
        await desk.close()
