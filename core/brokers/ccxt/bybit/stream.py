"""Bybit's private stream: orders and executions, and positions for the mode of their symbol."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from core.brokers.ccxt.bybit.executions import execution_of
from core.brokers.ccxt.bybit.legs import Legs, SpotLegs
from core.brokers.ccxt.bybit.orders import order_of
from core.brokers.ccxt.figures import Row, milliseconds
from core.brokers.ccxt.line import Line
from core.brokers.ccxt.meaning import safe
from core.brokers.ccxt.socket import Wire
from core.brokers.ccxt.told import readable, rows_of
from core.domain.errors import Unavailable
from core.domain.stream import ExecutionTold, OrderTold, StreamEvent
from core.ports import Clock

TOPICS = ("order", "execution", "position")
# The login is signed with the moment until which it may be used.
LOGIN_VALID_MS = 10_000


@dataclass(slots=True, kw_only=True)
class BybitDialect:
    line: Line
    category: str
    legs: Legs | SpotLegs
    symbols: tuple[str, ...]
    clock: Clock
    address: str
    ping: Row = field(default_factory=lambda: {"op": "ping"})
    ping_seconds: float = 20

    async def attach(self, wire: Wire) -> None:
        await self._log_in(wire)
        await wire.send({"op": "subscribe", "args": list(TOPICS)})
        answer = await wire.answer(lambda told: told.get("op") == "subscribe", "the subscription")
        _agreed(answer, "the subscription")
        with readable("the position mode"):
            await self.legs.look(self.symbols)

    async def _log_in(self, wire: Wire) -> None:
        exchange = self.line.exchange()
        until = milliseconds(self.clock.now()) + LOGIN_VALID_MS
        signature = exchange.hmac(
            exchange.encode(f"GET/realtime{until}"), exchange.encode(exchange.secret), sha256
        )
        await wire.send({"op": "auth", "args": [exchange.apiKey, until, signature]})
        answer = await wire.answer(lambda told: told.get("op") == "auth", "the login")
        _agreed(answer, "the login")

    async def told(self, message: Row) -> Sequence[StreamEvent]:
        topic = message.get("topic")
        if topic not in TOPICS:
            return ()
        rows = [row for row in rows_of(message["data"]) if row.get("category") == self.category]
        match topic:
            case "order":
                orders = [order_of(row) for row in rows]
                self.legs.note_orders(orders)
                return [OrderTold(order) for order in orders]
            case "execution":
                await self.legs.learn(sorted(self.legs.unknown(rows)))
                return [ExecutionTold(execution_of(row, self.legs.leg_of)) for row in rows]
        for row in rows:
            self.legs.note(row)
        return ()


def _agreed(answer: Row, what: str) -> None:
    if answer.get("success") is not True:
        why = safe(str(answer.get("retMsg") or answer.get("ret_msg") or "no reason given"))
        raise Unavailable(f"Bybit refused {what} of the stream: {why}")
