"""The contract suite's Bybit: an emulated one, and the adapter in front of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from core.brokers.ccxt import CcxtBroker
from core.brokers.ccxt.bybit.orders import order_of
from core.domain.order import BrokerOrder
from tests.core.brokers.ccxt.account import NAME, QuickClock, refuse_next, settings, told_twice
from tests.core.brokers.ccxt.ids import next_id
from tests.core.brokers.contract import Trouble
from tests.venues.bybit import BybitVenue
from tests.venues.bybit.rows import order_row
from tests.venues.exchange import Category, Side
from tests.venues.faults import Fault

ENDPOINTS = {
    "place": "order/create",
    "cancel": "order/cancel",
    "orders": "order/realtime",
    "executions": "execution/list",
    "positions": "position/list",
    "balances": "account/wallet-balance",
}


class ContractBybit:
    """BTCUSDT at 60000, without fees so that spot holds exactly what was bought."""

    symbol = "BTCUSDT"
    lot = Decimal("0.01")
    page_size = 50
    troubles: dict[Trouble, Sequence[str]] = {
        Trouble.REPLY_LOST: ["LOST_REPLY", "RESET_AFTER_ACCEPT"],
        Trouble.REFUSED: ["refused"],
        Trouble.GARBLED: ["TRUNCATED", "HTML", "EMPTY", "WITHOUT_ID", "http:502"],
        Trouble.RATE_LIMITED: ["refused:10006", "refused:10018"],
        Trouble.PART_FAILS: ["orders", "executions", "positions", "balances"],
        Trouble.TOLD_TWICE: ["executions"],
    }

    def __init__(self, emulated: BybitVenue, market: str):
        self.emulated = emulated
        self.clock = QuickClock()
        self.market = market
        self.features = frozenset({"amend", "partial_fill", "chosen_ids", "skew"})
        if market == "linear":
            self.features |= {"stop", "move_stop", "hedge", "reduce_only"}
        self._category = Category(market)
        self._opened: list[CcxtBroker] = []
        for instrument in list(emulated.exchange.instruments):
            emulated.exchange.add(
                replace(instrument, maker_fee=Decimal(0), taker_fee=Decimal(0)),
                bid="59999.9",
                ask="60000.1",
            )
        self.broker = self.reopened()

    def reopened(self) -> CcxtBroker:
        broker = CcxtBroker(NAME, settings(self.emulated, market=self.market), self.clock)
        self._opened.append(broker)
        return broker

    async def close(self) -> None:
        for broker in self._opened:
            await broker.close()

    @property
    def price(self) -> Decimal:
        instrument = self.emulated.exchange.instrument(self.symbol, self._category)
        return self.emulated.exchange.quote(instrument).last

    async def move_price(self, to: Decimal) -> None:
        self.emulated.exchange.move_quote(
            self.symbol, bid=to - Decimal("0.1"), ask=to + Decimal("0.1"), last=to
        )

    async def fill(self, order: BrokerOrder, quantity: Decimal) -> None:
        self.emulated.exchange.fill(order.broker_order_id, quantity)

    async def order_by_hand(self, broker_order_id: str | None = None) -> BrokerOrder:
        exchange = self.emulated.exchange
        with next_id(exchange, broker_order_id):
            placed = exchange.trade_by_hand(
                self.symbol,
                Side.BUY,
                self.lot,
                price=self.price * Decimal("0.9"),
                category=self._category,
            )
        return order_of(order_row(placed))

    async def make_trouble(self, trouble: Trouble, face: str, *, on: str) -> None:
        if trouble is Trouble.TOLD_TWICE:
            told_twice(self.emulated, ENDPOINTS[face])
        elif trouble is Trouble.REFUSED:
            refuse_next(self.broker, ENDPOINTS[on])
        elif trouble is Trouble.PART_FAILS:
            self.emulated.faults.clear()
            # What is held in spot is the wallet.
            part = "balances" if self.market == "spot" and face == "positions" else face
            self.emulated.faults.always(ENDPOINTS[part], Fault.http(503))
        else:
            self.emulated.faults.next(ENDPOINTS[on], Fault.named(face))

    async def skew_clock(self, by: timedelta) -> None:
        self.emulated.exchange.clock.skew(by.total_seconds())

    async def hedge(self) -> None:
        self.emulated.exchange.switch_mode(hedged=True)


@asynccontextmanager
async def bybit(market: str, *, hedged: bool = False) -> AsyncIterator[ContractBybit]:
    async with BybitVenue(hedged=hedged) as emulated:
        venue = ContractBybit(emulated, market)
        try:
            yield venue
        finally:
            await venue.close()
