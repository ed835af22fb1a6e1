"""P4: what our side of a create costs beside the client library's own call, venue by venue.

Our share is the work that an adapter's `place` does beyond the work of the bare call; what either
waits for the venue belongs to nobody here. It is told as a part of the whole bare call. The IB
adapter makes sure of the line with a question before it sends anything, so beside it stand the same
two requests; what the question costs in all is told for scale.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.measure import TRUEUP
from bench.measure import run as run_process
from bench.report import Figure
from bench.venues import Reached, ib_gateway, keyed_venue
from bench.working import Spent, Waiting, run, side_by_side
from core.brokers.ccxt import CcxtBroker
from core.brokers.ib import IbBroker
from core.brokers.ib.library import library
from core.brokers.paper.broker import PaperBroker
from core.config.secret import Secret
from core.config.settings import Account
from core.domain.order import OrderRequest, OrderType, Side
from core.host.clock import SystemClock
from core.host.disk import DiskFiles
from core.ports import Broker
from tests.core.brokers.receipts import receipt
from tests.venues.redirect import redirect

TIMES = 200
AIM = 0.3
# Keeps references apart between two kinds of call.
FAR = 1_000_000
# Neither side is held back by a pace that was made for real venues.
PACE = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One small resting order, as we write it, as ccxt does, and as the venue itself does."""

    symbol: str
    quantity: str
    theirs: tuple[str, str]
    method: str
    terms: Mapping[str, Any]


TRADES = {
    "bybit": Trade(
        symbol="BTCUSDT",
        quantity="0.001",
        theirs=("BTC/USDT:USDT", "0.001"),
        method="privatePostV5OrderCreate",
        terms={
            "category": "linear",
            "symbol": "BTCUSDT",
            "side": "Buy",
            "orderType": "Limit",
            "qty": "0.001",
            "price": "50000",
        },
    ),
    "mexc": Trade(
        symbol="BTC_USDT",
        quantity="0.0001",
        theirs=("BTC/USDT:USDT", "1"),
        method="contractPrivatePostOrderCreate",
        terms={
            "symbol": "BTC_USDT",
            "side": 1,
            "type": 1,
            "openType": 2,
            "vol": "1",
            "price": "50000",
        },
    ),
}


def create_round_trips(scratch: Path) -> list[Figure]:
    figures: list[Figure] = []
    for name, trade in TRADES.items():
        with keyed_venue(name) as venue:
            figures += _ccxt(venue, name, trade)
    with ib_gateway() as gateway:
        figures += _ib(gateway)
    return figures + _paper(scratch / "home")


def _share(name: str, beside: str, ours: Spent, bare: Spent) -> Figure:
    share = ours.working - bare.working
    ratio = share / bare.whole
    return Figure(
        name="P4",
        what=f"{name}: our share of a create",
        measured=f"{share * 1e6:.0f} us",
        beside=f"{bare.whole * 1e6:.0f} us ({beside})",
        ratio=f"{ratio:.2f} x",
        aim=f"<= {AIM} x",
        reached=ratio <= AIM,
    )


def _whole(name: str, beside: str, ours: Spent, bare: Spent) -> Figure:
    return Figure(
        name="P4",
        what=f"{name}: the whole create, waiting included",
        measured=f"{ours.whole * 1e6:.0f} us",
        beside=f"{bare.whole * 1e6:.0f} us ({beside})",
        ratio=f"{ours.whole / bare.whole:.2f} x",
        aim="(for scale)",
        reached=True,
    )


async def place(broker: Broker, key: str, symbol: str, quantity: str, price: str) -> None:
    request = OrderRequest(
        symbol=symbol,
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal(quantity),
        price=Decimal(price),
    )
    await broker.place(receipt(key, broker.account, symbol), request)


# --- Bybit and MEXC -------------------------------------------------------------------------------


def _ccxt(venue: Reached, name: str, trade: Trade) -> list[Figure]:
    """Beside ccxt's create_order, and beside the one request in it: ours uses the latter."""

    async def measured(waiting: Waiting) -> list[Spent]:
        broker = CcxtBroker("main", keyed(name, venue), SystemClock())
        client = _bare_ccxt(name, venue)
        symbol, quantity = trade.theirs
        send = getattr(client, trade.method)

        async def ours(number: int) -> None:
            await place(broker, f"bench-ours-{number}", trade.symbol, trade.quantity, "50000")

        async def bare(number: int) -> None:
            await client.create_order(symbol, "limit", "buy", quantity, "50000", _key("a", number))

        async def request(number: int) -> None:
            await send({**trade.terms, **_key("b", number)})

        def _key(whose: str, number: int) -> dict[str, str]:
            named = "orderLinkId" if name == "bybit" else "externalOid"
            return {named: f"bench-{whose}-{number}"}

        try:
            await client.load_markets()
            return await side_by_side(waiting, [ours, bare, request], TIMES)
        finally:
            await broker.close()
            await client.close()

    ours, bare, request = run(measured)
    return [
        _share(name, "create_order of bare ccxt", ours, bare),
        _share(name, "the bare request through ccxt", ours, request),
        _whole(name, "create_order of bare ccxt", ours, bare),
    ]


