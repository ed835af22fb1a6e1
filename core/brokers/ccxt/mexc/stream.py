"""MEXC's private stream: orders, plan orders and executions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from core.brokers.ccxt.figures import Row, milliseconds
from core.brokers.ccxt.line import Line
from core.brokers.ccxt.mexc.holdings import execution_of
from core.brokers.ccxt.mexc.listings import PLAN_LIFE, Listings
from core.brokers.ccxt.mexc.orders import Reader, as_one, plan_of
from core.brokers.ccxt.mexc.reading import Reading
from core.brokers.ccxt.mexc.words import PLAN_EXECUTED
from core.brokers.ccxt.snapshot import AHEAD
from core.brokers.ccxt.socket import Wire
from core.brokers.ccxt.told import readable, row_of
from core.domain.errors import Unavailable
from core.domain.order import BrokerOrder
from core.domain.stream import ExecutionTold, OrderTold, StreamEvent
from core.ports import Clock

FILTERS = ("order", "plan.order", "order.deal")
PUSHED = "push.personal."


@dataclass(slots=True, kw_only=True)
class MexcDialect:
    line: Line
    listings: Listings
    reading: Reading
    clock: Clock
    address: str
    ping: Row = field(default_factory=lambda: {"method": "ping"})
    ping_seconds: float = 15
    _reader: Reader | None = None
    # The plan orders that may still trigger, or have: half of what is then told as one order.
    _plans: dict[str, BrokerOrder] = field(default_factory=dict)

    async def attach(self, wire: Wire) -> None:
        """A login that is refused is answered by nothing that says so."""
        exchange = self.line.exchange()
        at = str(milliseconds(self.clock.now()))
        signature = exchange.hmac(
            exchange.encode(exchange.apiKey + at), exchange.encode(exchange.secret), sha256
        )
        login = {"apiKey": exchange.apiKey, "reqTime": at, "signature": signature}
        await wire.send({"method": "login", "param": login})
        answer = await wire.answer(_is_about_login, "the login")
        if answer.get("data") != "success":
            raise Unavailable("MEXC refused the login of the stream")
        filters = [{"filter": each} for each in FILTERS]
        await wire.send({"method": "personal.filter", "param": {"filters": filters}})
        await wire.answer(lambda told: told.get("channel") == "rs.personal.filter", "the filter")
        await self._prepare()

    async def _prepare(self) -> None:
        self._reader = reader = await self.reading.reader()
        now = self.clock.now()
        plans = await self.listings.plans(now - PLAN_LIFE, now + AHEAD)
        with readable("a plan order"):
            self._plans = {str(row["id"]): reader.plan(row) for row in plans.rows}

    async def told(self, message: Row) -> Sequence[StreamEvent]:
        what = str(message.get("channel")).removeprefix(PUSHED)
        if what not in FILTERS or self._reader is None:
            return ()
        row = row_of(message["data"])
        match what:
            case "order":
                return [OrderTold(self._order(self._reader, row))]
            case "order.deal":
                if "externalOid" not in row:
                    raise ValueError("an execution does not say whose order it is of")
                order_id = plan_of(row) or row["orderId"]
                return [ExecutionTold(execution_of(row, self._reader, order_id))]
        self._plans[str(row["id"])] = plan = self._reader.plan(row)
        # Once it was triggered, the order that trades for it tells the rest.
        return [] if int(row["state"]) == PLAN_EXECUTED else [OrderTold(plan)]

    def _order(self, reader: Reader, row: Row) -> BrokerOrder:
        order, plan_id = reader.order(row), plan_of(row)
        if plan_id is None:
            return order
        plan = self._plans.get(plan_id)
        if plan is None:
            raise ValueError(f"plan order {plan_id}, for which an order trades, is not known")
        return as_one(plan, order)


def _is_about_login(told: Row) -> bool:
    return told.get("channel") in ("rs.login", "rs.error")
