"""The emulated Bybit: its endpoints and its stream on one loopback port."""

from collections.abc import Iterable
from typing import Any, ClassVar

from tests.venues.bybit.account import AccountEndpoints
from tests.venues.bybit.errors import refusal_code
from tests.venues.bybit.instruments import open_markets
from tests.venues.bybit.listings import Listings
from tests.venues.bybit.market import Market
from tests.venues.bybit.signature import check_request
from tests.venues.bybit.stream import Stream
from tests.venues.bybit.trading import Trading
from tests.venues.exchange import Amount, Exchange, Refused, Rules
from tests.venues.faults import Fault, Reply
from tests.venues.server import Venue
from tests.venues.streams import Session
from tests.venues.wire import Call, Route, VenueError

BALANCES: dict[str, Amount] = {"USDT": 100_000, "BTC": 0, "ETH": 0}


class BybitVenue(Venue):
    """Bybit v5 with a unified account: `async with BybitVenue() as venue`."""

    name: ClassVar[str] = "bybit"

    def __init__(
        self,
        *,
        balances: dict[str, Amount] | None = None,
        hedged: bool = False,
        api_key: str = "demo-key",
        api_secret: str = "demo-secret",
        port: int = 0,
    ) -> None:
        exchange = Exchange(balances=balances or BALANCES, hedged=hedged, rules=Rules())
        open_markets(exchange)
        super().__init__(exchange, api_key=api_key, api_secret=api_secret, port=port)
        self._stream = Stream(exchange, self.streams, api_key, api_secret)

    def routes(self) -> Iterable[Route]:
        """Every endpoint of the venue."""
        parts = (Market, AccountEndpoints, Trading, Listings)
        return [route for part in parts for route in part(self.exchange).routes()]

    def authenticate(self, call: Call) -> None:
        """Check key, signature and timestamp of a private request."""
        check_request(call, self.api_key, self.api_secret, self.exchange.clock)

    def hear(self, session: Session, message: Any) -> None:
        """Take one message that a client sent on its stream."""
        self._stream.hear(session, message)

    def success(self, result: Any, call: Call) -> Any:
        """The envelope around a result."""
        return self._envelope(0, "OK", result)

    def failure(self, code: str, text: str) -> Any:
        """The envelope around an error code."""
        return self._envelope(int(code), text, {})

    def refusal(self, refused: Refused, call: Call) -> VenueError:
        """Bybit's code for why the exchange said no."""
        return refusal_code(refused, call)

    def bent(self, payload: Any, fault: Fault) -> Any:
        """A payload without its ids or its cursor, or with fewer rows."""
        if payload is None or not isinstance(payload.get("result"), dict):
            return payload
        result = dict(payload["result"])
        if fault.reply is Reply.WITHOUT_ID:
            result = {}
        elif fault.reply is Reply.WITHOUT_CURSOR:
            result["nextPageCursor"] = ""
        elif fault.reply is Reply.SHORT:
            result |= {"list": result.get("list", [])[: fault.rows], "nextPageCursor": ""}
        return payload | {"result": result}

    def _envelope(self, code: int, text: str, result: Any) -> dict[str, Any]:
        now = self.exchange.clock.now_ms()
        return {"retCode": code, "retMsg": text, "result": result, "retExtInfo": {}, "time": now}
