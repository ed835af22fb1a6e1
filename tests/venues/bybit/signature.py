"""How Bybit knows its customer: an HMAC over timestamp, key, window and the raw request."""

import hmac

from tests.venues.exchange import VenueClock
from tests.venues.wire import Call, VenueError, sign

# How far into the future a timestamp may lie.
AHEAD_MS = 1000


def check_request(call: Call, api_key: str, api_secret: str, clock: VenueClock) -> None:
    """Raise VenueError unless the request is the account owner's and fresh."""
    key = call.headers.get("X-BAPI-API-KEY", "")
    timestamp = call.headers.get("X-BAPI-TIMESTAMP", "")
    window = call.headers.get("X-BAPI-RECV-WINDOW", "5000")
    if key != api_key:
        raise VenueError(10003, "API key is invalid.")
    if not timestamp.isdecimal() or not window.isdecimal():
        raise VenueError(10001, "openapi sign params error!")
    origin = timestamp + key + window + call.signed_text
    if not hmac.compare_digest(sign(api_secret, origin), call.headers.get("X-BAPI-SIGN", "")):
        # The real venue tells the signed text back, key and all.
        raise VenueError(10004, f"error sign! origin_string[{origin}]")
    if not -AHEAD_MS < clock.behind_ms(int(timestamp)) <= int(window):
        raise VenueError(
            10002,
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{timestamp}],server_timestamp[{clock.now_ms()}],recv_window[{window}]",
        )


def check_login(
    arguments: list[object], api_key: str, api_secret: str, clock: VenueClock
) -> str | None:
    """Why a stream's login fails, None when it is good."""
    if len(arguments) != 3 or str(arguments[0]) != api_key:
        return "Invalid apikey"
    expires, signature = str(arguments[1]), str(arguments[2])
    if not expires.isdecimal() or clock.behind_ms(int(expires)) > 0:
        return "Params Error"
    if not hmac.compare_digest(sign(api_secret, f"GET/realtime{expires}"), signature):
        return "Invalid sign"
    return None
