"""The real ccxt against the emulated Bybit: orders, stops, legs, listings and their limits."""

from collections.abc import AsyncIterator
from typing import Any

import ccxt
import pytest

from tests.venues.bybit import BybitVenue
from tests.venues.clients import client_of
from tests.venues.exchange import Category, ExecutionKind, Leg, Side
from tests.venues.faults import Fault

# On newer Pythons aiohttp remarks on an argument that ccxt passes.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed:DeprecationWarning")

BTC, SPOT = "BTC/USDT:USDT", "BTC/USDT"
DAY = 86_400


@pytest.fixture
async def venue() -> AsyncIterator[BybitVenue]:
    async with BybitVenue() as venue:
        yield venue


@pytest.fixture
async def client(venue: BybitVenue) -> AsyncIterator[Any]:
    async with client_of(venue) as client:
        yield client


async def limit(client: Any, key: str, price: str = "50000", **params: Any) -> str:
    """A resting buy of 0.01 BTC."""
    params = {"clientOrderId": key} | params
    order = await client.create_order(BTC, "limit", "buy", "0.01", price, params)
    return str(order["id"])


async def stop(client: Any, price: str, side: str = "sell", **params: Any) -> str:
    """A conditional order that closes 0.01 BTC at the market."""
    params = {"stopLossPrice": price} | params
    order = await client.create_order(BTC, "market", side, "0.01", None, params)
    return str(order["id"])


async def found(client: Any, key: str) -> dict[str, Any] | None:
    """What order/realtime knows of a client id."""
    rows = await client.fetch_open_orders(BTC, params={"orderLinkId": key})
    return rows[0] if rows else None


async def history(client: Any, **params: Any) -> list[dict[str, Any]]:
    """The closed orders, newest first."""
    rows = await client.fetch_canceled_and_closed_orders(BTC, params=params)
    return list(reversed(rows))


# Orders


async def test_an_accepted_order_answers_only_ids(client: Any) -> None:
    order = await client.create_order(BTC, "limit", "buy", "0.01", "50000", {"clientOrderId": "a"})
    assert (order["clientOrderId"], order["status"], order["price"]) == ("a", None, None)
    assert order["id"]


async def test_a_resting_order_is_found_by_client_id(client: Any) -> None:
    order_id = await limit(client, "a")
    order = await found(client, "a")
    assert order is not None
    assert (order["id"], order["status"], order["remaining"]) == (order_id, "open", "0.01")
    assert await found(client, "b") is None


async def test_a_market_order_fills_at_the_quote_with_a_fee(client: Any, venue: BybitVenue) -> None:
    venue.exchange.move_quote("BTCUSDT", bid="61000", ask="61000.5")
    await client.create_order(BTC, "market", "buy", "0.01", None, {"clientOrderId": "a"})
    order = await found(client, "a")
    assert order is not None
    assert (order["status"], order["filled"], order["average"]) == ("closed", "0.01", "61000.5")
    assert order["info"]["price"] != "61000.5"  # a market order's price is its slippage limit
    trade = (await client.fetch_my_trades(BTC))[0]
    assert (trade["order"], trade["price"], trade["fee"]["cost"]) == (
        order["id"],
        "61000.5",
        "0.33550275",
    )


async def test_a_limit_fills_when_the_quote_reaches_it_as_maker(
    client: Any, venue: BybitVenue
) -> None:
    await limit(client, "a", "59000")
    venue.exchange.move_quote("BTCUSDT", bid="58990", ask="58999")
    order = await found(client, "a")
    assert order is not None
    assert (order["status"], order["average"]) == ("closed", "59000")
    assert (await client.fetch_my_trades(BTC))[0]["takerOrMaker"] == "maker"


async def test_a_partial_fill_then_cancelled(client: Any, venue: BybitVenue) -> None:
    order_id = await limit(client, "a")
    venue.exchange.fill("a", "0.004")
    order = await found(client, "a")
    assert order is not None
    assert (order["info"]["orderStatus"], order["remaining"]) == ("PartiallyFilled", "0.006")
    await client.cancel_order(order_id, BTC)
    order = (await history(client))[0]
    assert (order["status"], order["filled"]) == ("canceled", "0.004")


