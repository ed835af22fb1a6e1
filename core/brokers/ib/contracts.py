"""Contracts as the gateway describes them, asked for once and remembered by conId and by name."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core.brokers.ib.codes import NO_SUCH_CONTRACT
from core.brokers.ib.figures import figure, price
from core.brokers.ib.library import Contract, library
from core.brokers.ib.line import Line
from core.brokers.ib.naming import descriptions, name_of
from core.brokers.ib.questions import Answer, contract_details
from core.domain.errors import Unavailable
from core.domain.market import ONE, Instrument

KINDS = {"STK": "stock", "FUT": "future", "CASH": "spot", "CRYPTO": "spot"}
# Lists other exchanges' futures a second time, under their conId.
SECOND_LISTING = "QBALGO"


@dataclass(frozen=True, slots=True)
class Listed:
    """`contract` is complete enough to order by."""

    contract: Contract
    instrument: Instrument


class Contracts:
    def __init__(self, line: Line):
        self._line = line
        self._by_con_id: dict[int, Listed] = {}
        self._by_name: dict[str, Listed] = {}

    async def named(self, name: str) -> Listed | None:
        """None when the gateway says that there is no such contract, or more than one."""
        if name in self._by_name:
            return self._by_name[name]
        for description in descriptions(name):
            found = await self._look_up(library().Contract(**description))
            if len(found) == 1 and found[0].instrument.symbol == name:
                self._by_name[name] = found[0]
                return found[0]
        return None

    async def instruments(self, con_ids: Iterable[int]) -> dict[int, Instrument]:
        """Those that the gateway describes; after a first silence no more of them are asked for."""
        described = set(con_ids)
        with suppress(Unavailable):
            for con_id in sorted(described - self._by_con_id.keys()):
                await self._look_up(library().Contract(conId=con_id))
        known = described & self._by_con_id.keys()
        return {con_id: self._by_con_id[con_id].instrument for con_id in known}

    async def _look_up(self, described: Contract) -> list[Listed]:
        answer = await self._line.ask(contract_details(described))
        if answer.missing is not None and answer.code != NO_SUCH_CONTRACT:
            raise Unavailable(answer.missing)
        found = {each.contract.conId: each for each in _listings(answer)}
        self._by_con_id.update(found)
        return list(found.values())


def _listings(answer: Answer) -> Sequence[Listed]:
    """The last one of a conId counts, so the exchange of a second listing comes first."""
    rows = sorted(answer.rows, key=lambda row: bool(row.contract.exchange != SECOND_LISTING))
    return [Listed(row.contract, instrument_of(row)) for row in rows]


def instrument_of(details: Any) -> Instrument:
    contract = details.contract
    return Instrument(
        symbol=name_of(contract),
        kind=KINDS.get(contract.secType, contract.secType.lower()),
        base=contract.symbol,
        quote=contract.currency,
        price_tick=price(details.minTick),
        quantity_step=price(details.sizeIncrement),
        min_quantity=price(details.minSize),
        multiplier=multiplier_of(contract, price(details.priceMagnifier) or ONE),
        expiry=_expiry(contract.lastTradeDateOrContractMonth),
    )


def multiplier_of(contract: Contract, magnifier: Decimal = ONE) -> Decimal:
    """Money per point of the price as quoted; grain is quoted in cents, magnified a hundredfold."""
    return (figure(contract.multiplier) or ONE) / magnifier


def _expiry(day: str) -> datetime | None:
    """The first moment of the last trading day, so that nobody rolls late; a month is no day."""
    if len(day) < len("20260320"):
        return None
    return datetime.strptime(day[:8], "%Y%m%d").replace(tzinfo=UTC)
