"""The account through unified methods, which never say where a page ends."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.brokers.ccxt.figures import Row, amount, milliseconds
from core.brokers.ccxt.line import Line, ReadFailed
from core.brokers.ccxt.told import Rows, Told, asked, joined, read_each, readable, row_of, rows_of
from core.brokers.ccxt.unified.abilities import ENDED, first_of
from core.brokers.ccxt.unified.rows import Unified
from core.brokers.ccxt.venue import HEDGE, ONE_WAY, Activity, Holdings, orders_once
from core.domain.errors import Unavailable
from core.domain.execution import BrokerExecution
from core.domain.market import Balance
from core.domain.order import BrokerOrder
from core.domain.position import BrokerPosition

# What venues send at most, and what they send when they are not asked for more.
PAGES = frozenset({10, 20, 25, 30, 40, 50, 100, 200, 250, 300, 500, 1000})
MONEY = ("USDT", "USDC", "USD", "EUR")
SYMBOL_NEEDED = "ArgumentsRequired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    line: Line
    market: str
    symbols: tuple[str, ...]

    async def unified(self) -> Unified:
        with readable("the markets"):
            markets = await self.line.read("load_markets")
            return Unified(markets=row_of(markets), spot=self.market == "spot")

    async def holdings(self) -> Holdings:
        try:
            unified = await self.unified()
        except Unavailable as error:
            return Holdings(positions=Told(missing=error.message))
        if self.market == "spot":
            return Holdings(positions=await asked(self._coins(unified)))
        told = await asked(self._listed("fetch_positions", [list(self.symbols) or None]))
        held = Told(
            rows=tuple(row for row in told.rows if amount(row.get("contracts"))),
            lacking=told.lacking,
            missing=told.missing,
        )
        hedged = any(row.get("hedged") is True for row in held.rows)
        positions = read_each(held, unified.position, "position", "symbol")
        return Holdings(
            positions=positions,
            mode=HEDGE if hedged else ONE_WAY,
            leverage={row.symbol: row.leverage for row in positions.rows if row.leverage},
        )

    async def _coins(self, unified: Unified) -> Told[BrokerPosition]:
        """A coin is a position in the symbol that trades it against the first money there is."""
        rows = []
        for coin in (await self.balances()).rows:
            symbols = [f"{coin.currency}/{money}" for money in MONEY]
            found = next((each for each in symbols if each in unified.markets), None)
            if coin.total and coin.currency not in MONEY and found:
                rows.append(BrokerPosition(symbol=found, quantity=coin.total))
        return Told(rows=tuple(rows))

    async def activity(self, since: datetime, holdings: Holdings) -> Activity:
        try:
            unified = await self.unified()
        except Unavailable as error:
            nothing: Told[Any] = Told(missing=error.message)
            return Activity(orders=nothing, executions=nothing, executions_since=since)
        orders = await self._orders(unified, since)
        symbols = {row.symbol for row in orders.rows} | {r.symbol for r in holdings.positions.rows}
        executions = await self._executions(unified, since, symbols | set(self.symbols))
        return Activity(orders=orders, executions=executions, executions_since=since)

    async def _orders(self, unified: Unified, since: datetime) -> Told[BrokerOrder]:
        working = await self._by_symbol("fetch_open_orders", self.symbols)
        if working.missing is not None:
            return Told(missing=working.missing)
        parts = [working]
        if ended := first_of(self.line.exchange().has, ENDED):
            parts.append(await self._by_symbol(ended, self.symbols, since))
        told = read_each(joined(parts), unified.order, "order", "id")
        return Told(rows=orders_once(told.rows), lacking=told.lacking)

    async def _executions(
        self, unified: Unified, since: datetime, symbols: Iterable[str]
    ) -> Told[BrokerExecution]:
        told = await self._by_symbol("fetch_my_trades", sorted(symbols), since)
        return read_each(told, unified.execution, "execution", "id")

    async def balances(self) -> Told[Balance]:
        told = await self.line.read("fetch_balance")
        free = told.get("free") or {}
        rows = tuple(
            Balance(currency=coin, total=amount(total), available=amount(free.get(coin)))
            for coin, total in (told.get("total") or {}).items()
        )
        return Told(rows=rows)

    # --- pages ---------------------------------------------------------------------------------

    async def _by_symbol(
        self, method: str, symbols: Iterable[str], since: datetime | None = None
    ) -> Rows:
        """Of all symbols at once where the venue does that, else one after the other."""
        from_ms = None if since is None else milliseconds(since)
        try:
            return await self._listed(method, [None, from_ms])
        except ReadFailed as error:
            if error.code != SYMBOL_NEEDED:
                return Told(missing=error.message)
        except Unavailable as error:
            return Told(missing=error.message)
        symbols = list(symbols)
        if not symbols:
            return Told(missing=f"{method} wants a symbol: name some in ACCOUNTS.symbols")
        told = [await asked(self._listed(method, [each, from_ms])) for each in symbols]
        lacking = f"{method} tells of {', '.join(symbols)} only"
        return joined([*told, Told(lacking=() if self.symbols else (lacking,))])

    async def _listed(self, method: str, args: list[Any]) -> Rows:
        rows: list[Row] = rows_of(await self.line.read(method, *args))
        cut = len(rows) in PAGES
        told = f"{method} stopped at {len(rows)} rows, where a page may have ended"
        return Told(rows=tuple(rows), lacking=(told,) if cut else ())
