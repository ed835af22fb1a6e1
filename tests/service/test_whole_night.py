"""What fails every time from the evening to the morning is still tried in the morning.

At the longest pause between two tries, a float ends (2 to the 1024th) in less than nine hours.
"""

import asyncio

from core.domain.errors import BookError
from core.operate.turn import SLEEP, Turn
from tests.home import HomeUnderTest
from tests.service.watching import Watching, with_watching

TRIES = 1100


def test_a_part(home: HomeUnderTest) -> None:
    async def story(watching: Watching) -> None:
        tries, morning = 0, asyncio.Event()

        async def broken() -> None:
            nonlocal tries
            tries += 1
            if tries > TRIES:
                morning.set()
            raise BookError("the server is away")

        keeping = asyncio.create_task(watching.service._keep("intake queue", broken))
        await asyncio.wait({keeping, asyncio.ensure_future(morning.wait())}, timeout=60,
                           return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
        assert not keeping.done()
        assert morning.is_set()
        keeping.cancel()

    with_watching(home, story)


def test_a_lane(home: HomeUnderTest) -> None:
    async def story(watching: Watching) -> None:
        tries, morning = 0, asyncio.Event()
        lanes = watching.service.lanes

        async def broken(account: str, symbol: str) -> Turn:
            nonlocal tries
            tries += 1
            if tries > TRIES:
                morning.set()
                return SLEEP
            raise BookError("somebody holds the lock")

        lanes.turn = broken
        lanes.wake("main", "BTCUSDT")
        await asyncio.wait_for(morning.wait(), 60)

    with_watching(home, story)
