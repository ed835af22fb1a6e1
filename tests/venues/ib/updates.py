"""What a client is sent unasked: fills, status changes, positions, prices."""

from __future__ import annotations

from typing import NamedTuple

from . import replies
from .broker import Broker, Client
from .events import (
    ExecutionCorrected,
    OrderCancelled,
    OrderChanged,
    OrderFilled,
    PositionChanged,
    QuoteChanged,
    VenueEvent,
)
from .executions import Execution
from .faults import Moment
from .frames import Message
from .holdings import Marked
from .listings import ticks
from .order_answers import cancelled_rows, order_rows
from .orders import Order


class Update(NamedTuple):
    """Messages nobody asked for, the moment a fault may strike them at, and their order's id."""

    messages: list[Message]
    moment: Moment | None = None
    subject: int = replies.NO_REQUEST


def update(broker: Broker, client: Client, event: VenueEvent) -> Update:
    """What this client is due for the event; other clients' orders are none of its business."""
    match event:
        case QuoteChanged(contract):
            streams = (key for key, watched in client.tickers.items() if watched == contract)
            return Update([tick for key in streams for tick in ticks(broker, key, contract)])
        case PositionChanged():
            return Update(_position_rows(broker, client, event), Moment.POSITION_UPDATE)
        case OrderFilled(order) | ExecutionCorrected(order) if not client.owns(order):
            return Update([])
        case OrderChanged(order) | OrderCancelled(order) if not client.owns(order):
            return Update([])
        case OrderFilled(order, done):
            return Update(_fill_rows(broker, order, done), Moment.FILL, order.order_id)
        case ExecutionCorrected(order, done):
            rows = [_live(broker, done), replies.commission(done)]
            return Update(rows, Moment.CORRECTION, order.order_id)
        case OrderChanged(order):
            return Update(order_rows(order), Moment.STATUS, order.order_id)
        case OrderCancelled(order):
            return Update(cancelled_rows(order), Moment.STATUS, order.order_id)


def _fill_rows(broker: Broker, order: Order, done: Execution) -> list[Message]:
    return [_live(broker, done), *order_rows(order), replies.commission(done)]


def _live(broker: Broker, done: Execution) -> Message:
    return replies.execution(replies.NO_REQUEST, done, broker.zone)


def _position_rows(broker: Broker, client: Client, event: PositionChanged) -> list[Message]:
    ledger = broker.ledger
    held = ledger.holdings[event.account].position(event.contract)
    rows = [replies.position(event.account, held)] if client.watches_positions else []
    if client.watched_account == event.account:
        mark = ledger.market.mark(event.contract, held.average_price)
        rows.append(replies.portfolio_row(event.account, Marked(held, mark)))
    return rows
