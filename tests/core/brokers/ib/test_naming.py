"""Contracts by our names, and back."""

from types import SimpleNamespace
from typing import Any

import pytest

from core.brokers.ib.naming import descriptions, name_of
from tests.core.brokers.ib.desk import Desk


def contract(sec_type: str, symbol: str, *, local: str = "", currency: str = "USD") -> Any:
    return SimpleNamespace(
        secType=sec_type, symbol=symbol, localSymbol=local or symbol, currency=currency
    )


@pytest.mark.parametrize(
    ("described", "name"),
    [
        (contract("STK", "SPY"), "SPY"),
        (contract("STK", "BRK B"), "BRK B"),
        (contract("STK", "BMW", currency="EUR"), "BMW.EUR"),
        (contract("FUT", "ES", local="ESZ6"), "ESZ6"),
        (contract("CASH", "EUR", local="EUR.USD"), "EUR.USD"),
        (contract("CRYPTO", "BTC", local="BTC.USD"), "BTC.USD"),
        (contract("OPT", "SPY", local="SPY   260116C00500000"), "SPY 260116C00500000"),
        (contract("CFD", "AAPL"), "AAPL.CFD"),
        (contract("BAG", "ES"), "ES.BAG"),
    ],
)
def test_each_kind_of_contract_has_its_own_kind_of_name(described: Any, name: str) -> None:
    assert name_of(described) == name


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("SPY", {"secType": "STK", "symbol": "SPY", "exchange": "SMART", "currency": "USD"}),
        ("MESH1", {"secType": "FUT", "localSymbol": "MESH1"}),
        ("EUR.USD", {"secType": "CASH", "symbol": "EUR", "currency": "USD"}),
        ("BRK B", {"secType": "STK", "symbol": "BRK B"}),
        ("SPY 260116C00500000", {"secType": "OPT", "localSymbol": "SPY   260116C00500000"}),
    ],
)
def test_what_a_name_means_first(name: str, first: dict[str, str]) -> None:
    assert first.items() <= next(descriptions(name)).items()


def test_a_pair_may_be_a_currency_a_coin_or_a_stock_abroad() -> None:
    kinds = [each["secType"] for each in descriptions("BMW.EUR")]
    assert kinds == ["CASH", "CRYPTO", "STK", "STK"]


async def test_the_names_of_listed_contracts_lead_back_to_them(desk: Desk) -> None:
    broker = desk.open()
    for name, kind, multiplier in (
        ("SPY", "stock", 1),
        ("ESZ0", "future", 50),
        ("ESH1", "future", 50),
        ("MESZ0", "future", 5),
    ):
        instrument = await broker.instrument(name)
        assert instrument is not None
        assert (instrument.symbol, instrument.kind) == (name, kind)
        assert instrument.multiplier == multiplier


async def test_a_root_alone_names_no_contract(desk: Desk) -> None:
    """ES is every expiry of ES: none of them may be guessed."""
    assert await desk.open().instrument("ES") is None
