"""Homes of a given size, whose book and snapshot agree, or differ by a given number of orders."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bench.measure import TRUEUP, run
from core.book.sqlite import SqliteBook
from core.domain.execution import BookExecution, execution_key
from core.domain.holding import followed, key_of
from core.domain.order import BookOrder, OrderStatus, OrderType, Origin, Side
from core.domain.position import BookPosition
from core.domain.text import plain
from core.host.clock import SystemIds

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
SYMBOLS = [f"S{number:03d}USDT" for number in range(50)]
_BATCH = 20_000


def make_home(root: Path, *, orders: int, executions: int) -> Path:
    """A home whose book holds that history; returns the snapshot file that says the same."""
    run([*TRUEUP, "init", str(root)])
    positions = fill_book(root, orders=orders, executions=executions)
    snapshot = root / "snapshot.json"
    write_snapshot(snapshot, orders, executions, positions)
    return snapshot


def fill_book(
    root: Path, *, orders: int, executions: int, symbols: Sequence[str] = SYMBOLS
) -> list[BookPosition]:
    """A history into the book of a home that is there; the positions that come of it.

    It buys and sells in turn: of a single symbol nothing is held in the end.
    """
    book = SqliteBook(root / "data/orders.db", ids=SystemIds(), busy_timeout_seconds=Decimal(5))
    positions: dict[object, BookPosition] = {}
    for start in range(0, orders, _BATCH):
        numbers = range(start, min(start + _BATCH, orders))
        batch = [order(number, symbols, filled=number < executions) for number in numbers]
        with book.write() as writing:
            writing.insert_orders(batch)
    for start in range(0, executions, _BATCH):
        numbers = range(start, min(start + _BATCH, executions))
        rows = [execution(number, symbols) for number in numbers]
        for row in rows:
            key = key_of(row)
            positions[key] = followed(key, positions.get(key), [row])
        with book.write() as writing:
            writing.insert_executions(rows)
    with book.write() as writing:
        writing.put_positions(list(positions.values()))
        writing.bump_serial()
    book.close()
    return list(positions.values())


def order(number: int, symbols: Sequence[str] = SYMBOLS, *, filled: bool = True) -> BookOrder:
    """Filled as far as there are executions; the rest of a long history was cancelled."""
    at = START + timedelta(seconds=number)
    return BookOrder(
        order_id=f"o-{number:019d}",
        account="main",
        broker_order_id=f"{1_900_000_000_000_000_000 + number}",
        client_order_id=f"bot-{number:012d}",
        symbol=symbols[number % len(symbols)],
        side=Side.BUY if number % 2 else Side.SELL,
        order_type=OrderType.LIMIT,
        quantity=Decimal("1.5"),
        filled_quantity=Decimal("1.5") if filled else Decimal(0),
        price=Decimal(100 + number % 700),
        average_price=Decimal(100 + number % 700) if filled else None,
        time_in_force="GTC",
        reduce_only=False,
        post_only=False,
        status=OrderStatus.FILLED if filled else OrderStatus.CANCELLED,
        origin=Origin.EXTERNAL,
        created_at=at,
        updated_at=at,
        executed_at=at if filled else None,
    )


def execution(number: int, symbols: Sequence[str] = SYMBOLS) -> BookExecution:
    of = order(number, symbols)
    return BookExecution(
        execution_key=execution_key("main", of.symbol, of.broker_order_id, f"x-{number}"),
        execution_id=f"x-{number}",
        account="main",
        order_id=of.order_id,
        broker_order_id=of.broker_order_id,
        symbol=of.symbol,
        side=of.side,
        quantity=of.quantity,
        price=Decimal(100 + number % 700),
        fee=Decimal("0.045"),
        fee_currency="USDT",
        executed_at=START + timedelta(seconds=number),
    )


def write_snapshot(path: Path, orders: int, executions: int, positions: list[BookPosition]) -> None:
    with path.open("w") as file:
        file.write(_head())
        file.write(',"orders":[')
        _write_rows(
            file,
            (_order_row(order(number, filled=number < executions)) for number in range(orders)),
        )
        file.write('],"executions":[')
        _write_rows(file, (_execution_row(execution(number)) for number in range(executions)))
        file.write('],"positions":')
        held = [row for row in positions if row.quantity]
        file.write(json.dumps([_position_row(row) for row in held]))
        file.write("}")


def _head() -> str:
    head = {
        "format": "trueup.broker-snapshot/1",
        "taken_at": "2026-03-01T00:00:00Z",
        "account": "main",
        "broker": "paper",
        "position_mode": "one-way",
        "parts": dict.fromkeys(("orders", "executions", "positions", "balances"), "known"),
        "executions_since": None,
        "balances": [{"currency": "USDT", "total": "1000", "available": "900"}],
        "instruments": [
            {"symbol": symbol, "kind": "spot", "quote": "USDT", "price_tick": "0.1"}
            for symbol in SYMBOLS
        ],
        "quotes": [],
    }
    return json.dumps(head)[:-1]


def _write_rows(file: object, rows: Iterator[dict[str, object]]) -> None:
    for number, row in enumerate(rows):
        file.write(("," if number else "") + json.dumps(row))  # type: ignore[attr-defined]


def _order_row(row: BookOrder) -> dict[str, object]:
    names = (
        "broker_order_id", "client_order_id", "perm_id", "symbol", "side", "position_side",
        "quantity", "filled_quantity", "price", "trigger_price", "average_price", "time_in_force",
        "reduce_only", "post_only", "status", "created_at", "updated_at",
    )  # fmt: skip
    return {name: plain(getattr(row, name)) for name in names} | {"type": plain(row.order_type)}


def _execution_row(row: BookExecution) -> dict[str, object]:
    names = (
        "execution_id", "broker_order_id", "symbol", "side", "position_side", "quantity", "price",
        "fee", "fee_currency", "kind", "executed_at",
    )  # fmt: skip
    return {name: plain(getattr(row, name)) for name in names}


def _position_row(row: BookPosition) -> dict[str, object]:
    return {
        "symbol": row.symbol,
        "side": "both",
        "quantity": plain(row.quantity),
        "average_price": plain(row.average_price),
    }