def keyed(name: str, venue: Reached) -> Account:
    given = {"KEY": venue.api_key, "SECRET": venue.api_secret}

    def secret(which: str) -> Secret:
        return Secret(f"env:{which}", root=Path("/"), environment=given)

    return Account(
        broker=name,
        api_key=secret("KEY"),
        api_secret=secret("SECRET"),
        endpoint=venue.url,
        rate_limit=PACE,
    )


def _bare_ccxt(name: str, venue: Reached) -> Any:
    import ccxt.async_support

    client = getattr(ccxt.async_support, name)(
        {
            "apiKey": venue.api_key,
            "secret": venue.api_secret,
            "enableRateLimit": False,
            "verify": False,
            "options": {
                "defaultType": "swap",
                "fetchMarkets": {"types": ["linear"]},
                "enableUnifiedMargin": False,
                "enableUnifiedAccount": True,
                "fetchCurrencies": False,
            },
        }
    )
    client.urls["api"] = redirect(client.urls["api"], venue.url)
    client.has["fetchCurrencies"] = False
    return client


# --- IB -------------------------------------------------------------------------------------------


def _ib(gateway: Reached) -> list[Figure]:
    async def measured(waiting: Waiting) -> list[Spent]:
        settings = Account(broker="ib", port=gateway.port, rate_limit=PACE)
        broker = IbBroker("ib1", settings, SystemClock())
        client = library().IB()
        client.client.MaxRequests = PACE
        await client.connectAsync("127.0.0.1", gateway.port, clientId=18)
        contract = library().Stock("SPY", "SMART", "USD")
        await client.qualifyContractsAsync(contract)

        async def ours(number: int) -> None:
            await place(broker, f"bench-ours-{number}", "SPY", "1", "400")

        async def asked(number: int) -> None:
            await client.reqCurrentTimeAsync()
            await bare(number + FAR)

        async def bare(number: int) -> None:
            order = library().LimitOrder("BUY", 1, 400, orderRef=f"bench-bare-{number}")
            trade = client.placeOrder(contract, order)
            while not trade.order.permId:
                await client.updateEvent

        try:
            return await side_by_side(waiting, [ours, asked, bare], TIMES)
        finally:
            await broker.close()
            client.disconnect()

    ours, asked, bare = run(measured)
    name = library_name()
    return [
        _share("ib", f"the same two requests through bare {name}", ours, asked),
        _whole("ib", f"placeOrder alone through bare {name}", ours, bare),
    ]


def library_name() -> str:
    """The IB client of this environment, without importing it outside a loop."""
    from importlib.util import find_spec

    return next(name for name in ("ib_insync", "ib_async") if find_spec(name))


# --- paper ----------------------------------------------------------------------------------------


def _paper(home: Path) -> list[Figure]:
    """The venue is part of the call and keeps its account on disk: beside it stands that alone."""
    run_process([*TRUEUP, "init", str(home)])
    file = home / "data/paper_broker.json"

    async def measured(waiting: Waiting) -> list[Spent]:
        broker = PaperBroker(file, "main", files=DiskFiles(), clock=SystemClock())

        async def ours(number: int) -> None:
            await place(broker, f"bench-ours-{number}", "BTCUSDT", "0.001", "50000")

        async def bare(number: int) -> None:
            _replace_durably(file.with_suffix(".bare"), file.read_bytes())

        return await side_by_side(waiting, [ours, bare], TIMES)

    ours, bare = run(measured)
    return [
        Figure(
            name="P4",
            what="paper: the whole create, venue included",
            measured=f"{ours.whole * 1e6:.0f} us",
            beside=f"{bare.whole * 1e6:.0f} us (replacing its file durably)",
            ratio=f"{ours.whole / bare.whole:.2f} x",
            aim="(for scale)",
            reached=True,
        )
    ]


def _replace_durably(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".new")
    with suppress(FileNotFoundError):
        fresh.unlink()
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
