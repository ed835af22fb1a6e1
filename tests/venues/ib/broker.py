"""The broker as one value: its ledger, its matching, its order entry, and its clock's zone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from .contracts import Contract
from .ledger import Ledger
from .matching import Matching
from .order_entry import OrderEntry
from .orders import Order


@dataclass(frozen=True, slots=True)
class Broker:
    """What every answer is made from."""

    ledger: Ledger
    matching: Matching
    entry: OrderEntry
    zone: ZoneInfo

    @classmethod
    def opened(cls, accounts: Iterable[str], now: Callable[[], datetime], zone: str) -> Broker:
        """A broker with these accounts, cash in each and nothing else."""
        ledger = Ledger(accounts, now)
        matching = Matching(ledger)
        return cls(ledger, matching, OrderEntry(ledger, matching), ZoneInfo(zone))

    @property
    def accounts(self) -> list[str]:
        return list(self.ledger.holdings)


@dataclass(slots=True)
class Client:
    """What the gateway keeps of one connected client."""

    client_id: int = -1
    watches_positions: bool = False
    watched_account: str | None = None
    price_kind: int = 1
    binds_manual_orders: bool = False
    tickers: dict[int, Contract] = field(default_factory=dict)

    def owns(self, order: Order) -> bool:
        """Whether updates of this order are for this client; unbound manual orders are nobody's."""
        return order.client_id == self.client_id and order.order_id != 0
