"""A gateway with two accounts, and clients of whichever real library is installed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import ModuleType

import pytest
import pytest_asyncio

from .account import TradingAccount
from .clients import Clients, installed_library
from .gateway import IbGateway


@pytest.fixture(scope="session")
def library() -> ModuleType:
    found = installed_library()
    if found is None:
        pytest.skip("neither ib_insync nor ib_async can be imported here")
    return found


@pytest_asyncio.fixture
async def gateway() -> AsyncIterator[IbGateway]:
    async with IbGateway(["DU1", "DU2"]) as running:
        running.accounts["DU1"].quote("SPY", "500.00", "500.02")
        running.accounts["DU1"].quote("MES", "6000.00", "6000.25")
        yield running


@pytest.fixture
def du1(gateway: IbGateway) -> TradingAccount:
    return gateway.accounts["DU1"]


@pytest.fixture
def du2(gateway: IbGateway) -> TradingAccount:
    return gateway.accounts["DU2"]


@pytest_asyncio.fixture
async def clients(library: ModuleType, gateway: IbGateway) -> AsyncIterator[Clients]:
    connected = Clients(library, gateway)
    yield connected
    connected.disconnect()
