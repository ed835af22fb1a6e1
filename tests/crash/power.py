"""Cutting the power at a chosen moment: before and after every await and every commit."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.domain.order import BrokerOrder, OrderRequest
from core.domain.snapshot import BrokerSnapshot, Lookup
from core.domain.stream import StreamEvent
from core.ports import Book, BookReading, BookWriting, Broker, Capabilities, Files
from core.ports.receipt import Receipt


class PowerCut(SystemExit):
    """The process is gone: no task survives this, as none survives SIGKILL."""


class Power:
    """Counts the moments at which the process could die, and dies at the chosen one.

    What is dead stays dead: whatever its other tasks still try comes to nothing.
    """

    def __init__(self, cut_at: int | None = None):
        self._cut_at = cut_at
        self.moments: list[str] = []

    def moment(self, name: str) -> None:
        self.moments.append(name)
        if self._cut_at is not None and len(self.moments) >= self._cut_at:
            raise PowerCut(name)


class FragileBook:
    """A book whose process may die around every commit."""

    def __init__(self, book: Book, power: Power):
        self._book = book
        self._power = power

    @contextmanager
    def read(self) -> Iterator[BookReading]:
        with self._book.read() as reading:
            yield reading

    @contextmanager
    def write(self) -> Iterator[BookWriting]:
        self._power.moment("before a transaction")
        with self._book.write() as writing:
            yield writing
            # What is not committed yet goes with the process.
            self._power.moment("before a commit")
        self._power.moment("after a commit")

    def examine(self) -> Any:
        return self._book.examine()

    def close(self) -> None:
        self._book.close()


class FragileFiles:
    def __init__(self, files: Files, power: Power):
        self._files = files
        self._power = power

    def read(self, path: Path) -> bytes:
        return self._files.read(path)

    def exists(self, path: Path) -> bool:
        return self._files.exists(path)

    def remove(self, path: Path) -> None:
        self._files.remove(path)

    def replace(self, path: Path, content: bytes) -> None:
        self._power.moment(f"before replacing {path.name}")
        self._files.replace(path, content)
        self._power.moment(f"after replacing {path.name}")

    def append(self, path: Path, line: str) -> None:
        self._power.moment(f"before appending to {path.name}")
        self._files.append(path, line)
        self._power.moment(f"after appending to {path.name}")

    def rotate(self, path: Path, names: Callable[[int, datetime], Iterable[Path]]) -> Path | None:
        self._power.moment(f"before rotating {path.name}")
        rotated = self._files.rotate(path, names)
        self._power.moment(f"after rotating {path.name}")
        return rotated


class FragileBroker:
    """A broker that carries a request out although the process that sent it may be dead."""

    def __init__(self, broker: Broker, power: Power):
        self._broker = broker
        self._power = power

    @property
    def account(self) -> str:
        return self._broker.account

    @property
    def capabilities(self) -> Capabilities:
        return self._broker.capabilities

    async def snapshot(self, since: datetime | None = None) -> BrokerSnapshot:
        self._power.moment("before a snapshot")
        snapshot = await self._broker.snapshot(since)
        self._power.moment("after a snapshot")
        return snapshot

    async def find_order(self, **names: Any) -> Lookup:
        self._power.moment("before asking for an order")
        lookup = await self._broker.find_order(**names)
        self._power.moment("after asking for an order")
        return lookup

    async def place(self, receipt: Receipt, request: OrderRequest) -> BrokerOrder:
        self._power.moment("before placing")
        order = await self._broker.place(receipt, request)
        self._power.moment("after placing")
        return order

    async def amend(
        self,
        receipt: Receipt,
        order: BrokerOrder,
        *,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
        trigger_price: Decimal | None = None,
    ) -> BrokerOrder:
        self._power.moment("before amending")
        amended = await self._broker.amend(
            receipt, order, quantity=quantity, price=price, trigger_price=trigger_price
        )
        self._power.moment("after amending")
        return amended

    async def cancel(self, receipt: Receipt, order: BrokerOrder) -> BrokerOrder:
        self._power.moment("before cancelling")
        cancelled = await self._broker.cancel(receipt, order)
        self._power.moment("after cancelling")
        return cancelled

    async def events(self) -> AsyncIterator[StreamEvent]:
        async for event in self._broker.events():
            self._power.moment("told of something")
            yield event

    async def instrument(self, symbol: str) -> Any:
        return await self._broker.instrument(symbol)

    async def quote(self, symbol: str) -> Any:
        return await self._broker.quote(symbol)

    async def balances(self) -> Sequence[Any]:
        return await self._broker.balances()

    async def account_mode(self) -> Any:
        return await self._broker.account_mode()

    async def clock_skew(self) -> timedelta:
        return await self._broker.clock_skew()

    async def close(self) -> None:
        await self._broker.close()
