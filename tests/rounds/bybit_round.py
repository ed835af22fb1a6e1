"""An operator with a home and an account at an emulated Bybit, and what both do in a round."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.rounds.operator import Operator
from tests.rounds.venue_home import SECRET_FILE, VenueHome, keyed_account, venue_home
from tests.venues.background import InBackground
from tests.venues.bybit import BybitVenue
from tests.venues.exchange import Category, Kind, Leg, Order, Side, Ticket, Trigger
from tests.venues.faults import Fault

NAME = "by1"
BUY, SELL = Side.BUY, Side.SELL
T = TypeVar("T")


class BybitRound(Operator):
    """`home` is the operator's side, `do` reaches the venue's."""

    def __init__(self, root: Path, *, hedged: bool = False, **account: str) -> None:
        self.venue = InBackground(BybitVenue(hedged=hedged))
        self._root = root
        self._account = account

    def __enter__(self) -> Self:
        self.venue.__enter__()
        lines = keyed_account(NAME, self.venue, "bybit", key_name="BYBIT_API_KEY", **self._account)
        secrets = {SECRET_FILE: self.venue.api_secret}
        self.home: VenueHome = venue_home(self._root, lines, secrets=secrets)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.venue.__exit__(kind, error, trace)

    # --- the venue ------------------------------------------------------------------------------

    def do(self, action: Callable[[BybitVenue], T]) -> T:
        return self.venue.do(action)

    def trade(self, symbol: str, side: Side, quantity: str, **terms: Any) -> str:
        """By hand in the browser; the order's id."""
        order = self.do(lambda v: v.exchange.trade_by_hand(symbol, side, quantity, **terms))
        return order.order_id

    def stop_by_hand(
        self, symbol: str, side: Side, quantity: str, at: str, *, leg: Leg = Leg.NET
    ) -> str:
        """A conditional reduce-only order, entered in the browser."""

        def place(venue: BybitVenue) -> str:
            ticket = Ticket(
                instrument=venue.exchange.instrument(symbol, Category.LINEAR),
                side=side,
                quantity=Decimal(quantity),
                kind=Kind.MARKET,
                reduce_only=True,
                leg=leg,
                trigger=Trigger(price=Decimal(at), rises=side is BUY),
                stop_kind="Stop",
            )
            return venue.exchange.place(ticket).order_id

        return self.do(place)

    def fault(self, endpoint: str, fault: Fault) -> None:
        self.do(lambda v: v.faults.next(endpoint, fault))

    def always(self, endpoint: str, fault: Fault, **where: str) -> None:
        self.do(lambda v: v.faults.always(endpoint, fault, where=where))

    def heal(self) -> None:
        self.do(lambda v: v.faults.clear())

    def orders(self) -> list[Order]:
        return self.do(lambda v: list(v.exchange.register.orders.values()))

    def ours(self) -> list[Order]:
        """Everything that ever came from here."""
        return [order for order in self.orders() if order.ticket.client_id]

    def trades(self) -> list[Order]:
        """The same without what only waits to protect a position."""
        return [order for order in self.ours() if order.trigger is None]

    def stops(self, symbol: str = "BTCUSDT", leg: Leg = Leg.NET) -> list[Order]:
        """What is live, reduce-only, and waits for the price to go against the position."""
        return [
            order
            for order in self.orders()
            if order.open
            and order.trigger is not None
            and order.trigger.rises is (order.ticket.side is BUY)
            and order.ticket.reduce_only
            and (order.ticket.instrument.symbol, order.ticket.leg) == (symbol, leg)
        ]

    def sent(self) -> int:
        """Requests that would change something, whatever became of them."""
        writing = ("order/create", "order/amend", "order/cancel", "position/trading-stop")
        return self.do(lambda v: sum(v.requests.count(endpoint) for endpoint in writing))

    # --- the operator ---------------------------------------------------------------------------

    def naked(self) -> None:
        """broker: 0.05 BTC long, no stop / book: nothing"""
        self.trade("BTCUSDT", BUY, "0.05")

    def orphaned(self) -> None:
        """broker: our stop, and nothing left to protect / book: as before the close"""
        self.naked()
        self.apply()
        self.trade("BTCUSDT", SELL, "0.05")
