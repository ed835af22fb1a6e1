"""What a running service knows of one account beside the book: is it reachable, is it current."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.domain.errors import BrokerError
from core.domain.market import Instrument
from core.ports import AccountMode, Broker


@dataclass(slots=True, kw_only=True)
class AccountWatch:
    broker: Broker
    # False until the first whole look has been taken and its facts are in the book: no trading.
    reconciled: bool = False
    unreachable: str | None = None
    # Why the book may lag behind the venue; a whole look makes it current again.
    behind: str | None = "just started"
    # Why nothing is sent to it: the venue is set to another position mode than configured.
    wrong_mode: str | None = None
    # Symbols whose position the book cannot explain, as of the last whole look.
    unexplained: frozenset[str] = frozenset()
    looked_at: datetime | None = None
    heard_at: datetime | None = None
    _instruments: dict[str, Instrument] = field(default_factory=dict)
    _mode: AccountMode | None = None
    # As it was told last; nobody asks for it between an entry and its stop.
    _leverage: Mapping[str, Decimal] | None = field(default_factory=dict)
    _asking_for_mode: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    _doubts: int = 0

    @property
    def account(self) -> str:
        return self.broker.account

    async def instrument(self, symbol: str) -> Instrument | None:
        """Asked for once: steps and ticks change between two runs, not within one."""
        if symbol not in self._instruments:
            found = await self.broker.instrument(symbol)
            if found is None:
                return None
            self._instruments[symbol] = found
        return self._instruments[symbol]

    async def instruments(self, symbols: Collection[str]) -> Mapping[str, Instrument]:
        """Those that the venue tells; a row can be booked without them."""
        found = {}
        for symbol in symbols:
            try:
                instrument = await self.instrument(symbol)
            except BrokerError:
                continue
            if instrument:
                found[symbol] = instrument
        return found

    def known(self, symbols: Iterable[str]) -> Mapping[str, Instrument]:
        """Those that have been asked for before."""
        return {name: self._instruments[name] for name in symbols if name in self._instruments}

    async def mode(self) -> AccountMode:
        """The position mode; asked for again after every whole look, by whoever is first."""
        async with self._asking_for_mode:
            return self._mode or await self._ask_for_mode()

    async def _ask_for_mode(self) -> AccountMode:
        doubts = self._doubts
        mode = await self.broker.account_mode()
        self._leverage = mode.leverage
        # What was doubted meanwhile is asked for once more.
        if self._doubts == doubts:
            self._mode = mode
        return mode

    async def leverage(self, symbol: str, otherwise: Decimal) -> Decimal | None:
        """That of a position that is held; None when the venue should tell it and does not.

        Some tell it of positions only: what they told before the entry does not speak of it, so
        they are asked again; nor does this wait for whoever asked before.
        """
        if self._leverage is not None and symbol not in self._leverage:
            self.doubt()
            await self._ask_for_mode()
        return otherwise if self._leverage is None else self._leverage.get(symbol)

    def doubt(self) -> None:
        """Its mode may have been switched: the venue refused what should have been right."""
        self._mode = None
        self._doubts += 1

    def remember(self, instruments: Mapping[str, Instrument]) -> None:
        """What a whole look told."""
        self._instruments.update(instruments)
        self.doubt()
