"""One order by an id: ours, MEXC's, or that of the order which trades for a plan order."""

from dataclasses import dataclass
from datetime import timedelta

from core.brokers.ccxt.figures import Row
from core.brokers.ccxt.mexc.listings import KEPT, PLAN_LIFE, Listings, refused_reach
from core.brokers.ccxt.mexc.orders import Reader, as_one, plan_of
from core.brokers.ccxt.mexc.reading import Reading
from core.brokers.ccxt.mexc.trading import Trading
from core.brokers.ccxt.mexc.words import PLAN_EXECUTED
from core.brokers.ccxt.snapshot import AHEAD
from core.brokers.ccxt.venue import Sought
from core.domain.errors import Unavailable
from core.domain.order import BrokerOrder
from core.domain.snapshot import Absent, Found, Inconclusive, Lookup
from core.ports import Clock

# Our clock and MEXC's may differ by so much about the moment of a plan order.
SLACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    listings: Listings
    reading: Reading
    trading: Trading
    clock: Clock

    async def find(self, sought: Sought) -> Lookup:
        reader = await self.reading.reader()
        ids = [each for each in (sought.broker_order_id, sought.perm_id) if each]
        planned = self.trading.plans_placed.get(sought.client_order_id or "")
        for order_id in dict.fromkeys([*ids, *([planned] if planned else [])]):
            if order := await self._by_id(reader, sought, order_id):
                return Found(order)
        if sought.client_order_id and not planned:
            row = await self.listings.order_of_ours(sought.symbol, sought.client_order_id)
            if row is not None:
                return Found(reader.order(row))
            if not ids:
                return await self._no_such_key(reader, sought)
        return self._nowhere(sought)

    async def _by_id(self, reader: Reader, sought: Sought, order_id: str) -> BrokerOrder | None:
        row = await self.listings.order(order_id)
        if row is None:
            plan = await self._plan(sought, order_id)
            return None if plan is None else await self._whole(reader, plan)
        plan_id = plan_of(row)
        if plan_id is None:
            return reader.order(row)
        plan = await self._plan(sought, plan_id)
        if plan is None:
            raise Unavailable(f"plan order {plan_id}, for which it trades, is not listed")
        return as_one(reader.plan(plan), reader.order(row))

    async def _whole(self, reader: Reader, plan: Row) -> BrokerOrder:
        order = reader.plan(plan)
        if int(plan["state"]) != PLAN_EXECUTED:
            return order
        row = await self.listings.order(str(plan["orderId"]))
        if row is None:
            raise Unavailable(f"order {plan['orderId']}, which trades for it, is not shown")
        return as_one(order, reader.order(row))

    async def _plan(self, sought: Sought, plan_id: str) -> Row | None:
        """MEXC shows a plan order only in its listing."""
        now = self.clock.now()
        since = sought.created_at - PLAN_LIFE if sought.created_at else now - KEPT
        plans = await self.listings.plans(max(since, now - KEPT), now + AHEAD, symbol=sought.symbol)
        for row in plans.rows:
            if str(row["id"]) == plan_id:
                return row
        if plans.lacking:
            raise Unavailable("; ".join(plans.lacking))
        return None

    async def _no_such_key(self, reader: Reader, sought: Sought) -> Lookup:
        """A plan order has no key: any that may have come about since could be the one."""
        if why := refused_reach(sought.created_at, self.clock.now()):
            return Inconclusive(why)
        assert sought.created_at is not None
        plans = await self.listings.plans(
            sought.created_at - SLACK, self.clock.now() + AHEAD, symbol=sought.symbol
        )
        known = set(self.trading.plans_placed.values())
        strangers = tuple(reader.plan(row) for row in plans.rows if str(row["id"]) not in known)
        if plans.lacking:
            return Inconclusive("; ".join(plans.lacking), strangers)
        if strangers:
            return Inconclusive("MEXC keeps no id of ours on a plan order", strangers, whole=True)
        return Absent()

    def _nowhere(self, sought: Sought) -> Lookup:
        why = refused_reach(sought.created_at, self.clock.now())
        return Inconclusive(why) if why else Absent()
