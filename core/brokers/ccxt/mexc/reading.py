"""What the account holds and has done."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from core.brokers.ccxt.figures import Row, moment
from core.brokers.ccxt.mexc.contracts import Contracts
from core.brokers.ccxt.mexc.holdings import balance_of, execution_of, is_held, position_of
from core.brokers.ccxt.mexc.listings import PLAN_LIFE, Listings, within_reach
from core.brokers.ccxt.mexc.orders import Reader, plan_of, read_orders
from core.brokers.ccxt.mexc.words import HEDGED, PLAN_EXECUTED, PLAN_WAITING
from core.brokers.ccxt.snapshot import AHEAD
from core.brokers.ccxt.told import Rows, Told, asked, joined, once, read_each, readable
from core.brokers.ccxt.venue import HEDGE, ONE_WAY, Activity, Holdings
from core.domain.errors import Unavailable
from core.domain.execution import BrokerExecution
from core.domain.market import Balance
from core.ports import Clock


@dataclass(slots=True, kw_only=True)
class Reading:
    listings: Listings
    contracts: Contracts
    clock: Clock
    symbols: tuple[str, ...]
    # Cross or isolated, as the standing position of a symbol has it.
    open_types: dict[str, int] = field(default_factory=dict)

    async def reader(self) -> Reader:
        """What rows are read with; Unavailable when its terms are not to be had."""
        with readable("the contracts and the position mode"):
            await self.contracts.load()
            hedged = await self.listings.mode() == HEDGED
        return Reader(contracts=self.contracts, hedged=hedged)

    async def holdings(self) -> Holdings:
        try:
            reader = await self.reader()
        except Unavailable as error:
            return Holdings(positions=Told(missing=error.message))
        told = await asked(self.listings.positions())
        held = Told(rows=tuple(filter(is_held, told.rows)), missing=told.missing)
        positions = read_each(
            held,
            lambda row: position_of(row, reader.contracts, hedged=reader.hedged),
            "position",
            "symbol",
        )
        self.open_types |= {row["symbol"]: int(row.get("openType") or 0) for row in held.rows}
        return Holdings(
            positions=positions,
            mode=HEDGE if reader.hedged else ONE_WAY,
            leverage={row.symbol: row.leverage or Decimal(1) for row in positions.rows},
        )

    async def activity(self, since: datetime, holdings: Holdings) -> Activity:
        until = self.clock.now() + AHEAD
        since = within_reach(since, until)
        try:
            reader = await self._reader_for(holdings)
        except Unavailable as error:
            nothing: Told[Any] = Told(missing=error.message)
            return Activity(orders=nothing, executions=nothing, executions_since=since)
        listed, plans = await self._orders(since, until)
        symbols = self._symbols(listed.rows, plans.rows, holdings)
        return Activity(
            orders=read_orders(reader, listed, plans),
            executions=await self._executions(reader, symbols, listed.rows, since, until),
            executions_since=since,
        )

    async def _reader_for(self, holdings: Holdings) -> Reader:
        if holdings.positions.missing is not None:
            return await self.reader()
        return Reader(contracts=self.contracts, hedged=holdings.mode == HEDGE)

    async def _orders(self, since: datetime, until: datetime) -> tuple[Rows, Rows]:
        """Orders, those that trade for a listed plan order among them, and plan orders."""
        working = await asked(self.listings.open_orders())
        ended = await asked(self.listings.orders(since, until))
        plans = await asked(self.listings.plans(since - PLAN_LIFE, until))
        plans = replace(plans, rows=tuple(row for row in plans.rows if _matters(row, since)))
        both = joined([working, ended])
        rows = once(sorted(both.rows, key=_updated), lambda row: row["orderId"])
        listed = {row["orderId"] for row in rows}
        apart = {str(row["orderId"]) for row in plans.rows if int(row["state"]) == PLAN_EXECUTED}
        trading = await asked(self._several(sorted(apart - listed)))
        return (
            Told(
                rows=(*rows, *trading.rows),
                lacking=(*both.lacking, *trading.reasons),
                missing=working.missing,
            ),
            plans,
        )

    async def _several(self, order_ids: list[str]) -> Rows:
        return Told(rows=tuple(await self.listings.several(order_ids)))

    def _symbols(
        self, orders: Iterable[Row], plans: Iterable[Row], holdings: Holdings
    ) -> list[str]:
        """MEXC lists executions symbol by symbol: every one that anything speaks of."""
        found = {str(row["symbol"]) for row in (*orders, *plans)}
        return sorted(found | {row.symbol for row in holdings.positions.rows} | set(self.symbols))

    async def _executions(
        self,
        reader: Reader,
        symbols: Iterable[str],
        orders: Iterable[Row],
        since: datetime,
        until: datetime,
    ) -> Told[BrokerExecution]:
        listed = [await asked(self.listings.deals(each, since, until)) for each in symbols]
        deals = joined(listed)
        try:
            with readable("an execution's order"):
                owners = await self._owners(deals, orders)
        except Unavailable as error:
            return Told(missing=error.message)
        return read_each(
            deals,
            lambda row: execution_of(row, reader, owners[row["orderId"]]),
            "execution",
            "id",
        )

    async def _owners(self, deals: Rows, orders: Iterable[Row]) -> dict[str, str]:
        """Under which order's id an execution is told: its own order's, or that of its plan.

        An execution must have one name for ever, so its order is looked up when it is not listed.
        """
        rows = [row for row in deals.rows if "externalOid" in row]
        rows += [row for row in orders if row["orderId"] not in {each["orderId"] for each in rows}]
        known = {row["orderId"] for row in rows}
        rows += await self.listings.several(sorted({row["orderId"] for row in deals.rows} - known))
        return {row["orderId"]: plan_of(row) or row["orderId"] for row in rows}

    async def balances(self) -> Told[Balance]:
        return read_each(await self.listings.assets(), balance_of, "coin", "currency")


def _updated(row: Row) -> int:
    return int(row.get("updateTime") or 0)


def _matters(plan: Row, since: datetime) -> bool:
    """It still waits, or has ended in the time that is looked at; an hour is to spare."""
    ended_at = moment(plan.get("updateTime")) or since
    return int(plan["state"]) == PLAN_WAITING or ended_at >= since - timedelta(hours=1)
