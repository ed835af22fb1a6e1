"""The other side of the account: what a person does on the venue's web page, or the market does.

For rehearsals, the demo and tests. Everything goes into the account file at once, under its lock; a
program that uses the account notices when it next looks.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from core.brokers.paper.account import Account
from core.brokers.paper.account_file import AccountFile
from core.brokers.paper.booking import book_fill, mark_price
from core.brokers.paper.calls import Cancelling, Placing, catch_up
from core.brokers.paper.margin import pay, refresh, settlement_currency
from core.brokers.paper.matching import taker_price
from core.brokers.paper.quoting import move_quote
from core.brokers.paper.reading import snapshot_of
from core.domain.errors import Rejected
from core.domain.execution import BrokerExecution, ExecutionKind
from core.domain.market import Quote
from core.domain.money import ZERO
from core.domain.order import BrokerOrder, OrderRequest, OrderStatus, OrderType, PositionSide, Side
from core.domain.position import BrokerPosition, exit_side
from core.domain.snapshot import BrokerSnapshot, Part
from core.ports import Files

BOTH = PositionSide.BOTH


class PaperAccount:
    """`now` is asked for the time at every change."""

    def __init__(self, path: Path, account: str, *, files: Files, now: Callable[[], datetime]):
        self._file = AccountFile(path, account, files)
        self._now = now

    # --- the market ------------------------------------------------------------------------

    def move_quote(
        self,
        symbol: str,
        last: Decimal,
        *,
        bid: Decimal | None = None,
        ask: Decimal | None = None,
    ) -> None:
        """Without bid and ask they keep their distance from the last trade."""
        with self._changing() as (account, now):
            if bid is None and ask is None:
                move_quote(account, symbol, last, now)
            else:
                account.quotes.put(Quote(symbol=symbol, bid=bid, ask=ask, last=last, at=now))

    def fill(self, broker_order_id: str, quantity: Decimal, price: Decimal) -> BrokerOrder:
        """Somebody trades against a resting order."""
        with self._changing() as (account, now):
            order = _existing(account, broker_order_id)
            if quantity > order.quantity - order.filled_quantity:
                raise Rejected("invalid_quantity", "more than what is left of the order")
            return book_fill(account, order, quantity, price, now)

    def liquidate(self, symbol: str, side: PositionSide = BOTH) -> BrokerOrder:
        """The venue closes a position because its margin is gone."""
        return self._close(symbol, side, ExecutionKind.LIQUIDATION)

    def settle_expired(self, symbol: str, side: PositionSide = BOTH) -> BrokerOrder:
        """The venue closes a position because its contract has ended."""
        return self._close(symbol, side, ExecutionKind.SETTLEMENT)

    def pay_funding(self, symbol: str, amount: Decimal, side: PositionSide = BOTH) -> None:
        """What a position pays for being held; below zero it is paid."""
        with self._changing() as (account, now):
            position = _held(account, symbol, side)
            currency = settlement_currency(account.instrument(symbol))
            pay(account, currency, -amount)
            row = BrokerExecution(
                execution_id=account.next_execution_id(),
                symbol=symbol,
                side=exit_side(position.quantity, side).opposite,
                position_side=side,
                quantity=abs(position.quantity),
                price=mark_price(account.quotes.get(symbol)) or position.average_price or ZERO,
                fee=amount,
                fee_currency=currency,
                kind=ExecutionKind.FUNDING,
                executed_at=account.next_moment(now),
            )
            account.executions.put(row)

    # --- a person --------------------------------------------------------------------------

    def place(self, request: OrderRequest, client_order_id: str | None = None) -> BrokerOrder:
        """An order by hand: it has no client order id unless one is told."""
        with self._changing() as (account, now):
            call = Placing(client_order_id=client_order_id, request=request)
            return call.carry_out(account, now)

    def trade(
        self, symbol: str, side: Side, quantity: Decimal, position_side: PositionSide = BOTH
    ) -> BrokerOrder:
        """A market order by hand."""
        return self.place(
            OrderRequest(
                symbol=symbol,
                side=side,
                position_side=position_side,
                type=OrderType.MARKET,
                quantity=quantity,
            )
        )

    def cancel(self, broker_order_id: str) -> BrokerOrder:
        with self._changing() as (account, now):
            order = _existing(account, broker_order_id)
            call = Cancelling(symbol=order.symbol, broker_order_id=broker_order_id)
            return call.carry_out(account, now)

    # --- the rehearsal ---------------------------------------------------------------------

    def tell(self, part: str, state: Part) -> None:
        """From now on the venue answers so for that part."""
        with self._changing() as (account, _):
            account.tell(part, state)

    def simulate(self, **options: object) -> None:
        """Options of simulation.py, faults among them; one that is named replaces what was told."""
        with self._changing() as (account, _):
            account.simulate(options)

    def look(self) -> BrokerSnapshot:
        """The account as it lies in the file, nothing settled and nothing changed."""
        return snapshot_of(self._file.load(), self._now(), None)

    # --- inside ----------------------------------------------------------------------------

    @contextmanager
    def _changing(self) -> Iterator[tuple[Account, datetime]]:
        """One change of the file, waiting for the lock as long as it takes."""
        now = self._now()
        with self._file.lock() as lock:
            lock.taken(wait=True)
            account = self._file.load()
            catch_up(account, now)
            yield account, now
            catch_up(account, now)
            if account.moved:
                refresh(account)
            if account.changed:
                self._file.save(account, now)

    def _close(self, symbol: str, side: PositionSide, kind: ExecutionKind) -> BrokerOrder:
        with self._changing() as (account, now):
            position = _held(account, symbol, side)
            closing = exit_side(position.quantity, side)
            price = taker_price(account.quotes.get(symbol), closing)
            if price is None:
                raise Rejected("no_quote", f"{symbol} has no quote")
            order = account.orders.put(
                BrokerOrder(
                    broker_order_id=account.next_order_id(),
                    symbol=symbol,
                    side=closing,
                    position_side=side,
                    type=OrderType.MARKET,
                    quantity=abs(position.quantity),
                    time_in_force="GTC",
                    reduce_only=True,
                    post_only=False,
                    status=OrderStatus.OPEN,
                    created_at=now,
                    updated_at=now,
                )
            )
            return book_fill(account, order, order.quantity, price, now, kind)


def _existing(account: Account, broker_order_id: str) -> BrokerOrder:
    if (order := account.orders.get(broker_order_id)) is None:
        raise Rejected("order_not_found", f"there is no order {broker_order_id}")
    return order


def _held(account: Account, symbol: str, side: PositionSide) -> BrokerPosition:
    if (position := account.positions.get((symbol, side))) is None:
        raise Rejected("no_position", f"there is no position in {symbol}")
    return position
