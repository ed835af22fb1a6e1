"""Orders, what was asked for, and the executions they lead to."""

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, StrEnum

from tests.venues.exchange.instruments import Instrument

ZERO = Decimal(0)


class Side(StrEnum):
    """The direction of an order."""

    BUY = "Buy"
    SELL = "Sell"

    @property
    def sign(self) -> int:
        """+1 for what adds to a position, -1 for what takes from it."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """The other direction."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Leg(IntEnum):
    """Which position an order belongs to: the net one, or one leg in hedge mode."""

    NET = 0
    LONG = 1
    SHORT = 2


class Kind(StrEnum):
    """How an order is priced."""

    LIMIT = "Limit"
    MARKET = "Market"


class TimeInForce(StrEnum):
    """How long an order waits for its counterpart."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    POST_ONLY = "PostOnly"


class State(StrEnum):
    """Where an order is in its life."""

    UNTRIGGERED = "Untriggered"
    TRIGGERED = "Triggered"
    NEW = "New"
    PARTIALLY_FILLED = "PartiallyFilled"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    PARTIALLY_FILLED_CANCELLED = "PartiallyFilledCanceled"
    REJECTED = "Rejected"
    DEACTIVATED = "Deactivated"
    EXPIRED = "Expired"
    # A conditional order that stays behind while another order trades for it.
    EXECUTED = "Executed"


OPEN = frozenset({State.UNTRIGGERED, State.TRIGGERED, State.NEW, State.PARTIALLY_FILLED})


class Ended(StrEnum):
    """Why an order ended before it was filled."""

    NOT_ENDED = ""
    BY_USER = "cancelled by the user"
    NO_LIQUIDITY = "nothing left to trade against"
    NOT_IN_FULL = "could not be filled in full"
    WOULD_TAKE = "post-only, but it would have taken liquidity"
    REDUCE_ONLY = "reduce-only, and there is nothing left to reduce"
    POSITION_CLOSED = "the position it protected is closed"
    LIQUIDATION = "cancelled by liquidation"
    NO_FUNDS = "triggered without the balance for it"
    AGE = "it was never triggered in its allowed life"


class ExecutionKind(StrEnum):
    """What an execution row stands for: not every one is a trade."""

    TRADE = "Trade"
    FUNDING = "Funding"
    LIQUIDATION = "BustTrade"
    ADL = "AdlTrade"
    SETTLEMENT = "Settle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """The condition that wakes a conditional order."""

    price: Decimal
    rises: bool
    by: str = "LastPrice"

    def met(self, price: Decimal) -> bool:
        """Whether the market has reached it."""
        return price >= self.price if self.rises else price <= self.price


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What the client asked for."""

    instrument: Instrument
    side: Side
    quantity: Decimal
    kind: Kind = Kind.MARKET
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    leg: Leg = Leg.NET
    trigger: Trigger | None = None
    client_id: str = ""
    # How the venue lists it: "" for a plain order, "Stop" for a conditional one, "StopLoss" or
    # "TakeProfit" for one that hangs on a position.
    stop_kind: str = ""
    # Closes whatever the position holds at the time; its own quantity means nothing.
    whole_position: bool = False
    # Prices that protect the position once this order has filled.
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    # A spot market buy may say how much to spend instead of how much to get.
    spend: Decimal | None = None
    created_by: str = "CreateByUser"
    # What only one venue knows, kept to be told back in its rows.
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def hangs_on_position(self) -> bool:
        """Whether it is a stop or target that ends with its position."""
        return self.stop_kind not in {"", "Stop"}


@dataclass(slots=True, kw_only=True)
class Order:
    """One order and what has become of it."""

    order_id: str
    number: int
    ticket: Ticket
    quantity: Decimal
    price: Decimal | None
    trigger: Trigger | None
    created_ms: int
    updated_ms: int
    state: State = State.NEW
    filled: Decimal = ZERO
    value: Decimal = ZERO
    fees: Decimal = ZERO
    fee_currency: str = ""
    profit: Decimal = ZERO
    ended: Ended = Ended.NOT_ENDED
    last_on_created: Decimal = ZERO
    expires_ms: int | None = None
    spawned_id: str = ""
    # False once the venue restarted: closed orders are then only in the history.
    recent: bool = True

    @property
    def open(self) -> bool:
        """Whether it can still fill or trigger."""
        return self.state in OPEN

    @property
    def leaves(self) -> Decimal:
        """What can still fill."""
        return self.quantity - self.filled if self.open else ZERO

    @property
    def average(self) -> Decimal | None:
        """The average fill price, None before the first fill."""
        if not self.filled:
            return None
        return self.value / self.filled / self.ticket.instrument.contract_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One row of the execution list."""

    execution_id: str
    sequence: int
    kind: ExecutionKind
    instrument: Instrument
    order_id: str
    client_id: str
    side: Side
    leg: Leg
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_rate: Decimal
    fee_currency: str
    maker: bool
    time_ms: int
    order: Order | None = None
    order_quantity: Decimal = ZERO
    leaves: Decimal = ZERO
    closed: Decimal = ZERO
    profit: Decimal = ZERO
    mark: Decimal = ZERO
