"""Exchanges through ccxt: Bybit and MEXC in translations of their own, any other one through its
unified methods.

Of ccxt we take the signatures, the transport and the meaning of error codes. Rows are read here,
from what the venue itself wrote: the unified ones have sides, ids and times in
force wrong in places.

ccxt is imported with the first request, which costs half a second and a hundred megabytes.
"""

from core.brokers.ccxt.broker import CcxtBroker

__all__ = ["CcxtBroker"]
