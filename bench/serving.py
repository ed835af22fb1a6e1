"""P4 and P5: from a persisted signal to its order, and how many lives a second.

The venue of P5 takes no time, and beside it stands a bare loop that commits the same rows in as
many transactions, with the same synchronous FULL. P4 is measured on the paper broker and on an
emulated Bybit: from the signal's row to the adapter's call that sends its order.
"""

import asyncio
import json
import os
import sqlite3
import statistics
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.instant import InstantVenue
from bench.measure import TRUEUP, timed
from bench.measure import run as run_process
from bench.report import Figure
from bench.venues import keyed_venue
from cli.invocation import Invocation
from core.assembly import Caller, Wiring, intakes
from core.book.sqlite import SqliteBook
from core.domain.moment import moment_text
from core.host.clock import SystemIds
from core.operate.desk import Desk
from core.operate.managing import Service

STEADY, STEADY_PAUSE = 100, 0.05
LIVES, SYMBOLS = 500, 50
AIM_MS = 50
AIM_SHARE = 0.7
# The transactions of one life beside the batch that takes it in.
LIFE = (
    ("trade_intents",),
    ("journal", "signal_order_relationships"),
    ("orders", "order_events"),
    ("executions", "positions", "order_audit"),
)
FIRST = ("signals", "signal_deliveries")


def signal_to_wire(scratch: Path) -> list[Figure]:
    paper = _home(scratch / "paper")
    figures = [_latency("paper", asyncio.run(_steady(paper, "BTCUSDT")))]
    with keyed_venue("bybit") as venue:
        os.environ["TRUEUP_BENCH_KEY"] = venue.api_key
        os.environ["TRUEUP_BENCH_SECRET"] = venue.api_secret
        home = _home(
            scratch / "bybit",
            "  main: {broker: bybit, api_key: 'env:TRUEUP_BENCH_KEY',"
            f" api_secret: 'env:TRUEUP_BENCH_SECRET', endpoint: '{venue.url}',"
            " rate_limit: 100000}\n",
        )
        figures.append(_latency("emulated bybit", asyncio.run(_steady(home, "BTCUSDT"))))
    return figures


def lives(scratch: Path) -> list[Figure]:
    home = _home(scratch / "instant")
    seconds = asyncio.run(_burst(home))
    bare = _bare(home / "data" / "orders.db", scratch / "bare.db")
    rate, beside = LIVES / seconds, LIVES / bare
    return [
        Figure(
            name="P5",
            what=f"{LIVES} signal lives over {SYMBOLS} symbols",
            measured=f"{rate:.0f} a second",
            beside=f"{beside:.0f} a second (the same rows and commits, bare)",
            ratio=f"{rate / beside:.2f} x",
            aim=f">= {AIM_SHARE} x",
            reached=rate / beside >= AIM_SHARE,
        )
    ]


def _latency(venue: str, spans: list[float]) -> Figure:
    p99 = statistics.quantiles(spans, n=100)[98] * 1000
    return Figure(
        name="P4",
        what=f"{venue}: {len(spans)} signals, one every {STEADY_PAUSE * 1000:.0f} ms",
        measured=f"p99 {p99:.1f} ms",
        beside=f"median {statistics.median(spans) * 1000:.1f} ms",
        ratio="-",
        aim=f"p99 < {AIM_MS} ms",
        reached=p99 < AIM_MS,
    )


# --- the service ----------------------------------------------------------------------------------


def _home(root: Path, account: str | None = None) -> Path:
    run_process([*TRUEUP, "init", str(root)])
    text = (
        "DRY_RUN: false\nSAFE_MODE: false\nDRY_RUN_CONFIRM: true\n"
        "RISK: {max_order_size_ratio: 0, max_exposure: 0, max_position_size: 0}\n"
        "POSITIONS: {require_stop: false, trail: false}\n"
    )
    text += f"ACCOUNTS:\n{account}" if account else ""
    (root / "config" / "local_reconcile.yml").write_text(text)
    return root


