"""What the account has done, contracts or spot."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.brokers.ccxt.bybit.executions import execution_of
from core.brokers.ccxt.bybit.holdings import balance_of
from core.brokers.ccxt.bybit.legs import Legs, SpotLegs
from core.brokers.ccxt.bybit.listings import KEPT, Listings
from core.brokers.ccxt.bybit.orders import of_whole_position, order_of
from core.brokers.ccxt.snapshot import AHEAD
from core.brokers.ccxt.told import Rows, Told, asked, joined, once, read_each, readable
from core.brokers.ccxt.venue import Activity, Holdings, orders_once
from core.domain.errors import Unavailable
from core.domain.execution import BrokerExecution
from core.domain.market import Balance
from core.domain.order import BrokerOrder
from core.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    listings: Listings
    legs: Legs | SpotLegs
    clock: Clock

    async def activity(self, since: datetime, holdings: Holdings) -> Activity:
        """Open orders first: one that ends in between is then told as ended, too."""
        until = self.clock.now() + AHEAD
        since = max(since, until - KEPT)
        orders = await self._orders(since, until, holdings)
        self.legs.note_orders(orders.rows)
        executed = await asked(self.listings.executions(since, until))
        return Activity(
            orders=orders,
            executions=await self._executions(executed),
            executions_since=since,
        )

    async def _orders(
        self, since: datetime, until: datetime, holdings: Holdings
    ) -> Told[BrokerOrder]:
        working = await asked(self.listings.open_orders())
        if working.missing is not None:
            # Ended orders alone would look like an account without any open one.
            return Told(missing=working.missing)
        ended = await asked(self.listings.closed_orders(since, until))
        told = read_each(joined([working, ended]), order_of, "order", "orderId")
        held = holdings.quantities
        rows = (
            of_whole_position(order, held.get((order.symbol, order.position_side.value), _NONE))
            for order in told.rows
        )
        return Told(rows=orders_once(rows), lacking=told.lacking)

    async def _executions(self, executed: Rows) -> Told[BrokerExecution]:
        try:
            with readable("an execution"):
                await self.legs.learn(sorted(self.legs.unknown(executed.rows)))
        except Unavailable as error:
            executed = Told(rows=executed.rows, lacking=(*executed.lacking, error.message))
        told = read_each(
            executed, lambda row: execution_of(row, self.legs.leg_of), "execution", "execId"
        )
        return Told(
            rows=once(told.rows, _execution_name), lacking=told.lacking, missing=told.missing
        )

    async def balances(self) -> Told[Balance]:
        return read_each(await self.listings.coins(), balance_of, "coin", "coin")


_NONE = Decimal(0)


def _execution_name(row: BrokerExecution) -> tuple[str, str | None, str]:
    return row.symbol, row.broker_order_id, row.execution_id
