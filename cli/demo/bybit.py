"""Bybit, emulated: unified account, linear contracts."""

from typing import Any

from cli.demo.coins import CoinVenue, Sizes, the_stop
from cli.demo.emulation import emulated
from cli.demo.other_side import Mishap


class Bybit(CoinVenue):
    broker = "bybit"
    venue = "BybitVenue"
    title = "Bybit (v5, unified account, linear contracts)"
    bitcoin = "BTCUSDT"
    ether = "ETHUSDT"
    sizes = Sizes(bought="0.010", filled="0.004", sold="0.50", by_hand="0.20")

    def lose_next_reply(self) -> Mishap:
        self._running.do(self._cancel_stop)
        return Mishap(
            told=(
                "Somebody cancels the stop on the web page. The next plan places it again. That is "
                "where bots sell twice: an order arrives, its reply does not, they send it again."
            ),
            action="place_stop",
        )

    def _cancel_stop(self, venue: Any) -> None:
        venue.exchange.cancel(the_stop(venue.exchange))
        venue.faults.next("order/create", emulated("faults").Fault.LOST_REPLY)
