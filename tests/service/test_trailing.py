"""The stop follows the profit: a long with 10x leverage walked through the guide's prices."""

import re
from decimal import Decimal
from pathlib import Path

from tests.home import HomeUnderTest
from tests.service.running import Running, signal, submit, with_service
from tests.service.test_signals_to_orders import stops

GUIDE = Path(__file__).parents[2] / "docs" / "operator-guide.md"


def walk() -> list[tuple[str, str]]:
    """Prices and where the stop then stands, as the guide tells."""
    told = GUIDE.read_text("utf-8").partition("### A stop that follows")[2]
    rows = re.findall(r"^\| (\d+) \|[^|]*\| ([\d.]+|triggers[^|]*) \|$", told, flags=re.M)
    assert len(rows) == 5
    return rows


def quote(home: HomeUnderTest, price: str, of: str = "BTCUSDT") -> None:
    document = home.account
    for each in document["quotes"]:
        if each["symbol"] == of:
            each |= {"bid": price, "ask": price, "last": price}
    home.rewrite_account(document)


def ready_at_100(home: HomeUnderTest) -> None:
    quote(home, "100")
    home.set_in("POSITIONS", min_stop_modify_interval_ms="0")
    home.set_in("RISK", max_position_size="100")


def test_a_long_is_walked_through_the_prices_of_the_guide(home: HomeUnderTest) -> None:
    ready_at_100(home)

    async def story(running: Running) -> None:
        submit(home, signal(amount=500))
        for price, stop in walk():
            if price != "100":
                quote(home, price)
            if stop.startswith("triggers"):
                await running.until(lambda: not stops(home), "the stop triggers")
                await running.until(
                    lambda: home.rows("select * from positions")[0]["quantity"] == "0", "flat"
                )
                continue
            await running.until(
                lambda stop=stop: [row["trigger_price"] for row in stops(home)] == [stop],
                f"at {price} the stop at {stop}",
            )

    with_service(home, story)
    (held,) = home.rows("select * from positions")
    assert Decimal(held["realized_pnl"]) > 0
    home.must("plan", "--detailed-exitcode")
    home.must("verify")


def test_a_stop_is_not_moved_while_nothing_may_change(home: HomeUnderTest) -> None:
    ready_at_100(home)

    async def enter(running: Running) -> None:
        submit(home, signal(amount=500))
        await running.until(lambda: stops(home), "the stop")

    with_service(home, enter)
    home.must("safe-mode", "on", "--reason", "a test")
    quote(home, "103")

    async def look_on(running: Running) -> None:
        await running.ready()
        await running.service.prices.look()

    with_service(home, look_on)
    assert [row["trigger_price"] for row in stops(home)] == ["99.2"]
