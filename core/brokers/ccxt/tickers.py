"""Tickers that are wanted at the same moment are one question to the venue.

A venue counts requests, and orders stand in the same line: twenty positions that each asked for
their own would keep every stop waiting for two seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from core.brokers.ccxt.figures import Row


@dataclass(slots=True)
class _Moment:
    symbols: set[str] = field(default_factory=set)
    listing: "asyncio.Future[Mapping[str, Row]] | None" = None


@dataclass(slots=True, kw_only=True)
class Tickers:
    """`one` says why there is none of a symbol; `every` is the listing of all, by symbol."""

    one: Callable[[str], Awaitable[Row]]
    every: Callable[[], Awaitable[Mapping[str, Row]]]
    _moment: _Moment | None = None

    async def of(self, symbol: str) -> Row:
        moment = await self._together(symbol)
        if len(moment.symbols) == 1:
            return await self.one(symbol)
        if moment.listing is None:
            moment.listing = asyncio.ensure_future(self.every())
        # Whoever gives up does so alone.
        listing = await asyncio.shield(moment.listing)
        return listing[symbol] if symbol in listing else await self.one(symbol)

    async def _together(self, symbol: str) -> _Moment:
        """Whoever wants one before the loop comes round again joins."""
        moment = self._moment = self._moment or _Moment()
        moment.symbols.add(symbol)
        await asyncio.sleep(0)
        if self._moment is moment:
            self._moment = None
        return moment


def by_symbol(rows: list[Row]) -> dict[str, Row]:
    return {str(row.get("symbol")): row for row in rows}
