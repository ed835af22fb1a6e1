"""The three things that can be asked of a venue, each with the facts before and after the asking.

A call knows nothing of gates, locks or journals; it turns one approved change into a request and an
answer into rows.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from core.apply.journal import Facts
from core.domain.exit import ExitOrder, exit_of
from core.domain.intent import IntentOrder, signal_order
from core.domain.order import (
    LIVE,
    BookOrder,
    BrokerOrder,
    OrderRequest,
    OrderStatus,
    Origin,
    heard,
)
from core.domain.record import Audit, Event, OrderEvent, Step
from core.domain.text import to_row
from core.plan.change import (
    AmendOrder,
    AnyChange,
    CancelDuplicateStop,
    CancelOrder,
    CancelOrphanStop,
    CancelStaleOrder,
    CloseRecommendation,
    MoveStop,
    PlaceExit,
    PlaceOrder,
    PlaceStop,
    ResizeStop,
    RollDue,
    TakeProfit,
)
from core.ports import BookReading, BrokerWriter
from core.ports.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Placing:
    """`row` is the book's order that comes into being with the call."""

    request: OrderRequest
    row: BookOrder

    def begun(self, step: Step, by: str) -> Facts:
        """Written before anything is sent."""
        wanted = self.request if isinstance(self.request, IntentOrder) else None
        leaves = self.request if isinstance(self.request, ExitOrder) else None
        return Facts(
            new_order=self.row,
            order_event=_order_event(self.row, None, step.begun_at, step.kind, by),
            events=[order_told(self.row, step, step.begun_at)],
            of_signal=signal_order(wanted) if wanted else None,
            intent_id=wanted.intent_id if wanted else None,
            of_exit=exit_of(leaves) if leaves else None,
        )

    async def send(self, broker: BrokerWriter, receipt: Receipt) -> BrokerOrder:
        return await broker.place(receipt, self.request)

    def carried_out(self, shown: BrokerOrder) -> bool:
        """Whether an order as the broker shows it proves that the request took effect."""
        return shown.status is not OrderStatus.REJECTED


@dataclass(frozen=True, slots=True)
class Amending:
    """`row` is the book's row of the order, when it has one; so it is for cancelling."""

    order: BrokerOrder
    wanted: BrokerOrder
    row: BookOrder | None

    def begun(self, step: Step, by: str) -> Facts:
        return Facts()

    async def send(self, broker: BrokerWriter, receipt: Receipt) -> BrokerOrder:
        changed = {
            name: getattr(self.wanted, name)
            for name in ("quantity", "price", "trigger_price")
            if getattr(self.wanted, name) != getattr(self.order, name)
        }
        return await broker.amend(receipt, self.order, **changed)

    def carried_out(self, shown: BrokerOrder) -> bool:
        """As wanted in all that the broker tells of it."""
        told = (
            (shown.quantity, self.wanted.quantity),
            (shown.price, self.wanted.price),
            (shown.trigger_price, self.wanted.trigger_price),
        )
        return all(is_now in (None, wanted) for is_now, wanted in told)


@dataclass(frozen=True, slots=True)
class Cancelling:
    order: BrokerOrder
    row: BookOrder | None

    def begun(self, step: Step, by: str) -> Facts:
        return Facts()

    async def send(self, broker: BrokerWriter, receipt: Receipt) -> BrokerOrder:
        return await broker.cancel(receipt, self.order)

    def carried_out(self, shown: BrokerOrder) -> bool:
        return shown.status in (OrderStatus.CANCELLED, OrderStatus.EXPIRED)


Call = Placing | Amending | Cancelling


