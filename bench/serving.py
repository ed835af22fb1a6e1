"""P4 and P5: from a persisted signal to its order, and how many lives a second.

The venue of P5 takes no time, and beside it stands a bare loop that commits the same rows in as
many transactions, with the same synchronous FULL. P4 is measured on the paper broker and on an
emulated Bybit: from the signal's row to the adapter's call that sends its order. So is how long a
position is bare: from the venue's answer to the entry to the call that sends its stop.
"""

import asyncio
import json
import os
import sqlite3
import statistics
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from bench.homes import fill_book
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
from core.host.memory import keep_for_good
from core.operate.desk import Desk
from core.operate.managing import Service

T = TypeVar("T")

STEADY, STEADY_PAUSE = 100, 0.05
PROTECTED = 50
LIVES, SYMBOLS = 500, 50
HISTORY = 50_000
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
    with _bybit() as account:
        home = _home(scratch / "bybit", account)
        figures.append(_latency("emulated bybit", asyncio.run(_steady(home, "BTCUSDT"))))
    return figures


def long_history(scratch: Path) -> list[Figure]:
    """Each fill has the account looked at, and each look adds up all that ever was executed."""
    figures, stalls = [], []
    for executions in (0, HISTORY):
        with _bybit() as account:
            home = _home(scratch / f"{executions}", account)
            fill_book(home, orders=executions, executions=executions, symbols=["BTCUSDT"])
            watch = _StallWatch()
            spans = asyncio.run(_steady(home, "BTCUSDT", watch))
        figures.append(_latency(f"emulated bybit, {executions:,} executions in the book", spans))
        stalls.append(watch.longest * 1000)
    return [*figures, _stall(*stalls)]


class _StallWatch:
    """The longest time in which the event loop did a single thing."""

    longest = 0.0

    async def over(self, work: Coroutine[Any, Any, T]) -> T:
        watching = asyncio.create_task(self._watch())
        try:
            return await work
        finally:
            watching.cancel()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(0.001)
            self.longest = max(self.longest, loop.time() - began)


def fill_to_stop(scratch: Path) -> list[Figure]:
    paper = _home(scratch / "paper", stops=True)
    figures = [_bare_for("paper", asyncio.run(_protected(paper, "BTCUSDT")))]
    with _bybit() as account:
        home = _home(scratch / "bybit", account, stops=True)
        figures.append(_bare_for("emulated bybit", asyncio.run(_protected(home, "BTCUSDT"))))
    return figures


@contextmanager
def _bybit() -> Iterator[str]:
    """The account of a home that trades there."""
    with keyed_venue("bybit") as venue:
        os.environ["TRUEUP_BENCH_KEY"] = venue.api_key
        os.environ["TRUEUP_BENCH_SECRET"] = venue.api_secret
        yield (
            "  main: {broker: bybit, api_key: 'env:TRUEUP_BENCH_KEY',"
            f" api_secret: 'env:TRUEUP_BENCH_SECRET', endpoint: '{venue.url}',"
            " rate_limit: 100000}\n"
        )


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


def _stall(without: float, with_history: float) -> Figure:
    return Figure(
        name="P4",
        what=f"the longest time in which nothing else was done, {HISTORY:,} executions",
        measured=f"{with_history:.0f} ms",
        beside=f"{without:.0f} ms (an empty book)",
        ratio=f"{with_history / without:.1f} x",
        aim=f"< {AIM_MS} ms",
        reached=with_history < AIM_MS,
    )


def _bare_for(venue: str, spans: list[float]) -> Figure:
    p99 = statistics.quantiles(spans, n=100)[98] * 1000
    return Figure(
        name="bare",
        what=f"{venue}: {len(spans)} entries, from the answer to the call that sends the stop",
        measured=f"p99 {p99:.1f} ms",
        beside=f"median {statistics.median(spans) * 1000:.1f} ms",
        ratio="-",
        aim=f"p99 < {AIM_MS} ms",
        reached=p99 < AIM_MS,
    )


# --- the service ----------------------------------------------------------------------------------


def _home(root: Path, account: str | None = None, *, stops: bool = False) -> Path:
    run_process([*TRUEUP, "init", str(root)])
    text = (
        "DRY_RUN: false\nSAFE_MODE: false\nDRY_RUN_CONFIRM: true\n"
        "RISK: {max_order_size_ratio: 0, max_exposure: 0, max_position_size: 0}\n"
    )
    text += "" if stops else "POSITIONS: {require_stop: false, trail: false}\n"
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
            keep_for_good()
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


async def _steady(home: Path, symbol: str, watch: "_StallWatch | None" = None) -> list[float]:
    """Opening and closing in turn, one after the other."""
    served = _Served(home)
    watch = watch or _StallWatch()

    async def trickle() -> None:
        for number in range(STEADY):
            more = {"side": "buy"} if number % 2 == 0 else {"side": "sell", "intent": "close"}
            served.submit(_signal(symbol, **more))
            await served.settled(
                number + 1,
                rows="select count(*) from signals where request_status in ('done', 'failed')",
            )
            await asyncio.sleep(STEADY_PAUSE)

    await served.during(lambda: watch.over(trickle()))
    with sqlite3.connect(home / "data" / "orders.db") as connection:
        rows = connection.execute(
            "select s.received_at, j.begun_at from signals s"
            " join signal_order_relationships r using (signal_id)"
            " join journal j on j.order_id = r.order_id"
        ).fetchall()
    moments = [[datetime.fromisoformat(text) for text in row] for row in rows]
    return [(begun - received).total_seconds() for received, begun in moments]


async def _protected(home: Path, symbol: str) -> list[float]:
    """Opening and closing in turn; each opening waits for its stop."""
    served = _Served(home)
    standing = "select count(*) from journal where kind = 'place_stop' and state = 'done'"
    over = (
        "select sum(state = 'closed') * not exists(select 1 from orders where status = 'open')"
        " from position_lives"
    )

    async def in_turn() -> None:
        for number in range(PROTECTED):
            served.submit(_signal(symbol))
            await served.settled(number + 1, rows=standing)
            served.submit(_signal(symbol, "sell", intent="close"))
            await served.settled(number + 1, rows=over)

    await served.during(in_turn)
    with sqlite3.connect(home / "data" / "orders.db") as connection:
        rows = connection.execute(
            "select kind, begun_at, settled_at from journal"
            " where kind in ('place_order', 'place_stop') order by begun_at"
        ).fetchall()
    return [
        (datetime.fromisoformat(stop[1]) - datetime.fromisoformat(entry[2])).total_seconds()
        for entry, stop in pairwise(rows)
        if (entry[0], stop[0]) == ("place_order", "place_stop")
    ]


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
