"""How far the price of a position has been, and one word when it has lost much.

Quotes are looked at one by one; seconds pass only when a test says so.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.domain.errors import BookBusy
from core.domain.order import Side
from core.ports import Book
from tests.crash.test_manage import copy_of
from tests.home import HomeUnderTest, make_home
from tests.service.records import alerts, events, market
from tests.service.running import Running, signal, submit, with_service
from tests.service.test_exits import life
from tests.service.test_signals_to_orders import stops
from tests.service.test_trailing import quote, ready_at_100
from tests.service.watching import Hurried, Watching, nothing_written, with_watching

INTERVAL = 5
WARNINGS = "position.pnl_warning"


@dataclass(slots=True)
class Looking:
    """A price watch in a test's hands."""

    watching: Watching
    clock: Hurried

    async def at(self, price: str, *, after: float = INTERVAL) -> None:
        """So much later the price stands there, and is looked at."""
        self.clock.ahead += timedelta(seconds=after)
        quote(self.watching.home, price)
        await self.watching.service.prices.look()


Story = Callable[[Looking], Awaitable[None]]


def looking(home: HomeUnderTest, story: Story) -> None:
    clock = Hurried()

    async def tell(watching: Watching) -> None:
        await watching.round()
        await story(Looking(watching, clock))

    with_watching(home, tell, clock)


@pytest.fixture(scope="module")
def entered(tmp_path_factory: pytest.TempPathFactory) -> HomeUnderTest:
    """Five at 100 with a leverage of ten, and a stop at 92; the service has stopped."""
    home = make_home(tmp_path_factory.mktemp("marks") / "home")
    home.arm()
    ready_at_100(home)
    home.set_in("POSITIONS", min_stop_modify_interval_ms=str(INTERVAL * 1000), trail="false")

    async def enter(running: Running) -> None:
        submit(home, signal(amount=500, stop_loss_pct=80))
        await running.until(lambda: stops(home), "the stop")
        await running.until(lambda: life(home)["highest_price"], "the first mark")

    with_service(home, enter)
    return home


@pytest.fixture
def held(entered: HomeUnderTest, tmp_path: Path) -> HomeUnderTest:
    """The same for every test, which does with it what it likes."""
    return copy_of(entered, tmp_path / "held")


def marks(home: HomeUnderTest) -> tuple[str, str, str]:
    row = life(home)
    return row["lowest_price"], row["highest_price"], row["highest_roe_pct"]


# --- how far it has been --------------------------------------------------------------------------


def test_the_highest_and_the_lowest_price_and_the_best_return_are_kept(held: HomeUnderTest) -> None:
    async def story(look: Looking) -> None:
        await look.at("101")
        assert marks(held) == ("100", "101", "10")
        await look.at("98.5")
        assert marks(held) == ("98.5", "101", "10")
        await look.at("102")
        assert marks(held) == ("98.5", "102", "20")
        await look.at("100")
        assert marks(held) == ("98.5", "102", "20")

    looking(held, story)


def test_of_a_short_the_best_return_is_at_the_lowest_price(home: HomeUnderTest) -> None:
    ready_at_100(home)
    market(home).trade("BTCUSDT", Side.SELL, Decimal(5))

    async def story(look: Looking) -> None:
        await look.at("99.5")
        await look.at("100.2")
        assert marks(home) == ("99.5", "100.2", "5")

    looking(home, story)


def test_it_is_what_leaving_would_fetch_that_counts(held: HomeUnderTest) -> None:
    """A long is left at the bid."""

    async def story(look: Looking) -> None:
        look.clock.ahead += timedelta(seconds=INTERVAL)
        market(held).move_quote("BTCUSDT", Decimal(105), bid=Decimal(103), ask=Decimal(107))
        await look.watching.service.prices.look()

    looking(held, story)
    assert marks(held) == ("100", "103", "30")


def test_leverage_and_margin_are_filled_in(held: HomeUnderTest) -> None:
    assert (life(held)["leverage"], life(held)["margin_used"]) == ("10", "50")


def test_nothing_is_written_while_the_price_stands_still(held: HomeUnderTest) -> None:
    async def story(look: Looking) -> None:
        await look.at("101")
        with nothing_written(held):
            for _ in range(100):
                await look.at("101")
            # Nor while it moves where it has been.
            for price in ("100", "100.5", "100.9"):
                await look.at(price)

    looking(held, story)


def test_a_price_that_climbs_is_written_every_few_seconds_and_no_peak_is_lost(
    held: HomeUnderTest,
) -> None:
    async def story(look: Looking) -> None:
        await look.at("101")
        with nothing_written(held):
            for price in ("101.5", "99.5", "103", "102"):
                await look.at(price, after=1)
        assert marks(held) == ("100", "101", "10")
        await look.at("102", after=1)
        assert marks(held) == ("99.5", "103", "30")
        with nothing_written(held):
            await look.at("102")

    looking(held, story)


