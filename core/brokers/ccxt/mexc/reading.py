"""What the account holds and has done."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.brokers.ccxt.figures import Row
from core.brokers.ccxt.mexc.contracts import Contracts
from core.brokers.ccxt.mexc.holdings import balance_of, execution_of, is_held, position_of
from core.brokers.ccxt.mexc.listings import PLAN_LIFE, Listings, within_reach
from core.brokers.ccxt.mexc.orders import Reader, plan_of, read_orders
from core.brokers.ccxt.mexc.words import HEDGED
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
            reader = await self.reader()
        except Unavailable as error:
            missing = error.message
            return Activity(
                orders=Told(missing=missing),
                executions=Told(missing=missing),
                executions_since=since,
            )
        working = await asked(self.listings.open_orders())
        ended = await asked(self.listings.orders(since, until))
        plans = await asked(self.listings.plans(since - PLAN_LIFE, until))
        rows = once(joined([working, ended]).rows, lambda row: row["orderId"])
        told = Told(rows=rows, lacking=joined([working, ended]).lacking, missing=working.missing)
        orders = read_orders(reader, told, plans)
        symbols = self._symbols(rows, plans.rows, holdings)
        return Activity(
            orders=orders,
            executions=await self._executions(reader, symbols, rows, since, until),
            executions_since=since,
        )

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
