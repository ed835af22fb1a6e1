"""An emulated exchange whose next order gets the id that a test wants."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.venues.exchange import Exchange


@contextmanager
def next_id(exchange: Exchange, order_id: str | None) -> Iterator[None]:
    ids: Any = exchange.floor.ids
    if order_id is None:
        yield
        return
    ids.number = ids.name = lambda: order_id
    try:
        yield
    finally:
        del ids.number, ids.name
