"""One order by its id: where it is, or whether Bybit would still know it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from core.brokers.ccxt.bybit.listings import Listings
from core.brokers.ccxt.bybit.orders import order_of
from core.brokers.ccxt.venue import Sought
from core.domain.order import LIVE, BrokerOrder
from core.domain.snapshot import Absent, Found, Inconclusive, Lookup
from core.ports import Clock

# An order that ended without a fill leaves the history after this; five minutes are to spare.
UNFILLED_KEPT = timedelta(hours=24) - timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    listings: Listings
    clock: Clock

    async def find(self, sought: Sought) -> Lookup:
        """A failed request is an Unavailable, an unreadable row a ValueError."""
        named = _names(sought)
        if not named:
            return Inconclusive("Bybit knows an order by its own id or by ours")
        for names in named:
            told = await self.listings.order(sought.symbol, names)
            if told.rows:
                return Found(_one([order_of(row) for row in told.rows]))
        return self._nowhere(sought)

    def _nowhere(self, sought: Sought) -> Lookup:
        if sought.created_at is None:
            return Inconclusive("Bybit forgets orders that never filled, and its age is not known")
        if self.clock.now() - sought.created_at > UNFILLED_KEPT:
            return Inconclusive("Bybit forgets an order that never filled after a day")
        return Absent()


def _names(sought: Sought) -> list[dict[str, str]]:
    named = (("orderId", sought.broker_order_id), ("orderLinkId", sought.client_order_id))
    return [{key: value} for key, value in named if value]


def _one(orders: Sequence[BrokerOrder]) -> BrokerOrder:
    """Where one row is old, the one that still works."""
    return next((order for order in orders if order.status in LIVE), orders[0])
