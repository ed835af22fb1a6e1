"""What a contract is: how much of the coin it stands for, and what may be asked of it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from core.brokers.ccxt.figures import Row, name, needed, needed_name, price
from core.brokers.ccxt.line import Line
from core.brokers.ccxt.told import rows_of
from core.brokers.ccxt.venue import cannot
from core.domain.errors import Unavailable
from core.domain.market import Instrument
from core.ports import Clock

# MEXC lets its terms be read once in five seconds, so all are read at once and kept for a while.
REMEMBERED = timedelta(hours=1)


class Contract(NamedTuple):
    instrument: Instrument
    size: Decimal
    # The smallest number of contracts, and what the number must be a multiple of.
    unit: Decimal

    def quantity(self, contracts: Decimal) -> Decimal:
        return contracts * self.size

    def contracts(self, quantity: Decimal) -> int:
        """As many as make up exactly this quantity; NotSent when no number does."""
        count = (quantity / self.size).to_integral_value()
        if count * self.size != quantity or count % self.unit:
            symbol, step = self.instrument.symbol, self.instrument.quantity_step
            raise cannot("MEXC", f"trade {quantity} {symbol}", f"use a multiple of {step}")
        return int(count)


@dataclass(slots=True, kw_only=True)
class Contracts:
    line: Line
    clock: Clock
    _known: dict[str, Contract] = field(default_factory=dict)
    _read_at: datetime | None = None

    async def load(self) -> None:
        """Reads them, unless that was done a short while ago."""
        now = self.clock.now()
        if self._read_at is not None and now - self._read_at < REMEMBERED:
            return
        rows = rows_of(await self.line.read("contractPublicGetDetail"))
        self._known = {row["symbol"]: contract_of(row) for row in rows}
        self._read_at = now

    async def find(self, symbol: str) -> Contract | None:
        await self.load()
        return self._known.get(symbol)

    async def named(self, symbol: str) -> Contract:
        found = await self.find(symbol)
        if found is None:
            raise Unavailable(f"MEXC has no contract called {symbol:.40}")
        return found

    def of(self, row: Row) -> Contract:
        """Of a row, once they are loaded; a ValueError when there is no such contract."""
        found = self._known.get(row["symbol"])
        if found is None:
            raise ValueError(f"the size of {row['symbol']!s:.40} is not known")
        return found


def contract_of(row: Row) -> Contract:
    size, unit = needed(row["contractSize"]), needed(row["volUnit"])
    return Contract(
        instrument=Instrument(
            symbol=needed_name(row["symbol"]),
            kind="linear" if row["settleCoin"] == row["quoteCoin"] else "inverse",
            base=name(row.get("baseCoin")),
            quote=name(row.get("quoteCoin")),
            price_tick=price(row.get("priceUnit")),
            quantity_step=size * unit,
            min_quantity=size * needed(row["minVol"]),
        ),
        size=size,
        unit=unit,
    )
