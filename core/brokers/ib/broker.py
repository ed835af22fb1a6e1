"""An IB account behind the broker port: one login, one client id, one managed account."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from core.brokers.ib.changing import Changing
from core.brokers.ib.contracts import Contracts
from core.brokers.ib.diagnosis import diagnose
from core.brokers.ib.holdings import balances_of
from core.brokers.ib.line import Line
from core.brokers.ib.lookup import Search, wanted
from core.brokers.ib.placing import Placing
from core.brokers.ib.questions import account_values
from core.brokers.ib.quoting import quote_of
from core.brokers.ib.reading import Reading
from core.brokers.ib.skew import skew_of
from core.brokers.ib.stream import Stream
from core.config.settings import Account
from core.domain.errors import NotSent, Unavailable
from core.domain.market import Balance, Instrument, Quote
from core.domain.order import BrokerOrder, OrderRequest
from core.domain.snapshot import BrokerSnapshot, Inconclusive, Lookup
from core.domain.stream import StreamEvent
from core.operate.checking import Finding
from core.ports import AccountMode, Capabilities, Clock
from core.ports.receipt import Receipt


class IbBroker:
    """`account` is our name for it; which of the login's accounts it is, the settings say."""

    def __init__(self, account: str, settings: Account, clock: Clock):
        self._account = account
        self._settings = settings
        self._clock = clock
        self._line = Line(account, settings, clock)
        self._contracts = Contracts(self._line)
        zone = settings.time_zone
        self._search = Search(line=self._line, clock=clock, time_zone=zone)
        self._reading = Reading(
            name=account, line=self._line, contracts=self._contracts, clock=clock, time_zone=zone
        )
        self._placing = Placing(
            line=self._line, contracts=self._contracts, search=self._search, clock=clock
        )
        self._changing = Changing(line=self._line, search=self._search)

    @property
    def account(self) -> str:
        return self._account

    @property
    def capabilities(self) -> Capabilities:
        """IB takes a second order under the same reference without a word."""
        return Capabilities(
            deduplicates=False,
            finds_by_key=True,
            quarantine=timedelta(seconds=self._settings.quarantine_seconds),
            hedges=False,
            post_only=False,
            reduce_only=False,
        )

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
        sought = wanted(
            symbol=symbol,
            client_order_id=client_order_id,
            broker_order_id=broker_order_id,
            perm_id=perm_id,
            created_at=created_at,
        )
        try:
            await self._line.connection()
        except Unavailable as error:
            return Inconclusive(error.message)
        return await self._search.find(sought)

    async def instrument(self, symbol: str) -> Instrument | None:
        await self._line.connection()
        listed = await self._contracts.named(symbol)
        return listed.instrument if listed else None

    async def quote(self, symbol: str) -> Quote:
        connection = await self._line.connection()
        listed = await self._contracts.named(symbol)
        if listed is None:
            raise Unavailable(f"IB has no one contract called {symbol}")
        return await quote_of(symbol, listed.contract, connection, self._clock.now)

    async def balances(self) -> Sequence[Balance]:
        await self._line.connection()
        answer = await self._line.ask(account_values(self._line.managed_account))
        if answer.missing:
            raise Unavailable(answer.missing)
        return balances_of(answer.rows, self._line.managed_account)

    async def account_mode(self) -> AccountMode:
        """One position per contract; what may be borrowed is a matter of margin, not leverage."""
        return AccountMode(position_mode="one-way")

    async def clock_skew(self) -> timedelta:
        return await skew_of(self._line, self._clock)

    async def diagnose(self) -> list[Finding]:
        """What keeps the line from working, or will, each with its remedy."""
        return await diagnose(self._account, self._settings, self._line, self._clock)

    async def close(self) -> None:
        await self._line.close()

    # --- writing -------------------------------------------------------------------------------

    async def place(self, receipt: Receipt, request: OrderRequest) -> BrokerOrder:
        self._check(receipt)
        return await self._placing.place(receipt.idempotency_key, request)

    async def amend(
        self,
        receipt: Receipt,
        order: BrokerOrder,
        *,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
        trigger_price: Decimal | None = None,
    ) -> BrokerOrder:
        self._check(receipt)
        return await self._changing.amend(
            order, quantity=quantity, price=price, trigger_price=trigger_price
        )

    async def cancel(self, receipt: Receipt, order: BrokerOrder) -> BrokerOrder:
        self._check(receipt)
        return await self._changing.cancel(order)

    def _check(self, receipt: Receipt) -> None:
        if receipt.step.account != self._account:
            raise NotSent(f"the receipt is for {receipt.step.account}, this is {self._account}")

    # --- listening -----------------------------------------------------------------------------

    def events(self) -> AsyncIterator[StreamEvent]:
        return Stream(line=self._line, clock=self._clock).events()
