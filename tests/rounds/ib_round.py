"""An operator with a home and accounts behind an emulated IB gateway, and what happens in a round.

The gateway's login manages DU1 and DU2; ib1 is DU1, and where there are two, ib2 is DU2.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.rounds.operator import Operator
from tests.rounds.venue_home import QUICK, VenueHome, account_lines, venue_home
from tests.venues.ib import BackgroundGateway, IbGateway, Order, TradingAccount
from tests.venues.ib.contracts import index_future
from tests.venues.ib.faults import Fault, Moment
from tests.venues.ib.requests import CancelOrder, PlaceOrder

QUOTES = {
    "SPY": ("500.00", "500.02"),
    "AAPL": ("220.00", "220.05"),
    "ES": ("6000.00", "6000.25"),
    "MES": ("6000.00", "6000.25"),
}
DU1, DU2 = "DU1", "DU2"
ONE: Mapping[str, Mapping[str, str]] = {"ib1": {"managed_account": DU1, "client_id": "17"}}
TWO: Mapping[str, Mapping[str, str]] = {
    **ONE,
    "ib2": {"managed_account": DU2, "client_id": "18"},
}
T = TypeVar("T")


class IbRound(Operator):
    """`home` is the operator's side; `at` and `do` reach the broker's."""

    def __init__(
        self, root: Path, accounts: Mapping[str, Mapping[str, str]] = ONE, **keys: str
    ) -> None:
        self._emulated = IbGateway([DU1, DU2])
        self.gateway = BackgroundGateway(self._emulated)
        self._root = root
        self._accounts = accounts
        self._keys = keys

    def __enter__(self) -> Self:
        self.gateway.__enter__()
        for name, (bid, ask) in QUOTES.items():
            self.quote(name, bid, ask)
        shared = {"broker": "ib", "port": str(self.gateway.port), **QUICK, **self._keys}
        lines = [
            line
            for name, own in self._accounts.items()
            for line in account_lines(name, **(shared | own))
        ]
        self.home: VenueHome = venue_home(self._root, lines)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.gateway.__exit__(kind, error, trace)

    # --- the broker -----------------------------------------------------------------------------

    def do(self, action: Callable[[IbGateway], T]) -> T:
        return self.gateway.do(action)

    def at(self, action: Callable[[TradingAccount], T], account: str = DU1) -> T:
        return self.do(lambda gateway: action(gateway.accounts[account]))

    def quote(self, name: str, bid: str, ask: str) -> None:
        self.at(lambda account: account.quote(name, bid, ask))

    def hold(self, name: str, quantity: str, price: str, account: str = DU1) -> None:
        self.at(lambda it: it.hold(name, quantity, price), account)

    def trade(self, name: str, action: str, quantity: str, account: str = DU1) -> Order:
        """At the market, through another program."""
        return self.at(lambda it: it.client_order(99, name, action, quantity), account)

    def lists_future_expiring_in(self, days: int) -> str:
        """An ES contract that is about to expire; its name."""
        day = datetime.now(UTC) + timedelta(days=days)
        future = index_future(700190, "ES", "ESX6", f"{day:%Y%m%d}", "50", "E-mini S&P 500")
        self.do(lambda gateway: gateway.broker.ledger.catalogue.add(future))
        return future.local_symbol

    def fault(self, moment: Moment | str, fault: Fault, **given: Any) -> None:
        self.do(lambda gateway: gateway.faults.next(moment, fault, **given))

    def always(self, moment: Moment | str, fault: Fault) -> None:
        self.do(lambda gateway: gateway.faults.always(moment, fault))

    def heal(self) -> None:
        self.do(lambda gateway: gateway.faults.clear())

    def release(self) -> None:
        """What was late comes now."""
        self.do(lambda gateway: gateway.faults.release())

    def orders(self, account: str = DU1) -> list[Order]:
        return self.at(lambda it: it.orders, account)

    def ours(self, account: str = DU1) -> list[Order]:
        """Every order that ever came from here."""
        return [each for each in self.orders(account) if each.ticket.order_ref.startswith("tu-")]

    def stops(self, name: str, account: str = DU1) -> list[Order]:
        """Live stop orders of a contract, by its local symbol."""
        return [
            each
            for each in self.orders(account)
            if each.is_live and each.ticket.kind == "STP" and each.contract.local_symbol == name
        ]

    def sent(self) -> int:
        """Requests that would change something, whatever became of them."""
        writing = (PlaceOrder, CancelOrder)
        return self.do(lambda g: sum(isinstance(asked, writing) for _, asked in g.asked))

    def when(self, condition: Callable[[IbGateway], bool]) -> None:
        """Waits until it is so at the gateway."""
        self.gateway.wait_until(condition, seconds=60)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The gateway is not running meanwhile; the broker behind it is."""
        self.gateway.run(self._emulated.stop)
        yield
        self.gateway.run(self._emulated.start)

    # --- the operator ---------------------------------------------------------------------------

    def is_patient(self) -> None:
        """Waits long for an answer again, and asks again."""
        for name in self._accounts:
            self.home.configure(name, timeout_seconds=QUICK["timeout_seconds"], retry="3")

    def kinds(self, *, code: int = 0, symbol: str | None = None) -> list[str]:
        """What a fresh plan proposes."""
        chosen = ("--symbol", symbol) if symbol else ()
        document = self.home.json("plan", *chosen, code=code)
        sections = document["plan"].values()
        rows = [row for section in sections if isinstance(section, list) for row in section]
        return sorted(row["kind"] for row in rows if "kind" in row)

    def naked(self) -> None:
        """broker: 100 SPY at 500, no stop / book: the position, adopted"""
        self.hold("SPY", "100", "500")
        self.home.must("stage", "--quiet")
        self.home.must("review", "--approve", "adopt_position", "--quiet")
        chosen = ("--only", "adopt_position")
        self.home.must("apply", "--confirm", self.home.plan_id(), *chosen, "--quiet")

    def orphaned(self) -> None:
        """broker: our stop, and nothing left to protect / book: as before the close"""
        self.trade("SPY", "BUY", "100")
        self.apply()
        self.trade("SPY", "SELL", "100")
