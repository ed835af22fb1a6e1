"""How MEXC knows its customer: one HMAC for contracts, another for what it shares with spot."""

import hmac

from tests.venues.exchange import VenueClock
from tests.venues.wire import Call, VenueError, sign

WINDOW_MS = 10_000


def check_contract(call: Call, api_key: str, api_secret: str, clock: VenueClock) -> None:
    """Raise VenueError unless a contract request is the account owner's and fresh."""
    key = call.headers.get("ApiKey", "")
    timestamp = call.headers.get("Request-Time", "")
    if key != api_key:
        raise VenueError(402, "API Key expired, please apply again")
    expected = sign(api_secret, key + timestamp + call.signed_text)
    if not hmac.compare_digest(expected, call.headers.get("Signature", "")):
        raise VenueError(602, "Signature verification failed")
    if not timestamp.isdecimal() or abs(clock.behind_ms(int(timestamp))) > WINDOW_MS:
        raise VenueError(513, "Invalid request, please check Request-Time")


def check_spot(call: Call, api_key: str, api_secret: str, clock: VenueClock) -> None:
    """Raise VenueError unless a request under /api/v3 is the account owner's and fresh."""
    text, _, signature = call.signed_text.rpartition("&signature=")
    if call.headers.get("X-MEXC-APIKEY", "") != api_key:
        raise VenueError(10072, "Api key info invalid")
    if not hmac.compare_digest(sign(api_secret, text), signature):
        raise VenueError(700002, "Signature for this request is not valid.")
    behind = clock.behind_ms(call.whole("timestamp", 0))
    if not -1000 < behind <= call.whole("recvWindow", 5000):
        raise VenueError(700003, "Timestamp for this request is outside of the recvWindow.")


def login_is_good(
    parameters: dict[str, object], api_key: str, api_secret: str, clock: VenueClock
) -> bool:
    """Whether a stream's login is the account owner's and fresh."""
    timestamp = str(parameters.get("reqTime", ""))
    expected = sign(api_secret, api_key + timestamp)
    return (
        parameters.get("apiKey") == api_key
        and hmac.compare_digest(expected, str(parameters.get("signature", "")))
        and timestamp.isdecimal()
        and abs(clock.behind_ms(int(timestamp))) <= WINDOW_MS
    )
