"""The adapter in front of an emulated gateway: what the tests of this folder speak through."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.brokers.ib import IbBroker
from core.config.settings import Account
from core.domain.execution import BrokerExecution
from core.domain.order import BrokerOrder, OrderRequest, OrderType, Side
from core.domain.stream import ExecutionTold, Gap, OrderTold, StreamEvent
from core.ports.receipt import Receipt
from tests.core.brokers import receipts
from tests.venues.ib import IbGateway, TradingAccount
from tests.venues.ib.clients import PATIENCE_SECONDS, until
from tests.venues.ib.requests import AllOpenOrders

NAME = "ib1"
# For tests in which everything is answered: long enough for a busy machine.
PATIENT = Decimal(10)
# For tests in which something is not: this is how long they take.
BRIEF = Decimal(str(PATIENCE_SECONDS))


class QuickClock:
    """The machine's time, with pauses cut short and remembered."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.ahead = timedelta(0)
        # What happens in the world while somebody waits.
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if self.meanwhile:
            await self.meanwhile()
        await asyncio.sleep(min(seconds, 0.01))


def receipt(key: str, *, account: str = NAME, symbol: str = "SPY") -> Receipt:
    return receipts.receipt(key, account=account, symbol=symbol)


def request(
    side: str = "buy",
    quantity: str = "1",
    *,
    symbol: str = "SPY",
    limit: str | None = None,
    stop: str | None = None,
    **terms: Any,
) -> OrderRequest:
    """A market order unless it has a limit or a stop price."""
    kinds = {
        (False, False): OrderType.MARKET,
        (True, False): OrderType.LIMIT,
        (False, True): OrderType.STOP,
        (True, True): OrderType.STOP_LIMIT,
    }
    return OrderRequest(
        symbol=symbol,
        side=Side(side),
        type=terms.pop("type", kinds[limit is not None, stop is not None]),
        quantity=Decimal(quantity),
        price=Decimal(limit) if limit else None,
        trigger_price=Decimal(stop) if stop else None,
        **terms,
    )


class Listener:
    """Collects what an adapter tells."""

    def __init__(self, broker: IbBroker) -> None:
        self._events = broker.events()
        self._task = asyncio.ensure_future(self._collect())
        self.told: list[StreamEvent] = []

    async def _collect(self) -> None:
        async for event in self._events:
            self.told.append(event)

    @property
    def gaps(self) -> list[Gap]:
        return [event for event in self.told if isinstance(event, Gap)]

    @property
    def orders(self) -> list[BrokerOrder]:
        return [event.order for event in self.told if isinstance(event, OrderTold)]

    @property
    def executions(self) -> list[BrokerExecution]:
        return [event.execution for event in self.told if isinstance(event, ExecutionTold)]

    @property
    def ended(self) -> bool:
        return self._task.done()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})


class Desk:
    """Opens adapters on one gateway and closes them in the end."""

    def __init__(self, gateway: IbGateway) -> None:
        self.gateway = gateway
        self.clock = QuickClock()
        self._opened: list[IbBroker] = []
        self._listeners: list[Listener] = []

    @property
    def du1(self) -> TradingAccount:
        return self.gateway.accounts["DU1"]

    @property
    def du2(self) -> TradingAccount:
        return self.gateway.accounts["DU2"]

    def open(self, *, name: str = NAME, **keys: Any) -> IbBroker:
        """An adapter of DU1 as client 17, unless told otherwise; nothing is connected yet."""
        settings = {
            "broker": "ib",
            "port": self.gateway.port,
            "managed_account": "DU1",
            "timeout_seconds": PATIENT,
            "retry": 1,
            **keys,
        }
        broker = IbBroker(name, Account(**settings), self.clock)
        self._opened.append(broker)
        return broker

    async def place(self, broker: IbBroker, key: str, **terms: Any) -> BrokerOrder:
        symbol = terms.get("symbol", "SPY")
        return await broker.place(receipt(key, symbol=symbol), request(**terms))

    async def connected(self, broker: IbBroker) -> None:
        await broker.clock_skew()

    async def listen(self, broker: IbBroker) -> Listener:
        """From now on; returns when the adapter has begun to listen."""
        asked = self._listings()
        listener = Listener(broker)
        self._listeners.append(listener)
        await self.until(lambda: self._listings() > asked)
        await self.connected(broker)
        return listener

    def _listings(self) -> int:
        return sum(isinstance(request, AllOpenOrders) for _, request in self.gateway.asked)

    async def gone(self) -> None:
        """Until the gateway has seen that no client is left."""
        await self.until(lambda: not self.gateway.clients)

    async def until(self, condition: Callable[[], object]) -> None:
        await until(condition)

    async def close(self) -> None:
        for listener in self._listeners:
            await listener.stop()
        for broker in self._opened:
            await broker.close()