# --- a large loss ---------------------------------------------------------------------------------


def warned(home: HomeUnderTest) -> int:
    """How often; each time an event and an alert."""
    told = events(home, WARNINGS)
    assert len({row["event_id"] for row in told}) == len(told)
    assert len(alerts(home, "unrealized_loss")) == len(told)
    return len(told)


def test_a_loss_is_told_once_and_again_only_after_it_recovered(held: HomeUnderTest) -> None:
    """Ten percent of the equity are one percent of the price; half of it is a recovery."""

    async def story(look: Looking) -> None:
        await look.at("99.1")
        assert warned(held) == 0
        await look.at("99")
        assert warned(held) == 1
        for price in ("99", "98", "97", "99.4", "99.5", "98.9"):
            await look.at(price)
        assert warned(held) == 1, "it has not recovered by half"
        await look.at("99.6")
        assert life(held)["loss_warned_at"] is None
        await look.at("99.1")
        assert warned(held) == 1
        await look.at("98.5")
        assert warned(held) == 2

    looking(held, story)


def test_it_is_told_in_figures(held: HomeUnderTest) -> None:
    async def story(look: Looking) -> None:
        await look.at("98.75")

    looking(held, story)
    assert alerts(held, "unrealized_loss") == [
        "BTCUSDT long 5: 12.5 % of its equity lost at 98.75, entered at 100"
    ]
    (alert,) = held.rows("select * from alerts where type = 'unrealized_loss'")
    assert (alert["severity"], alert["account"], alert["subject"]) == (
        "MEDIUM", "main", life(held)["position_id"],
    )  # fmt: skip
    (event,) = events(held, WARNINGS)
    payload = json.loads(event["payload"])
    assert (payload["price"], payload["roe_pct"]) == ("98.75", "-12.5")
    assert payload["loss_warned_at"] == life(held)["loss_warned_at"]
    assert event["correlation_id"] == life(held)["position_id"]


def test_it_does_not_wait_for_the_next_mark(held: HomeUnderTest) -> None:
    """A mark was written a moment ago."""

    async def story(look: Looking) -> None:
        await look.at("99.5")
        await look.at("98", after=1)

    looking(held, story)
    assert warned(held) == 1
    assert marks(held)[0] == "98"


def test_another_service_does_not_tell_it_again(held: HomeUnderTest) -> None:
    async def story(look: Looking) -> None:
        await look.at("98")
        await look.at("97.5")

    looking(held, story)
    looking(held, story)
    assert warned(held) == 1


@pytest.mark.parametrize(("limit", "times"), [("0", 0), ("30", 0), ("20", 1)])
def test_how_much_is_configured(held: HomeUnderTest, limit: str, times: int) -> None:
    held.set_in("POSITIONS", unrealized_loss_warning_pct=limit)

    async def story(look: Looking) -> None:
        await look.at("98")

    looking(held, story)
    assert warned(held) == times


class Once:
    """A book that takes one transaction, and is busy from then on."""

    def __init__(self, book: Book):
        self._book = book
        self.writes = 0

    def read(self) -> Any:
        return self._book.read()

    def write(self) -> Any:
        self.writes += 1
        if self.writes > 1:
            raise BookBusy("another process holds the book's write lock")
        return self._book.write()


def test_what_is_written_as_told_has_been_told(held: HomeUnderTest) -> None:
    """The moment of the warning and the event are one transaction; the alert is a line, too."""

    async def story(look: Looking) -> None:
        desk = look.watching.desk
        whole, desk._book = desk.book, Once(desk.book)  # type: ignore[assignment]
        await look.at("98")
        desk._book = whole

    looking(held, story)
    assert life(held)["loss_warned_at"] is not None
    assert len(events(held, WARNINGS)) == 1
    assert "unrealized_loss" in (held.root / "logs" / "alerts.jsonl").read_text()


def test_nothing_is_marked_behind_a_shut_gate(held: HomeUnderTest) -> None:
    held.must("safe-mode", "on", "--reason", "a test")

    async def story(look: Looking) -> None:
        with nothing_written(held):
            await look.at("98")

    looking(held, story)
    assert (warned(held), marks(held)[0]) == (0, "100")


def test_a_position_whose_quote_cannot_be_read_holds_up_no_other(held: HomeUnderTest) -> None:
    document: dict[str, Any] = held.account
    document.setdefault("simulation", {})["faults"] = [
        {"on": "quote", "kind": "unavailable", "symbol": "BTCUSDT"}
    ]
    held.rewrite_account(document)

    async def story(look: Looking) -> None:
        with nothing_written(held):
            await look.at("98")
        await look.at("98")

    looking(held, story)
    assert warned(held) == 1
