from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.core.brokers.ib.desk import Desk
from tests.venues.ib import IbGateway
from tests.venues.ib.clients import installed_library


@pytest.fixture(scope="session", autouse=True)
def library_name() -> str:
    found = installed_library()
    if found is None:
        pytest.skip("neither ib_insync nor ib_async can be imported here")
    return found.__name__


@pytest_asyncio.fixture
async def gateway() -> AsyncIterator[IbGateway]:
    """DU1 and DU2 behind one login; SPY trades at 500, MES and ES at 6000."""
    async with IbGateway(["DU1", "DU2"]) as running:
        running.accounts["DU1"].quote("SPY", "500.00", "500.02")
        running.accounts["DU1"].quote("MES", "6000.00", "6000.25")
        running.accounts["DU1"].quote("ES", "6000.00", "6000.25")
        yield running


@pytest_asyncio.fixture
async def desk(gateway: IbGateway) -> AsyncIterator[Desk]:
    made = Desk(gateway)
    yield made
    await made.close()