async def test_a_thin_book_fills_a_market_order_in_part(client: Any, venue: BybitVenue) -> None:
    venue.exchange.move_quote("BTCUSDT", bid="60000", ask="60000.1", ask_size="0.003")
    await client.create_order(BTC, "market", "buy", "0.01", None, {"clientOrderId": "a"})
    order = await found(client, "a")
    assert order is not None
    assert (order["status"], order["filled"]) == ("canceled", "0.003")
    assert order["info"]["rejectReason"] == "EC_NoImmediateQtyToFill"


async def test_amended_by_client_id(client: Any) -> None:
    await limit(client, "a")
    await client.edit_order(None, BTC, "limit", "buy", "0.02", "49000", {"orderLinkId": "a"})
    order = await found(client, "a")
    assert order is not None
    assert (order["amount"], order["price"]) == ("0.02", "49000")


async def test_an_amendment_that_crosses_fills(client: Any) -> None:
    await limit(client, "a")
    await client.edit_order(None, BTC, "limit", "buy", "0.01", "60001", {"orderLinkId": "a"})
    order = await found(client, "a")
    assert order is not None
    assert order["status"] == "closed"


async def test_cancelled_by_client_id(client: Any) -> None:
    await limit(client, "a")
    await client.cancel_order(None, BTC, {"orderLinkId": "a"})
    order = await found(client, "a")
    assert order is not None
    assert (order["status"], order["info"]["cancelType"]) == ("canceled", "CancelByUser")


async def test_too_late_to_cancel_is_told_by_code(client: Any, venue: BybitVenue) -> None:
    await limit(client, "filled")
    venue.exchange.fill("filled")
    cancelled = await limit(client, "cancelled")
    await client.cancel_order(cancelled, BTC)
    for key, code, error in (
        ("filled", "110008", ccxt.InvalidOrder),
        ("cancelled", "110010", ccxt.InvalidOrder),
        ("never-sent", "110001", ccxt.OrderNotFound),
    ):
        with pytest.raises(error, match=code):
            await client.cancel_order(None, BTC, {"orderLinkId": key})


async def test_cancel_all_leaves_other_symbols_alone(client: Any) -> None:
    await limit(client, "a")
    await stop(client, "59000")
    await client.create_order("ETH/USDT:USDT", "limit", "buy", "1", "2000", {"clientOrderId": "e"})
    assert len(await client.cancel_all_orders(BTC)) == 2
    assert [order["symbol"] for order in await client.fetch_open_orders()] == ["ETH/USDT:USDT"]


async def test_a_client_id_is_used_once_forever(client: Any, venue: BybitVenue) -> None:
    order_id = await limit(client, "a")
    await client.cancel_order(order_id, BTC)
    venue.restart()
    with pytest.raises(ccxt.InvalidOrder, match="110072"):
        await limit(client, "a")
    assert venue.requests.count("order/create", accepted=True) == 1


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"postOnly": True}, "EC_PostOnlyWillTakeLiquidity"),
        ({"timeInForce": "FOK"}, "EC_CancelForNoFullFill"),
    ],
)
async def test_a_crossing_order_that_must_not_stay(
    client: Any, venue: BybitVenue, params: dict[str, Any], reason: str
) -> None:
    venue.exchange.move_quote("BTCUSDT", bid="60000", ask="60000.1", ask_size="0.003")
    await limit(client, "a", "60001", **params)
    order = await found(client, "a")
    assert order is not None
    assert (order["status"], order["filled"]) == ("canceled", "0")
    assert order["info"]["rejectReason"] == reason


async def test_immediate_or_cancel_keeps_what_it_got(client: Any, venue: BybitVenue) -> None:
    venue.exchange.move_quote("BTCUSDT", bid="60000", ask="60000.1", ask_size="0.003")
    await limit(client, "a", "60001", timeInForce="IOC")
    order = await found(client, "a")
    assert order is not None
    assert (order["status"], order["filled"]) == ("canceled", "0.003")


