"""An emulated Interactive Brokers gateway on loopback.

It speaks the TWS socket protocol at server version 176, so that the real ib_insync and ib_async
connect to it unmodified. The server side is the standard library alone.

    async with IbGateway(["DU1", "DU2"]) as gateway:
        gateway.accounts["DU1"].quote("SPY", "500.00", "500.02")
        gateway.faults.next("place", CutAfter())
        ...  # connect to 127.0.0.1 at gateway.port

A test that blocks uses `with BackgroundGateway(IbGateway()) as running` and `running.do(...)`.
"""

from .account import TradingAccount
from .background import BackgroundGateway
from .executions import Execution
from .faults import (
    CutAfter,
    CutBefore,
    Duplicated,
    ErrorAfter,
    FaultScript,
    LateReply,
    LateRequest,
    Moment,
    PartialReply,
    Refused,
    ReplyLost,
    RequestLost,
    Reversed,
)
from .gateway import IbGateway
from .orders import Order, Status

__all__ = [
    "BackgroundGateway",
    "CutAfter",
    "CutBefore",
    "Duplicated",
    "ErrorAfter",
    "Execution",
    "FaultScript",
    "IbGateway",
    "LateReply",
    "LateRequest",
    "Moment",
    "Order",
    "PartialReply",
    "Refused",
    "ReplyLost",
    "RequestLost",
    "Reversed",
    "Status",
    "TradingAccount",
]
