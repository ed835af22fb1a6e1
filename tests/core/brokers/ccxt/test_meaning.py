"""ccxt's exceptions, one by one, and what each says about the world."""

import socket
from pathlib import Path
from typing import Any

import aiohttp
import ccxt
import pytest

from core.brokers.ccxt.bybit.words import CODES
from core.brokers.ccxt.meaning import Answered, Says, failure_of
from core.config.secret import Secret

REJECTED = dict.fromkeys(
    (
        *("AuthenticationError", "PermissionDenied", "AccountSuspended", "InsufficientFunds"),
        *("BadSymbol", "BadRequest", "ArgumentsRequired", "NotSupported", "InvalidOrder"),
        *("OrderNotFound", "OperationRejected"),
    ),
    Says.REJECTED,
)
NOT_SENT = dict.fromkeys(("RateLimitExceeded", "InvalidNonce"), Says.NOT_SENT)
UNKNOWN = dict.fromkeys(
    (
        *("ExchangeError", "OperationFailed", "NetworkError", "DDoSProtection", "BaseError"),
        *("ExchangeNotAvailable", "OnMaintenance", "RequestTimeout", "BadResponse"),
        *("NullResponse", "CancelPending"),
    ),
    Says.UNKNOWN,
)


def answered(name: str, **values: Any) -> Exception:
    error: Exception = getattr(ccxt, name)("told")
    told: dict[str, Any] = {"status": 200, "code": "7", "text": "told"}
    error.answered = Answered(**(told | values))  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(("name", "says"), (REJECTED | NOT_SENT | UNKNOWN).items())
def test_an_answer_with_a_code(name: str, says: Says) -> None:
    assert failure_of(answered(name), CODES).says is says


@pytest.mark.parametrize("name", REJECTED | NOT_SENT)
def test_an_answer_without_a_code_did_not_come_from_the_venue(name: str) -> None:
    assert failure_of(answered(name, status=401, code=None), CODES).says is Says.UNKNOWN


@pytest.mark.parametrize("code", sorted(CODES.duplicate))
def test_a_duplicate_code_outweighs_the_exception(code: str) -> None:
    assert failure_of(answered("BadRequest", code=code), CODES).says is Says.DUPLICATE


def caused(name: str, cause: BaseException) -> Exception:
    error: Exception = getattr(ccxt, name)("bybit POST https://api.example/key=1")
    error.__cause__ = cause
    return error


KEY: Any = aiohttp.client_reqrep.ConnectionKey(
    "api.example", 443, True, True, None, None, None, "api.example"
)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            caused("ExchangeNotAvailable", aiohttp.ClientConnectorDNSError(KEY, OSError())),
            Says.NOT_SENT,
        ),
        (
            caused("ExchangeNotAvailable", aiohttp.ClientConnectorError(KEY, OSError())),
            Says.NOT_SENT,
        ),
        (caused("ExchangeNotAvailable", socket.gaierror()), Says.NOT_SENT),
        (caused("RequestTimeout", aiohttp.ConnectionTimeoutError()), Says.NOT_SENT),
        (caused("RequestTimeout", aiohttp.SocketTimeoutError()), Says.UNKNOWN),
        (caused("RequestTimeout", TimeoutError()), Says.UNKNOWN),
        (caused("ExchangeNotAvailable", aiohttp.ServerDisconnectedError()), Says.UNKNOWN),
        (caused("ExchangeNotAvailable", aiohttp.ClientOSError()), Says.UNKNOWN),
        (caused("ExchangeError", aiohttp.ClientPayloadError()), Says.UNKNOWN),
        (RuntimeError("a defect"), Says.UNKNOWN),
    ],
    ids=lambda value: repr(getattr(value, "__cause__", value)),
)
def test_without_an_answer_the_cause_counts(error: Exception, says: Says) -> None:
    failure = failure_of(error, CODES)
    assert failure.says is says
    assert "example" not in failure.text


@pytest.mark.parametrize(
    ("name", "passing"),
    [
        ("RequestTimeout", True),
        ("ExchangeNotAvailable", True),
        ("RateLimitExceeded", True),
        ("BadResponse", True),
        ("ExchangeError", True),
        ("InvalidNonce", False),
        ("AuthenticationError", False),
        ("BadSymbol", False),
    ],
)
def test_asking_again_helps_only_against_what_passes(name: str, passing: bool) -> None:
    assert failure_of(answered(name), CODES).passing is passing


def test_text_from_outside_is_short_visible_and_without_secrets() -> None:
    Secret("env:K", root=Path("/"), environment={"K": "canary-91"}).reveal()
    hostile = "canary-91\nfake log line\x1b]52;c;\u202e" + "x" * 1000
    text = failure_of(answered("BadRequest", text=hostile), CODES).text
    assert text.startswith("***\\x0afake log line\\x1b")
    assert len(text) < 400
    assert text.isprintable()


def test_a_code_that_is_a_sentence_is_text_from_outside_as_well() -> None:
    Secret("env:K", root=Path("/"), environment={"K": "canary-92"}).reveal()
    failure = failure_of(answered("BadRequest", code="bad key canary-92\n", text="no"), CODES)
    assert str(failure) == "bad key ***\\x0a: no"
