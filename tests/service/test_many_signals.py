"""A thousand signals over fifty symbols: each lane in its order, all lanes at once, none lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from core.domain.order import BrokerOrder, OrderRequest
from core.operate.desk import Desk
from core.ports import Broker
from core.ports.receipt import Receipt
from tests.build import instrument, quote, snapshot
from tests.home import HomeUnderTest
from tests.service.running import Running, signal, submit, with_service

SYMBOLS = [f"C{number:02}USDT" for number in range(50)]
ROUNDS = 20


class Counted:
    """A broker that counts how many of its placements are under way at once."""

    def __init__(self, broker: Broker):
        self._broker = broker
        self._now = 0
        self.at_once = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    async def place(self, receipt: Receipt, request: OrderRequest) -> BrokerOrder:
        async with self._counting():
            return await self._broker.place(receipt, request)

    @asynccontextmanager
    async def _counting(self) -> AsyncIterator[None]:
        self._now += 1
        self.at_once = max(self.at_once, self._now)
        try:
            yield
        finally:
            self._now -= 1


def a_market(home: HomeUnderTest, **simulation: Any) -> None:
    now = datetime.now().astimezone()
    rows = [instrument(name, base=name[:3], min_notional=5) for name in SYMBOLS]
    quotes = [quote(name, bid="99.9", ask="100.1", last=100, at=now) for name in SYMBOLS]
    home.tell(snapshot(*rows, *quotes, taken_at=now), **simulation)
    document = home.account
    document["balances"] = [{"currency": "USDT", "total": "1000000", "available": "1000000"}]
    home.rewrite_account(document)


def alternating(rounds: int) -> list[dict[str, Any]]:
    """Buys and sells in turn: a sale before its purchase would be another order altogether."""
    return [
        signal(asset=name, amount=100, signal_type="sell" if number % 2 else "buy")
        for number in range(rounds)
        for name in SYMBOLS
    ]


def test_order_within_lanes_and_no_waiting_between_them(home: HomeUnderTest) -> None:
    a_market(home, latency_ms=100)
    signals = alternating(ROUNDS)
    counted: list[Counted] = []

    def arrange(desk: Desk) -> None:
        open_broker = desk.open_broker

        def counting(account: str) -> Broker:
            counted.append(Counted(open_broker(account)))
            return counted[-1]  # type: ignore[return-value]

        desk.open_broker = counting

    async def story(running: Running) -> None:
        submit(home, *signals)
        ended = "SELECT count(*) AS n FROM signals WHERE finished_at IS NOT NULL"
        await running.until(lambda: home.rows(ended)[0]["n"] == len(signals), "all settled")

    with_service(home, story, arrange)
    states = home.rows("SELECT request_status, reason, count(*) AS n FROM signals GROUP BY 1, 2")
    assert [(row["request_status"], row["n"]) for row in states] == [("done", len(signals))], states
    # One by one it would never be more than one; the lanes are fifty.
    assert counted[0].at_once > len(SYMBOLS) / 2
    for name in SYMBOLS:
        assert sides_of(home, name) == ["buy", "sell"] * (ROUNDS // 2)
    keys = [row["client_order_id"] for row in home.broker_orders()]
    assert len(keys) == len(set(keys))


def waits(home: HomeUnderTest, symbol: str) -> str:
    """Why that lane waits, as the status tells."""
    return str(home.json("status")["service"]["lanes_waiting"].get(f"main/{symbol}", ""))


def sides_of(home: HomeUnderTest, symbol: str) -> list[str]:
    """Of its market orders, in the order in which the venue took them."""
    return [
        row["side"]
        for row in home.broker_orders()
        if (row["symbol"], row["type"]) == (symbol, "market")
    ]


def test_a_lane_that_waits_for_an_outcome_holds_up_no_other(home: HomeUnderTest) -> None:
    """The reply is lost and the venue cannot say; everybody else goes on, and then so does it."""
    a_market(
        home,
        quarantine_seconds=0.2,
        faults=[
            {"on": "place", "kind": "lost_reply", "symbol": SYMBOLS[0]},
            {"on": "find_order", "kind": "inconclusive", "symbol": SYMBOLS[0], "times": 100_000},
        ],
    )
    signals = alternating(2)

    async def story(running: Running) -> None:
        submit(home, *signals)
        done = "SELECT count(*) AS n FROM signals WHERE request_status = 'done'"
        others = len(signals) - 2
        await running.until(lambda: home.rows(done)[0]["n"] == others, "all others done")
        await running.until(lambda: waits(home, SYMBOLS[0]).startswith("outcome unknown"), "told")
        assert sides_of(home, SYMBOLS[0]) == ["buy"]
        document = home.account
        document["simulation"]["faults"] = []
        home.rewrite_account(document)
        await running.until(lambda: home.rows(done)[0]["n"] == len(signals), "that one, too")

    with_service(home, story)
    assert sides_of(home, SYMBOLS[0]) == ["buy", "sell"]
