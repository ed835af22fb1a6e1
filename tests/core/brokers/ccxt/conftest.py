"""Emulated venues and accounts of ours at them, for every test of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.brokers.ccxt import CcxtBroker
from tests.core.brokers.ccxt.account import QuickClock, broker_at
from tests.venues.bybit import BybitVenue
from tests.venues.mexc import MexcVenue

# ccxt asks its transport for something that the transport no longer needs.
CCXTS_OWN = "ignore:enable_cleanup_closed:DeprecationWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(CCXTS_OWN))


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
async def bybit() -> AsyncIterator[BybitVenue]:
    async with BybitVenue() as venue:
        yield venue


@pytest.fixture
async def mexc() -> AsyncIterator[MexcVenue]:
    async with MexcVenue() as venue:
        yield venue


@pytest.fixture
async def on_bybit(bybit: BybitVenue, clock: QuickClock) -> AsyncIterator[CcxtBroker]:
    async with broker_at(bybit, clock) as broker:
        yield broker


@pytest.fixture
async def on_mexc(mexc: MexcVenue, clock: QuickClock) -> AsyncIterator[CcxtBroker]:
    async with broker_at(mexc, clock) as broker:
        yield broker
