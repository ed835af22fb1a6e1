"""User story 2 of the order manager: the book's orders are what Bybit's stream tells of them."""

import asyncio
from decimal import Decimal
from typing import Any

from tests.rounds.bybit_round import BybitRound
from tests.service.records import (
    events,
    held,
    moves,
    order,
    placed,
    resting,
    state,
    status,
    typed,
)
from tests.service.running import Running, with_service
from tests.venues.faults import Fault


class Resting:
    """A limit order of ours that the venue has taken, as the venue and the book see it."""

    def __init__(self, bybit: BybitRound, running: Running, asked: dict[str, Any]):
        self.bybit, self.running, self.asked = bybit, running, asked
        self.key: str = self.row["order_id"]

    @property
    def row(self) -> dict[str, Any]:
        return order(self.bybit.home, self.asked)

    def fill(self, quantity: str | None = None, price: str | None = None) -> None:
        self.bybit.do(lambda v: v.exchange.fill(self.key, quantity, price))

    def cancel(self) -> None:
        self.bybit.do(lambda v: v.exchange.cancel(v.exchange.order(self.key)))

    async def is_(self, status: str) -> None:
        await self.running.until(lambda: self.row["status"] == status, f"{self.key} {status}")

    def executions(self) -> list[dict[str, Any]]:
        return self.bybit.home.rows(
            "SELECT * FROM executions WHERE order_id = ? ORDER BY executed_at, execution_id",
            self.key,
        )


async def listening(bybit: BybitRound, running: Running) -> None:
    """Until the stream is there: from then on every event is told."""
    await running.ready()
    await asyncio.to_thread(bybit.venue.wait, lambda v: v.subscribed("order"))
    await asyncio.to_thread(bybit.venue.wait, lambda v: v.subscribed("execution"))


async def resting_order(bybit: BybitRound, running: Running, **given: Any) -> Resting:
    """To buy 0.005 BTC at 59000, and the stream is open."""
    asked = resting(**given)
    await listening(bybit, running)
    await placed(running, asked)
    return Resting(bybit, running, asked)


def test_2_1_a_fill_event_makes_the_order_filled(bybit: BybitRound) -> None:
    async def story(running: Running) -> None:
        there = await resting_order(bybit, running, trace_id="trace-2")
        there.fill(price="58999.5")
        await there.is_("filled")
        await held(running, "0.005")
        await running.until(lambda: bybit.stops(), "its stop")
        row = there.row
        assert (row["filled_quantity"], row["average_price"]) == ("0.005", "58999.5")
        assert row["executed_at"] is not None
        (execution,) = there.executions()
        assert (execution["quantity"], execution["price"]) == ("0.005", "58999.5")
        assert Decimal(execution["fee"]) == Decimal("0.005") * Decimal("58999.5") * Decimal(
            "0.0002"
        )
        assert moves(bybit.home, there.key) == ["pending", "open", "filled"]
        assert (state(bybit.home, there.asked), status(bybit.home, there.asked)) == (
            "FILLED",
            "done",
        )
        (event,) = events(bybit.home, "order.filled")
        assert event["trace_id"] == "trace-2"

    with_service(bybit.home, story)
    bybit.home.must("verify")


def test_2_2_a_partial_fill_is_recorded_with_its_quantity(bybit: BybitRound) -> None:
    async def story(running: Running) -> None:
        there = await resting_order(bybit, running)
        there.fill("0.002")
        await there.is_("partially_filled")
        await held(running, "0.002")
        assert there.row["filled_quantity"] == "0.002"
        assert state(bybit.home, there.asked) == "PLACED"
        await running.until(lambda: bybit.stops(), "a stop for what is held")
        assert str(bybit.stops()[0].quantity) == "0.002"

    with_service(bybit.home, story)


def test_2_3_a_cancellation_is_recorded_with_its_time(bybit: BybitRound) -> None:
    async def story(running: Running) -> None:
        there = await resting_order(bybit, running)
        before = there.row["updated_at"]
        there.cancel()
        await there.is_("cancelled")
        assert there.row["updated_at"] > before
        assert moves(bybit.home, there.key) == ["pending", "open", "cancelled"]
        assert (state(bybit.home, there.asked), status(bybit.home, there.asked)) == (
            "CANCELLED",
            "done",
        )

    with_service(bybit.home, story)


def test_2_3_a_cancellation_after_a_partial_fill_keeps_what_filled(bybit: BybitRound) -> None:
    async def story(running: Running) -> None:
        there = await resting_order(bybit, running)
        there.fill("0.002")
        there.cancel()
        await there.is_("cancelled")
        await held(running, "0.002")
        assert there.row["filled_quantity"] == "0.002"
        await running.until(lambda: bybit.stops(), "its stop")
        assert state(bybit.home, there.asked) == "FILLED"

    with_service(bybit.home, story)
    bybit.home.must("verify")


def test_2_4_a_manual_synchronisation_asks_bybit_for_the_orders(bybit: BybitRound) -> None:
    """The stream is silent; an operator looks, reviews and applies while the service runs."""

    async def story(running: Running) -> None:
        there = await resting_order(bybit, running)
        bybit.do(lambda v: v.events.silence())
        there.fill()
        asked = bybit.do(lambda v: v.requests.count("order/realtime"))
        await typed(bybit.home, "reconcile")
        assert bybit.do(lambda v: v.requests.count("order/realtime")) > asked
        await typed(bybit.home, "review", "--approve", "all", "--seal")
        await typed(bybit.home, "apply", "--confirm", bybit.home.plan_id())
        assert there.row["status"] == "filled"
        assert state(bybit.home, there.asked) == "FILLED"
        await held(running, "0.005")

    with_service(bybit.home, story)
    bybit.check_true()


def test_2_4_the_service_looks_by_itself_every_so_often(bybit: BybitRound) -> None:
    bybit.home.set_in("EXECUTION", reconcile_interval="1")

    async def story(running: Running) -> None:
        there = await resting_order(bybit, running)
        bybit.do(lambda v: v.events.silence())
        there.fill()
        await there.is_("filled")
        await held(running, "0.005")
        await running.until(lambda: bybit.stops(), "its stop")

    with_service(bybit.home, story)
    bybit.home.must("verify")


def test_2_4_a_synchronisation_that_fails_is_told_and_changes_nothing(bybit: BybitRound) -> None:
    async def story(running: Running) -> None:
        there = await resting_order(bybit, running)
        bybit.always("order/realtime", Fault.http(503))
        said = await typed(bybit.home, "reconcile", code=10)
        assert "HTTP 503" in said
        assert there.row["status"] == "open"
        bybit.heal()
        await typed(bybit.home, "reconcile")

    with_service(bybit.home, story)
