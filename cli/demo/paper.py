"""The paper account: how it stands in the evening, and what a night does to it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from core.domain.moment import moment_text

Document = dict[str, Any]


class PaperAccount:
    """The paper broker's account file, written as if others had traded on it."""

    def __init__(self, file: Path):
        self._file = file

    def evening(self) -> None:
        _evening(self._file, datetime.now(UTC))

    def night(self) -> None:
        _night(self._file, datetime.now(UTC))


def _evening(account: Path, now: datetime) -> None:
    """Two limit orders, resting."""
    document = _read(account)
    document["orders"] = [
        _order("V-1", "BTCUSDT", "buy", "0.010", "94000", now - timedelta(hours=9)),
        _order("V-2", "ETHUSDT", "sell", "0.50", "4200", now - timedelta(hours=8)),
    ]
    _quote(document, "BTCUSDT", "95000.0", "95000.1", now)
    _quote(document, "ETHUSDT", "3300.00", "3300.01", now)
    _write(account, document)


def _night(account: Path, now: datetime) -> None:
    """One fills in part and is cancelled, one is gone, one is new; the position has no stop."""
    document = _read(account)
    bought = next(order for order in document["orders"] if order["broker_order_id"] == "V-1")
    filled_at = moment_text(now - timedelta(hours=4))
    bought |= {
        "status": "cancelled",
        "filled_quantity": "0.004",
        "average_price": "94000",
        "updated_at": moment_text(now - timedelta(hours=3)),
    }
    by_hand = _order("V-3", "ETHUSDT", "buy", "0.20", "3100", now - timedelta(hours=2))
    document["orders"] = [bought, by_hand]
    document["executions"].append(
        {
            "execution_id": "T-1",
            "broker_order_id": "V-1",
            "symbol": "BTCUSDT",
            "side": "buy",
            "position_side": "both",
            "quantity": "0.004",
            "price": "94000",
            "fee": "0.1504",
            "fee_currency": "USDT",
            "kind": "trade",
            "executed_at": filled_at,
        }
    )
    document["positions"] = [
        {
            "symbol": "BTCUSDT",
            "side": "both",
            "quantity": "0.004",
            "average_price": "94000",
            "mark_price": "95000",
            "unrealized_pnl": "4",
            "leverage": "10",
        }
    ]
    _write(account, document)


def _order(name: str, symbol: str, side: str, quantity: str, price: str, at: datetime) -> Document:
    return {
        "broker_order_id": name,
        "client_order_id": None,
        "perm_id": None,
        "symbol": symbol,
        "side": side,
        "position_side": "both",
        "type": "limit",
        "quantity": quantity,
        "filled_quantity": "0",
        "price": price,
        "trigger_price": None,
        "average_price": None,
        "time_in_force": "GTC",
        "reduce_only": False,
        "post_only": False,
        "status": "open",
        "created_at": moment_text(at),
        "updated_at": moment_text(at),
    }


def _quote(document: Document, symbol: str, bid: str, ask: str, now: datetime) -> None:
    others = [quote for quote in document["quotes"] if quote["symbol"] != symbol]
    told = {"symbol": symbol, "bid": bid, "ask": ask, "last": bid, "at": moment_text(now)}
    document["quotes"] = [*others, told]


def _read(account: Path) -> Document:
    document: Document = json.loads(account.read_text())
    return document


def _write(account: Path, document: Document) -> None:
    account.write_text(json.dumps(document, indent=2) + "\n")
