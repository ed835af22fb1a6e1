"""MEXC's error codes for what the exchange refuses."""

from tests.venues.exchange import Refusal, Refused
from tests.venues.wire import VenueError

NOT_FOUND = 2040
NOT_CANCELLABLE = 2041

_CODES: dict[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_SYMBOL: (1001, "Contract does not exist"),
    Refusal.BAD_QUANTITY: (2011, "Order quantity error"),
    Refusal.BAD_PRICE: (2007, "Order price error"),
    Refusal.TOO_SMALL: (2011, "Order quantity error"),
    # What the real venue does with a second order of the same externalOid is not known.
    Refusal.DUPLICATE: (603, "Repeated requests"),
    Refusal.NO_FUNDS: (2005, "Balance insufficient"),
    Refusal.NOTHING_TO_REDUCE: (2009, "Position is not exists or closed."),
    Refusal.WRONG_LEG: (2001, "Wrong order direction"),
    Refusal.NOT_FOUND: (NOT_FOUND, "Order does not exist"),
    Refusal.ALREADY_FILLED: (NOT_CANCELLABLE, "order state cannot be cancelled"),
    Refusal.ALREADY_CANCELLED: (NOT_CANCELLABLE, "order state cannot be cancelled"),
    Refusal.NO_CHANGE: (600, "Parameter error"),
    Refusal.BELOW_FILLED: (2011, "Order quantity error"),
    Refusal.LEVERAGE_RANGE: (2006, "Leverage ratio error"),
    Refusal.LEVERAGE_SAME: (2006, "Leverage ratio error"),
    Refusal.MODE_SAME: (600, "Parameter error"),
    Refusal.MODE_POSITION: (2019, "There is an active open position"),
    Refusal.MODE_ORDERS: (2019, "There are active orders"),
    Refusal.NO_POSITION: (2009, "Position is not exists or closed."),
    Refusal.RISING_EXPECTED: (2007, "Order price error"),
    Refusal.FALLING_EXPECTED: (2007, "Order price error"),
    Refusal.STOP_SIDE: (2007, "Order price error"),
}


def bad_request(text: str) -> VenueError:
    """A parameter is missing or makes no sense."""
    return VenueError(600, f"Parameter error: {text}")


def refusal_code(refused: Refused) -> VenueError:
    """The code and text MEXC has for a refusal."""
    code, text = _CODES[refused.refusal]
    return VenueError(code, text)
