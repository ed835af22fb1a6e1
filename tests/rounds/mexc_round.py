"""An operator with a home and an account at an emulated MEXC, and what both do in a round.

The venue counts in contracts: 100 of BTC_USDT are 0.01 BTC, 1 of ETH_USDT is 0.01 ETH and 1 of
SOL_USDT 0.1 SOL. Prices: BTC 60000, ETH 3000, SOL 150.
"""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.rounds.operator import Operator
from tests.rounds.venue_home import SECRET_FILE, VenueHome, keyed_account, venue_home
from tests.venues.background import InBackground
from tests.venues.exchange import Kind, Leg, Order, Side, Ticket, Trigger
from tests.venues.faults import Fault
from tests.venues.mexc import MexcVenue

NAME = "mx1"
BUY, SELL = Side.BUY, Side.SELL
BTC, ETH, SOL = "BTC_USDT", "ETH_USDT", "SOL_USDT"
WRITING = ("order/create", "order/cancel", "order/change_limit_order")
PLANS = ("planorder/place", "planorder/cancel")
T = TypeVar("T")


class MexcRound(Operator):
    """`home` is the operator's side, `do` reaches the venue's."""

    def __init__(self, root: Path, *, hedged: bool = False, **account: str) -> None:
        self.venue = InBackground(MexcVenue(hedged=hedged))
        self._root = root
        self._account = account

    def __enter__(self) -> Self:
        self.venue.__enter__()
        lines = keyed_account(NAME, self.venue, "mexc", key_name="MEXC_API_KEY", **self._account)
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

    def do(self, action: Callable[[MexcVenue], T]) -> T:
        return self.venue.do(action)

    def trade(self, symbol: str, side: Side, contracts: int, **terms: Any) -> str:
        """By hand in the browser; the order's id."""
        order = self.do(lambda v: v.exchange.trade_by_hand(symbol, side, contracts, **terms))
        return order.order_id

    def stop_by_hand(
        self, symbol: str, side: Side, contracts: int, at: str, *, leg: Leg = Leg.NET
    ) -> str:
        """A reduce-only plan order, entered in the browser."""

        def place(venue: MexcVenue) -> str:
            ticket = Ticket(
                instrument=venue.exchange.instrument(symbol),
                side=side,
                quantity=Decimal(contracts),
                kind=Kind.MARKET,
                reduce_only=True,
                leg=leg,
                trigger=Trigger(price=Decimal(at), rises=side is BUY),
                extra=(("executeCycle", "2"),),
            )
            return venue.exchange.place(ticket).order_id

        return self.do(place)

    def move(self, symbol: str, to: str) -> None:
        self.do(lambda v: v.exchange.move_quote(symbol, bid=to, ask=to, last=to))

    def fault(self, endpoint: str, fault: Fault) -> None:
        self.do(lambda v: v.faults.next(endpoint, fault))

    def always(self, endpoint: str, fault: Fault) -> None:
        self.do(lambda v: v.faults.always(endpoint, fault))

    def heal(self) -> None:
        self.do(lambda v: v.faults.clear())

    def orders(self) -> list[Order]:
        return self.do(lambda v: list(v.exchange.register.orders.values()))

    def ours(self) -> list[Order]:
        """Every stop that ever came from here: it has no id, but what only a program has to say."""
        return [order for order in self.orders() if dict(order.ticket.extra).get("openType")]

    def stops(self, symbol: str = BTC, leg: Leg = Leg.NET) -> list[Order]:
        """What is live, reduce-only, and waits for the price to go against the position."""
        return [
            order
            for order in self.orders()
            if order.open
            and order.trigger is not None
            and order.trigger.rises is (order.ticket.side is BUY)
            and (order.ticket.instrument.symbol, order.ticket.leg) == (symbol, leg)
        ]

    def sent(self) -> int:
        """Requests that would change something, whatever became of them."""
        return self.do(lambda v: sum(v.requests.count(each) for each in (*WRITING, *PLANS)))

    def requests(self, endpoint: str) -> list[dict[str, Any]]:
        return self.do(lambda v: [dict(each.params) for each in v.requests.of(endpoint)])

    # --- the operator ---------------------------------------------------------------------------

    def at_broker(self, *, code: int = 0) -> list[dict[str, Any]]:
        """Of an apply: the actions at the broker."""
        return [row for row in self.applied(code=code) if row["class"] in ("protect", "trade")]

    def kinds(self, *, code: int = 0) -> list[str]:
        """What a fresh plan proposes to do at the broker."""
        actions = self.home.json("plan", code=code)["plan"]["broker_actions"]
        return [row["kind"] for row in actions]

    def unsafe(self) -> None:
        """The operator has looked, and lifts SAFE_MODE."""
        self.home.must("safe-mode", "off", "--reason", "looked", "--confirm", "off", "--quiet")

    def naked(self) -> None:
        """broker: 0.05 BTC long, no stop / book: nothing"""
        self.trade(BTC, BUY, 500)

    def orphaned(self) -> None:
        """broker: our stop, and nothing left to protect / book: as before the close"""
        self.naked()
        self.apply()
        self.trade(BTC, SELL, 500)
