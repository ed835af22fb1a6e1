"""The account that a new home begins with can be traded at once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.brokers.paper.broker import PaperBroker
from core.brokers.paper.starter import starter_account
from core.domain.order import OrderRequest, OrderStatus, OrderType, Side
from core.host.disk import DiskFiles
from core.observe.snapshot_file import read_snapshot
from tests.core.brokers.paper.venue import NOON, StandingClock
from tests.core.brokers.receipts import receipt


@pytest.mark.parametrize(
    ("now", "symbol", "expiry"),
    [
        (datetime(2026, 1, 5, tzinfo=UTC), "ESH6", datetime(2026, 3, 20, 14, 30, tzinfo=UTC)),
        (datetime(2026, 2, 19, tzinfo=UTC), "ESM6", datetime(2026, 6, 19, 14, 30, tzinfo=UTC)),
        (datetime(2026, 11, 21, tzinfo=UTC), "ESH7", datetime(2027, 3, 19, 14, 30, tzinfo=UTC)),
        (datetime(2029, 12, 31, tzinfo=UTC), "ESH0", datetime(2030, 3, 15, 14, 30, tzinfo=UTC)),
    ],
)
def test_the_future_is_the_next_quarter_that_is_not_about_to_end(
    now: datetime, symbol: str, expiry: datetime
) -> None:
    future = read_snapshot(starter_account("main", now)).instruments[symbol]
    assert (future.expiry, future.multiplier, future.base) == (expiry, 50, "ES")
    assert expiry - now >= timedelta(days=30)


def test_it_is_complete_and_empty() -> None:
    snapshot = read_snapshot(starter_account("paper-2", NOON))
    assert snapshot.account == "paper-2"
    assert snapshot.complete
    assert (snapshot.orders, snapshot.executions, snapshot.positions) == ((), (), ())
    assert {balance.currency: balance.total for balance in snapshot.balances} == {
        "USDT": 10_000,
        "USD": 100_000,
    }


async def test_everything_in_it_can_be_bought(tmp_path: Path) -> None:
    path = tmp_path / "paper.json"
    path.write_bytes(starter_account("main", NOON))
    broker = PaperBroker(path, "main", files=DiskFiles(), clock=StandingClock())
    for symbol, quantity in (("BTCUSDT", "0.1"), ("ETHUSDT", 1), ("SPY", 50), ("ESH6", 1)):
        request = OrderRequest(
            symbol=symbol, side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(quantity)
        )
        order = await broker.place(receipt(f"tu-{symbol.lower()}"), request)
        assert order.status is OrderStatus.FILLED
    for balance in await broker.balances():
        assert 0 < balance.available < balance.total
