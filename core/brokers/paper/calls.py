"""The three calls that change an account, as values: a late one waits in the file for its time."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.brokers.paper.account import WORKING, Account
from core.brokers.paper.margin import refresh
from core.brokers.paper.matching import USUAL, Terms
from core.brokers.paper.rules import accepted, check_figures, check_more_funds, check_post_only
from core.brokers.paper.settling import arrive, arrive_again, settle_orders
from core.domain.errors import Rejected
from core.domain.moment import moment_text, parse_moment
from core.domain.order import BrokerOrder, OrderRequest, OrderStatus
from core.domain.text import Row, from_row, to_row

# Why an order cannot be changed any more. A venue that lost track would say something else.
ENDED = {
    OrderStatus.FILLED: "order_already_filled",
    OrderStatus.CANCELLED: "order_already_cancelled",
    OrderStatus.REJECTED: "order_already_rejected",
    OrderStatus.EXPIRED: "order_already_expired",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    client_order_id: str | None
    request: OrderRequest

    operation = "place"

    @property
    def symbol(self) -> str:
        return self.request.symbol

    def carry_out(self, account: Account, now: datetime, terms: Terms = USUAL) -> BrokerOrder:
        """Nothing is changed before the last rule has been kept."""
        wanted = self.request
        order = BrokerOrder(
            broker_order_id="",
            client_order_id=self.client_order_id,
            symbol=wanted.symbol,
            side=wanted.side,
            position_side=wanted.position_side,
            type=wanted.type,
            quantity=wanted.quantity,
            price=wanted.price,
            trigger_price=wanted.trigger_price,
            time_in_force=wanted.time_in_force or "GTC",
            reduce_only=wanted.reduce_only,
            post_only=wanted.post_only,
            status=OrderStatus.OPEN,
            created_at=now,
            updated_at=now,
        )
        order = accepted(account, order, now)
        order = account.orders.put(replace(order, broker_order_id=account.next_order_id()))
        return arrive(account, order, now, terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amending:
    symbol: str
    broker_order_id: str
    quantity: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None

    operation = "amend"

    def carry_out(self, account: Account, now: datetime, terms: Terms = USUAL) -> BrokerOrder:
        order = _working(account, self.broker_order_id)
        if not account.simulation.amends:
            raise Rejected("amend_not_supported", "orders can only be cancelled and placed anew")
        wanted = replace(
            order,
            quantity=order.quantity if self.quantity is None else self.quantity,
            price=order.price if self.price is None else self.price,
            trigger_price=order.trigger_price if self.trigger_price is None else self.trigger_price,
            updated_at=now,
        )
        instrument = account.instrument(order.symbol)
        check_figures(instrument, wanted)
        if wanted.quantity <= order.filled_quantity:
            raise Rejected("invalid_quantity", f"{order.filled_quantity} of it is filled already")
        check_post_only(account, wanted)
        check_more_funds(account, instrument, order, wanted)
        if self.trigger_price is not None:
            account.orders.put(wanted, trail_distance=None)
        # Another price is another order in the book: it may fill at the quote it met before.
        account.orders.put(wanted, filled_at_quote=None)
        return arrive_again(account, wanted, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelling:
    symbol: str
    broker_order_id: str

    operation = "cancel"

    def carry_out(self, account: Account, now: datetime, terms: Terms = USUAL) -> BrokerOrder:
        order = _working(account, self.broker_order_id)
        return account.orders.put(replace(order, status=OrderStatus.CANCELLED, updated_at=now))


Call = Placing | Amending | Cancelling
_KINDS: dict[str, type[Amending | Cancelling]] = {"amend": Amending, "cancel": Cancelling}


def _working(account: Account, broker_order_id: str) -> BrokerOrder:
    order = account.orders.get(broker_order_id)
    if order is None:
        raise Rejected("order_not_found", f"there is no order {broker_order_id}")
    if order.status not in WORKING:
        raise Rejected(ENDED[order.status], f"{broker_order_id} is {order.status}")
    return order


# --- on their way ------------------------------------------------------------------------------


def send_late(account: Account, call: Call, due: datetime) -> None:
    """The call arrives when the account is next looked at after that moment."""
    row: Row = {"due": moment_text(due), "call": call.operation}
    if isinstance(call, Placing):
        row |= {"client_order_id": call.client_order_id, "request": to_row(call.request)}
    else:
        row |= to_row(call)
    account.simulation.in_flight.append(row)
    account.note()


def catch_up(account: Account, now: datetime) -> None:
    """Everything that has happened at the venue by itself since somebody last looked."""
    _deliver_late(account, now)
    settle_orders(account, now)
    if account.moved:
        refresh(account)


def _deliver_late(account: Account, now: datetime) -> None:
    """Carries out what has arrived; nobody is listening any more to what the venue says to it."""
    waiting = account.simulation.in_flight
    arrived = [row for row in waiting if parse_moment(row["due"]) <= now]
    if not arrived:
        return
    account.simulation.in_flight = [row for row in waiting if row not in arrived]
    account.note()
    for row in arrived:
        with suppress(Rejected):
            _call_from(row).carry_out(account, now)


def _call_from(row: Row) -> Call:
    if row["call"] == "place":
        request = from_row(OrderRequest, row["request"])
        return Placing(client_order_id=row["client_order_id"], request=request)
    return from_row(_KINDS[row["call"]], row)
