"""Quotes that are wanted at the same moment are one question; what one of them meets is its own."""

import asyncio
import gc
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from core.brokers.ccxt import CcxtBroker
from core.brokers.ccxt.tickers import Tickers
from core.domain.errors import Unavailable
from core.domain.market import Quote
from tests.core.brokers.ccxt.account import broker_at
from tests.venues.bybit import BybitVenue
from tests.venues.faults import Fault
from tests.venues.mexc import MexcVenue
from tests.venues.server import Venue


@dataclass(frozen=True, slots=True)
class Side:
    """A venue, our account there, what it calls its tickers, and two of its symbols."""

    venue: Venue
    broker: CcxtBroker
    endpoint: str
    bitcoin: str
    ether: str

    def asked(self) -> list[str]:
        """The symbol of each request; an empty one is the listing."""
        return [each.params.get("symbol", "") for each in self.venue.requests.of(self.endpoint)]

    async def quotes(self, *symbols: str) -> list[Any]:
        wanted = (self.broker.quote(symbol) for symbol in symbols)
        return await asyncio.gather(*wanted, return_exceptions=True)


@pytest.fixture(params=[BybitVenue, MexcVenue])
async def side(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    async with request.param() as venue, broker_at(venue) as broker:
        told = {
            "bybit": ("market/tickers", "BTCUSDT", "ETHUSDT"),
            "mexc": ("contract/ticker", "BTC_USDT", "ETH_USDT"),
        }[venue.name]
        side = Side(venue, broker, *told)
        # Terms and markets are known from here on.
        for symbol in (side.bitcoin, side.ether):
            await broker.instrument(symbol)
        venue.requests.clear()
        yield side


def figures(quote: Quote) -> Quote:
    return replace(quote, at=None)


async def test_many_at_once_are_one_question(side: Side) -> None:
    told = await side.quotes(*[side.bitcoin, side.ether] * 10)
    assert side.asked() == [""]
    alone = [await side.broker.quote(side.bitcoin), await side.broker.quote(side.ether)]
    assert list(map(figures, told)) == list(map(figures, alone)) * 10
    assert alone[0].bid is not None
    assert alone[0].bid > Decimal(10_000)


async def test_one_alone_is_asked_for_alone(side: Side) -> None:
    await side.broker.quote(side.bitcoin)
    await side.quotes(side.ether, side.ether)
    assert side.asked() == [side.bitcoin, side.ether, side.ether]


async def test_a_symbol_that_is_not_there_is_so_for_whoever_asked(side: Side) -> None:
    bitcoin, nothing, ether = await side.quotes(side.bitcoin, "NOSUCH", side.ether)
    assert (bitcoin.symbol, ether.symbol) == (side.bitcoin, side.ether)
    assert isinstance(nothing, Unavailable)


async def test_a_listing_that_fails_is_told_to_all_and_the_next_moment_asks_again(
    side: Side,
) -> None:
    side.venue.faults.always(side.endpoint, Fault.http(503))
    told = await side.quotes(side.bitcoin, side.ether)
    assert all(isinstance(each, Unavailable) for each in told)
    side.venue.faults.clear()
    told = await side.quotes(side.bitcoin, side.ether)
    assert [each.symbol for each in told] == [side.bitcoin, side.ether]


async def test_an_answer_that_is_no_listing_is_no_answer(side: Side) -> None:
    side.venue.faults.next(side.endpoint, Fault.TRUNCATED, times=10)
    told = await side.quotes(side.bitcoin, side.ether)
    assert all(isinstance(each, Unavailable) for each in told)


# --- who gives up ---------------------------------------------------------------------------------


class Slow:
    """A listing that comes when the test says so."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.tickers = Tickers(one=self.one, every=self.every)

    async def one(self, symbol: str) -> dict[str, Any]:
        raise AssertionError("nobody is alone here")

    async def every(self) -> dict[str, Any]:
        return await self.answer

    def ask(self, symbol: str) -> "asyncio.Task[Any]":
        return asyncio.create_task(self.tickers.of(symbol))


async def asked(slow: Slow) -> "list[asyncio.Task[Any]]":
    tasks = [slow.ask("A"), slow.ask("B")]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_whoever_gives_up_does_so_alone() -> None:
    slow = Slow()
    first, second = await asked(slow)
    first.cancel()
    await asyncio.sleep(0)
    slow.answer.set_result({"A": {"last": 1}, "B": {"last": 2}})
    assert await second == {"last": 2}
    assert first.cancelled()


async def test_a_failure_that_nobody_waits_for_any_more_is_no_news() -> None:
    slow, told = Slow(), []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    tasks = await asked(slow)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    slow.answer.set_exception(Unavailable("the venue is gone"))
    for _ in range(5):
        await asyncio.sleep(0)
    del slow, tasks
    gc.collect()
    assert told == []


# --- a whole look ---------------------------------------------------------------------------------


async def test_a_whole_look_asks_for_the_prices_of_all_it_watches_at_once(side: Side) -> None:
    watched = [side.bitcoin, side.ether]
    async with broker_at(side.venue, symbols=watched) as broker:
        seen = await broker.snapshot()
    assert sorted(seen.quotes) == sorted(watched)
    assert side.asked() == [""]


async def test_a_whole_look_goes_without_the_prices_that_it_cannot_have(side: Side) -> None:
    side.venue.faults.always(side.endpoint, Fault.http(503))
    async with broker_at(side.venue, symbols=[side.bitcoin, side.ether], retry=1) as broker:
        seen = await broker.snapshot()
    assert seen.quotes == {}
    assert seen.knows("positions")
