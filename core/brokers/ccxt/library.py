"""ccxt itself: imported when first needed, and made to tell exactly what the venue wrote.

Three things are done differently from ccxt's own client. JSON numbers keep their digits, in both
directions. An exception carries the status, the code and the patience that the venue asked for. And
nothing is logged: at debug level ccxt writes down whole requests, key included.
"""

import json
import logging
import re
from typing import Any

import msgspec

from core.brokers.ccxt.meaning import Answered
from core.config.settings import Account
from core.config.values import ADDRESS
from core.domain.errors import Usage

# ccxt has no types, and its clients are made at run time.
Exchange = Any

_HOST = re.compile(r"^(http|ws)s?://[^/]*")
_CODE_KEYS = ("retCode", "ret_code", "code", "errorCode", "error_code", "sCode", "label", "error")
_TEXT_KEYS = ("retMsg", "ret_msg", "message", "msg", "sMsg", "error_message", "error")
_FINE = frozenset({"0", "200"})
_SECONDS = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,6})?", re.ASCII)


def open_exchange(name: str, settings: Account, exchange_id: str) -> Exchange:
    """A client that has not connected yet; a Usage error says what the configuration lacks."""
    kind = _kind(name, exchange_id)
    if settings.api_key is None or settings.api_secret is None:
        lacking = "api_key" if settings.api_key is None else "api_secret"
        raise Usage(f"ACCOUNTS.{name}.{lacking} is missing", hint="write it as env:NAME")
    endpoint = _endpoint(name, settings)
    exchange = kind(
        {
            "apiKey": settings.api_key.reveal(),
            "secret": settings.api_secret.reveal(),
            "timeout": round(settings.timeout_seconds * 1000),
            # With a limit of the operator's own, requests are paced by us (pace.py).
            "enableRateLimit": not settings.rate_limit,
            # A repeated write would hide a live order behind a duplicate error.
            "options": {
                "maxRetriesOnFailure": 0,
                "warnOnFetchOpenOrdersWithoutSymbol": False,
                "defaultType": "spot" if settings.market == "spot" else "swap",
                "defaultSubType": "linear",
            },
            # Plain HTTP has no certificates to check, and loading them costs a while.
            "verify": not endpoint.startswith("http://"),
        }
    )
    exchange.number = str
    exchange.timeout_on_exit = 0
    exchange.logger = logging.getLogger("trueup.ccxt")
    exchange.logger.setLevel(logging.CRITICAL)
    _aim(exchange, name, settings.environment, endpoint)
    return exchange


def _kind(name: str, exchange_id: str) -> type[Any]:
    import ccxt.async_support

    if exchange_id not in ccxt.async_support.exchanges:
        raise Usage(
            f"ACCOUNTS.{name}.broker: {exchange_id!r:.40} is neither an adapter "
            "nor an exchange that ccxt knows",
            hint="paper, ib, bybit, mexc, or an exchange id of ccxt such as okx",
        )
    return exact(getattr(ccxt.async_support, exchange_id))


def _endpoint(name: str, settings: Account) -> str:
    endpoint = settings.endpoint or ""
    if endpoint and not ADDRESS.fullmatch(endpoint):
        raise Usage(f"ACCOUNTS.{name}.endpoint is not an address such as http://127.0.0.1:8900")
    return endpoint.rstrip("/")


def _aim(exchange: Exchange, name: str, environment: str, endpoint: str) -> None:
    if environment == "testnet":
        if not exchange.urls.get("test"):
            raise Usage(f"ACCOUNTS.{name}.environment: {exchange.id} has no testnet")
        exchange.set_sandbox_mode(True)
    if endpoint:
        exchange.urls["api"] = redirected(exchange.urls["api"], endpoint)


def redirected(addresses: Any, endpoint: str) -> Any:
    """The same tree of addresses with another host; http stands for ws there too."""
    if isinstance(addresses, dict):
        return {name: redirected(each, endpoint) for name, each in addresses.items()}
    if not isinstance(addresses, str):
        return addresses
    kind, _, host = endpoint.partition("://")
    safely = "s" if kind == "https" else ""
    return _HOST.sub(lambda match: f"{match.group(1)}{safely}://{host}", addresses)


class NoJson(Exception):
    """A status of success, and a page or nothing where an answer should be."""


# --- exactly what the venue wrote --------------------------------------------------------------

# Decimals leave as JSON numbers with all their digits.
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def loads(text: str | bytes) -> Any:
    """JSON whose fractions stay text; what is no number in JSON is no JSON."""
    return json.loads(text, parse_float=str, parse_constant=_refused)


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def exact(kind: type[Any]) -> type[Any]:
    """The same client with the three differences named above."""

    def handle_errors(self: Any, *answer: Any) -> None:
        status, reason, url, method, headers, body, response = answer[:7]
        try:
            kind.handle_errors(self, *answer)
            self.handle_http_status_code(status, reason, url, method, body)
            if response is None:
                # ccxt would make an empty listing of it.
                raise NoJson("an answer that is no JSON")
        except Exception as error:
            error.answered = _answered(status, headers, body, response)  # type: ignore[attr-defined]
            raise

    changes = {
        "on_json_response": staticmethod(loads),
        "json": staticmethod(lambda data, params=None: _ENCODER.encode(data).decode()),
        "handle_errors": handle_errors,
    }
    return type(kind.__name__, (kind,), changes)


def _answered(status: int, headers: Any, body: str, response: Any) -> Answered:
    told = response if isinstance(response, dict) else {}
    code = _first(told, _CODE_KEYS)
    return Answered(
        status=status,
        code=None if code in _FINE else code,
        text=_first(told, _TEXT_KEYS) or str(body),
        retry_after_seconds=_patience(headers),
    )


def _first(told: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    return next((str(told[key]) for key in keys if told.get(key) not in (None, "")), None)


def _patience(headers: Any) -> float | None:
    told = {str(key).lower(): str(value) for key, value in dict(headers or {}).items()}
    text = told.get("retry-after", "")
    return float(text) if _SECONDS.fullmatch(text) else None
