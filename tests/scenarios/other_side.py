"""The other side of an account, whichever venue it is at: the market, and a person in front of it.

Quantities are in base units everywhere; MEXC's contracts are converted here.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from core.domain.order import OrderType, Side
from tests.home import HomeUnderTest, is_live, make_home
from tests.rounds.bybit_round import BybitRound
from tests.rounds.mexc_round import BTC, MexcRound
from tests.service.records import market
from tests.service.running import signal
from tests.venues.exchange import Order
from tests.venues.exchange import Side as VenueSide
from tests.venues.server import Venue

ZERO = Decimal(0)
AT_VENUE = {"buy": VenueSide.BUY, "sell": VenueSide.SELL}
PAPER, BYBIT, MEXC = "paper", "bybit", "mexc"
EVERYWHERE = (PAPER, BYBIT, MEXC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An order as its venue shows it to its owner."""

    order_id: str
    side: str
    quantity: Decimal
    filled: Decimal
    # Zero for what is no stop.
    trigger: Decimal
    reduce_only: bool
    live: bool

    @property
    def is_stop(self) -> bool:
        return self.trigger != 0

    @property
    def left(self) -> Decimal:
        return self.quantity - self.filled


class OtherSide(Protocol):
    @property
    def home(self) -> HomeUnderTest: ...

    @property
    def symbol(self) -> str: ...

    def trade(self, side: str, quantity: str) -> None:
        """By hand, at the market."""

    def move(self, price: str) -> None:
        """The market goes there, and what waits for it happens."""

    def fill(self, order_id: str, quantity: str, price: str) -> None: ...

    def cancel(self, order_id: str) -> None: ...

    def liquidate(self) -> None: ...

    def vanish(self) -> None:
        """The position is not there any more, and no execution tells why."""

    def held(self) -> Decimal: ...

    def orders(self) -> list[Shown]:
        """Every order there ever was."""
        ...

    def sent(self) -> int:
        """Requests that would change something, whatever became of them."""
        ...

    def heal(self) -> None: ...


def wish(other: OtherSide, **given: Any) -> dict[str, Any]:
    """A signal about the symbol that this side speaks of."""
    return signal(asset=other.symbol, **given)


def close(other: OtherSide, **given: Any) -> dict[str, Any]:
    return wish(other, signal_type="sell", intent="close", **given)


def every_stop(other: OtherSide) -> list[Shown]:
    """Every stop that ever was, oldest first."""
    return [each for each in other.orders() if each.is_stop]


def stops(other: OtherSide) -> list[Shown]:
    return [each for each in every_stop(other) if each.live]


def is_guarded(other: OtherSide) -> bool:
    """Exactly one stop, as large as the position."""
    return [each.left for each in stops(other)] == [abs(other.held())] and other.held() != 0


# --- the sides ------------------------------------------------------------------------------------


class PaperSide:
    symbol = "BTCUSDT"

    def __init__(self, root: Path):
        self.home = make_home(root)
        self.home.arm()

    def trade(self, side: str, quantity: str) -> None:
        market(self.home).trade(self.symbol, Side(side), Decimal(quantity))

    def move(self, price: str) -> None:
        at = Decimal(price)
        market(self.home).move_quote(self.symbol, at, bid=at, ask=at)

    def fill(self, order_id: str, quantity: str, price: str) -> None:
        market(self.home).fill(order_id, Decimal(quantity), Decimal(price))

    def cancel(self, order_id: str) -> None:
        market(self.home).cancel(order_id)

    def liquidate(self) -> None:
        market(self.home).liquidate(self.symbol)

    def vanish(self) -> None:
        document = self.home.account
        document["positions"] = []
        self.home.rewrite_account(document)

    def held(self) -> Decimal:
        rows = [row for row in self.home.account["positions"] if row["symbol"] == self.symbol]
        return sum((Decimal(row["quantity"]) for row in rows), Decimal(0))

    def orders(self) -> list[Shown]:
        return [
            Shown(
                order_id=row["broker_order_id"],
                side=row["side"],
                quantity=Decimal(row["quantity"]),
                filled=Decimal(row["filled_quantity"]),
                trigger=Decimal(row["trigger_price"] or 0)
                if row["type"] == OrderType.STOP
                else ZERO,
                reduce_only=bool(row["reduce_only"]),
                live=is_live(row),
            )
            for row in self.home.broker_orders()
        ]

    def sent(self) -> int:
        """The paper venue counts no requests; each has its row in the journal before it is sent."""
        rows = self.home.rows("SELECT count(*) AS n FROM journal")
        return int(rows[0]["n"])

    def heal(self) -> None:
        market(self.home).simulate(faults=[])


