"""What we call a contract, and which descriptions a name may stand for.

| contract | name | example |
|---|---|---|
| stock in dollars | its symbol | SPY |
| stock in another currency | symbol.currency | BMW.EUR |
| future | the exchange's code | ESZ6 |
| currency pair, coin | symbol.currency | EUR.USD, BTC.USD |
| option, warrant | the exchange's code, single spaces | SPY 260116C00500000 |
| anything else | its code and kind | AAPL.CFD |

Executions name the exchange that traded and open orders the one that routes, so two contracts are
the same when their conId is, and never by comparing descriptions.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from core.brokers.ib.library import Contract

HOME_CURRENCY = "USD"

Description = dict[str, Any]


def name_of(contract: Contract) -> str:
    return _NAMES.get(contract.secType, _coded_with_kind)(contract)


def descriptions(name: str) -> Iterator[Description]:
    """Of what the name may mean, the likeliest first."""
    for pattern, describe in _MEANINGS:
        if match := pattern.fullmatch(name):
            yield from describe(*match.groups())
    yield _stock(name, HOME_CURRENCY)


def _code(contract: Contract) -> str:
    return " ".join((contract.localSymbol or contract.symbol).split())


def _stock_name(contract: Contract) -> str:
    if contract.currency == HOME_CURRENCY:
        return str(contract.symbol)
    return _pair(contract)


def _pair(contract: Contract) -> str:
    return f"{contract.symbol}.{contract.currency}"


def _coded_with_kind(contract: Contract) -> str:
    return f"{_code(contract)}.{contract.secType}"


_NAMES: Mapping[str, Callable[[Contract], str]] = {
    "STK": _stock_name,
    "FUT": _code,
    "CASH": _pair,
    "CRYPTO": _pair,
    "OPT": _code,
    "FOP": _code,
    "WAR": _code,
}


def _stock(symbol: str, currency: str) -> Description:
    return {"secType": "STK", "symbol": symbol, "exchange": "SMART", "currency": currency}


def _future(code: str) -> Iterator[Description]:
    yield {"secType": "FUT", "localSymbol": code}


def _option(root: str, terms: str) -> Iterator[Description]:
    yield {"secType": "OPT", "localSymbol": f"{root:<6}{terms}", "exchange": "SMART"}


def _in_currency(symbol: str, currency: str) -> Iterator[Description]:
    yield {"secType": "CASH", "symbol": symbol, "currency": currency, "exchange": "IDEALPRO"}
    yield {"secType": "CRYPTO", "symbol": symbol, "currency": currency, "exchange": "PAXOS"}
    yield _stock(symbol, currency)


_MEANINGS: tuple[tuple[re.Pattern[str], Callable[..., Iterator[Description]]], ...] = (
    (re.compile(r"([A-Z0-9]{1,5}[FGHJKMNQUVXZ]\d{1,2})", re.ASCII), _future),
    (re.compile(r"([A-Z0-9]{1,6}) (\d{6}[CP]\d{8})", re.ASCII), _option),
    (re.compile(r"([A-Z0-9 ]+)\.([A-Z]{3})", re.ASCII), _in_currency),
)