@pytest.mark.parametrize(
    ("amount", "price", "code", "error"),
    [
        ("10000.001", "50000", "10001", ccxt.BadRequest),
        ("5", "50000", "110007", ccxt.InsufficientFunds),
        ("0.001", "100", "110094", ccxt.InvalidOrder),
    ],
)
async def test_refused_orders(
    client: Any, venue: BybitVenue, amount: str, price: str, code: str, error: type[Exception]
) -> None:
    venue.exchange.account.balances["USDT"] /= 10
    with pytest.raises(error, match=code):
        await client.create_order(BTC, "limit", "buy", amount, price, {"leverage": "1"})
    assert not venue.exchange.register.orders


# Positions, stops and legs


async def test_reduce_only_without_a_position_is_refused(client: Any) -> None:
    with pytest.raises(ccxt.InvalidOrder, match="110017"):
        await client.create_order(BTC, "market", "sell", "0.01", None, {"reduceOnly": True})


async def test_reduce_only_takes_no_more_than_there_is(client: Any, venue: BybitVenue) -> None:
    venue.exchange.trade_by_hand("BTCUSDT", Side.BUY, "0.01")
    await client.create_order(BTC, "market", "sell", "0.05", None, {"reduceOnly": True})
    assert await client.fetch_positions() == []


async def test_a_resting_reduction_ends_with_its_position(client: Any, venue: BybitVenue) -> None:
    venue.exchange.trade_by_hand("BTCUSDT", Side.BUY, "0.01")
    params = {"reduceOnly": True, "clientOrderId": "target"}
    await client.create_order(BTC, "limit", "sell", "0.01", "70000", params)
    venue.exchange.trade_by_hand("BTCUSDT", Side.SELL, "0.01")
    order = await found(client, "target")
    assert order is not None
    assert (order["status"], order["info"]["cancelType"]) == ("canceled", "CancelByReduceOnly")


async def test_a_stop_triggers_and_fills_beyond_a_gap(client: Any, venue: BybitVenue) -> None:
    venue.exchange.trade_by_hand("BTCUSDT", Side.BUY, "0.01")
    await stop(client, "59000", clientOrderId="s")
    order = await found(client, "s")
    assert order is not None
    assert (order["status"], order["stopLossPrice"], order["reduceOnly"]) == ("open", "59000", True)
    assert order["info"]["orderStatus"] == "Untriggered"
    venue.exchange.move_quote("BTCUSDT", bid="57000", ask="57001")
    order = await found(client, "s")
    assert order is not None
    assert (order["status"], order["average"]) == ("closed", "57000")
    assert await client.fetch_positions() == []


async def test_a_stop_is_moved_in_place(client: Any, venue: BybitVenue) -> None:
    venue.exchange.trade_by_hand("BTCUSDT", Side.BUY, "0.01")
    order_id = await stop(client, "59000")
    params = {"stopLossPrice": "59500"}
    await client.edit_order(order_id, BTC, "market", "sell", None, None, params)
    order = (await client.fetch_open_orders(BTC, params={"trigger": True}))[0]
    assert (order["id"], order["stopLossPrice"]) == (order_id, "59500")


async def test_a_stop_outlives_its_position_and_then_does_nothing(
    client: Any, venue: BybitVenue
) -> None:
    venue.exchange.trade_by_hand("BTCUSDT", Side.BUY, "0.01")
    await stop(client, "59000", clientOrderId="s")
    venue.exchange.trade_by_hand("BTCUSDT", Side.SELL, "0.01")
    order = await found(client, "s")
    assert order is not None
    assert order["status"] == "open"
    venue.exchange.move_quote("BTCUSDT", bid="58000", ask="58001")
    order = await found(client, "s")
    assert order is not None
    assert order["status"] == "rejected"


@pytest.mark.parametrize(
    ("price", "side", "code"), [("61000", "sell", 110093), ("59000", "buy", 110092)]
)
async def test_a_stop_the_market_has_passed_is_refused(
    client: Any, price: str, side: str, code: int
) -> None:
    with pytest.raises(ccxt.InvalidOrder, match=str(code)):
        await stop(client, price, side)


