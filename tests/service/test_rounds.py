"""Rounds of several accounts: each for itself, and one plan of what is left for a person."""

import asyncio
import json
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.apply import hold
from core.domain.order import BrokerOrder, OrderRequest, Side
from core.domain.snapshot import BrokerSnapshot
from core.operate.desk import Desk
from core.ports import Broker
from core.ports.receipt import Receipt
from tests.build import instrument, position, quote, snapshot
from tests.home import HomeUnderTest
from tests.service.records import alerts, holding, market, told
from tests.service.running import Running, one_round, signal, submit, with_service

SECOND = """\
ACCOUNTS:
  second:
    broker: paper
    file: ./data/second.json
  main:
"""


@pytest.fixture
def two(home: HomeUnderTest) -> HomeUnderTest:
    """main has a position that nobody can explain, second is flat."""
    home.set_in("EXECUTION", reconcile_interval="3600")
    home.tell(snapshot(instrument(), quote(), position(5)))
    with_a_second(home, home.account | {"positions": []})
    return home


def with_a_second(home: HomeUnderTest, account: dict[str, Any]) -> None:
    text = home.config_file.read_text()
    home.config_file.write_text(text.replace("ACCOUNTS:\n  main:\n", SECOND))
    (home.root / "data" / "second.json").write_text(json.dumps(account | {"account": "second"}))


def staged(home: HomeUnderTest) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(home.staged_file.read_text())
    return document


def test_one_plan_of_what_all_of_them_left(two: HomeUnderTest) -> None:
    async def story(running: Running) -> None:
        await running.until(lambda: alerts(two, "review_needed"), "somebody is asked")

    with_service(two, story)
    plan = staged(two)
    assert plan["accounts"] == ["second", "main"]
    kinds = [each["kind"] for each in plan["plan"]["to_update"] + plan["plan"]["to_insert"]]
    assert kinds == ["adopt_position"]
    # It is of one moment, so it can be applied as it was reviewed.
    two.must("review", "--approve", "adopt_position", "--seal", "--quiet")
    two.must("apply", "--confirm", two.plan_id())
    two.must("verify")


def test_one_that_cannot_be_looked_at_keeps_no_other_from_trading(two: HomeUnderTest) -> None:
    """Nothing is staged meanwhile: of an account that nobody saw, nobody can say what is left."""
    (two.root / "data" / "second.json").write_text("{")

    async def story(running: Running) -> None:
        await running.until(lambda: running.service.watches["main"].reconciled, "main is ready")
        assert running.service.watches["second"].unreachable
        await told(running, signal(account="main"))

    with_service(two, story)
    assert two.rows("SELECT DISTINCT account FROM trade_intents") == [{"account": "main"}]
    assert not two.staged_file.exists()
    assert alerts(two, "review_needed") == []


# --- what moves while it is looked at -------------------------------------------------------------


class Slow:
    """A venue whose listing is older than what its stream has told by the time it arrives."""

    def __init__(self, home: HomeUnderTest):
        self.home = home
        self.running: Running
        # How many of the coming listings are overtaken.
        self.overtaken = 0

    def __call__(self, desk: Desk) -> None:
        broker = desk.broker("main")
        listing = broker.snapshot

        async def slowly(since: datetime | None = None) -> BrokerSnapshot:
            answer = await listing(since)
            if self.overtaken:
                self.overtaken -= 1
                await self._somebody_buys()
            return answer

        broker.snapshot = slowly  # type: ignore[method-assign]

    async def _somebody_buys(self) -> None:
        lot = Decimal("0.01")
        wanted = holding(self.home) + lot
        market(self.home).trade("BTCUSDT", Side.BUY, lot)
        await self.running.until(lambda: holding(self.home) == wanted, "booked")


def test_nobody_is_asked_about_what_moved_while_the_venue_was_read(home: HomeUnderTest) -> None:
    """Only a whole listing, and nothing booked meanwhile, shows what nobody can explain."""
    home.set_in("EXECUTION", reconcile_interval="3600")
    slow = Slow(home)

    async def story(running: Running) -> None:
        slow.running = running
        await running.ready()
        await running.until(lambda: running.service.watches["main"].behind is None, "all seen")
        # The first is the look that catches up, the second the one that a plan is made of.
        slow.overtaken = 2
        await one_round(running.service)

    with_service(home, story, slow)
    assert holding(home) == Decimal("0.02")
    assert alerts(home, "review_needed") == []
    # Facts that came after the last look may stand in a plan; they are recorded in a moment.
    assert not home.staged_file.exists() or "adopt_position" not in home.staged_file.read_text()


# --- one account hangs ----------------------------------------------------------------------------


class Hanging:
    """A venue at which what is placed arrives when the test says so."""

    def __init__(self, broker: Broker, answers: asyncio.Event):
        self._broker = broker
        self._answers = answers
        self.placing = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    async def place(self, receipt: Receipt, request: OrderRequest) -> BrokerOrder:
        self.placing += 1
        await self._answers.wait()
        return await self._broker.place(receipt, request)


def test_an_order_that_hangs_at_one_account_holds_up_no_other(
    home: HomeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it keep an operator waiting any longer than it takes."""
    monkeypatch.setattr(hold, "TURN", timedelta())
    with_a_second(home, home.account)
    answers, venues = asyncio.Event(), {}

    def arrange(desk: Desk) -> None:
        open_broker = desk.open_broker

        def hanging(account: str) -> Broker:
            venues[account] = Hanging(open_broker(account), answers)
            return venues[account] if account == "second" else open_broker(account)  # type: ignore[return-value]

        desk.open_broker = hanging

    async def story(running: Running) -> None:
        await running.ready()
        submit(home, signal(account="second"))
        await running.until(lambda: venues["second"].placing, "it hangs")
        await told(running, signal(account="main"))
        waits = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", "apply", "--resume", "--home", str(home.root), "--quiet",
            "--lock-timeout", "60",
        )  # fmt: skip
        await running.until(running.desk.lock().is_wanted, "an operator waits")
        answers.set()
        assert await waits.wait() == 0

    with_service(home, story, arrange)
