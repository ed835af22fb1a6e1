"""What the real ccxt makes of the emulated MEXC's faults, its logins and its stream."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import ccxt
import pytest

from tests.venues.clients import client_of, ear_at, impatient, rest
from tests.venues.exchange import Side
from tests.venues.exchange.clock import wall_ms
from tests.venues.faults import Fault
from tests.venues.mexc import MexcVenue
from tests.venues.wire import sign

pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed:DeprecationWarning")

BTC = "BTC/USDT:USDT"


@pytest.fixture
async def venue() -> AsyncIterator[MexcVenue]:
    async with MexcVenue() as venue:
        yield venue


async def plan(client: Any) -> str:
    """A plan order that closes 100 contracts when the price falls."""
    params = {"triggerPrice": "59000", "triggerType": 2, "executeCycle": 2, "reduceOnly": True}
    order = await client.create_order(BTC, "market", "sell", "100", None, params)
    return str(order["id"])


TABLE = {
    "reset before accept": (Fault.RESET, ccxt.ExchangeNotAvailable, 0),
    "reset after accept": (Fault.RESET_AFTER_ACCEPT, ccxt.ExchangeNotAvailable, 1),
    "reply lost": (Fault.LOST_REPLY, ccxt.ExchangeNotAvailable, 1),
    "HTTP 408": (Fault.http(408), ccxt.RequestTimeout, 0),
    "HTTP 429": (Fault.http(429), ccxt.RateLimitExceeded, 0),
    "HTTP 503 and yet accepted": (Fault.http(503).accepted(), ccxt.ExchangeNotAvailable, 1),
    "truncated": (Fault.TRUNCATED, ccxt.ExchangeError, 1),
    "HTML": (Fault.HTML, None, 1),
    "empty": (Fault.EMPTY, None, 1),
    "success without data": (Fault.WITHOUT_ID, None, 1),
    "510 too frequent": (Fault.refused(510), ccxt.RateLimitExceeded, 0),
    "500 trouble": (Fault.refused(500), ccxt.ExchangeError, 0),
    "501 busy": (Fault.refused(501), ccxt.ExchangeNotAvailable, 0),
    "9999 unlisted": (Fault.refused(9999).accepted(), ccxt.ExchangeError, 1),
}


@pytest.mark.parametrize(("fault", "error", "orders"), TABLE.values(), ids=TABLE.keys())
async def test_a_create_that_goes_wrong(
    client: Any, venue: MexcVenue, fault: Fault, error: type[Exception] | None, orders: int
) -> None:
    venue.faults.next("order/create", fault)
    if error is None:
        assert (await client.create_order(BTC, "limit", "buy", "10", "50000"))["id"] is None
    else:
        with pytest.raises(error) as caught:
            await rest(client, BTC, "10", "a", "50000")
        assert type(caught.value) is error
    assert len(venue.exchange.register.orders) == orders
    assert venue.requests.count("order/create") == 1


async def test_a_plan_order_whose_answer_hangs(client: Any, venue: MexcVenue) -> None:
    venue.exchange.trade_by_hand("BTC_USDT", Side.BUY, 100)
    venue.faults.next("planorder/place", Fault.HANG_AFTER_ACCEPT)
    with impatient(client), pytest.raises(ccxt.RequestTimeout):
        await plan(client)
    assert len(await client.fetch_open_orders(BTC, params={"trigger": True})) == 1


async def test_a_wrong_secret_and_a_skewed_clock_are_refused(client: Any, venue: MexcVenue) -> None:
    venue.exchange.clock.skew(60)
    with pytest.raises(ccxt.BadRequest, match="513"):
        await client.fetch_balance()
    venue.exchange.clock.skew(0)
    client.secret = "another"
    with pytest.raises(ccxt.AuthenticationError, match="602"):
        await client.fetch_balance()


# The stream


async def test_ccxt_hears_orders_and_deals(client: Any, venue: MexcVenue) -> None:
    orders = asyncio.ensure_future(client.watch_orders())
    await venue.subscribed("push.personal.order")
    deals = asyncio.ensure_future(client.watch_my_trades())
    await client.create_order(BTC, "market", "buy", "10", None, {"clientOrderId": "a"})
    row = (await orders)[0]["info"]
    assert (row["externalOid"], row["state"]) == ("a", 3)
    assert (await deals)[0]["order"] == row["orderId"]


async def test_a_bad_login_hangs(venue: MexcVenue) -> None:
    async with client_of(venue) as client:
        client.secret = "another"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.watch_orders(), 0.2)
        assert venue.streams.subscribed("push.personal.order") == 0


async def test_plan_orders_positions_and_assets_are_told(client: Any, venue: MexcVenue) -> None:
    moment = str(wall_ms())
    signature = sign(venue.api_secret, venue.api_key + moment)
    param = {"apiKey": venue.api_key, "reqTime": moment, "signature": signature}
    async with ear_at(venue, "/edge", {"method": "login", "param": param}) as listening:
        await venue.subscribed("push.personal.plan.order")
        venue.exchange.trade_by_hand("BTC_USDT", Side.BUY, 100)
        assert (await listening.heard("push.personal.order.deal"))["data"]["vol"] == 100
        assert (await listening.heard("push.personal.position"))["data"]["holdVol"] == 100
        assert (await listening.heard("push.personal.asset"))["data"]["currency"] == "USDT"
        plan_id = await plan(client)
        told = (await listening.heard("push.personal.plan.order"))["data"]
        assert (told["id"], told["state"]) == (plan_id, 1)
