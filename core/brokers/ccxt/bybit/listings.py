"""Bybit's listings, page after page and window after window.

An order that is open is in order/realtime, one that has ended in order/history; one that ended a
moment ago may be in both. A page comes with a cursor even when it is the last.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.brokers.ccxt.figures import Row, milliseconds
from core.brokers.ccxt.line import Line
from core.brokers.ccxt.told import Rows, Told, asked, joined, row_of, rows_of

# The longest span of time that one request may ask for.
WINDOW = timedelta(days=7)
# How far back Bybit lists anything.
KEPT = timedelta(days=729)
SETTLED_IN = ("USDT", "USDC")
PAGES_MAX = 400
# What comes when a limit is not heeded. A page of just that length may have been cut off there.
USUAL_PAGES = frozenset({20, 50})

Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listings:
    line: Line
    category: str

    # --- orders --------------------------------------------------------------------------------

    async def open_orders(self) -> Rows:
        return joined(
            [
                await asked(self._pages("privateGetV5OrderRealtime", scope, 50))
                for scope in self._scopes()
            ]
        )

    async def closed_orders(self, since: datetime, until: datetime) -> Rows:
        return await self._windows("privateGetV5OrderHistory", since, until, 50)

    async def order(self, symbol: str, names: Parameters) -> Rows:
        """By an id, wherever it is; a failure is an Unavailable."""
        wanted = {"category": self.category, "symbol": symbol, **names}
        recent = await self.line.read("privateGetV5OrderRealtime", wanted)
        if rows := rows_of(recent["list"]):
            return Told(rows=tuple(rows))
        old = await self.line.read("privateGetV5OrderHistory", wanted)
        return Told(rows=tuple(rows_of(old["list"])))

    async def executions(self, since: datetime, until: datetime) -> Rows:
        """Of every type: asked for trades alone, Bybit keeps liquidations to itself."""
        return await self._windows("privateGetV5ExecutionList", since, until, 100)

    # --- what is held --------------------------------------------------------------------------

    async def positions(self) -> Rows:
        return joined(
            [
                await asked(self._pages("privateGetV5PositionList", scope, 200))
                for scope in self._scopes()
            ]
        )

    async def positions_in(self, symbol: str) -> list[Row]:
        """Flat ones too: they tell the symbol's mode and leverage."""
        wanted = {"category": self.category, "symbol": symbol}
        answer = await self.line.read("privateGetV5PositionList", wanted)
        return rows_of(answer["list"])

    async def coins(self) -> Rows:
        answer = await self.line.read(
            "privateGetV5AccountWalletBalance", {"accountType": "UNIFIED"}
        )
        wallets = rows_of(answer["list"])
        return Told(rows=tuple(row for each in wallets for row in rows_of(each["coin"])))

    # --- pages ---------------------------------------------------------------------------------

    def _scopes(self) -> Iterator[Parameters]:
        """Contracts are listed by the coin that they settle in; spot is listed as one."""
        if self.category == "spot":
            yield {"category": self.category}
            return
        for coin in SETTLED_IN:
            yield {"category": self.category, "settleCoin": coin}

    async def _windows(self, method: str, since: datetime, until: datetime, limit: int) -> Rows:
        told = []
        while since < until:
            end = min(since + WINDOW, until)
            span = {"startTime": milliseconds(since), "endTime": milliseconds(end)}
            told.append(await self._pages(method, {"category": self.category, **span}, limit))
            since = end
        return joined(told)

    async def _pages(self, method: str, wanted: Parameters, limit: int) -> Rows:
        rows: list[Row] = []
        cursors = {""}
        cursor = ""
        for _ in range(PAGES_MAX):
            more = {"limit": limit} | ({"cursor": cursor} if cursor else {})
            answer = row_of(await self.line.read(method, wanted | more))
            page = rows_of(answer["list"])
            rows += page
            cursor = str(answer.get("nextPageCursor") or "")
            if not page or (not cursor and len(page) not in USUAL_PAGES | {limit}):
                return Told(rows=tuple(rows))
            if cursor in cursors:
                break
            cursors.add(cursor)
        what = method.removeprefix("privateGetV5")
        return Told(rows=tuple(rows), lacking=(f"{what} broke off after {len(rows)} rows",))
