"""Every position is watched by itself: neither a slow quote nor a defect holds up another one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core.domain.market import Quote
from core.operate import price_watch
from core.operate.desk import Desk
from core.ports import Broker
from tests.home import HomeUnderTest
from tests.service.conftest import AtBybit
from tests.service.running import Running, signal, submit, with_service
from tests.service.test_exits import exits
from tests.service.test_signals_to_orders import stops
from tests.service.test_trailing import quote, ready_at_100
from tests.service.watching import Watching, with_watching

ODD = "ETHUSDT"


@pytest.fixture(autouse=True)
def looks_follow_each_other_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_watch, "LOOK_SECONDS", 0.1)


class OddQuotes:
    """A venue whose quotes of one symbol are what the test makes of them, once it says so."""

    def __init__(self, broker: Broker):
        self._broker = broker
        self.before: Callable[[], Awaitable[None]] | None = None
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    async def quote(self, symbol: str) -> Quote:
        if symbol == ODD and self.before is not None:
            self.asked += 1
            await self.before()
        return await self._broker.quote(symbol)


def with_odd_quotes(
    home: HomeUnderTest, story: Callable[[Running, OddQuotes], Awaitable[None]]
) -> None:
    venues: list[OddQuotes] = []

    def arrange(desk: Desk) -> None:
        open_broker = desk.open_broker

        def odd(account: str) -> Broker:
            venues.append(OddQuotes(open_broker(account)))
            return venues[-1]  # type: ignore[return-value]

        desk.open_broker = odd

    async def tell(running: Running) -> None:
        await running.ready()
        await story(running, venues[0])

    with_service(home, tell, arrange)


async def in_both(running: Running, home: HomeUnderTest) -> None:
    submit(home, signal(amount=500), signal(asset=ODD, amount=500))
    await running.until(lambda: len(stops(home)) == 2, "both stops")


def stop_of(home: HomeUnderTest, symbol: str) -> str:
    (stop,) = [row for row in stops(home) if row["symbol"] == symbol]
    return str(stop["trigger_price"])


def test_a_quote_that_hangs_holds_up_no_other_position(home: HomeUnderTest) -> None:
    ready_at_100(home)

    async def story(running: Running, venue: OddQuotes) -> None:
        await in_both(running, home)
        answer = asyncio.Event()
        venue.before = lambda: until_told(answer)
        await running.until(lambda: venue.asked, "it hangs")
        quote(home, "103")
        await running.until(lambda: stop_of(home, "BTCUSDT") == "102.7", "the other stop moves")
        assert venue.asked == 1, "it is not asked for again as long as it is"
        answer.set()
        await running.until(lambda: venue.asked > 2, "and has its turn again")

    with_odd_quotes(home, story)


async def until_told(answer: asyncio.Event) -> None:
    await answer.wait()


def test_a_defect_at_one_position_is_told_once_and_holds_up_no_other(home: HomeUnderTest) -> None:
    ready_at_100(home)

    async def story(running: Running, venue: OddQuotes) -> None:
        await in_both(running, home)

        async def broken() -> None:
            raise RuntimeError("a figure that nobody thought of")

        venue.before = broken
        await running.until(lambda: venue.asked > 3, "it breaks every time")
        quote(home, "103")
        await running.until(lambda: stop_of(home, "BTCUSDT") == "102.7", "the other stop moves")
        assert f"prices {ODD}" in running.service.troubles
        venue.before = None
        was = stop_of(home, ODD)
        quote(home, "3300", of=ODD)
        await running.until(lambda: stop_of(home, ODD) != was, "mended, its stop moves too")

    with_odd_quotes(home, story)
    (told,) = home.rows("select * from alerts where type = 'service_stalled'")
    assert f"prices {ODD}" in told["message"]


def test_what_a_slow_quote_is_about_is_looked_up_once_more(home: HomeUnderTest) -> None:
    """The position was left while its quote was on its way: nobody asks to leave it again."""
    ready_at_100(home)
    entry = signal(asset=ODD, amount=500, effective_floor=2990, effective_ceiling=9999)

    async def story(running: Running, venue: OddQuotes) -> None:
        submit(home, entry)
        await running.until(lambda: stops(home), "its stop")
        answer = asyncio.Event()
        venue.before = lambda: until_told(answer)
        await running.until(lambda: venue.asked, "it hangs")
        looks = running.service.prices
        under_way = dict(looks._looks)
        venue.before = None
        leave = signal(asset=ODD, amount=500, signal_type="sell", intent="close")
        submit(home, leave)
        await running.settled(leave["signal_id"])
        await running.until(lambda: not stops(home), "left, and its stop is gone")
        quote(home, "2980", of=ODD)
        answer.set()
        await asyncio.wait_for(asyncio.gather(*under_way.values()), 30)

    with_odd_quotes(home, story)
    assert exits(home) == []


def test_the_prices_of_all_positions_of_an_account_are_one_question(at_bybit: AtBybit) -> None:
    bybit = at_bybit()

    def asked() -> list[str]:
        seen = bybit.do(lambda venue: venue.requests.of("market/tickers"))
        return [each.params.get("symbol", "") for each in seen]

    async def enter(running: Running) -> None:
        await running.ready()
        submit(bybit.home, signal(), signal(asset=ODD))
        await running.until(lambda: bybit.stops("BTCUSDT") and bybit.stops(ODD), "both stops")

    async def look(watching: Watching) -> None:
        await watching.round()
        bybit.do(lambda venue: venue.requests.clear())
        for _ in range(3):
            await watching.service.prices.look()

    with_service(bybit.home, enter)
    with_watching(bybit.home, look)
    assert asked() == ["", "", ""]
