"""The exchange behind every emulated venue: one account, its orders, positions and money."""

from tests.venues.exchange.account import Position
from tests.venues.exchange.clock import VenueClock
from tests.venues.exchange.events import (
    BalanceChanged,
    Event,
    Executed,
    OrderChanged,
    PositionChanged,
    QuoteMoved,
)
from tests.venues.exchange.exchange import Amount, Exchange
from tests.venues.exchange.floor import Rules
from tests.venues.exchange.instruments import Category, Instrument, Quote
from tests.venues.exchange.orders import (
    Ended,
    Execution,
    ExecutionKind,
    Kind,
    Leg,
    Order,
    Side,
    State,
    Ticket,
    TimeInForce,
    Trigger,
)
from tests.venues.exchange.refusals import Refusal, Refused
from tests.venues.exchange.stops import STOP_LOSS, TAKE_PROFIT, Protection

__all__ = [
    "STOP_LOSS",
    "TAKE_PROFIT",
    "Amount",
    "BalanceChanged",
    "Category",
    "Ended",
    "Event",
    "Exchange",
    "Executed",
    "Execution",
    "ExecutionKind",
    "Instrument",
    "Kind",
    "Leg",
    "Order",
    "OrderChanged",
    "Position",
    "PositionChanged",
    "Protection",
    "Quote",
    "QuoteMoved",
    "Refusal",
    "Refused",
    "Rules",
    "Side",
    "State",
    "Ticket",
    "TimeInForce",
    "Trigger",
    "VenueClock",
]
