"""What is held: contract positions with their mode, or in spot the coins themselves."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.brokers.ccxt.bybit.holdings import balance_of, is_held, position_of
from core.brokers.ccxt.bybit.legs import Legs
from core.brokers.ccxt.bybit.listings import SETTLED_IN, Listings
from core.brokers.ccxt.bybit.market import Market
from core.brokers.ccxt.figures import Row
from core.brokers.ccxt.told import Rows, Told, asked, read_each, readable
from core.brokers.ccxt.venue import Holdings
from core.domain.errors import Unavailable
from core.domain.market import Balance
from core.domain.position import BrokerPosition

# Asked about when nothing else names a symbol: its mode stands for the account's.
USUAL_SYMBOL = "BTCUSDT"
# A coin that several watched symbols trade cannot be shared out among them.
MoreSymbols = dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    listings: Listings
    legs: Legs
    symbols: tuple[str, ...]

    async def holdings(self) -> Holdings:
        """Every position, and the mode of every symbol on the watch list."""
        told = await asked(self.listings.positions())
        self.legs.forget()
        try:
            with readable("the position mode"):
                rows = [*told.rows, *await self._modes(told)]
        except Unavailable as error:
            # Without the mode nobody knows what a position's sign means.
            return Holdings(positions=Told(missing=told.missing or error.message))
        held = Told(
            rows=tuple(filter(is_held, told.rows)), lacking=told.lacking, missing=told.missing
        )
        listed = read_each(Told(rows=tuple(rows)), position_of, "position", "symbol").rows
        return Holdings(
            positions=read_each(held, position_of, "position", "symbol"),
            mode=self.legs.mode,
            leverage={row.symbol: row.leverage for row in listed if row.leverage is not None},
        )

    async def _modes(self, told: Rows) -> list[Row]:
        for row in told.rows:
            self.legs.note(row)
        known = {row["symbol"] for row in told.rows}
        wanted = set(self.symbols) or ({USUAL_SYMBOL} if not known else set())
        learned = await self.legs.learn(sorted(wanted - known))
        return [row for rows in learned.values() for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coins:
    """A coin is a position in the one symbol that trades it against money."""

    listings: Listings
    market: Market
    symbols: tuple[str, ...]

    async def holdings(self) -> Holdings:
        return Holdings(positions=await asked(self._positions()))

    async def _positions(self) -> Told[BrokerPosition]:
        coins = read_each(await self.listings.coins(), balance_of, "coin", "coin")
        trading = await self._trading()
        rows: list[BrokerPosition] = []
        lacking = list(coins.lacking)
        for coin in _owned(coins.rows):
            symbols = trading.get(coin.currency) or await self._usual(coin.currency)
            if len(symbols) > 1:
                shared = " and ".join(symbols)
                lacking.append(f"{coin.currency} is traded in {shared}: whose it is, nothing tells")
            rows += [BrokerPosition(symbol=each, quantity=coin.total) for each in symbols[:1]]
        return Told(rows=tuple(rows), lacking=tuple(lacking))

    async def _trading(self) -> MoreSymbols:
        """The watched symbols by the coin that they trade."""
        found: MoreSymbols = defaultdict(list)
        for symbol in self.symbols:
            instrument = await self.market.instrument(symbol)
            if instrument is not None and instrument.base:
                found[instrument.base].append(symbol)
        return found

    async def _usual(self, coin: str) -> list[str]:
        symbol = f"{coin}{SETTLED_IN[0]}"
        return [symbol] if await self.market.instrument(symbol) else []


def _owned(coins: Iterable[Balance]) -> Iterator[Balance]:
    """Money is what is paid with, not what is held."""
    return (coin for coin in coins if coin.total and coin.currency not in SETTLED_IN)
