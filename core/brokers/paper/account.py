"""The venue's state in memory: what its file says, and the same rows ready to be written back."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from core.brokers.paper.rows import Rows
from core.brokers.paper.simulation import Counters, figure, note, simulation_from
from core.domain.errors import BrokenDocument
from core.domain.execution import BrokerExecution
from core.domain.market import Instrument
from core.domain.moment import moment_text, parse_moment
from core.domain.order import BrokerOrder, OrderStatus, PositionSide
from core.domain.position import BrokerPosition
from core.domain.snapshot import BrokerSnapshot, Part
from core.domain.text import Row
from core.observe.snapshot_document import document_bytes, part_row
from core.observe.snapshot_file import read_snapshot

WORKING = frozenset({OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED})
_NUMBER = re.compile(r"[VT]-([0-9]{1,15})")

Leg = tuple[str, PositionSide]


class Account:
    """One account at the venue. Whoever changes it saves it, or forgets it."""

    def __init__(self, document: Row, told: BrokerSnapshot):
        self._document = document
        self.told = told
        self.orders = Rows(_rows(document, "orders"), told.orders, lambda row: row.broker_order_id)
        self.executions = Rows(_rows(document, "executions"), told.executions, _execution_name)
        self.positions = Rows(_rows(document, "positions"), told.positions, leg_of)
        self.balances = Rows(_rows(document, "balances"), told.balances, lambda row: row.currency)
        self.quotes = Rows(
            _rows(document, "quotes"), tuple(told.quotes.values()), lambda row: row.symbol
        )
        self.instruments = told.instruments
        self.simulation = simulation_from(document.get("simulation"))
        self.orders_since = _moment(document, "orders_since")
        self._latest_execution = max((row.executed_at for row in self.executions), default=None)
        self._counted = False
        self._noted = False

    @property
    def hedges(self) -> bool:
        return self.told.position_mode == "hedge"

    @property
    def changed(self) -> bool:
        return self._noted or any(table.changed for table in self._tables())

    @property
    def moved(self) -> bool:
        """Something has changed that balances depend on."""
        return self.orders.changed or self.positions.changed or self.balances.changed

    def saved(self) -> None:
        """The file says the same now."""
        self._noted = False
        for table in self._tables():
            table.changed = False

    def _tables(self) -> tuple[Rows[Any, Any], ...]:
        return self.orders, self.executions, self.positions, self.balances, self.quotes

    def trades(self, symbol: str) -> bool:
        return symbol in self.instruments or symbol in self.quotes

    def instrument(self, symbol: str) -> Instrument:
        """What the file does not describe is a perpetual without tick, step or minimum."""
        return self.instruments.get(symbol) or Instrument(symbol=symbol)

    def leverage(self, symbol: str, side: PositionSide) -> Decimal:
        position = self.positions.get((symbol, side))
        if position and position.leverage:
            return position.leverage
        return figure(self.simulation.leverage.get(symbol, 1))

    def working_orders(self) -> Iterator[BrokerOrder]:
        return (order for order in self.orders if order.status in WORKING)

    def next_order_id(self) -> str:
        counters = self._counters()
        counters.order += 1
        return f"V-{counters.order}"

    def next_execution_id(self) -> str:
        counters = self._counters()
        counters.execution += 1
        return f"T-{counters.execution}"

    def _counters(self) -> Counters:
        """Above every number in the file when it was read, whoever wrote it there."""
        counters = self.simulation.counters
        if not self._counted:
            orders = (row.broker_order_id for row in self.orders)
            executions = (row.execution_id for row in self.executions)
            counters.order = max(counters.order, _highest(orders))
            counters.execution = max(counters.execution, _highest(executions))
        self._counted = self._noted = True
        return counters

    def next_moment(self, now: datetime) -> datetime:
        """Executions of one instant keep their order: each comes a microsecond after the last."""
        last = self._latest_execution
        if last is not None and timedelta(0) <= last - now < timedelta(seconds=1):
            now = last + timedelta(microseconds=1)
        self._latest_execution = now
        return now

    def tell(self, part: str, state: Part) -> None:
        """From now on the venue answers so for that part."""
        self.told = replace(self.told, parts={**self.told.parts, part: state})
        self._document["parts"] = {name: part_row(each) for name, each in self.told.parts.items()}
        self._noted = True

    def simulate(self, options: Row) -> None:
        """Changes what the venue is told to do; an unknown option is a BrokenDocument."""
        row = {**(self._document.get("simulation") or {}), **options}
        self.simulation = simulation_from(row)
        self._document["simulation"] = row
        self._counted, self._noted = False, True

    def note(self) -> None:
        """The simulation's own notes have changed and are to be saved."""
        self._noted = True

    def content(self, now: datetime) -> bytes:
        """The file as it should be from now on."""
        self._document["taken_at"] = moment_text(now)
        if self._noted:
            self._document["simulation"] = self._document.get("simulation") or {}
            note(self._document["simulation"], self.simulation)
        return document_bytes(self._document)


def account_from(content: bytes) -> Account:
    """A BrokenDocument names the place."""
    told = read_snapshot(content)
    try:
        return Account(msgspec.json.decode(content), told)
    except (ValueError, RecursionError) as error:
        raise BrokenDocument(f"$: {error}") from None


def leg_of(position: BrokerPosition) -> Leg:
    return position.symbol, position.side


def _execution_name(row: BrokerExecution) -> tuple[str, str | None, str]:
    """Bare execution ids may repeat in a file that was recorded elsewhere."""
    return row.symbol, row.broker_order_id, row.execution_id


def _rows(document: Row, name: str) -> list[Row]:
    rows: list[Row] = document.get(name) or []
    document[name] = rows
    return rows


def _moment(document: Row, name: str) -> datetime | None:
    if (text := document.get(name)) is None:
        return None
    try:
        return parse_moment(text)
    except (TypeError, ValueError, OverflowError):
        raise BrokenDocument(f"$.{name}: not a moment in time with a zone") from None


def _highest(names: Iterable[str]) -> int:
    numbers = (_NUMBER.fullmatch(name) for name in names)
    return max((int(number[1]) for number in numbers if number), default=0)
