"""The contract suite's MEXC: an emulated one, and the adapter in front of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal

from core.brokers.ccxt import CcxtBroker
from core.domain.order import BrokerOrder
from core.domain.snapshot import Found
from tests.core.brokers.ccxt.account import NAME, QuickClock, refuse_next, settings, told_twice
from tests.core.brokers.ccxt.ids import next_id
from tests.core.brokers.contract import Trouble
from tests.venues.exchange import Side
from tests.venues.faults import Fault
from tests.venues.mexc import MexcVenue

ENDPOINTS = {
    "place": "order/create",
    "cancel": "order/cancel",
    "orders": "order/list/open_orders",
    "executions": "order/list/order_deals",
    "positions": "position/open_positions",
    "balances": "account/assets",
}


class ContractMexc:
    """BTC_USDT at 60000; a contract is a ten-thousandth of a coin."""

    symbol = "BTC_USDT"
    lot = Decimal("0.01")
    size = Decimal("0.0001")
    page_size = 100
    features = frozenset(
        {"amend", "stop", "hedge", "partial_fill", "reduce_only", "chosen_ids", "skew"}
    )
    troubles: dict[Trouble, Sequence[str]] = {
        Trouble.REPLY_LOST: ["LOST_REPLY", "RESET_AFTER_ACCEPT"],
        Trouble.REFUSED: ["refused"],
        Trouble.GARBLED: ["TRUNCATED", "HTML", "EMPTY", "WITHOUT_ID", "http:502"],
        Trouble.RATE_LIMITED: ["refused:510"],
        Trouble.PART_FAILS: ["orders", "executions", "positions", "balances"],
        Trouble.TOLD_TWICE: ["executions"],
    }

    def __init__(self, emulated: MexcVenue):
        self.emulated = emulated
        self.clock = QuickClock()
        self._opened: list[CcxtBroker] = []
        self._quote(Decimal(60000))
        self.broker = self.reopened()

    def reopened(self) -> CcxtBroker:
        broker = CcxtBroker(NAME, settings(self.emulated), self.clock)
        self._opened.append(broker)
        return broker

    async def close(self) -> None:
        for broker in self._opened:
            await broker.close()

    @property
    def price(self) -> Decimal:
        exchange = self.emulated.exchange
        return exchange.quote(exchange.instrument(self.symbol)).last

    def _quote(self, last: Decimal) -> None:
        self.emulated.exchange.move_quote(
            self.symbol, bid=last - Decimal("0.1"), ask=last + Decimal("0.1"), last=last
        )

    async def move_price(self, to: Decimal) -> None:
        self._quote(to)

    async def fill(self, order: BrokerOrder, quantity: Decimal) -> None:
        self.emulated.exchange.fill(order.broker_order_id, quantity / self.size)

    async def order_by_hand(self, broker_order_id: str | None = None) -> BrokerOrder:
        exchange = self.emulated.exchange
        with next_id(exchange, broker_order_id):
            placed = exchange.trade_by_hand(
                self.symbol, Side.BUY, self.lot / self.size, price=self.price * Decimal("0.9")
            )
        found = await self.broker.find_order(symbol=self.symbol, broker_order_id=placed.order_id)
        assert isinstance(found, Found)
        return found.order

    async def make_trouble(self, trouble: Trouble, face: str, *, on: str) -> None:
        if trouble is Trouble.TOLD_TWICE:
            told_twice(self.emulated, ENDPOINTS[face])
        elif trouble is Trouble.REFUSED:
            refuse_next(self.broker, ENDPOINTS[on])
        elif trouble is Trouble.PART_FAILS:
            self.emulated.faults.clear()
            self.emulated.faults.always(ENDPOINTS[face], Fault.http(503))
        else:
            self.emulated.faults.next(ENDPOINTS[on], Fault.named(face))

    async def skew_clock(self, by: timedelta) -> None:
        self.emulated.exchange.clock.skew(by.total_seconds())

    async def hedge(self) -> None:
        self.emulated.exchange.switch_mode(hedged=True)


@asynccontextmanager
async def mexc(*, hedged: bool = False) -> AsyncIterator[ContractMexc]:
    async with MexcVenue(hedged=hedged) as emulated:
        venue = ContractMexc(emulated)
        try:
            yield venue
        finally:
            await venue.close()
