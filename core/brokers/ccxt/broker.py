"""A ccxt account behind the broker port: one exchange, one key, one market."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.brokers.ccxt.diagnosis import diagnose, skew_of
from core.brokers.ccxt.line import Duplicate
from core.brokers.ccxt.making import venue_for
from core.brokers.ccxt.snapshot import Reading
from core.brokers.ccxt.told import asked, readable
from core.brokers.ccxt.venue import Changes, Sought
from core.config.settings import Account
from core.domain.errors import NotSent, OutcomeUnknown, Unavailable
from core.domain.market import Balance, Instrument, Quote
from core.domain.order import BrokerOrder, OrderRequest
from core.domain.snapshot import BrokerSnapshot, Found, Inconclusive, Lookup
from core.domain.stream import StreamEvent
from core.operate.checking import Finding
from core.ports import AccountMode, Capabilities, Clock
from core.ports.receipt import Receipt


class CcxtBroker:
    """`account` is our name for it; the settings say at which exchange it is."""

    def __init__(self, account: str, settings: Account, clock: Clock):
        self._account = account
        self._settings = settings
        self._clock = clock
        self._line, self._venue = venue_for(account, settings, clock)
        self._reading = Reading(
            account=account,
            venue=self._venue,
            clock=clock,
            history_days=settings.history_days,
            symbols=tuple(settings.symbols),
        )

    @property
    def account(self) -> str:
        return self._account

    @property
    def capabilities(self) -> Capabilities:
        return self._venue.capabilities

    # --- reading -------------------------------------------------------------------------------

    async def snapshot(self, since: datetime | None = None) -> BrokerSnapshot:
        return await self._reading.snapshot(since)

    async def find_order(
        self,
        *,
        symbol: str,
        client_order_id: str | None = None,
        broker_order_id: str | None = None,
        perm_id: str | None = None,
        created_at: datetime | None = None,
    ) -> Lookup:
        if not (client_order_id or broker_order_id or perm_id):
            return Inconclusive("an order without any id cannot be asked for")
        sought = Sought(
            symbol=symbol,
            client_order_id=client_order_id,
            broker_order_id=broker_order_id,
            perm_id=perm_id,
            created_at=created_at,
        )
        try:
            with readable("what the venue shows of the order"):
                return await self._venue.find(sought)
        except Unavailable as error:
            return Inconclusive(error.message)

    async def instrument(self, symbol: str) -> Instrument | None:
        with readable(f"the terms of {symbol}"):
            return await self._venue.instrument(symbol)

    async def quote(self, symbol: str) -> Quote:
        with readable(f"the quote of {symbol}"):
            return await self._venue.quote(symbol)

    async def balances(self) -> Sequence[Balance]:
        told = await asked(self._venue.balances())
        if told.reasons:
            raise Unavailable("; ".join(told.reasons))
        return told.rows

    async def account_mode(self) -> AccountMode:
        holdings = await self._venue.holdings()
        if holdings.positions.missing is not None:
            raise Unavailable(holdings.positions.missing)
        return AccountMode(position_mode=holdings.mode, leverage=holdings.leverage)

    async def clock_skew(self) -> timedelta:
        with readable("the venue's clock"):
            return await skew_of(self._venue, self._clock)

    async def diagnose(self) -> list[Finding]:
        """What keeps the account from working, or will, each with its remedy."""
        return await diagnose(self._account, self._settings, self._venue, self._clock)

    async def close(self) -> None:
        await self._line.close()

    # --- writing -------------------------------------------------------------------------------

    async def place(self, receipt: Receipt, request: OrderRequest) -> BrokerOrder:
        self._check(receipt)
        key = receipt.idempotency_key
        try:
            return await self._venue.place(key, request)
        except Duplicate as error:
            shown = await self.find_order(symbol=request.symbol, client_order_id=key)
            if isinstance(shown, Found):
                raise
            told = f"an order of this id exists already ({error.code}), and it is not shown"
        raise OutcomeUnknown(told)

    async def amend(
        self,
        receipt: Receipt,
        order: BrokerOrder,
        *,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
        trigger_price: Decimal | None = None,
    ) -> BrokerOrder:
        """The venue acknowledges an amendment without telling the order; this is what was asked."""
        self._check(receipt)
        changes = Changes(quantity=quantity, price=price, trigger_price=trigger_price)
        await self._venue.amend(order, changes)
        return replace(
            order,
            quantity=order.quantity if quantity is None else quantity,
            price=order.price if price is None else price,
            trigger_price=order.trigger_price if trigger_price is None else trigger_price,
        )

    async def cancel(self, receipt: Receipt, order: BrokerOrder) -> BrokerOrder:
        """The order as it is shown afterwards: a fill may have been faster than the cancel."""
        self._check(receipt)
        await self._venue.cancel(order)
        shown = await self.find_order(
            symbol=order.symbol,
            broker_order_id=order.broker_order_id,
            client_order_id=order.client_order_id,
            created_at=order.created_at,
        )
        # What is not shown now stays as it was; the next look tells how it ended.
        return shown.order if isinstance(shown, Found) else order

    def _check(self, receipt: Receipt) -> None:
        if receipt.step.account != self._account:
            raise NotSent(f"the receipt is for {receipt.step.account}, this is {self._account}")
        if not self.capabilities.finds_by_key:
            raise NotSent(
                f"{self._venue.name} does not find an order by our key",
                hint="this account may only be reconciled; trade on bybit or mexc",
            )

    # --- listening -----------------------------------------------------------------------------

    def events(self) -> AsyncIterator[StreamEvent]:
        return self._venue.events()
