"""What is left of a story once it is over: rows of the book, the log, the alerts, the venue."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.brokers.paper.desk import PaperAccount
from core.host.disk import DiskFiles
from tests.home import HomeUnderTest, is_live
from tests.service.running import Running, signal, submit, with_service

REPOSITORY = Path(__file__).parents[2]


def market(home: HomeUnderTest) -> PaperAccount:
    """The other side of the paper account: the market, and a person in front of it."""
    return PaperAccount(home.paper_file, "main", files=DiskFiles(), now=lambda: datetime.now(UTC))


def resting(price: Any = 59000, **given: Any) -> dict[str, Any]:
    """A signal whose limit order rests at that price until the market comes to it."""
    told = {"order_type": "limit", "market_data_snapshot": {"price": price, "spread": 0}}
    return signal(**(told | given))


async def told(running: Running, *signals: dict[str, Any]) -> None:
    """Submitted one after the other, each once the one before it has come to an end."""
    for each in signals:
        submit(running.home, each)
        await running.settled(each["signal_id"])


async def placed(running: Running, *signals: dict[str, Any]) -> None:
    """Likewise, for orders that rest: until the venue has taken them."""
    for each in signals:
        submit(running.home, each)
        await running.until(
            lambda each=each: state(running.home, each) in ("PLACED", "FILLED"),
            f"{each['signal_id']} placed",
        )


async def held(running: Running, quantity: str, symbol: str = "BTCUSDT") -> None:
    """Until the book holds so much."""
    await running.until(
        lambda: holding(running.home, symbol) == Decimal(quantity), f"{quantity} {symbol} held"
    )


def carried_out(home: HomeUnderTest, *signals: dict[str, Any]) -> None:
    """The whole story of signals that come to an end by themselves."""

    async def story(running: Running) -> None:
        await told(running, *signals)

    with_service(home, story)


async def typed(home: HomeUnderTest, *arguments: str, code: int = 0) -> str:
    """A command in a process of its own, as from another shell; what it said."""
    command = [sys.executable, "-m", "cli", *arguments, "--no-input", "--home", str(home.root)]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == code, f"{arguments} → {process.returncode}\n{said.decode()}"
    return said.decode()


# --- the book -------------------------------------------------------------------------------------


def intent(home: HomeUnderTest, asked: dict[str, Any]) -> dict[str, Any]:
    """The last answer to the signal, its documents read."""
    found = home.rows(
        "SELECT * FROM trade_intents WHERE signal_id = ? ORDER BY attempt DESC", asked["signal_id"]
    )
    row = found[0]
    return row | {name: json.loads(row[name]) for name in ("reasons", "because", "orders")}


def state(home: HomeUnderTest, asked: dict[str, Any]) -> str | None:
    found = home.rows(
        "SELECT state FROM trade_intents WHERE signal_id = ? ORDER BY attempt DESC",
        asked["signal_id"],
    )
    return str(found[0]["state"]) if found else None


def reasons(home: HomeUnderTest, asked: dict[str, Any]) -> list[str]:
    return [each["code"] for each in intent(home, asked)["reasons"].get("reasons", [])]


def because(home: HomeUnderTest, asked: dict[str, Any]) -> str:
    """Every sentence that explains the decision."""
    told = intent(home, asked)["because"]
    return " ".join([*told["because"], *told["warnings"]])


def status(home: HomeUnderTest, asked: dict[str, Any]) -> str:
    (row,) = home.rows("SELECT request_status FROM signals WHERE signal_id = ?", asked["signal_id"])
    return str(row["request_status"])


def orders(home: HomeUnderTest, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The book's orders of one signal, as they were placed."""
    return home.rows(
        "SELECT o.*, r.relationship_type, r.execution_sequence, r.allocation_amount,"
        " r.allocation_quantity FROM orders o JOIN signal_order_relationships r USING (order_id)"
        " WHERE r.signal_id = ? ORDER BY r.execution_sequence",
        asked["signal_id"],
    )


def order(home: HomeUnderTest, asked: dict[str, Any]) -> dict[str, Any]:
    (row,) = orders(home, asked)
    return row


def holding(home: HomeUnderTest, symbol: str = "BTCUSDT", side: str = "both") -> Decimal:
    rows = home.rows("SELECT * FROM positions WHERE symbol = ? AND side = ?", symbol, side)
    return Decimal(rows[0]["quantity"]) if rows else Decimal(0)


def events(home: HomeUnderTest, *types: str) -> list[dict[str, Any]]:
    """The outbox: what others are told, oldest first."""
    rows = home.rows("SELECT * FROM outbox ORDER BY sequence")
    return [row for row in rows if row["event_type"] in types]


def moves(home: HomeUnderTest, order_id: str) -> list[str]:
    """The states that an order went through."""
    rows = home.rows("SELECT * FROM order_events WHERE order_id = ? ORDER BY id", order_id)
    return [row["to_status"] for row in rows]


def begun(home: HomeUnderTest) -> list[str]:
    """Every change of the broker that was ever begun, in its order; stops aside."""
    rows = home.rows("SELECT kind FROM journal ORDER BY sequence")
    return [row["kind"] for row in rows if "stop" not in row["kind"]]


# --- people and logs ------------------------------------------------------------------------------


def alerts(home: HomeUnderTest, kind: str) -> list[str]:
    rows = home.rows("SELECT message FROM alerts WHERE type = ? ORDER BY sequence", kind)
    return [row["message"] for row in rows]


def logged(home: HomeUnderTest, event: str) -> list[dict[str, Any]]:
    """The lines of the run log whose event begins so."""
    lines = (home.root / "logs" / "reconcile.log").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return [row for row in rows if row["event"].startswith(event)]


# --- the paper venue ------------------------------------------------------------------------------


def at_venue(home: HomeUnderTest) -> list[dict[str, Any]]:
    """Every order that came from here, but for stops."""
    return [
        row
        for row in home.broker_orders()
        if (row["client_order_id"] or "").startswith("tu-") and row["type"] != "stop"
    ]


def live_at_venue(home: HomeUnderTest) -> list[dict[str, Any]]:
    return [row for row in at_venue(home) if is_live(row)]
