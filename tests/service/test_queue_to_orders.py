"""From a signal in the queue to an order at the venue: the real service and a real server."""

import asyncio
import json
import shutil
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.amqp import Bus, Line, listens_to, server, until
from tests.home import HomeUnderTest
from tests.producer import update
from tests.service.process import is_carried_out_once, managed
from tests.service.process import until as process_until
from tests.service.running import Running, signal, submit

pytestmark = pytest.mark.rabbitmq

Story = Callable[[Running, Bus, Line], Awaitable[None]]


def with_queue(home: HomeUnderTest, story: Story) -> None:
    """The service listens at the end of a line that the story may cut."""
    address = server()

    async def tell() -> None:
        async with Bus(address) as bus, Line(address) as line:
            listens_to(home, line.address, bus.queue, updates=bus.updates)
            async with Running(home) as running:
                await running.ready()
                await until(lambda: bus.has_consumer(bus.queue), "the intake")
                await story(running, bus, line)

    asyncio.run(tell())


def wire(wanted: dict[str, Any]) -> bytes:
    return json.dumps(wanted).encode()


def market_orders(home: HomeUnderTest) -> list[dict[str, Any]]:
    return [row for row in home.broker_orders() if row["type"] == "market"]


def test_a_signal_in_the_queue_becomes_one_filled_order(home: HomeUnderTest) -> None:
    wanted = signal()

    async def story(running: Running, bus: Bus, line: Line) -> None:
        # Twice, as a producer does who has not heard that the first was taken.
        await bus.publish(bus.queue, wire(wanted), wire(wanted))
        row = await running.settled(wanted["signal_id"])
        assert row["request_status"] == "done"
        assert running.intent(wanted["signal_id"])["state"] == "FILLED"
        await running.until(lambda: home.rows("select * from positions"), "its position")
        await until(lambda: bus.ready(bus.queue, 0), "both acknowledged")

    with_queue(home, story)
    (order,) = market_orders(home)
    assert (order["status"], order["quantity"]) == ("filled", "0.004")
    (held,) = home.rows("select * from positions")
    assert held["quantity"] == "0.004"


def test_the_service_comes_back_when_the_line_was_dead_and_nothing_is_lost(
    home: HomeUnderTest,
) -> None:
    before, during, after = signal(), signal(signal_type="sell", intent="close"), signal()

    async def story(running: Running, bus: Bus, line: Line) -> None:
        await bus.publish(bus.queue, wire(before))
        await running.settled(before["signal_id"])

        line.is_dead = True
        line.cut()
        await bus.publish(bus.queue, wire(during))
        await running.until(lambda: "intake queue" in running.service.troubles, "the trouble")
        assert running.service.troubles["intake queue"][1]

        line.is_dead = False
        await running.settled(during["signal_id"])
        await bus.publish(bus.queue, wire(after))
        await running.settled(after["signal_id"])

    with_queue(home, story)
    wanted = [each["signal_id"] for each in (before, during, after)]
    rows = home.rows("select signal_id, attempt from signals order by rowid")
    assert [(row["signal_id"], row["attempt"]) for row in rows] == [(name, 1) for name in wanted]
    assert len(market_orders(home)) == len(home.rows("select * from signal_order_relationships"))


def test_the_service_comes_back_when_the_server_throws_it_out(home: HomeUnderTest) -> None:
    if shutil.which("rabbitmqctl") is None:
        pytest.skip("no rabbitmqctl here: only the server's own tool can close our connection")
    wanted = signal()

    async def story(running: Running, bus: Bus, line: Line) -> None:
        for port in line.far_ports():
            await throw_out(port)
        await running.until(lambda: "intake queue" in running.service.troubles, "the trouble")
        assert "CONNECTION_FORCED" in running.service.troubles["intake queue"][1]
        await bus.publish(bus.queue, wire(wanted))
        row = await running.settled(wanted["signal_id"])
        assert row["request_status"] == "done"

    with_queue(home, story)
    assert len(market_orders(home)) == 1


async def throw_out(port: int) -> None:
    """Closes the connection that comes from this port, as an administrator would."""
    listed = await rabbitmqctl("list_connections", "pid", "peer_port", "--silent")
    (process,) = [row.split()[0] for row in listed.splitlines() if row.split()[1] == str(port)]
    await rabbitmqctl("close_connection", process, "maintenance")


async def rabbitmqctl(*arguments: str) -> str:
    child = await asyncio.create_subprocess_exec(
        "rabbitmqctl", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await child.communicate()
    assert child.returncode == 0, out.decode()
    return out.decode()


def test_an_update_moves_an_order_in_the_book(home: HomeUnderTest) -> None:
    """The venue says nothing by itself here: only the gateway's queue tells of the order."""
    wanted = signal(order_type="limit", confidence=0.5)

    async def story(running: Running, bus: Bus, line: Line) -> None:
        await bus.publish(bus.queue, wire(wanted))
        await running.until(
            lambda: home.rows("select * from trade_intents where state = 'PLACED'"), "it is placed"
        )
        (order,) = home.rows("select * from orders")
        await bus.publish(
            bus.updates,
            update(
                order_id=order["broker_order_id"],
                symbol=order["symbol"],
                side=order["side"],
                status="Cancelled",
                cum_exec_qty=0,
                avg_price=0,
                timestamp=None,
            ),
        )
        # The venue still has it, so that the next whole look may say otherwise.
        told = "select * from order_events where source = 'stream' and to_status = 'cancelled'"
        await running.until(lambda: home.rows(told), "cancelled")

    with_queue(home, story)


@contextmanager
def in_background(bus: Bus) -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """The bus in a thread of its own, for a test that waits for processes meanwhile."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def do(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    do(bus.__aenter__())
    try:
        yield do
    finally:
        do(bus.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_one_signal_five_times_through_spool_and_queue_with_kills_in_between(
    home: HomeUnderTest,
) -> None:
    """The real command, killed after each time: one row, and one order."""
    wanted, bus = signal(), Bus(server())
    with in_background(bus) as do:
        listens_to(home, server(), bus.queue, updates="null")
        for number in range(5):
            with managed(home) as process:
                if number % 2:
                    do(bus.publish(bus.queue, wire(wanted)))
                else:
                    submit(home, wanted)
                process_until(lambda: home.rows("SELECT 1 FROM signals"), "taken in")
                process.kill()
        with managed(home):
            process_until(lambda: is_carried_out_once(home, copies=5), "once")
            process_until(lambda: do(bus.ready(bus.queue, 0)), "the queue is empty")
