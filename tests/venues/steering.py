"""Steers a running venue over HTTP, so that an operator can rehearse with it from another shell.

`curl -d '{"symbol": "BTCUSDT", "bid": "59000", "ask": "59000.1"}' http://127.0.0.1:PORT/_venue/quote`
"""

import json
from collections.abc import Callable
from decimal import InvalidOperation
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.venues.exchange import Exchange, Refused, Side
from tests.venues.faults import Fault
from tests.venues.wire import plain

if TYPE_CHECKING:
    from tests.venues.server import Venue

PREFIX = "/_venue/"
Wanted = dict[str, Any]


class Steering:
    """The endpoints under /_venue/; each takes a JSON object and answers with the venue's state."""

    def __init__(self, venue: "Venue") -> None:
        self._venue = venue
        self._verbs: dict[str, Callable[[Wanted], None]] = {
            "quote": self._quote,
            "order": self._order,
            "fill": self._fill,
            "cancel": lambda wanted: venue.exchange.cancel(venue.exchange.order(wanted["order"])),
            "funding": self._funding,
            "fault": self._fault,
            "mishap": self._mishap,
            "advance": lambda wanted: venue.exchange.advance(float(wanted["seconds"])),
            "release": lambda wanted: venue.release(),
            "disconnect": lambda wanted: venue.disconnect(),
            "restart": lambda wanted: venue.restart(),
            "state": lambda wanted: None,
        }

    def answer(self, path: str, body: str) -> web.Response:
        """Do what the path says and tell the state, or what was wrong."""
        verb = self._verbs.get(path.removeprefix(PREFIX))
        if verb is None:
            return _wrong(f"there are: {', '.join(self._verbs)}")
        try:
            verb(json.loads(body or "{}"))
        except KeyError as missing:
            return _wrong(f"{missing} is missing")
        except (Refused, ValueError, TypeError, AssertionError, InvalidOperation) as error:
            return _wrong(str(error))
        return web.json_response(state(self._venue.exchange))

    def _quote(self, wanted: Wanted) -> None:
        def price(name: str) -> str | None:
            return str(wanted[name]) if name in wanted else None

        self._venue.exchange.move_quote(
            wanted["symbol"],
            bid=str(wanted["bid"]),
            ask=str(wanted["ask"]),
            last=price("last"),
            mark=price("mark"),
            bid_size=price("bid_size"),
            ask_size=price("ask_size"),
        )

    def _order(self, wanted: Wanted) -> None:
        """By hand, as in the browser: at the market unless it has a price."""
        price = str(wanted["price"]) if "price" in wanted else None
        side = Side(str(wanted["side"]).capitalize())
        self._venue.exchange.trade_by_hand(
            wanted["symbol"], side, str(wanted["quantity"]), price=price
        )

    def _fill(self, wanted: Wanted) -> None:
        self._venue.exchange.fill(wanted["order"], wanted.get("quantity"), wanted.get("price"))

    def _funding(self, wanted: Wanted) -> None:
        self._venue.exchange.charge_funding(wanted["symbol"], str(wanted["rate"]))

    def _fault(self, wanted: Wanted) -> None:
        fault = Fault.named(wanted["fault"])
        self._venue.faults.next(wanted["endpoint"], fault, times=int(wanted.get("times", 1)))

    def _mishap(self, wanted: Wanted) -> None:
        events, topic = self._venue.events, wanted.get("topic", "*")
        times = int(wanted.get("times", 1))
        mishaps: dict[str, Callable[[], None]] = {
            "duplicate": lambda: events.duplicate(topic, times),
            "drop": lambda: events.drop(topic, times),
            "hold": lambda: events.hold(topic, times),
            "reverse": lambda: events.reverse(times, topic),
            "silence": events.silence,
            "speak": events.speak,
            "release": events.release,
        }
        mishaps[wanted["mishap"]]()


def state(exchange: Exchange) -> dict[str, Any]:
    """What the account looks like from inside the venue."""
    return {
        "now_ms": exchange.clock.now_ms(),
        "balances": {coin: plain(amount) for coin, amount in exchange.account.balances.items()},
        "positions": [
            {
                "symbol": position.instrument.symbol,
                "leg": position.leg.name,
                "quantity": plain(position.quantity),
                "average": plain(position.average),
            }
            for position in exchange.account.open_positions()
        ],
        "open_orders": [
            {
                "order_id": order.order_id,
                "client_id": order.ticket.client_id,
                "symbol": order.ticket.instrument.symbol,
                "side": order.ticket.side.value,
                "state": order.state.value,
                "quantity": plain(order.quantity),
                "filled": plain(order.filled),
                "price": plain(order.price),
                "trigger_price": plain(order.trigger.price) if order.trigger else "",
            }
            for order in exchange.register.open_orders()
        ],
    }


def _wrong(text: str) -> web.Response:
    return web.json_response({"error": text}, status=400)
