"""IB Gateway, emulated: one paper login, US stocks."""

from collections.abc import Sequence
from typing import Any

from cli.demo.emulation import emulated
from cli.demo.home import DemoHome
from cli.demo.other_side import Mishap

ACCOUNT = "DU1"
BOUGHT, OTHER = "AAPL", "SPY"
QUOTES = {BOUGHT: ("220.00", "220.05"), OTHER: ("500.00", "500.02")}


class Ib:
    """Steered in its own thread; trueup reaches it through the TWS socket alone."""

    title = "IB Gateway (one paper account, US stocks)"

    def __init__(self, running: Any):
        self._running = running
        self._resting: list[Any] = []
        running.do(_quote)

    @classmethod
    def background(cls) -> Any:
        """The gateway, not listening yet."""
        ib = emulated("ib")
        return ib.BackgroundGateway(ib.IbGateway([ACCOUNT]))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._running.port}"

    def account(self, home: DemoHome) -> Sequence[str]:
        return (
            "main:",
            "  broker: ib",
            '  host: "127.0.0.1"',
            f"  port: {self._running.port}",
            "  client_id: 17",
            f"  managed_account: {ACCOUNT}",
            "  position_mode: one-way",
        )

    def evening(self) -> None:
        self._running.do(self._rest)

    def night(self) -> None:
        self._running.do(self._drift)

    def lose_next_reply(self) -> Mishap:
        self._running.do(_cancel_stop)
        return Mishap(
            told=(
                "Somebody cancels the stop in TWS. The next plan places it again. That is where "
                "bots sell twice: the order arrives, the connection breaks, and they send it again."
            ),
            action="place_stop",
        )

    def stops(self) -> Sequence[str]:
        told: Sequence[str] = self._running.do(
            lambda gateway: [_told(order) for order in _stops(gateway)]
        )
        return told

    # --- in the gateway's thread ------------------------------------------------------------------

    def _rest(self, gateway: Any) -> None:
        by_hand = gateway.accounts[ACCOUNT].manual_order
        self._resting = [
            by_hand(BOUGHT, "BUY", "10", limit="218.00", tif="GTC"),
            by_hand(OTHER, "SELL", "5", limit="520.00", tif="GTC"),
        ]

    def _drift(self, gateway: Any) -> None:
        account = gateway.accounts[ACCOUNT]
        account.fill(self._resting[0], "4")
        for order in self._resting:
            account.end(order)
        account.manual_order(OTHER, "BUY", "2", limit="480.00", tif="GTC")


def _quote(gateway: Any) -> None:
    for name, (bid, ask) in QUOTES.items():
        gateway.accounts[ACCOUNT].quote(name, bid, ask)


def _cancel_stop(gateway: Any) -> None:
    (stop,) = _stops(gateway)
    gateway.accounts[ACCOUNT].end(stop)
    ib = emulated("ib")
    gateway.faults.next(ib.Moment.PLACE, ib.CutAfter())


def _stops(gateway: Any) -> list[Any]:
    return [order for order in gateway.accounts[ACCOUNT].open_orders if order.stop is not None]


def _told(order: Any) -> str:
    ticket = order.ticket
    side, symbol = ticket.action.lower(), ticket.contract.symbol
    return f"{side} {symbol} at {order.stop}, orderRef {ticket.order_ref}"