def call_for(change: AnyChange, *, key: str, now: datetime, row: BookOrder | None) -> Call:
    """`row` is the book's row of the order that the change speaks of, when it has one."""
    match change:
        case (
            PlaceStop()
            | PlaceOrder()
            | PlaceExit()
            | CloseRecommendation()
            | TakeProfit()
            | RollDue()
        ):
            return Placing(change.after, row or _new_row(change.account, change.after, key, now))
        case ResizeStop() | MoveStop() | AmendOrder():
            return Amending(change.before, change.after, row)
        case CancelDuplicateStop() | CancelOrphanStop() | CancelStaleOrder() | CancelOrder():
            return Cancelling(change.before, row)
    raise TypeError(f"{change.kind} is not carried out at the broker")


def order_at_broker(change: AnyChange) -> BrokerOrder | None:
    """The existing order that a change would alter."""
    return change.before if isinstance(change.before, BrokerOrder) else None


def _new_row(account: str, request: OrderRequest, key: str, now: datetime) -> BookOrder:
    signal = request if isinstance(request, IntentOrder) else None
    traced = request if isinstance(request, IntentOrder | ExitOrder) else None
    return BookOrder(
        order_id=key,
        account=account,
        client_order_id=key,
        symbol=request.symbol,
        side=request.side,
        position_side=request.position_side,
        order_type=request.type,
        quantity=request.quantity,
        price=request.price,
        trigger_price=request.trigger_price,
        time_in_force=request.time_in_force,
        reduce_only=request.reduce_only,
        post_only=request.post_only,
        status=OrderStatus.PENDING,
        origin=Origin.OWNED,
        signal_id=signal.signal_id if signal else None,
        trace_id=traced.trace_id if traced else None,
        created_at=now,
        updated_at=now,
    )


def with_row(call: Call, book: BookReading) -> Call:
    """The same call, with its row as the book has it now."""
    if call.row is None:
        return call
    rows = book.orders(call.row.account, order_ids=[call.row.order_id])
    return replace(call, row=rows[0]) if rows else call


# --- what an answer means for the book --------------------------------------------------------


def answered(call: Call, step: Step, shown: BrokerOrder, *, at: datetime, audit: Audit) -> Facts:
    """The broker showed the order: the book catches up with it."""
    if call.row is None:
        return Facts(audit=audit)
    return _moved(call.row, heard(call.row, shown), step, at=at, audit=audit)


def unanswered(
    call: Call,
    step: Step,
    to: OrderStatus,
    broker_order_id: str | None,
    *,
    at: datetime,
    audit: Audit,
) -> Facts:
    """Nothing is shown: only an order that this call was creating changes its status."""
    if call.row is None or not isinstance(call, Placing) or call.row.status not in LIVE:
        return Facts(audit=audit)
    known_id = broker_order_id or call.row.broker_order_id
    after = replace(call.row, status=to, broker_order_id=known_id, updated_at=at)
    return _moved(call.row, after, step, at=at, audit=audit)


def _moved(before: BookOrder, after: BookOrder, step: Step, *, at: datetime, audit: Audit) -> Facts:
    return Facts(
        order=after,
        order_event=_order_event(
            after, before, at, step.kind, str(audit.details.get("settled_by", "apply"))
        ),
        events=[order_told(after, step, at)],
        audit=audit,
    )


def _order_event(
    after: BookOrder, before: BookOrder | None, at: datetime, kind: str, source: str
) -> OrderEvent:
    return OrderEvent(
        order_id=after.order_id,
        account=after.account,
        event_type=kind,
        from_status=before.status if before else None,
        to_status=after.status,
        details={"broker_order_id": after.broker_order_id},
        source=source,
        occurred_at=at,
    )


def order_told(order: BookOrder, step: Step, at: datetime) -> Event:
    """The outbox row of an order's new state; its id derives from what it tells."""
    return Event(
        event_id=f"{step.step_id}:{order.status}:{step.attempts}",
        event_type=f"order.{order.status}",
        occurred_at=at,
        account=order.account,
        symbol=order.symbol,
        trace_id=order.trace_id,
        correlation_id=step.plan_id,
        payload=to_row(order),
    )
