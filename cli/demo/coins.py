"""An emulated coin exchange: what Bybit and MEXC have in common, which is all but their words."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from cli.demo.emulation import emulated
from cli.demo.home import DemoHome
from cli.demo.other_side import Mishap


class Sizes(NamedTuple):
    """How much is traded, in whatever the venue counts: coins or contracts."""

    bought: str
    filled: str
    sold: str
    by_hand: str


class CoinVenue(ABC):
    """Steered in its own thread; trueup reaches it over HTTP alone."""

    title: ClassVar[str]
    broker: ClassVar[str]
    # What its class is called in the package of that name.
    venue: ClassVar[str]
    bitcoin: ClassVar[str]
    ether: ClassVar[str]
    sizes: ClassVar[Sizes]

    def __init__(self, running: Any):
        self._running = running
        self._side = emulated("exchange").Side
        self._resting: list[Any] = []

    @classmethod
    def background(cls) -> Any:
        """The venue, not listening yet, with a key and a secret that nobody had before."""
        make = getattr(emulated(cls.broker), cls.venue)
        made = make(api_key=secrets.token_hex(9), api_secret=secrets.token_hex(18))
        return emulated("background").InBackground(made)

    @property
    def address(self) -> str:
        return str(self._running.url)

    def account(self, home: DemoHome) -> Sequence[str]:
        key = home.keep_secret("venue.key", self._running.api_key)
        secret = home.keep_secret("venue.secret", self._running.api_secret)
        return (
            "main:",
            f"  broker: {self.broker}",
            f'  api_key: "{key}"',
            f'  api_secret: "{secret}"',
            "  position_mode: one-way",
            f"  endpoint: {self.address}",
            # The pace that real venues ask for would stretch the demo to minutes.
            "  rate_limit: 1000",
        )

    def evening(self) -> None:
        self._running.do(self._rest)

    def night(self) -> None:
        self._running.do(self._drift)

    @abstractmethod
    def lose_next_reply(self) -> Mishap: ...

    def stops(self) -> Sequence[str]:
        told: Sequence[str] = self._running.do(
            lambda venue: [_told(order) for order in _stops(venue.exchange)]
        )
        return told

    # --- in the venue's thread --------------------------------------------------------------------

    def _rest(self, venue: Any) -> None:
        trade, side = venue.exchange.trade_by_hand, self._side
        self._resting = [
            trade(self.bitcoin, side.BUY, self.sizes.bought, price="59000"),
            trade(self.ether, side.SELL, self.sizes.sold, price="3300"),
        ]

    def _drift(self, venue: Any) -> None:
        exchange = venue.exchange
        exchange.fill(self._resting[0].order_id, self.sizes.filled)
        for order in self._resting:
            exchange.cancel(order)
        exchange.trade_by_hand(self.ether, self._side.BUY, self.sizes.by_hand, price="2800")


def the_stop(exchange: Any) -> Any:
    (stop,) = _stops(exchange)
    return stop


def _stops(exchange: Any) -> list[Any]:
    return [order for order in exchange.register.open_orders() if order.trigger is not None]


def _told(order: Any) -> str:
    ticket = order.ticket
    side, symbol = ticket.side.value.lower(), ticket.instrument.symbol
    name = f"key {ticket.client_id}" if ticket.client_id else f"order {order.order_id}"
    return f"{side} {symbol} at {order.trigger.price}, {name}"
