"""What the random stories found, each reduced to the few moves that it takes."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.domain.snapshot import BrokerSnapshot
from core.operate.catching_up import catch_up
from core.operate.desk import Desk
from tests.home import HomeUnderTest
from tests.rounds.mexc_round import BTC, BUY, SELL
from tests.service.conftest import AtMexc
from tests.service.running import Running, signal, submit, with_service
from tests.service.test_exits import fail_next, simulate
from tests.service.test_signals_to_orders import stops
from tests.service.test_trailing import quote, ready_at_100
from tests.venues.faults import Fault


def stop_prices(home: HomeUnderTest) -> list[str]:
    """Where the stop of the one position stood, as others were told."""
    rows = home.rows(
        "SELECT payload FROM outbox WHERE event_type = 'position.stop_updated' ORDER BY sequence"
    )
    return [json.loads(row["payload"])["stop_price"] for row in rows]


async def entered(running: Running, home: HomeUnderTest, **given: Any) -> None:
    submit(home, signal(amount=500, **given))
    await running.until(lambda: stop_prices(home) == ["99.2"], "the stop")


def test_a_stop_that_never_arrived_was_never_the_positions_stop(home: HomeUnderTest) -> None:
    """Told as its stop while its outcome was open, it would have to be loosened again."""
    ready_at_100(home)
    simulate(home, amends=False)

    async def story(running: Running) -> None:
        await entered(running, home)
        fail_next(home, on="place", kind="timeout_before_accept")
        quote(home, "103")
        unknown = "SELECT 1 FROM journal WHERE kind = 'place_stop' AND state = 'unknown'"
        await running.until(lambda: home.rows(unknown), "the tighter stop is on its way")
        assert [row["trigger_price"] for row in stops(home)] == ["99.2"]

    with_service(home, story)
    (life,) = home.rows("SELECT * FROM position_lives")
    assert (life["stop_price"], life["state"]) == ("99.2", "open")
    assert stop_prices(home) == ["99.2"]


@dataclass(slots=True)
class Meanwhile:
    """Between the venue's answer and whoever asked for it, something happens."""

    happens: Callable[[], Awaitable[object]] | None = None
    asker: "asyncio.Task[Any] | None" = None

    def arrange(self, desk: Desk) -> None:
        broker = desk.broker("main")
        read = broker.snapshot

        async def snapshot(since: datetime | None = None) -> BrokerSnapshot:
            told = await read(since)
            if self.happens and asyncio.current_task() is self.asker:
                happens, self.happens = self.happens, None
                await happens()
            return told

        broker.snapshot = snapshot  # type: ignore[method-assign]


def test_a_look_from_before_a_stop_was_moved_does_not_take_it_back(home: HomeUnderTest) -> None:
    ready_at_100(home)
    meanwhile = Meanwhile()

    async def story(running: Running) -> None:
        await entered(running, home)

        async def the_stop_follows() -> None:
            quote(home, "103")
            await running.until(
                lambda: [row["trigger_price"] for row in stops(home)] == ["102.7"], "it follows"
            )

        meanwhile.happens, meanwhile.asker = the_stop_follows, asyncio.current_task()
        watch = running.service.watches["main"]
        await catch_up(running.desk, watch, running.service._hold)
        assert watch.behind == f"order {stop_orders(home)[0]} moved while the venue was being read"
        # Whoever looked asks for the next round; here that was the test.
        running.service.rounds.look_again("main")
        await running.until(lambda: watch.behind is None, "looked once more")

    with_service(home, story, meanwhile.arrange)
    assert stop_prices(home) == ["99.2", "102.7"]


def stop_orders(home: HomeUnderTest) -> list[str]:
    return [row["client_order_id"] for row in stops(home)]


def test_an_order_that_never_arrived_is_no_stop_without_a_name(at_mexc: AtMexc) -> None:
    """Its symbol would wait for ever, and with it the stop of whatever is held there."""
    mexc = at_mexc()
    mexc.home.set_in("EXECUTION", scale_in="true")
    mexc.trade(BTC, BUY, 100)
    mexc.stop_by_hand(BTC, SELL, 100, "59000")
    mexc.fault("order/create", Fault.http(503))
    wanted = signal(asset=BTC)

    async def story(running: Running) -> None:
        await running.ready()
        submit(mexc.home, wanted)
        unknown = "SELECT 1 FROM journal WHERE state = 'unknown'"
        await running.until(lambda: mexc.home.rows(unknown), "nobody knows what came of it")
        mexc.let_pass(60)
        await running.until(lambda: not mexc.home.rows(unknown), "it is known")
        row = await running.settled(wanted["signal_id"])
        assert row["request_status"] == "failed"

    with_service(mexc.home, story)
    mexc.check_true()
