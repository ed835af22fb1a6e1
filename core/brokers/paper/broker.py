"""The paper venue behind the broker port.

Every call reads the file again and first settles what time and quotes have done. A call that
changes anything does so under the file's lock and in one replacement of the file, so it happened
before anybody hears of it. A read that changes nothing leaves no trace on the disk.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from core.brokers.paper.account import Account
from core.brokers.paper.account_file import AccountFile, FileLock
from core.brokers.paper.calls import Amending, Call, Cancelling, Placing, catch_up
from core.brokers.paper.faults import NO_ANSWER, WRITE_ANSWERS, jump
from core.brokers.paper.margin import refresh
from core.brokers.paper.reading import account_mode_of, bent, find, snapshot_of
from core.brokers.paper.simulation import Fault
from core.brokers.paper.stream import Watch
from core.domain.errors import BrokerError, NotSent, OutcomeUnknown, TrueupError, Unavailable
from core.domain.market import Balance, Instrument, Quote
from core.domain.order import BrokerOrder, OrderRequest
from core.domain.snapshot import BrokerSnapshot, Inconclusive, Lookup
from core.domain.snapshot import Unavailable as UnavailablePart
from core.domain.stream import StreamEvent
from core.ports import AccountMode, Capabilities, Clock, Files
from core.ports.receipt import Receipt

LOCK_POLL_SECONDS = 0.005
LOCK_ATTEMPTS = 2000

Answer = TypeVar("Answer")
# What to do with the account at a moment, when a scripted fault may be in the way.
Act = Callable[[Account, datetime, Fault | None], Answer]


class PaperBroker:
    """`account` is the name that the file must carry."""

    def __init__(self, path: Path, account: str, *, files: Files, clock: Clock):
        self._file = AccountFile(path, account, files)
        self._account = account
        self._clock = clock
        self._closed = False

    @property
    def account(self) -> str:
        return self._account

    @property
    def capabilities(self) -> Capabilities:
        """As the file tells; of a file that cannot be read, what it tells when it says nothing."""
        try:
            told = self._file.load().simulation
        except Unavailable:
            return Capabilities(
                deduplicates=True, finds_by_key=True, quarantine=timedelta(seconds=10)
            )
        return Capabilities(
            deduplicates=told.deduplicates,
            finds_by_key=True,
            quarantine=timedelta(seconds=told.quarantine_seconds),
            amends=told.amends,
            one_stop=told.one_stop,
        )

    # --- reading ---------------------------------------------------------------------------

    async def snapshot(self, since: datetime | None = None) -> BrokerSnapshot:
        def act(account: Account, now: datetime, fault: Fault | None) -> BrokerSnapshot:
            snapshot = snapshot_of(account, now, since)
            return bent(snapshot, fault) if fault else snapshot

        return await self._read("snapshot", None, act)

    async def find_order(
        self,
        *,
        symbol: str,
        client_order_id: str | None = None,
        broker_order_id: str | None = None,
        perm_id: str | None = None,
        created_at: datetime | None = None,
    ) -> Lookup:
        names = {
            "client_order_id": client_order_id,
            "broker_order_id": broker_order_id,
            "perm_id": perm_id,
        }

        def act(account: Account, now: datetime, fault: Fault | None) -> Lookup:
            if fault and fault.kind == "inconclusive":
                return Inconclusive(fault.why)
            return find(account, names, symbol, created_at)

        return await self._read("find_order", symbol, act)

    async def instrument(self, symbol: str) -> Instrument | None:
        return await self._read(
            "instrument", symbol, lambda account, now, fault: account.instruments.get(symbol)
        )

    async def quote(self, symbol: str) -> Quote:
        def act(account: Account, now: datetime, fault: Fault | None) -> Quote:
            if (quote := account.quotes.get(symbol)) is None:
                raise Unavailable(f"there is no quote for {symbol}")
            return quote

        return await self._read("quote", symbol, act)

    async def balances(self) -> Sequence[Balance]:
        def act(account: Account, now: datetime, fault: Fault | None) -> Sequence[Balance]:
            state = account.told.parts["balances"]
            if isinstance(state, UnavailablePart):
                raise Unavailable(state.why)
            return tuple(account.balances)

        return await self._read("balances", None, act)

    async def account_mode(self) -> AccountMode:
        return await self._read(
            "account_mode", None, lambda account, now, fault: account_mode_of(account)
        )

    async def clock_skew(self) -> timedelta:
        return await self._read("clock_skew", None, lambda account, now, fault: _skew(account))

    def events(self) -> AsyncIterator[StreamEvent]:
        def act(account: Account, now: datetime, fault: Fault | None) -> BrokerSnapshot:
            snapshot = snapshot_of(account, now, None)
            return bent(snapshot, fault) if fault else snapshot

        async def look() -> BrokerSnapshot:
            return await self._read("events", None, act)

        watch = Watch(look=look, is_closed=lambda: self._closed, clock=self._clock)
        return watch.events()

    async def close(self) -> None:
        """Nothing is held between calls; whoever listens stops."""
        self._closed = True

    # --- writing ---------------------------------------------------------------------------

    async def place(self, receipt: Receipt, request: OrderRequest) -> BrokerOrder:
        key = receipt.idempotency_key
        return await self._write(receipt, Placing(client_order_id=key, request=request))

    async def amend(
        self,
        receipt: Receipt,
        order: BrokerOrder,
        *,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
        trigger_price: Decimal | None = None,
    ) -> BrokerOrder:
        call = Amending(
            symbol=order.symbol,
            broker_order_id=order.broker_order_id,
            quantity=quantity,
            price=price,
            trigger_price=trigger_price,
        )
        return await self._write(receipt, call)

    async def cancel(self, receipt: Receipt, order: BrokerOrder) -> BrokerOrder:
        call = Cancelling(symbol=order.symbol, broker_order_id=order.broker_order_id)
        return await self._write(receipt, call)

    # --- at the venue ----------------------------------------------------------------------

    async def _read(self, operation: str, symbol: str | None, act: Act[Answer]) -> Answer:
        pause = self._half_latency()
        await self._wait(pause)
        try:
            account = self._file.load()
            now = self._now(account)
            catch_up(account, now)
            if account.changed or account.simulation.waiting(operation, symbol):
                answer = await self._change(operation, symbol, _reading(act))
            else:
                answer = act(account, now, None)
        except OutcomeUnknown as error:
            raise Unavailable(error.message) from error
        except ArithmeticError as error:
            raise Unavailable("the account's figures are beyond reckoning") from error
        await self._wait(pause)
        return answer

    async def _write(self, receipt: Receipt, call: Call) -> BrokerOrder:
        if receipt.step.account != self._account:
            raise NotSent(f"the receipt is for {receipt.step.account}, this is {self._account}")
        try:
            pause = self._half_latency()
            await self._wait(pause)
            order = await self._change(call.operation, call.symbol, _writing(call))
        except Unavailable as error:
            raise NotSent(error.message) from error
        except ArithmeticError as error:
            # Before anything is saved: the figures never reach the file.
            raise NotSent("these figures are beyond reckoning") from error
        await self._wait(pause)
        return order

    async def _change(self, operation: str, symbol: str | None, act: Act[Answer]) -> Answer:
        """Settles, acts and saves under the lock. A refusal is an answer, too, and is saved."""
        with self._file.lock() as lock:
            await self._taken(lock)
            account = self._file.load()
            now = self._now(account)
            catch_up(account, now)
            if fault := account.simulation.waiting(operation, symbol):
                account.simulation.spend(fault)
                account.note()
            try:
                answer = act(account, now, fault)
            except BrokerError:
                self._save(account, now)
                raise
            self._save(account, now)
            return answer

    def _save(self, account: Account, now: datetime) -> None:
        if not account.changed:
            return
        if account.moved:
            refresh(account)
        try:
            self._file.save(account, now)
        except TrueupError as error:
            # The replacement may have happened before what went wrong.
            raise OutcomeUnknown(f"the account may not be saved: {error.message}") from error

    async def _taken(self, lock: FileLock) -> None:
        """Polls, so that a stopped process that holds the lock cannot stop this one."""
        for _ in range(LOCK_ATTEMPTS):
            if lock.taken():
                return
            await self._clock.sleep(LOCK_POLL_SECONDS)
        raise Unavailable("another process holds the paper account's lock")

    def _half_latency(self) -> float:
        return self._file.load().simulation.latency_ms / 2000

    async def _wait(self, seconds: float) -> None:
        if seconds:
            await self._clock.sleep(seconds)

    def _now(self, account: Account) -> datetime:
        """By the venue's clock."""
        return self._clock.now() + _skew(account)


def _writing(call: Call) -> Act[BrokerOrder]:
    def act(account: Account, now: datetime, fault: Fault | None) -> BrokerOrder:
        if fault is None:
            return call.carry_out(account, now)
        return WRITE_ANSWERS[fault.kind](account, call, fault, now)

    return act


def _reading(act: Act[Answer]) -> Act[Answer]:
    def answer(account: Account, now: datetime, fault: Fault | None) -> Answer:
        if fault and fault.kind in NO_ANSWER and not fault.part:
            raise Unavailable(fault.why)
        if fault and fault.kind == "price_gap":
            jump(account, fault, now)
        return act(account, now, fault)

    return answer


def _skew(account: Account) -> timedelta:
    return timedelta(seconds=account.simulation.clock_skew_seconds)
