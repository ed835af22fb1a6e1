"""Quotes, and at which price they fill an order."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from .contracts import Contract
from .orders import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The two sides of one contract; a size of None is as much as anybody wants."""

    bid: Decimal
    ask: Decimal
    last: Decimal | None = None
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None
    close: Decimal | None = None

    @property
    def mark(self) -> Decimal:
        return self.last if self.last is not None else (self.bid + self.ask) / 2


class Market:
    """The quotes of all contracts, the same for every account."""

    def __init__(self) -> None:
        self._quotes: dict[int, Quote] = {}
        self.live_subscription = True
        """Without it a client is given delayed prices if it asked for them, or error 354."""

    def set(self, contract: Contract, quote: Quote) -> None:
        self._quotes[contract.con_id] = quote

    def quote(self, contract: Contract) -> Quote | None:
        return self._quotes.get(contract.con_id)

    def mark(self, contract: Contract, otherwise: Decimal) -> Decimal:
        """The price positions are valued at."""
        quote = self.quote(contract)
        return quote.mark if quote else otherwise

    def trade(self, order: Order) -> tuple[Decimal, Decimal] | None:
        """Quantity and price at which the order trades now, or None while it must rest."""
        quote = self.quote(order.contract)
        if quote is None or not order.triggered:
            return None
        price, size = (quote.ask, quote.ask_size) if order.is_buy else (quote.bid, quote.bid_size)
        if order.limit is not None and not _at_or_better(order, price):
            return None
        quantity = order.remaining if size is None else min(size, order.remaining)
        all_or_none = order.ticket.tif == "FOK" and quantity < order.remaining
        return (quantity, price) if quantity > 0 and not all_or_none else None

    def reaches_stop(self, order: Order) -> bool:
        """Whether the market has touched the order's stop price: by last trade, else by quote."""
        quote = self.quote(order.contract)
        if quote is None or order.stop is None:
            return False
        touched = (
            quote.last if quote.last is not None else (quote.ask if order.is_buy else quote.bid)
        )
        return touched >= order.stop if order.is_buy else touched <= order.stop

    def consume(self, order: Order, quantity: Decimal) -> None:
        """Take the traded quantity out of a quote that shows a size."""
        quote = self.quote(order.contract)
        if quote is None:
            return
        bid_size, ask_size = quote.bid_size, quote.ask_size
        if order.is_buy and ask_size is not None:
            ask_size -= quantity
        if not order.is_buy and bid_size is not None:
            bid_size -= quantity
        self.set(
            order.contract,
            Quote(
                bid=quote.bid,
                ask=quote.ask,
                last=quote.last,
                bid_size=bid_size,
                ask_size=ask_size,
                close=quote.close,
            ),
        )


def _at_or_better(order: Order, price: Decimal) -> bool:
    limit = order.limit
    assert limit is not None
    return price <= limit if order.is_buy else price >= limit