async def test_a_stop_on_the_position_follows_it(client: Any, venue: BybitVenue) -> None:
    venue.exchange.trade_by_hand("BTCUSDT", Side.BUY, "0.01")
    params = {"stopLossPrice": "59000", "tradingStopEndpoint": True}
    await client.create_order(BTC, "market", "sell", "0", None, params)
    position = (await client.fetch_positions())[0]
    assert position["stopLossPrice"] == "59000"
    order = (await client.fetch_open_orders(BTC))[0]
    assert (order["info"]["stopOrderType"], order["info"]["closeOnTrigger"]) == ("StopLoss", True)
    venue.exchange.trade_by_hand("BTCUSDT", Side.SELL, "0.01")
    assert await client.fetch_open_orders(BTC) == []
    ended = (await history(client, orderFilter="StopOrder"))[0]
    assert ended["info"]["orderStatus"] == "Deactivated"


async def test_a_stop_sent_along_protects_the_fill(client: Any, venue: BybitVenue) -> None:
    params = {"stopLoss": {"triggerPrice": "58000"}}
    await client.create_order(BTC, "market", "buy", "0.01", None, params)
    assert (await client.fetch_positions([BTC]))[0]["stopLossPrice"] == "58000"
    await client.create_order(BTC, "market", "buy", "0.02")
    assert [order["amount"] for order in await client.fetch_open_orders(BTC)] == ["0.03"]
    venue.exchange.move_quote("BTCUSDT", bid="57900", ask="57901")
    assert await client.fetch_positions() == []


async def test_hedge_legs_are_kept_apart() -> None:
    async with BybitVenue(hedged=True) as venue, client_of(venue) as client:
        for side in ("buy", "sell"):
            await client.create_order(BTC, "market", side, "0.01", None, {"hedged": True})
        legs = {each["side"]: each["contracts"] for each in await client.fetch_positions()}
        assert legs == {"long": "0.01", "short": "0.01"}
        params = {"hedged": True, "reduceOnly": True}
        await client.create_order(BTC, "market", "buy", "0.01", None, params)
        assert [each["side"] for each in await client.fetch_positions()] == ["long"]
        with pytest.raises(ccxt.BadRequest, match="position idx"):
            await client.create_order(BTC, "market", "buy", "0.01")


async def test_the_position_mode_changes_only_when_flat(client: Any, venue: BybitVenue) -> None:
    venue.exchange.trade_by_hand("BTCUSDT", Side.BUY, "0.01")
    with pytest.raises(ccxt.BadRequest, match="110024"):
        await client.set_position_mode(True, BTC)
    venue.exchange.trade_by_hand("BTCUSDT", Side.SELL, "0.01")
    await client.set_position_mode(True, BTC)
    rows = await client.private_get_v5_position_list({"category": "linear", "symbol": "BTCUSDT"})
    assert [row["positionIdx"] for row in rows["result"]["list"]] == [1, 2]


async def test_leverage_and_balance(client: Any) -> None:
    await client.set_leverage(20, BTC)
    with pytest.raises(ccxt.BadRequest, match="110043"):
        await client.set_leverage(20, BTC)
    await limit(client, "a", "50000")
    assert (await client.fetch_leverage(BTC))["longLeverage"] == 20
    balance = await client.fetch_balance()
    assert (balance["USDT"]["total"], balance["USDT"]["used"]) == ("100000", "25")


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
    assert await found(client, "filled") is not None
    venue.restart()
    assert await found(client, "filled") is None
    assert await found(client, "open") is not None
    assert (await history(client, orderLinkId="filled"))[0]["status"] == "closed"


async def test_the_history_forgets_what_never_filled_after_a_day(
    client: Any, venue: BybitVenue
) -> None:
    order_id = await limit(client, "cancelled")
    await client.cancel_order(order_id, BTC)
    await limit(client, "filled")
    venue.exchange.fill("filled")
    venue.exchange.advance(2 * DAY)
    assert [order["clientOrderId"] for order in await history(client)] == ["filled"]


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
