"""An account of ours at an emulated venue: its settings, its clock, its broker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.brokers.ccxt import CcxtBroker
from core.config.secret import Secret
from core.config.settings import Account
from core.domain.order import OrderRequest, OrderType, PositionSide, Side
from core.domain.stream import StreamEvent
from tests.venues.server import Venue

NAME = "main"
# For tests in which everything is answered: long enough for a busy machine.
PATIENT = Decimal(10)
# For tests in which something is not: this is how long they take.
BRIEF = Decimal("0.5")


class QuickClock:
    """The machine's time, with pauses cut short and remembered."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(min(seconds, 0.005))


def secret(text: str) -> Secret:
    return Secret("env:SECRET", root=Path("/"), environment={"SECRET": text})


def settings(venue: Venue, **changes: Any) -> Account:
    """Aimed at the emulated venue; its own pace does not hold the tests up."""
    given: dict[str, Any] = {
        "broker": venue.name,
        "api_key": secret(venue.api_key),
        "api_secret": secret(venue.api_secret),
        "endpoint": venue.url,
        "rate_limit": 100_000,
        "timeout_seconds": PATIENT,
    }
    return Account(**(given | changes))


@asynccontextmanager
async def broker_at(
    venue: Venue, clock: QuickClock | None = None, **changes: Any
) -> AsyncIterator[CcxtBroker]:
    broker = CcxtBroker(NAME, settings(venue, **changes), clock or QuickClock())
    try:
        yield broker
    finally:
        await broker.close()


def exchange_of(broker: CcxtBroker) -> Any:
    """ccxt's client behind a broker."""
    return broker._venue._line.exchange()  # type: ignore[attr-defined]


def refuse_next(broker: CcxtBroker, path: str) -> None:
    """Sends the next request of this kind to a port where nobody listens."""
    exchange = exchange_of(broker)
    original = exchange.sign

    def sign(asked: str, *rest: Any) -> Any:
        request = original(asked, *rest)
        if asked.endswith(path):
            exchange.sign = original
            request["url"] = "http://127.0.0.1:9/nobody"
        return request

    exchange.sign = sign


def bend_first_row(venue: Venue, endpoint: str, change: dict[str, Any]) -> None:
    """The first row of a listing says something else than it should."""
    original = venue.success

    def success(result: Any, call: Any) -> Any:
        if call.endpoint == endpoint and result["list"]:
            first, *others = result["list"]
            result = result | {"list": [first | change, *others]}
        return original(result, call)

    venue.success = success  # type: ignore[method-assign]


def told_twice(venue: Venue, endpoint: str) -> None:
    """Every row of a listing comes twice, as overlapping pages tell them."""
    original = venue.success

    def success(result: Any, call: Any) -> Any:
        if call.endpoint == endpoint:
            rows = result["list"] if isinstance(result, dict) else result
            result = result | {"list": rows * 2} if isinstance(result, dict) else rows * 2
        return original(result, call)

    venue.success = success  # type: ignore[method-assign]


def request(
    symbol: str, side: str, quantity: str, kind: str = "market", **terms: Any
) -> OrderRequest:
    """request("BTCUSDT", "sell", "0.01", "stop", trigger_price="59000", reduce_only=True)."""
    for name in ("price", "trigger_price"):
        if name in terms:
            terms[name] = Decimal(terms[name])
    return OrderRequest(
        symbol=symbol,
        side=Side(side),
        position_side=PositionSide(terms.pop("leg", "both")),
        type=OrderType(kind),
        quantity=Decimal(quantity),
        **terms,
    )


async def until(events: AsyncIterator[StreamEvent], is_it: Callable[[StreamEvent], bool]) -> Any:
    """The first event that is the one waited for; those before it are passed over."""
    async with asyncio.timeout(10):
        async for event in events:
            if is_it(event):
                return event
    raise AssertionError("the stream has ended")
