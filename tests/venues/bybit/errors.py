"""Bybit's error codes for what the exchange refuses; spot has numbers of its own."""

from tests.venues.exchange import Refusal, Refused
from tests.venues.wire import Call, VenueError

_LINEAR: dict[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_SYMBOL: (10001, "Not supported symbols"),
    Refusal.BAD_QUANTITY: (10001, "Qty invalid"),
    Refusal.BAD_PRICE: (10001, "Price invalid"),
    Refusal.TOO_SMALL: (110094, "Order does not meet minimum order value"),
    Refusal.DUPLICATE: (110072, "OrderLinkedID is duplicate"),
    Refusal.NO_FUNDS: (110007, "ab not enough for new order"),
    Refusal.NOTHING_TO_REDUCE: (
        110017,
        "current position is zero, cannot fix reduce-only order qty",
    ),
    Refusal.WRONG_LEG: (10001, "position idx not match position mode"),
    Refusal.RISING_EXPECTED: (110092, "expect Rising, but trigger price is not above"),
    Refusal.FALLING_EXPECTED: (110093, "expect Falling, but trigger price is not below"),
    Refusal.NOT_FOUND: (110001, "order not exists or too late to cancel"),
    Refusal.ALREADY_FILLED: (110008, "Order has been finished or canceled"),
    Refusal.ALREADY_CANCELLED: (110010, "Order already cancelled"),
    Refusal.NO_CHANGE: (10001, "The order remains unchanged"),
    Refusal.BELOW_FILLED: (10001, "new qty can not be less than or equal to cumExecQty"),
    Refusal.LEVERAGE_RANGE: (110013, "cannot set leverage due to risk limit"),
    Refusal.LEVERAGE_SAME: (110043, "leverage not modified"),
    Refusal.MODE_SAME: (110025, "Position mode is not modified"),
    Refusal.MODE_POSITION: (110024, "You have an existing position"),
    Refusal.MODE_ORDERS: (110028, "You have existing open orders"),
    Refusal.NO_POSITION: (10001, "can not set tp/sl/ts for zero position"),
    Refusal.STOP_SIDE: (10001, "stop is on the wrong side of base_price"),
}
_SPOT: dict[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_SYMBOL: (170121, "Invalid symbol."),
    Refusal.BAD_QUANTITY: (170137, "Order volume decimal too long."),
    Refusal.BAD_PRICE: (170134, "Order price decimal too long."),
    Refusal.TOO_SMALL: (170140, "Transaction amount lower than the minimum."),
    Refusal.DUPLICATE: (170141, "Duplicate clientOrderId"),
    Refusal.NO_FUNDS: (170131, "Balance insufficient"),
    Refusal.NOT_FOUND: (170213, "Order does not exist."),
    Refusal.ALREADY_FILLED: (170139, "Order has been filled."),
    Refusal.ALREADY_CANCELLED: (170142, "Order has been canceled."),
}
_TRADING_STOP: dict[Refusal, tuple[int, str]] = {Refusal.NO_CHANGE: (34040, "not modified")}


def bad_request(text: str) -> VenueError:
    """A parameter is missing or makes no sense."""
    return VenueError(10001, text)


def refusal_code(refused: Refused, call: Call) -> VenueError:
    """The code and text Bybit has for a refusal at this endpoint."""
    codes = dict(_LINEAR)
    if call.text("category") == "spot":
        codes.update(_SPOT)
    if call.endpoint == "position/trading-stop":
        codes.update(_TRADING_STOP)
    code, text = codes[refused.refusal]
    return VenueError(code, f"{text} {refused.detail}".strip())
