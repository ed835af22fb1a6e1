"""One managed account as a test speaks of it: quotes, positions, manual orders, fills."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

from .broker import Broker
from .contracts import Contract
from .events import PositionChanged
from .executions import Execution
from .market import Quote
from .orders import Order, Ticket

Number: TypeAlias = Decimal | int | str


class TradingAccount:
    """The broker's side of one account; contracts are named by symbol or local symbol."""

    def __init__(self, broker: Broker, name: str) -> None:
        self._broker = broker
        self.name = name

    # -- what is there

    @property
    def orders(self) -> list[Order]:
        return [order for order in self._broker.ledger.orders if order.account == self.name]

    @property
    def open_orders(self) -> list[Order]:
        return [order for order in self.orders if order.is_live]

    @property
    def completed_orders(self) -> list[Order]:
        return [order for order in self.orders if not order.is_live]

    @property
    def executions(self) -> list[Execution]:
        """Every execution of the day, corrections included."""
        return [done for done in self._broker.ledger.executions if done.order.account == self.name]

    @property
    def cash(self) -> Decimal:
        return self._broker.ledger.holdings[self.name].cash

    def order(self, order_ref: str) -> Order:
        """The one order that carries this reference."""
        found = [order for order in self.orders if order.ticket.order_ref == order_ref]
        if len(found) != 1:
            raise LookupError(f"{len(found)} orders of {self.name} carry {order_ref!r}")
        return found[0]

    def position(self, name: str) -> Decimal:
        return self._broker.ledger.holdings[self.name].position(self._contract(name)).quantity

    # -- what happens at the broker

    def quote(
        self,
        name: str,
        bid: Number,
        ask: Number,
        *,
        last: Number | None = None,
        bid_size: Number | None = None,
        ask_size: Number | None = None,
        close: Number | None = None,
    ) -> None:
        """Set the market of a contract (every account's) and fill what it reaches."""
        quote = Quote(
            bid=Decimal(bid),
            ask=Decimal(ask),
            last=_decimal(last),
            bid_size=_decimal(bid_size),
            ask_size=_decimal(ask_size),
            close=_decimal(close),
        )
        self._broker.matching.quote(self._contract(name), quote)

    def hold(self, name: str, quantity: Number, average_price: Number) -> None:
        """Give the account a position that no order of today made."""
        contract = self._contract(name)
        ledger = self._broker.ledger
        ledger.holdings[self.name].set_position(contract, Decimal(quantity), Decimal(average_price))
        ledger.tell(PositionChanged(self.name, contract))

    def deposit(self, amount: Number) -> None:
        self._broker.ledger.holdings[self.name].cash += Decimal(amount)

    def manual_order(
        self,
        name: str,
        action: str,
        quantity: Number,
        *,
        limit: Number | None = None,
        stop: Number | None = None,
        tif: str = "DAY",
        order_ref: str = "",
    ) -> Order:
        """An order typed into TWS: order id 0, no client's."""
        ticket = self._ticket(name, action, quantity, limit, stop, tif, order_ref)
        order = self._broker.entry.enter_by_hand(ticket)
        self._broker.matching.match(order)
        return order

    def client_order(
        self,
        client_id: int,
        name: str,
        action: str,
        quantity: Number,
        *,
        limit: Number | None = None,
        stop: Number | None = None,
        tif: str = "DAY",
        order_ref: str = "",
    ) -> Order:
        """An order that a client placed some time ago, connected now or not."""
        ticket = self._ticket(name, action, quantity, limit, stop, tif, order_ref)
        entry = self._broker.entry
        order = entry.enter(client_id, entry.next_id(client_id), ticket)
        self._broker.matching.match(order)
        return order

    def fill(
        self, order: Order, quantity: Number | None = None, price: Number | None = None
    ) -> Execution:
        """Fill part of an order (all that remains by default), at its own price by default."""
        at = _decimal(price) or order.limit or order.stop
        if at is None:
            at = self._broker.ledger.market.mark(order.contract, Decimal(0))
        size = order.remaining if quantity is None else Decimal(quantity)
        return self._broker.matching.fill(order, size, at)

    def correct(
        self, execution_id: str, *, quantity: Number | None = None, price: Number | None = None
    ) -> Execution:
        """Publish a correction of an execution, under its next revision."""
        return self._broker.matching.correct(execution_id, _decimal(quantity), _decimal(price))

    def end(self, order: Order, outcome: str = "Cancelled by the exchange") -> None:
        """The broker, or somebody in TWS, cancels an order."""
        self._broker.matching.end(order, outcome)

    def _contract(self, name: str) -> Contract:
        return self._broker.ledger.catalogue.named(name)

    def _ticket(
        self,
        name: str,
        action: str,
        quantity: Number,
        limit: Number | None,
        stop: Number | None,
        tif: str,
        order_ref: str,
    ) -> Ticket:
        return Ticket(
            account=self.name,
            contract=self._contract(name),
            action=action,
            quantity=Decimal(quantity),
            kind=_kind(limit, stop),
            limit=_decimal(limit),
            stop=_decimal(stop),
            tif=tif,
            order_ref=order_ref,
        )


def _decimal(number: Number | None) -> Decimal | None:
    return None if number is None else Decimal(number)


def _kind(limit: Number | None, stop: Number | None) -> str:
    if stop is None:
        return "MKT" if limit is None else "LMT"
    return "STP" if limit is None else "STP LMT"
