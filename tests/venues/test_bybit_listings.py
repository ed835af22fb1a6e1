"""The real ccxt against the emulated Bybit: listings and their limits, spot, and who may ask."""

from collections.abc import AsyncIterator
from typing import Any

import ccxt
import pytest

from tests.venues.bybit import BybitVenue
from tests.venues.clients import client_of, rest
from tests.venues.exchange import Category, ExecutionKind, Leg, Side
from tests.venues.faults import Fault

pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed:DeprecationWarning")

BTC, SPOT = "BTC/USDT:USDT", "BTC/USDT"
DAY = 86_400


@pytest.fixture
async def venue() -> AsyncIterator[BybitVenue]:
    async with BybitVenue() as venue:
        yield venue


async def limit(client: Any, key: str, price: str = "50000", **params: Any) -> str:
    """A resting buy of 0.01 BTC."""
    return await rest(client, BTC, "0.01", key, price, **params)


async def recent(client: Any, key: str) -> int:
    """How many orders of a client id order/realtime knows."""
    return len(await client.fetch_open_orders(BTC, params={"orderLinkId": key}))


async def closed(client: Any, **params: Any) -> list[str]:
    """The client ids of the orders in the history."""
    orders = await client.fetch_canceled_and_closed_orders(BTC, params=params)
    return [order["clientOrderId"] for order in orders]


# Listings


async def test_87_open_orders_come_in_pages(client: Any) -> None:
    for number in range(87):
        await limit(client, f"k{number}", str(40_000 + number))
    assert len(await client.fetch_open_orders(BTC)) == 20
    assert len(await client.fetch_open_orders(BTC, limit=500)) == 50
    everything = await client.fetch_open_orders(BTC, params={"paginate": True})
    assert {order["clientOrderId"] for order in everything} == {f"k{each}" for each in range(87)}


async def test_a_listing_may_stop_short_in_silence(client: Any, venue: BybitVenue) -> None:
    for number in range(30):
        await limit(client, f"k{number}")
    request = {"category": "linear", "symbol": "BTCUSDT", "limit": 20}
    venue.faults.next("order/realtime", Fault.WITHOUT_CURSOR)
    page = (await client.private_get_v5_order_realtime(request))["result"]
    assert (len(page["list"]), page["nextPageCursor"]) == (20, "")
    venue.faults.next("order/realtime", Fault.short(7))
    assert len(await client.fetch_open_orders(BTC)) == 7


async def test_one_part_may_fail_while_others_answer(client: Any, venue: BybitVenue) -> None:
    venue.faults.always("order/realtime", Fault.http(503), where={"category": "spot"})
    assert await client.fetch_open_orders(BTC) == []
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await client.fetch_open_orders(SPOT)


async def test_after_a_restart_closed_orders_are_only_in_the_history(
    client: Any, venue: BybitVenue
) -> None:
    await limit(client, "filled")
    venue.exchange.fill("filled")
    await limit(client, "open")
    assert await recent(client, "filled") == 1
    venue.restart()
    assert await recent(client, "filled") == 0
    assert await recent(client, "open") == 1
    assert await closed(client, orderLinkId="filled") == ["filled"]


async def test_the_history_forgets_what_never_filled_after_a_day(
    client: Any, venue: BybitVenue
) -> None:
    order_id = await limit(client, "cancelled")
    await client.cancel_order(order_id, BTC)
    await limit(client, "filled")
    venue.exchange.fill("filled")
    venue.exchange.advance(2 * DAY)
    assert await closed(client) == ["filled"]


async def test_a_listing_covers_seven_days_at_most(client: Any, venue: BybitVenue) -> None:
    await limit(client, "old")
    venue.exchange.fill("old")
    begin = venue.exchange.clock.now_ms() - 1000
    venue.exchange.advance(8 * DAY)
    assert await client.fetch_my_trades(BTC) == []
    assert len(await client.fetch_my_trades(BTC, since=begin)) == 1
    with pytest.raises(ccxt.BadRequest, match="7 days"):
        await client.fetch_my_trades(BTC, since=begin, params={"endTime": begin + 9 * DAY * 1000})
    assert len(await client.fetch_my_trades(BTC, params={"orderLinkId": "old"})) == 1


