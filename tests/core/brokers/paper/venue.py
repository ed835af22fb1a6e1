"""A paper venue on a real temporary file, with a clock that stands still until it is moved."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.brokers.paper.broker import PaperBroker
from core.brokers.paper.desk import PaperAccount
from core.domain.order import BrokerOrder, OrderRequest, OrderType, PositionSide, Side
from core.host.disk import DiskFiles
from core.observe.snapshot_wire import FORMAT
from tests.core.brokers.contract import Trouble, limit
from tests.core.brokers.receipts import receipt

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
FAULTS = {
    Trouble.REPLY_LOST: "lost_reply",
    Trouble.REFUSED: "not_sent",
    Trouble.GARBLED: "timeout_before_accept",
    Trouble.RATE_LIMITED: "rate_limit",
    Trouble.TOLD_TWICE: "duplicate_event",
}


class StandingClock:
    """Time passes by sleeping, and at once."""

    def __init__(self, now: datetime = NOON):
        self.time = now

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def perpetual(symbol: str = "BTCUSDT", **changes: Any) -> dict[str, Any]:
    return {
        "symbol": symbol, "kind": "linear", "base": symbol.removesuffix("USDT"), "quote": "USDT",
        "price_tick": "0.1", "quantity_step": "0.001", "min_quantity": "0.001",
        "min_notional": "5", "multiplier": "1", "expiry": None,
    } | changes  # fmt: skip


def quote(symbol: str = "BTCUSDT", last: str = "100", bid: str = "99.9", ask: str = "100.1") -> Any:
    return {"symbol": symbol, "bid": bid, "ask": ask, "last": last, "at": "2026-01-05T12:00:00Z"}


def document(**changes: Any) -> dict[str, Any]:
    """BTCUSDT at 100, 10,000 USDT, nothing held, no fees."""
    return {
        "format": FORMAT, "taken_at": "2026-01-05T12:00:00Z", "account": "main",
        "broker": "paper", "position_mode": "one-way",
        "parts": dict.fromkeys(("orders", "executions", "positions", "balances"), "known"),
        "executions_since": None, "orders": [], "executions": [], "positions": [],
        "balances": [{"currency": "USDT", "total": "10000", "available": "10000"}],
        "instruments": [perpetual()], "quotes": [quote()],
    } | changes  # fmt: skip


class PaperVenue:
    """The contract suite's venue, and the words that the paper tests speak in."""

    features = frozenset(
        {"amend", "stop", "move_stop", "hedge", "partial_fill", "reduce_only", "post_only"}
        | {"chosen_ids", "skew"}
    )
    troubles: Mapping[Trouble, Sequence[str]] = {
        **{trouble: [fault] for trouble, fault in FAULTS.items()},
        Trouble.PART_FAILS: ["orders", "executions", "positions", "balances"],
    }
    symbol = "BTCUSDT"
    lot = Decimal(1)
    page_size = 50

    def __init__(self, path: Path, **changes: Any):
        self.path = path
        self.clock = StandingClock()
        self.write(document(**changes))
        self.broker = self.reopened()
        self.desk = PaperAccount(path, "main", files=DiskFiles(), now=self.clock.now)

    def reopened(self) -> PaperBroker:
        return PaperBroker(self.path, "main", files=DiskFiles(), clock=self.clock)

    # --- the file --------------------------------------------------------------------------

    def read(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.path.read_bytes())
        return content

    def write(self, content: dict[str, Any]) -> None:
        """As an editor does: in place."""
        self.path.write_text(json.dumps(content, indent=2), "utf-8")

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        content = self.read()
        change(content)
        self.write(content)

    # --- steering --------------------------------------------------------------------------

    @property
    def price(self) -> Decimal:
        last = self.desk.look().quotes[self.symbol].last
        assert last is not None
        return last

    async def move_price(self, to: Decimal) -> None:
        self.desk.move_quote(self.symbol, to)

    async def fill(self, order: BrokerOrder, quantity: Decimal) -> None:
        self.desk.fill(order.broker_order_id, quantity, order.price or self.price)

    async def order_by_hand(self, broker_order_id: str | None = None) -> BrokerOrder:
        order = self.desk.place(limit(self))
        if broker_order_id is None:
            return order
        self.edit(lambda content: content["orders"][-1].update(broker_order_id=broker_order_id))
        return replace(order, broker_order_id=broker_order_id)

    async def make_trouble(self, trouble: Trouble, face: str, *, on: str) -> None:
        if trouble is Trouble.PART_FAILS:
            self.script(on=on, kind="unavailable", part=face)
        else:
            self.script(on=on, kind=face)

    async def skew_clock(self, by: timedelta) -> None:
        self.desk.simulate(clock_skew_seconds=by.total_seconds())

    async def hedge(self) -> None:
        self.edit(lambda content: content.update(position_mode="hedge"))

    def script(self, **fault: Any) -> None:
        self.desk.simulate(faults=[fault])

    # --- orders in few words ---------------------------------------------------------------

    async def place(
        self, key: str, side: str, quantity: Any, kind: str = "market", **given: Any
    ) -> BrokerOrder:
        """place("tu-1", "buy", 1), place("tu-2", "sell", 1, "stop", trigger_price=90)."""
        figures: dict[str, Any] = {
            name: Decimal(str(given.pop(name)))
            for name in ("price", "trigger_price")
            if name in given
        }
        request = OrderRequest(
            symbol=given.pop("symbol", self.symbol),
            side=Side(side),
            position_side=PositionSide(given.pop("position_side", "both")),
            type=OrderType(kind),
            quantity=Decimal(str(quantity)),
            **figures,
            **given,
        )
        return await self.broker.place(receipt(key), request)

    async def order(self, key: str) -> BrokerOrder:
        """The one order under our key, as a fresh snapshot tells it."""
        snapshot = await self.broker.snapshot()
        [order] = [each for each in snapshot.orders if each.client_order_id == key]
        return order

    async def holds(self, symbol: str = "BTCUSDT", side: str = "both") -> Decimal:
        positions = (await self.broker.snapshot()).positions
        legs = [each for each in positions if (each.symbol, each.side) == (symbol, side)]
        return sum((each.quantity for each in legs), Decimal(0))

    async def has(self, currency: str = "USDT") -> tuple[Decimal, Decimal]:
        """Total and available."""
        [balance] = [each for each in await self.broker.balances() if each.currency == currency]
        return balance.total, balance.available