class _Served:
    """The service over a home, for as long as some work takes."""

    def __init__(self, home: Path, prepare: Callable[[Desk], None] = lambda desk: None):
        call = Invocation(os.environ)
        call.take({"home": str(home), "quiet": True})
        self.desk = Wiring(
            call.effective, call.gates, Caller(actor="bench", command="bench")
        ).desk()
        prepare(self.desk)
        accounts = self.desk.accounts()
        self.service = Service(desk=self.desk, accounts=accounts, intakes=intakes(self.desk))
        self._spool = home / "data" / "spool" / "signals.jsonl"

    async def during(self, work: Callable[[], Awaitable[Any]]) -> Any:
        stop = asyncio.Event()
        running = asyncio.create_task(self.service.run(stop))
        try:
            while not all(watch.reconciled for watch in self.service.watches.values()):
                await asyncio.sleep(0.01)
            return await work()
        finally:
            stop.set()
            await running
            await self.desk.close()

    def submit(self, *signals: dict[str, Any]) -> None:
        self._spool.parent.mkdir(parents=True, exist_ok=True)
        with self._spool.open("a") as lines:
            lines.write("".join(json.dumps(each) + "\n" for each in signals))

    async def settled(self, count: int, *, rows: str) -> None:
        """Until that many rows are there."""
        while True:
            with sqlite3.connect(self.desk.home.book) as connection:
                if connection.execute(rows).fetchone()[0] >= count:
                    return
            await asyncio.sleep(0.005)


def _signal(symbol: str, side: str = "buy", **more: Any) -> dict[str, Any]:
    return {
        "signal_id": str(uuid4()),
        "signal_type": side,
        "asset": symbol,
        "amount": 300,
        "confidence": 0.95,
        "timestamp": moment_text(datetime.now(UTC)),
        "strategy_id": "bench",
        **more,
    }


async def _steady(home: Path, symbol: str) -> list[float]:
    """Opening and closing in turn, one after the other."""
    served = _Served(home)

    async def trickle() -> None:
        for number in range(STEADY):
            more = {"side": "buy"} if number % 2 == 0 else {"side": "sell", "intent": "close"}
            served.submit(_signal(symbol, **more))
            await served.settled(
                number + 1,
                rows="select count(*) from signals where request_status in ('done', 'failed')",
            )
            await asyncio.sleep(STEADY_PAUSE)

    await served.during(trickle)
    with sqlite3.connect(home / "data" / "orders.db") as connection:
        rows = connection.execute(
            "select s.received_at, j.begun_at from signals s"
            " join signal_order_relationships r using (signal_id)"
            " join journal j on j.order_id = r.order_id"
        ).fetchall()
    moments = [[datetime.fromisoformat(text) for text in row] for row in rows]
    return [(begun - received).total_seconds() for received, begun in moments]


async def _burst(home: Path) -> float:
    """Each life: signal, intent, order, fill booked. Seconds from the first to the last."""
    symbols = [f"S{number:02}USDT" for number in range(SYMBOLS)]
    venue = InstantVenue("main", symbols)

    def at_once(desk: Desk) -> None:
        desk.open_broker = lambda name: venue

    served = _Served(home, at_once)

    async def all_of_them() -> float:
        began = asyncio.get_running_loop().time()
        rounds = range(LIVES // SYMBOLS)
        served.submit(
            *(
                _signal(symbol, "buy") if turn % 2 == 0
                else _signal(symbol, "sell", intent="close")
                for turn in rounds for symbol in symbols
            )
        )  # fmt: skip
        await served.settled(LIVES, rows="select count(*) from executions")
        return asyncio.get_running_loop().time() - began

    seconds: float = await served.during(all_of_them)
    return seconds


# --- beside it ------------------------------------------------------------------------------------


def _bare(source: Path, target: Path) -> float:
    """The very rows that the service wrote, a life at a time, by a loop that does nothing else."""
    book = SqliteBook(target, ids=SystemIds(), busy_timeout_seconds=5)
    with book.write():
        pass  # the tables are made
    book.close()
    rows = _rows_of(source)
    connection = sqlite3.connect(target, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = OFF")

    def insert(tables: tuple[str, ...], at: int, count: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        for table in (*tables, "outbox"):
            share = len(rows[table]) / LIVES / (len(LIFE) + 1 if table == "outbox" else 1)
            some = rows[table][int(at * share) : int((at + count) * share)]
            if some:
                marks = ", ".join("?" * len(some[0]))
                connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", some)
        connection.execute("COMMIT")

    def loop() -> None:
        for at in range(0, LIVES, 200):
            insert(FIRST, at, 200)
        for at in range(LIVES):
            for tables in LIFE:
                insert(tables, at, 1)

    try:
        return timed(loop)
    finally:
        connection.close()


def _rows_of(source: Path) -> dict[str, list[tuple[Any, ...]]]:
    tables = {*FIRST, "outbox", *(table for tables in LIFE for table in tables)}
    with sqlite3.connect(source) as connection:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
