"""The account at one instant, read in several requests.

Positions are asked for before and after everything else. Where they differ, something traded in
between: executions and positions would not fit together, so all is read again.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.brokers.ccxt.told import asked, readable
from core.brokers.ccxt.venue import HEDGE, ONE_WAY, Activity, Holdings, Venue
from core.domain.errors import Unavailable
from core.domain.market import Instrument, Quote
from core.domain.order import LIVE
from core.domain.snapshot import BrokerSnapshot
from core.ports import Clock

READINGS_MAX = 3
# Venue clocks run ahead, too: what happened by theirs within the next hour is asked for as well.
AHEAD = timedelta(hours=1)
MOVED = "the account traded while it was read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    account: str
    venue: Venue
    clock: Clock
    history_days: int
    symbols: tuple[str, ...]

    async def snapshot(self, since: datetime | None) -> BrokerSnapshot:
        """Unavailable when the venue does not answer at all; a part that fails says so itself."""
        with readable("the venue's clock"):
            await self.venue.time()
        since = since or self.clock.now() + AHEAD - timedelta(days=self.history_days)
        holdings, activity, taken_at = await self._still(since)
        balances = await asked(self.venue.balances())
        touched = self._touched(holdings, activity)
        return BrokerSnapshot(
            account=self.account,
            broker=self.venue.name,
            taken_at=taken_at,
            position_mode=ONE_WAY if holdings.mode == ONE_WAY else HEDGE,
            parts={
                "orders": activity.orders.part,
                "executions": activity.executions.part,
                "positions": holdings.positions.part,
                "balances": balances.part,
            },
            # An order that could not be found again under our key must never be sent.
            read_only=not self.venue.capabilities.finds_by_key,
            executions_since=activity.executions_since,
            orders=activity.orders.rows,
            executions=activity.executions.rows,
            positions=holdings.positions.rows,
            balances=balances.rows,
            instruments=await self._instruments(touched),
            quotes=await self._quotes(self._watched(holdings, activity)),
        )

    async def _still(self, since: datetime) -> tuple[Holdings, Activity, datetime]:
        """An account that stood still while it was looked at, if it does so at all."""
        before = await self.venue.holdings()
        for _ in range(READINGS_MAX - 1):
            activity, taken_at, after = await self._once(since, before)
            if before.quantities == after.quantities:
                return after, activity, taken_at
            before = after
        activity, taken_at, after = await self._once(since, before)
        return _with_doubt(before, after), activity, taken_at

    async def _once(self, since: datetime, before: Holdings) -> tuple[Activity, datetime, Holdings]:
        activity = await self.venue.activity(since, before)
        taken_at = self.clock.now()
        return activity, taken_at, await self.venue.holdings()

    def _touched(self, holdings: Holdings, activity: Activity) -> list[str]:
        touched = {row.symbol for row in holdings.positions.rows}
        touched |= {row.symbol for row in activity.orders.rows}
        touched |= {row.symbol for row in activity.executions.rows}
        return sorted(touched | set(self.symbols))

    def _watched(self, holdings: Holdings, activity: Activity) -> list[str]:
        """Where a price matters: what is held, what may still trade, and the watch list."""
        held = {row.symbol for row in holdings.positions.rows}
        working = {row.symbol for row in activity.orders.rows if row.status in LIVE}
        return sorted(held | working | set(self.symbols))

    async def _instruments(self, symbols: Iterable[str]) -> dict[str, Instrument]:
        found = {}
        for symbol in symbols:
            try:
                with readable(f"the terms of {symbol}"):
                    instrument = await self.venue.instrument(symbol)
            except Unavailable:
                # Not a part of the account: whoever needs its terms sees that they are not there.
                continue
            if instrument is not None:
                found[symbol] = instrument
        return found

    async def _quotes(self, symbols: Iterable[str]) -> dict[str, Quote]:
        """Wanted at the same moment, so that a venue may be asked for all of them at once."""
        found = await asyncio.gather(*map(self._quote, symbols))
        return {quote.symbol: quote for quote in found if quote is not None}

    async def _quote(self, symbol: str) -> Quote | None:
        """Likewise; a decision that needs the price is not made without it."""
        try:
            with readable(f"the quote of {symbol}"):
                return await self.venue.quote(symbol)
        except Unavailable:
            return None


def _with_doubt(before: Holdings, after: Holdings) -> Holdings:
    if before.quantities == after.quantities:
        return after
    return replace(after, positions=replace(after.positions, lacking=(MOVED,)))
