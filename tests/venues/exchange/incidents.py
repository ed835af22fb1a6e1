"""What happens to an account without its doing: funding, liquidation, auto-deleveraging."""

from decimal import Decimal

from tests.venues.exchange.account import Position
from tests.venues.exchange.endings import end
from tests.venues.exchange.events import Executed
from tests.venues.exchange.floor import Floor
from tests.venues.exchange.margin import mark_price
from tests.venues.exchange.matching import Matching
from tests.venues.exchange.orders import Ended, Execution, ExecutionKind, Side, Ticket

_CREATED_BY = {
    ExecutionKind.LIQUIDATION: "CreateByLiq",
    ExecutionKind.ADL: "CreateByAdl_PassThrough",
    ExecutionKind.SETTLEMENT: "CreateBySettle",
}


def charge_funding(floor: Floor, position: Position, rate: Decimal) -> Execution:
    """Charge a position for one funding interval; its row looks much like a trade."""
    mark = mark_price(floor.quotes.get(position.instrument), position.average)
    fee = position.instrument.value(position.quantity, mark) * rate
    floor.account.credit(position.instrument.quote, -fee)
    execution = Execution(
        execution_id=floor.ids.name(),
        sequence=floor.ids.sequence(),
        kind=ExecutionKind.FUNDING,
        instrument=position.instrument,
        order_id=floor.ids.name(),
        client_id="",
        side=_held(position),
        leg=position.leg,
        quantity=position.size,
        price=mark,
        fee=fee,
        fee_rate=rate,
        fee_currency=position.instrument.quote,
        maker=False,
        time_ms=floor.clock.now_ms(),
        mark=mark,
    )
    floor.register.executions.append(execution)
    floor.tell(Executed(execution))
    floor.tell_position(position)
    return execution


def take_over(
    floor: Floor,
    matching: Matching,
    position: Position,
    kind: ExecutionKind,
    quantity: Decimal,
    price: Decimal,
) -> Execution:
    """Close a position, or part of it, with an order that its owner never placed."""
    if kind is ExecutionKind.LIQUIDATION:
        for order in floor.register.open_orders(position.instrument):
            end(floor, order, Ended.LIQUIDATION)
    ticket = Ticket(
        instrument=position.instrument,
        side=_held(position).opposite,
        quantity=quantity,
        reduce_only=True,
        leg=position.leg,
        created_by=_CREATED_BY[kind],
    )
    return matching.fill(floor.new_order(ticket), quantity, price, maker=False, kind=kind)


def _held(position: Position) -> Side:
    assert position.side is not None, "the position is flat"
    return position.side
