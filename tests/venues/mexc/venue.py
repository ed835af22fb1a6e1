"""The emulated MEXC: its endpoints and its stream on one loopback port."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, ClassVar

from tests.venues.exchange import Amount, Exchange, Refused, Rules
from tests.venues.faults import Fault, Reply
from tests.venues.mexc.account import AccountEndpoints
from tests.venues.mexc.errors import refusal_code
from tests.venues.mexc.instruments import open_markets
from tests.venues.mexc.listings import Listings
from tests.venues.mexc.market import Market
from tests.venues.mexc.signature import check_contract, check_spot
from tests.venues.mexc.stream import Stream
from tests.venues.mexc.trading import Trading
from tests.venues.server import Venue
from tests.venues.streams import Session
from tests.venues.wire import Call, Route, VenueError

BALANCES: dict[str, Amount] = {"USDT": 100_000}


class MexcVenue(Venue):
    """MEXC contracts: `async with MexcVenue() as venue`.

    With `unique_external_ids` a second order of the same externalOid is refused; without, it is one
    order more, which is the worse of what the real venue may do.
    """

    name: ClassVar[str] = "mexc"

    def __init__(
        self,
        *,
        balances: dict[str, Amount] | None = None,
        hedged: bool = False,
        unique_external_ids: bool = False,
        api_key: str = "demo-key",
        api_secret: str = "demo-secret",
        port: int = 0,
    ) -> None:
        rules = Rules(
            unique_client_ids=unique_external_ids,
            trigger_spawns_order=True,
            trigger_must_lie_ahead=False,
            numbered_orders=True,
        )
        exchange = Exchange(
            balances=balances or BALANCES, hedged=hedged, leverage=Decimal(20), rules=rules
        )
        open_markets(exchange)
        self.listings = Listings(exchange)
        super().__init__(exchange, api_key=api_key, api_secret=api_secret, port=port)
        self._stream = Stream(exchange, self.streams, api_key, api_secret)

    def routes(self) -> Iterable[Route]:
        """Every endpoint of the venue."""
        parts = (Market(self.exchange), AccountEndpoints(self.exchange), Trading(self.exchange))
        return [*(route for part in parts for route in part.routes()), *self.listings.routes()]

    def authenticate(self, call: Call) -> None:
        """Check key, signature and timestamp of a private request."""
        check = check_spot if _is_spot(call) else check_contract
        check(call, self.api_key, self.api_secret, self.exchange.clock)

    def hear(self, session: Session, message: Any) -> None:
        """Take one message that a client sent on its stream."""
        self._stream.hear(session, message)

    def success(self, result: Any, call: Call) -> Any:
        """The envelope around a result; spot answers have none."""
        if _is_spot(call):
            return result
        envelope = {"success": True, "code": 0}
        return envelope if result is None else envelope | {"data": result}

    def failure(self, code: str, text: str) -> Any:
        """The envelope around an error code."""
        return {"success": False, "code": int(code), "message": text}

    def refusal(self, refused: Refused, call: Call) -> VenueError:
        """MEXC's code for why the exchange said no."""
        return refusal_code(refused)

    def bent(self, payload: Any, fault: Fault) -> Any:
        """A success without its result, or a listing with fewer rows."""
        if not isinstance(payload, dict) or "data" not in payload:
            return payload
        if fault.reply is Reply.WITHOUT_ID:
            return {name: value for name, value in payload.items() if name != "data"}
        if fault.reply is Reply.SHORT and isinstance(payload["data"], list):
            return payload | {"data": payload["data"][: fault.rows]}
        return payload


def _is_spot(call: Call) -> bool:
    return call.endpoint.startswith("spot/")
