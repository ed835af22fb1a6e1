"""The real ccxt against the emulated Bybit: orders, positions, stops and hedge legs."""

from collections.abc import AsyncIterator
from typing import Any

import ccxt
import pytest

from tests.venues.bybit import BybitVenue
from tests.venues.clients import client_of, rest
from tests.venues.exchange import Side

# On newer Pythons aiohttp remarks on an argument that ccxt passes.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed:DeprecationWarning")

BTC = "BTC/USDT:USDT"


@pytest.fixture
async def venue() -> AsyncIterator[BybitVenue]:
    async with BybitVenue() as venue:
        yield venue


async def limit(client: Any, key: str, price: str = "50000", **params: Any) -> str:
    """A resting buy of 0.01 BTC."""
    return await rest(client, BTC, "0.01", key, price, **params)


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
    assert (order["status"], order["average"]) == ("closed", "60000.1")


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
        await client.create_order(BTC, "limit", "buy", amount, price)
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
