"""Interactive Brokers through its TWS or Gateway, spoken to by ib_insync or ib_async.

The library keeps a picture of the account of its own, and guesses in it: an error about an order
marks it cancelled, a request that nobody answered looks like an empty answer. So nothing is taken
from that picture. Every reading is a request of ours with a timeout of its own, and an order's
status counts only if a status message said it.
"""

from core.brokers.ib.broker import IbBroker

__all__ = ["IbBroker"]
