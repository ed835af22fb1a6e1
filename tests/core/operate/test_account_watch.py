"""What a service knows of an account is asked for once, however many want to know it."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from core.domain.errors import Unavailable
from core.operate.account_watch import AccountWatch
from core.ports import AccountMode

TEN = AccountMode(position_mode="one-way", leverage={"BTCUSDT": Decimal(10)})


class Asked:
    """A venue that counts, and may fail or hang."""

    def __init__(self) -> None:
        self.times = 0
        self.fails = 0
        self.hangs = 0

    async def account_mode(self) -> AccountMode:
        self.times += 1
        await asyncio.sleep(0)
        if self.hangs:
            self.hangs -= 1
            await asyncio.Event().wait()
        if self.fails:
            self.fails -= 1
            raise Unavailable("the venue is gone")
        return TEN


@pytest.fixture
def venue() -> Any:
    return Asked()


@pytest.fixture
def watch(venue: Any) -> AccountWatch:
    return AccountWatch(broker=venue)


async def test_many_positions_ask_for_the_mode_of_their_account_once(
    watch: AccountWatch, venue: Asked
) -> None:
    told = await asyncio.gather(*(watch.mode() for _ in range(50)))
    assert (set(map(id, told)), venue.times) == ({id(TEN)}, 1)
    watch.remember({})
    await asyncio.gather(*(watch.mode() for _ in range(50)))
    assert venue.times == 2


async def test_when_it_could_not_be_told_the_next_one_asks_again(
    watch: AccountWatch, venue: Asked
) -> None:
    venue.fails = 1
    told = await asyncio.gather(watch.mode(), watch.mode(), return_exceptions=True)
    assert isinstance(told[0], Unavailable)
    assert told[1] is TEN


async def test_doubted_while_it_was_asked_for_it_is_asked_for_once_more(
    watch: AccountWatch, venue: Asked
) -> None:
    """An answer that was on its way may be older than the doubt."""
    asking = asyncio.create_task(watch.mode())
    await asyncio.sleep(0)
    watch.doubt()
    await asking
    await watch.mode()
    assert venue.times == 2


async def test_the_leverage_of_a_new_position_does_not_wait_for_whoever_asked_before(
    watch: AccountWatch, venue: Asked
) -> None:
    venue.hangs = 1
    asking = asyncio.create_task(watch.mode())
    await asyncio.sleep(0)
    assert await asyncio.wait_for(watch.leverage("BTCUSDT", Decimal(1)), 30) == 10
    assert not asking.done()
    asking.cancel()