class VenueSideOf:
    """What emulated venues have in common; `size` is one contract in base units."""

    symbol: str
    size: Decimal
    round: BybitRound | MexcRound

    @property
    def home(self) -> HomeUnderTest:
        return self.round.home

    def move(self, price: str) -> None:
        self.round.do(
            lambda v: v.exchange.move_quote(self.symbol, bid=price, ask=price, last=price)
        )

    def offer(self, price: str, quantity: str) -> None:
        """Only so much can be sold there."""
        size = self._contracts(quantity)
        self.round.do(
            lambda v: v.exchange.move_quote(
                self.symbol, bid=price, ask=price, last=price, bid_size=size
            )
        )

    def dip(self, price: str, quantity: str, *, back_to: str) -> None:
        """The same, and nobody could see it: the price is back in the same moment."""
        size = self._contracts(quantity)

        def down_and_up(venue: Venue) -> None:
            for at, most in ((price, size), (back_to, None)):
                venue.exchange.move_quote(self.symbol, bid=at, ask=at, last=at, bid_size=most)

        self.round.do(down_and_up)

    def fill(self, order_id: str, quantity: str, price: str) -> None:
        self.round.do(lambda v: v.exchange.fill(order_id, self._contracts(quantity), price))

    def cancel(self, order_id: str) -> None:
        self.round.do(lambda v: v.exchange.cancel(v.exchange.order(order_id)))

    def liquidate(self) -> None:
        self.round.do(lambda v: v.exchange.take_over(self.symbol))

    def vanish(self) -> None:
        def forget(venue: Venue) -> None:
            venue.exchange.position(self.symbol).quantity = Decimal(0)

        self.round.do(forget)

    def held(self) -> Decimal:
        return self.round.do(lambda v: v.exchange.position(self.symbol).quantity) * self.size

    def orders(self) -> list[Shown]:
        return self.round.do(
            lambda v: [self._shown(order) for order in v.exchange.register.orders.values()]
        )

    def sent(self) -> int:
        return self.round.sent()

    def heal(self) -> None:
        self.round.heal()

    def _contracts(self, quantity: str) -> Decimal:
        return Decimal(quantity) / self.size

    def _shown(self, order: Order) -> Shown:
        return Shown(
            order_id=order.order_id,
            side=order.ticket.side.value.lower(),
            quantity=order.quantity * self.size,
            filled=order.filled * self.size,
            trigger=order.trigger.price if order.trigger else ZERO,
            reduce_only=order.ticket.reduce_only,
            live=order.open,
        )


class BybitSide(VenueSideOf):
    symbol, size = "BTCUSDT", Decimal(1)

    def __init__(self, round: BybitRound):
        self.round: BybitRound = round

    def trade(self, side: str, quantity: str) -> None:
        self.round.trade(self.symbol, AT_VENUE[side], quantity)


class MexcSide(VenueSideOf):
    symbol, size = BTC, Decimal("0.0001")

    def __init__(self, round: MexcRound):
        self.round: MexcRound = round

    def trade(self, side: str, quantity: str) -> None:
        self.round.trade(self.symbol, AT_VENUE[side], int(self._contracts(quantity)))


@contextmanager
def other_side(name: str, root: Path, **account: Any) -> Iterator[OtherSide]:
    """A home with an account there, armed; what is told of the account matters at venues."""
    with ExitStack() as stack:
        match name:
            case "paper":
                yield PaperSide(root)
            case "bybit":
                yield BybitSide(stack.enter_context(BybitRound(root, **account)))
            case _:
                yield MexcSide(stack.enter_context(MexcRound(root, **account)))
