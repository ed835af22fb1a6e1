"""A program that places orders until it is killed, and tells each one once it is acknowledged."""

import asyncio
import json
import os
import sys
from decimal import Decimal
from pathlib import Path

from core.brokers.paper.broker import PaperBroker
from core.domain.order import OrderRequest, OrderType, Side
from core.host.clock import SystemClock
from core.host.disk import DiskFiles
from tests.core.brokers.receipts import receipt


async def trade(path: Path, name: str) -> None:
    broker = PaperBroker(path, "main", files=DiskFiles(), clock=SystemClock())
    number = 0
    while True:
        number += 1
        request = OrderRequest(
            symbol="BTCUSDT",
            side=Side.BUY if number % 2 else Side.SELL,
            type=OrderType.MARKET,
            quantity=Decimal(1),
        )
        order = await broker.place(receipt(f"tu-{name}-{number}"), request)
        line = json.dumps([order.client_order_id, order.broker_order_id])
        os.write(sys.stdout.fileno(), line.encode() + b"\n")


if __name__ == "__main__":
    asyncio.run(trade(Path(sys.argv[1]), sys.argv[2]))
