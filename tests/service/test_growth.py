"""What signals, fills and exits ask of the book costs the same however much lies behind them."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from core.operate.rounds import Rounds
from tests.home import HomeUnderTest
from tests.service.records import held, told
from tests.service.running import Running, signal, with_service

# What grows with every day of trading; everything else is as large as what is open.
GROWING = frozenset(
    {
        "signals",
        "signal_deliveries",
        "trade_intents",
        "signal_order_relationships",
        "orders",
        "order_events",
        "order_audit",
        "executions",
        "journal",
        "outbox",
        "position_lives",
        "position_transitions",
        "trades",
        "exit_signals",
        "exit_intents",
        "exit_orders",
    }
)
# Partial indexes: they hold what is open and nothing else.
OF_WHAT_IS_OPEN = frozenset(
    {"journal_open", "orders_live", "signal_deliveries_pending", "trade_intents_open"}
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Every statement that anybody makes of a book, with its values in it."""
    statements: set[str] = set()
    connect = sqlite3.connect

    def listening(*arguments: object, **more: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **more)  # type: ignore[call-overload]
        connection.set_trace_callback(statements.add)
        return connection

    monkeypatch.setattr(sqlite3, "connect", listening)
    yield statements


def test_no_turn_reads_what_is_long_over(
    home: HomeUnderTest, asked: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry, an addition, an exit and another entry; whole looks are another matter."""
    monkeypatch.setattr(Rounds, "look_again", lambda self, account: None)
    home.set_in("RISK", cooldown_after_loss_seconds="60", max_scale_ins="5")

    async def story(running: Running) -> None:
        await told(running, signal())
        log = home.root / "logs" / "reconcile.log"
        await running.until(lambda: "positions_validated" in log.read_text(), "validated")
        asked.clear()
        await told(running, signal(), signal(signal_type="sell", intent="close"))
        await held(running, "0")
        await told(running, signal())
        await running.service.prices.look()

    with_service(home, story)
    made = {each for each in asked if each.startswith(("SELECT", "UPDATE", "DELETE", "WITH"))}
    assert len(made) > 50
    assert {why for each in made for why in scans(home, each)} == set()


def scans(home: HomeUnderTest, statement: str) -> Iterator[str]:
    with closing(sqlite3.connect(home.book_file)) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    for step in plan:
        found = re.match(r"SCAN (\w+)(?: USING INDEX (\w+))?", step)
        if found and found[1] in GROWING and found[2] not in OF_WHAT_IS_OPEN:
            yield f"{step}: {statement:.300}"
