"""MEXC keeps the contract of all brokers."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from core.domain.snapshot import Absent
from tests.core.brokers.ccxt.mexc_venue import ContractMexc, mexc
from tests.core.brokers.contract import BrokerContract, Venue


class TestMexc(BrokerContract):
    @pytest.fixture
    async def venue(self) -> AsyncIterator[ContractMexc]:
        async with mexc() as venue:
            yield venue

    async def test_what_was_never_there_is_absent(self, venue: Venue) -> None:
        """Only if it is young enough to be listed, so the age has to be told."""
        answer = await venue.broker.find_order(
            symbol=venue.symbol, client_order_id="tu-none", created_at=datetime.now(UTC)
        )
        assert answer == Absent()
