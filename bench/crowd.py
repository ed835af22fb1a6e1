"""What an order waits for while the prices of many positions are asked for.

ccxt keeps one line for all requests of an account, at the pace that a venue allows: whatever is
asked for before an order holds it up.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.placing import TRADES, keyed, place
from bench.report import Figure
from bench.venues import keyed_venue
from core.brokers.ccxt import CcxtBroker
from core.host.clock import SystemClock

QUOTES = 20
AIM = 2.0
ASKED = {"bybit": ("BTCUSDT", "ETHUSDT"), "mexc": ("BTC_USDT", "ETH_USDT")}


def order_beside_quotes(scratch: Path) -> list[Figure]:
    return [asyncio.run(_crowded(name)) for name in ASKED]


async def _crowded(name: str) -> Figure:
    with keyed_venue(name) as venue:
        settings = replace(keyed(name, venue), rate_limit=0)
        broker = CcxtBroker("main", settings, SystemClock())
        try:
            # Markets and terms are known from here on.
            await _quotes(broker, ASKED[name])
            alone = await _seconds(broker, name, ())
            beside = await _seconds(broker, name, (ASKED[name] * QUOTES)[:QUOTES])
        finally:
            await broker.close()
    return Figure(
        name="crowd",
        what=f"{name}: an order beside {QUOTES} quotes, at the pace of ccxt",
        measured=f"{beside * 1000:.0f} ms",
        beside=f"{alone * 1000:.0f} ms (alone)",
        ratio=f"{beside / alone:.1f} x",
        aim=f"<= {AIM:.0f} x",
        reached=beside / alone <= AIM,
    )


async def _seconds(broker: CcxtBroker, name: str, quotes: Sequence[str]) -> float:
    # The pace remembers the requests before.
    await asyncio.sleep(2)
    trade, loop = TRADES[name], asyncio.get_running_loop()
    asking = asyncio.create_task(_quotes(broker, quotes))
    # By then each of them stands in the line.
    await asyncio.sleep(0.01)
    began = loop.time()
    await place(broker, f"bench-{len(quotes)}", trade.symbol, trade.quantity, "50000")
    spent = loop.time() - began
    await asking
    return spent


async def _quotes(broker: CcxtBroker, symbols: Sequence[str]) -> None:
    await asyncio.gather(*(broker.quote(symbol) for symbol in symbols))
