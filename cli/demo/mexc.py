"""MEXC, emulated: contracts, whose stops are plan orders that carry no id of ours."""

from typing import Any

from cli.demo.coins import CoinVenue, Sizes, the_stop
from cli.demo.emulation import emulated
from cli.demo.other_side import Mishap

SEVEN_DAYS_SECONDS = 7 * 86_400


class Mexc(CoinVenue):
    """A lost reply to a new stop could only be settled by a person; one to a cancel settles."""

    broker = "mexc"
    venue = "MexcVenue"
    title = "MEXC (contracts)"
    bitcoin = "BTC_USDT"
    ether = "ETH_USDT"
    # A contract is 0.0001 BTC, or 0.01 ETH.
    sizes = Sizes(bought="100", filled="40", sold="50", by_hand="20")

    def lose_next_reply(self) -> Mishap:
        self._running.do(self._place_second_stop)
        return Mishap(
            told=(
                "Somebody places a second stop on the web page, and one stop too many would sell "
                "twice. The next plan cancels one of them."
            ),
            action="cancel_duplicate_stop",
        )

    def _place_second_stop(self, venue: Any) -> None:
        stop = the_stop(venue.exchange)
        venue.exchange.place(stop.ticket, life_seconds=SEVEN_DAYS_SECONDS)
        venue.faults.next("planorder/cancel", emulated("faults").Fault.LOST_REPLY)