async def test_funding_looks_like_a_trade_unless_it_is_filtered_out(
    client: Any, venue: BybitVenue
) -> None:
    venue.exchange.trade_by_hand("BTCUSDT", Side.BUY, "0.01")
    venue.exchange.charge_funding("BTCUSDT", "0.0001")
    assert len(await client.fetch_my_trades(BTC)) == 1
    rows = await client.fetch_my_trades(BTC, params={"execType": ""})
    assert [(row["info"]["execType"], row["side"]) for row in rows] == [
        ("Trade", "buy"),
        ("Funding", "buy"),
    ]


async def test_a_liquidation_closes_the_position_and_cancels_orders(
    client: Any, venue: BybitVenue
) -> None:
    venue.exchange.trade_by_hand("BTCUSDT", Side.BUY, "0.01")
    await limit(client, "a")
    venue.exchange.take_over("BTCUSDT", price="55000")
    assert await client.fetch_positions() == []
    assert await client.fetch_open_orders(BTC) == []
    rows = await client.fetch_my_trades(BTC, params={"execType": "BustTrade"})
    assert [(row["side"], row["amount"], row["price"]) for row in rows] == [
        ("sell", "0.01", "55000")
    ]


async def test_deleveraging_may_take_part_of_a_position(client: Any, venue: BybitVenue) -> None:
    venue.exchange.trade_by_hand("BTCUSDT", Side.BUY, "0.01")
    venue.exchange.take_over("BTCUSDT", kind=ExecutionKind.ADL, quantity="0.004")
    assert (await client.fetch_positions([BTC]))[0]["contracts"] == "0.006"
    assert venue.exchange.position("BTCUSDT", Leg.NET).quantity.as_tuple().digits == (6,)


# Spot


async def test_a_spot_buy_pays_its_fee_in_the_base_coin(client: Any, venue: BybitVenue) -> None:
    await client.create_order(SPOT, "market", "buy", "0.01", None, {"clientOrderId": "a"})
    order = (await client.fetch_open_orders(SPOT, params={"orderLinkId": "a"}))[0]
    assert (order["status"], order["filled"]) == ("closed", "0.01")
    assert len(order["id"]) == 19
    trade = (await client.fetch_my_trades(SPOT))[0]
    assert trade["fee"] == {"cost": "0.00001", "currency": "BTC", "rate": "0.001"}
    assert (await client.fetch_balance())["BTC"]["total"] == "0.00999"
    venue.exchange.trade_by_hand("BTCUSDT", Side.SELL, "0.00999", category=Category.SPOT)


async def test_spot_has_error_codes_of_its_own(client: Any) -> None:
    await client.create_order(SPOT, "limit", "buy", "0.01", "50000", {"clientOrderId": "a"})
    with pytest.raises(ccxt.InvalidOrder, match="170141"):
        await client.create_order(SPOT, "limit", "buy", "0.01", "50000", {"clientOrderId": "a"})
    with pytest.raises(ccxt.OrderNotFound, match="170213"):
        await client.cancel_order(None, SPOT, {"orderLinkId": "b"})
    with pytest.raises(ccxt.InsufficientFunds, match="170131"):
        await client.create_order(SPOT, "limit", "sell", "0.01", "70000")


# Who asks, and when


async def test_a_wrong_secret_is_refused_and_the_key_told_back(venue: BybitVenue) -> None:
    with pytest.raises(ccxt.AuthenticationError, match=f"10004.*{venue.api_key}"):
        async with client_of(venue, secret="another"):
            pass


async def test_a_skewed_clock_refuses_honest_timestamps(client: Any, venue: BybitVenue) -> None:
    venue.exchange.clock.skew(60)
    with pytest.raises(ccxt.InvalidNonce, match="10002"):
        await limit(client, "a")
    assert abs(await client.fetch_time() - client.milliseconds() - 60_000) < 5_000


async def test_time_that_passes_refuses_nobody(client: Any, venue: BybitVenue) -> None:
    venue.exchange.advance(30 * DAY)
    assert await limit(client, "a")
