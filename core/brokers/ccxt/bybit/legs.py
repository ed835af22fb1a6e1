"""Which position of a symbol is meant, in one-way mode and in hedge mode, symbol by symbol."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from core.brokers.ccxt.bybit.executions import hedged_leg
from core.brokers.ccxt.bybit.listings import Listings
from core.brokers.ccxt.bybit.words import LEGS
from core.brokers.ccxt.figures import Row
from core.brokers.ccxt.venue import HEDGE, MIXED, ONE_WAY
from core.domain.order import BrokerOrder, PositionSide

# A stream runs for weeks; of a snapshot's orders all are needed, and those are fewer.
REMEMBERED = 100_000


@dataclass(slots=True, kw_only=True)
class Legs:
    """Bybit keeps the mode with each symbol and tells it with positions, even flat ones."""

    listings: Listings
    _hedged: dict[str, bool] = field(default_factory=dict)
    _of_order: dict[str, PositionSide] = field(default_factory=dict)
    _of_key: dict[str, PositionSide] = field(default_factory=dict)

    def note(self, row: Row) -> None:
        """From a position's row."""
        self._hedged[row["symbol"]] = LEGS[int(row["positionIdx"])] is not PositionSide.BOTH

    def note_orders(self, orders: Iterable[BrokerOrder]) -> None:
        """An order says which leg it is for, and its executions do not."""
        self._of_order.update((each.broker_order_id, each.position_side) for each in orders)
        _keep_latest(self._of_order)

    def expect(self, key: str, leg: PositionSide) -> None:
        """An order of ours is on its way; its executions may be told before it is."""
        self._of_key[key] = leg
        _keep_latest(self._of_key)

    async def look(self, symbols: Iterable[str]) -> None:
        """At whatever is held, and at these."""
        for row in (await self.listings.positions()).rows:
            self.note(row)
        await self.learn(sorted(set(symbols) - self._hedged.keys()))

    async def learn(self, symbols: Iterable[str]) -> Mapping[str, list[Row]]:
        """Asks for the symbols whose mode is not known; their rows by symbol."""
        asked = {symbol: await self.listings.positions_in(symbol) for symbol in symbols}
        for rows in asked.values():
            for row in rows:
                self.note(row)
        return asked

    def unknown(self, rows: Iterable[Row]) -> set[str]:
        """The symbols of executions whose leg nothing tells yet."""
        return {
            row["symbol"]
            for row in rows
            if row.get("orderId") not in self._of_order and row["symbol"] not in self._hedged
        }

    def leg_of(self, row: Row) -> PositionSide:
        """Of an execution."""
        known = self._of_order.get(row.get("orderId") or "")
        known = known or self._of_key.get(row.get("orderLinkId") or "")
        if known is not None:
            return known
        if row["symbol"] not in self._hedged:
            raise ValueError(f"the position mode of {row['symbol']} is not known")
        return hedged_leg(row) if self._hedged[row["symbol"]] else PositionSide.BOTH

    @property
    def mode(self) -> str:
        """Of all symbols that were looked at."""
        kinds = set(self._hedged.values())
        if len(kinds) > 1:
            return MIXED
        return HEDGE if kinds == {True} else ONE_WAY

    def forget(self) -> None:
        """Before reading anew: somebody may have changed the mode meanwhile."""
        self._hedged.clear()
        self._of_order.clear()


def _keep_latest(legs: dict[str, PositionSide]) -> None:
    for name in list(islice(legs, max(len(legs) - REMEMBERED, 0))):
        del legs[name]


class SpotLegs:
    """Spot knows no legs."""

    def note(self, row: Row) -> None:
        """There are no positions either."""

    def note_orders(self, orders: Iterable[BrokerOrder]) -> None:
        """They are all for the one holding."""

    def expect(self, key: str, leg: PositionSide) -> None:
        """Likewise."""

    async def look(self, symbols: Iterable[str]) -> None:
        """There is nothing to see."""

    async def learn(self, symbols: Iterable[str]) -> Mapping[str, list[Row]]:
        return {}

    def unknown(self, rows: Iterable[Row]) -> set[str]:
        return set()

    def leg_of(self, row: Row) -> PositionSide:
        return PositionSide.BOTH
