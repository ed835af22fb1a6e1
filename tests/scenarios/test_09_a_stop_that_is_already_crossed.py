"""Scenario 9: a stop behind the price filled at once and was placed anew every loop: one exit only.

A position is entered and the price falls through where its stop would go before it can be placed.
Here a stop that is sent all the same is the exit, and one that is known to be crossed is not sent.
"""

from core.domain.order import BrokerOrder, OrderRequest
from core.operate.desk import Desk
from core.ports.receipt import Receipt
from tests.home import HomeUnderTest
from tests.service.running import Running, one_round, signal, submit, with_service
from tests.service.test_exits import exits, left, life, sides
from tests.service.test_trailing import quote, ready_at_100


async def looked_at(running: Running, home: HomeUnderTest) -> None:
    """Left, and then a few rounds and quotes more."""
    await left(running, home)
    for _ in range(5):
        await one_round(running.service)
        await running.service.prices.look()


def stops(home: HomeUnderTest) -> list[str]:
    return [row["status"] for row in home.rows("select * from orders where order_type = 'stop'")]


def test_the_stop_of_an_entry_fills_at_once_and_that_is_the_exit(home: HomeUnderTest) -> None:
    home.arm()
    ready_at_100(home)

    def falls_after_the_entry(desk: Desk) -> None:
        broker = desk.broker("main")
        place = broker.place

        async def and_falls(receipt: Receipt, request: OrderRequest) -> BrokerOrder:
            answer = await place(receipt, request)
            quote(home, "98")
            return answer

        broker.place = and_falls  # type: ignore[method-assign]

    async def story(running: Running) -> None:
        submit(home, signal(amount=500))
        await looked_at(running, home)

    with_service(home, story, falls_after_the_entry)
    assert (sides(home), stops(home), exits(home)) == (["buy"], ["filled"], [])
    assert life(home)["exit_reason"] == "stop_loss"
    home.must("plan", "--detailed-exitcode")
    home.must("verify")


def test_a_price_that_is_known_to_be_beyond_it_is_one_exit_and_no_stop(home: HomeUnderTest) -> None:
    """Entered while nobody looked; when the service comes, the price has been there."""
    home.arm()
    ready_at_100(home)
    home.set_in("POSITIONS", require_stop="false")

    async def enter(running: Running) -> None:
        submit(home, signal(amount=500))
        await running.until(lambda: home.rows("select * from trades"), "entered")

    with_service(home, enter)
    home.set_in("POSITIONS", require_stop="true")
    quote(home, "98")

    async def story(running: Running) -> None:
        await looked_at(running, home)

    with_service(home, story)
    assert (sides(home), stops(home)) == (["buy", "sell"], [])
    assert [(row["cause"], row["state"]) for row in exits(home)] == [("STOP_LOSS", "FILLED")]
    assert life(home)["exit_reason"] == "stop_loss"
    home.must("plan", "--detailed-exitcode")
    home.must("verify")


def test_the_operator_is_told_what_to_type(home: HomeUnderTest) -> None:
    """Without a service nothing is closed by itself."""
    home.arm()
    ready_at_100(home)
    home.set_in("POSITIONS", require_stop="false")

    async def enter(running: Running) -> None:
        submit(home, signal(amount=500))
        await running.until(lambda: home.rows("select * from trades"), "entered")

    with_service(home, enter)
    home.set_in("POSITIONS", require_stop="true")
    quote(home, "98")
    said = home.must("plan").out
    assert "already beyond where it would be" in said
    assert "trueup close BTCUSDT" in said
