"""Bybit keeps the contract of all brokers, in contracts and in spot."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from core.domain.snapshot import Absent
from tests.core.brokers.ccxt.bybit_venue import ContractBybit, bybit
from tests.core.brokers.contract import BrokerContract, Venue


class BybitContract(BrokerContract):
    async def test_what_was_never_there_is_absent(self, venue: Venue) -> None:
        """Only if it is young: Bybit forgets what never filled, so the age has to be told."""
        answer = await venue.broker.find_order(
            symbol=venue.symbol, client_order_id="tu-none", created_at=datetime.now(UTC)
        )
        assert answer == Absent()


class TestLinear(BybitContract):
    @pytest.fixture
    async def venue(self) -> AsyncIterator[ContractBybit]:
        async with bybit("linear") as venue:
            yield venue


class TestSpot(BybitContract):
    @pytest.fixture
    async def venue(self) -> AsyncIterator[ContractBybit]:
        async with bybit("spot") as venue:
            yield venue
