"""The real ccxt against the emulated MEXC: contracts, plan orders, listings and their traps."""

from collections.abc import AsyncIterator
from typing import Any

import ccxt
import pytest

from tests.venues.clients import client_of, rest
from tests.venues.exchange import ExecutionKind, Side
from tests.venues.faults import Fault
from tests.venues.mexc import MexcVenue

# On newer Pythons aiohttp remarks on an argument that ccxt passes.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed:DeprecationWarning")

BTC = "BTC/USDT:USDT"
HOUR, DAY = 3_600, 86_400
# triggerType 2 waits for the price to fall; executeCycle 2 lives for seven days, 1 for one.
FALLING = {"triggerType": 2, "executeCycle": 2, "reduceOnly": True}


@pytest.fixture
async def venue() -> AsyncIterator[MexcVenue]:
    async with MexcVenue() as venue:
        yield venue


async def limit(client: Any, key: str, price: str = "50000", **params: Any) -> str:
    """A resting buy of 10 contracts."""
    return await rest(client, BTC, "10", key, price, **params)


async def plan(client: Any, price: str = "59000", **params: Any) -> str:
    """A plan order that closes 100 contracts when the price falls."""
    params = FALLING | {"triggerPrice": price} | params
    order = await client.create_order(BTC, "market", "sell", "100", None, params)
    return str(order["id"])


async def external(client: Any, key: str) -> dict[str, Any]:
    """The raw order of a client id."""
    request = {"symbol": "BTC_USDT", "external_oid": key}
    answer = await client.contract_private_get_order_external_symbol_external_oid(request)
    row: dict[str, Any] = answer["data"]
    return row


async def plans(client: Any, states: str = "1") -> list[dict[str, Any]]:
    """The raw plan orders of some states."""
    request = {"symbol": "BTC_USDT", "states": states}
    answer = await client.contract_private_get_planorder_list_orders(request)
    rows: list[dict[str, Any]] = answer["data"]
    return rows


def hold(venue: MexcVenue) -> None:
    """Let the account hold 100 contracts, long."""
    venue.exchange.trade_by_hand("BTC_USDT", Side.BUY, 100)


# Orders


async def test_an_accepted_order_answers_only_its_id(client: Any) -> None:
    order = await client.create_order(BTC, "limit", "buy", "10", "50000", {"clientOrderId": "a"})
    assert len(order["id"]) == 19
    assert (order["clientOrderId"], order["status"], "info" in order) == (None, None, False)


async def test_found_by_client_id_whatever_its_state(client: Any, venue: MexcVenue) -> None:
    order_id = await limit(client, "a")
    assert (await external(client, "a"))["state"] == 2
    venue.exchange.fill("a")
    row = await external(client, "a")
    assert (row["orderId"], row["state"], row["dealVol"]) == (order_id, 3, 10)
    with pytest.raises(ccxt.ExchangeError, match="2040"):
        await external(client, "b")


async def test_absence_may_also_be_told_as_null(client: Any, venue: MexcVenue) -> None:
    venue.listings.absent_is_null = True
    request = {"symbol": "BTC_USDT", "external_oid": "b"}
    answer = await client.contract_private_get_order_external_symbol_external_oid(request)
    assert answer == {"success": True, "code": 0}


async def test_quantities_are_contracts_of_a_ten_thousandth_coin(
    client: Any, venue: MexcVenue
) -> None:
    venue.exchange.move_quote("BTC_USDT", bid="61000", ask="61000.5")
    await client.create_order(BTC, "market", "buy", "100", None, {"clientOrderId": "a"})
    trade = (await client.fetch_my_trades(BTC))[0]
    # 100 contracts are 0.01 BTC: 610.005 USDT at a fee of 0.04 %.
    assert (trade["amount"], trade["price"], trade["fee"]["cost"]) == ("100", "61000.5", "0.244002")
    position = (await client.fetch_positions())[0]
    assert (position["contracts"], position["contractSize"]) == ("100", "0.0001")


async def test_a_partial_fill_then_cancelled(client: Any, venue: MexcVenue) -> None:
    order_id = await limit(client, "a")
    venue.exchange.fill("a", 4)
    assert (await client.fetch_open_orders(BTC))[0]["filled"] == "4"
    answer = await client.cancel_order(order_id, BTC)
    assert answer["id"] is None
    row = await external(client, "a")
    assert (row["state"], row["dealVol"], row["remainVol"]) == (4, 4, 0)


async def test_a_limit_order_is_changed_in_place(client: Any) -> None:
    order_id = await limit(client, "a")
    request = {"orderId": order_id, "price": 49000, "vol": 20}
    await client.contract_private_post_order_change_limit_order(request)
    row = await external(client, "a")
    assert (row["orderId"], row["price"], row["vol"]) == (order_id, 49000, 20)


async def test_what_cannot_be_cancelled_says_why(client: Any, venue: MexcVenue) -> None:
    order_id = await limit(client, "a")
    venue.exchange.fill("a")
    with pytest.raises(ccxt.InvalidOrder, match="cannot be cancelled"):
        await client.cancel_order(order_id, BTC)
    with pytest.raises(ccxt.InvalidOrder, match="not exist"):
        await client.cancel_order("1", BTC)


async def test_cancelled_by_client_id(client: Any) -> None:
    await limit(client, "a")
    request = {"symbol": "BTC_USDT", "externalOid": "a"}
    answer = await client.contract_private_post_order_cancel_with_external(request)
    assert answer["data"][0]["errorCode"] == 0
    assert (await external(client, "a"))["state"] == 4


async def test_the_same_client_id_may_become_two_orders(client: Any, venue: MexcVenue) -> None:
    first, second = await limit(client, "a"), await limit(client, "a")
    assert first != second
    assert len(venue.exchange.register.orders) == 2
    assert (await external(client, "a"))["orderId"] == second


async def test_the_same_client_id_may_be_refused() -> None:
    async with MexcVenue(unique_external_ids=True) as venue, client_of(venue) as client:
        await limit(client, "a")
        with pytest.raises(ccxt.BadRequest, match="603"):
            await limit(client, "a")
        assert len(venue.exchange.register.orders) == 1


@pytest.mark.parametrize(
    ("order_type", "filled"),
    [("limit", 3), (2, 0), (3, 3), (4, 0), ("market", 3)],
    ids=["limit", "post only", "immediate or cancel", "fill or kill", "market"],
)
async def test_order_types_are_numbers(
    client: Any, venue: MexcVenue, order_type: Any, filled: int
) -> None:
    venue.exchange.move_quote("BTC_USDT", bid="60000", ask="60000.1", ask_size=3)
    price = None if order_type == "market" else "60001"
    await client.create_order(BTC, order_type, "buy", "10", price, {"clientOrderId": "a"})
    row = await external(client, "a")
    assert (row["dealVol"], row["state"]) == (filled, 2 if order_type == "limit" else 4)


async def test_time_in_force_is_ignored(client: Any) -> None:
    await limit(client, "a", timeInForce="IOC")
    assert (await external(client, "a"))["state"] == 2


@pytest.mark.parametrize("name", ["stopLossPrice", "stopLoss"])
async def test_a_stop_loss_in_create_order_trades_at_once(
    client: Any, venue: MexcVenue, name: str
) -> None:
    hold(venue)
    await client.create_order(BTC, "market", "sell", "100", None, {name: "59000"})
    assert await client.fetch_positions() == []
    assert venue.requests.count("planorder/place") == 0


async def test_refused_orders(client: Any, venue: MexcVenue) -> None:
    with pytest.raises(ccxt.InvalidOrder, match="2009"):
        await client.create_order(BTC, "market", "sell", "10", None, {"reduceOnly": True})
    venue.exchange.account.balances["USDT"] /= 1000
    with pytest.raises(ccxt.InsufficientFunds, match="2005"):
        await client.create_order(BTC, "limit", "buy", "10000", "50000")
    assert not venue.exchange.register.orders


# Legs, leverage, money


async def test_in_hedge_mode_ccxt_sells_to_close_the_short() -> None:
    async with MexcVenue(hedged=True) as venue, client_of(venue) as client:
        for side in ("buy", "sell"):
            await client.create_order(BTC, "market", side, "10", None, {"hedged": True})
        legs = {each["side"]: each["contracts"] for each in await client.fetch_positions()}
        assert legs == {"long": "10", "short": "10"}
        params = {"hedged": True, "reduceOnly": True, "clientOrderId": "a"}
        await client.create_order(BTC, "market", "sell", "10", None, params)
        assert (await external(client, "a"))["side"] == 2
        assert [each["side"] for each in await client.fetch_positions()] == ["long"]


async def test_ccxt_misreads_the_side_that_closes_a_short(client: Any, venue: MexcVenue) -> None:
    venue.exchange.trade_by_hand("BTC_USDT", Side.SELL, 10)
    params = {"reduceOnly": True, "clientOrderId": "a"}
    await client.create_order(BTC, "limit", "buy", "10", "50000", params)
    order = (await client.fetch_open_orders(BTC))[0]
    assert (order["side"], order["info"]["side"], order["clientOrderId"]) == ("sell", 2, None)


async def test_what_was_placed_by_hand_is_a_limit_order_when_it_has_a_price(
    client: Any, venue: MexcVenue
) -> None:
    venue.exchange.trade_by_hand("BTC_USDT", Side.BUY, 10, price="50000")
    (order,) = await client.fetch_open_orders(BTC)
    assert (order["info"]["orderType"], order["price"]) == (1, "50000")


async def test_mode_and_leverage(client: Any, venue: MexcVenue) -> None:
    assert (await client.fetch_position_mode())["hedged"] is False
    await client.set_leverage(50, BTC, {"openType": 2, "positionType": 1})
    assert (await client.fetch_leverage(BTC))["longLeverage"] == 50
    hold(venue)
    with pytest.raises(ccxt.ExchangeError, match="2019"):
        await client.set_position_mode(True)


async def test_balances(client: Any) -> None:
    await limit(client, "a")
    balance = (await client.fetch_balance())["USDT"]
    # 10 contracts at 50,000 are worth 50 USDT, a twentieth of which is kept aside.
    assert (balance["free"], balance["used"]) == ("99997.5", "2.5")
    one = await client.contract_private_get_account_asset_currency({"currency": "USDT"})
    assert one["data"]["frozenBalance"] == 2.5


# Plan orders


async def test_a_plan_order_becomes_another_order(client: Any, venue: MexcVenue) -> None:
    hold(venue)
    plan_id = await plan(client)
    order = (await client.fetch_open_orders(BTC, params={"trigger": True}))[0]
    assert (order["id"], order["triggerPrice"]) == (plan_id, "59000")
    venue.exchange.move_quote("BTC_USDT", bid="58000", ask="58000.1")
    assert await client.fetch_positions() == []
    executed = (await plans(client, "3"))[0]
    spawned = await client.fetch_order(executed["orderId"], BTC)
    assert spawned["info"]["externalOid"].startswith(f"planorder_{plan_id}_")
    assert spawned["average"] == "58000"


async def test_a_plan_order_forgets_the_client_id(client: Any, venue: MexcVenue) -> None:
    hold(venue)
    await plan(client, clientOrderId="a")
    with pytest.raises(ccxt.ExchangeError, match="2040"):
        await external(client, "a")
    assert "externalOid" not in (await plans(client))[0]


async def test_a_plan_order_already_met_triggers_at_once(client: Any, venue: MexcVenue) -> None:
    hold(venue)
    await plan(client, "61000")
    assert await client.fetch_positions() == []


@pytest.mark.parametrize(("cycle", "life"), [(1, DAY), (2, 7 * DAY)])
async def test_plan_orders_expire(client: Any, venue: MexcVenue, cycle: int, life: int) -> None:
    hold(venue)
    await plan(client, executeCycle=cycle)
    venue.exchange.advance(life - HOUR)
    assert len(await plans(client)) == 1
    venue.exchange.advance(2 * HOUR)
    assert await plans(client) == []
    assert len(await plans(client, "4")) == 1


async def test_a_plan_order_is_cancelled(client: Any, venue: MexcVenue) -> None:
    hold(venue)
    plan_id = await plan(client)
    await client.cancel_order(plan_id, BTC, {"trigger": True})
    assert len(await plans(client, "2")) == 1
    with pytest.raises(ccxt.ExchangeError, match="2041"):
        await client.cancel_order(plan_id, BTC, {"trigger": True})


async def test_a_plan_that_closes_nothing_leaves_a_cancelled_order(
    client: Any, venue: MexcVenue
) -> None:
    hold(venue)
    await plan(client)
    venue.exchange.trade_by_hand("BTC_USDT", Side.SELL, 100)
    venue.exchange.move_quote("BTC_USDT", bid="58000", ask="58000.1")
    spawned = (await plans(client, "3"))[0]["orderId"]
    assert (await client.fetch_order(spawned, BTC))["info"]["state"] == 4
    assert await client.fetch_positions() == []


# Listings


async def test_open_orders_come_in_numbered_pages(client: Any, venue: MexcVenue) -> None:
    for number in range(130):
        await limit(client, f"k{number}", str(40_000 + number))
    assert len(await client.fetch_open_orders(BTC)) == 100
    rows: list[dict[str, Any]] = []
    for page in range(1, 9):
        request = {"page_num": page, "page_size": 20}
        answer = await client.contract_private_get_order_list_open_orders(request)
        rows += answer["data"]
    assert {row["externalOid"] for row in rows} == {f"k{number}" for number in range(130)}
    venue.faults.next("order/list/open_orders", Fault.short(33))
    assert len(await client.fetch_open_orders(BTC)) == 33


async def test_the_history_by_state(client: Any, venue: MexcVenue) -> None:
    for key in ("open", "filled", "cancelled"):
        await limit(client, key)
    venue.exchange.fill("filled")
    await client.cancel_order(venue.exchange.order("cancelled").order_id, BTC)
    filled = await client.fetch_closed_orders(BTC)
    cancelled = await client.fetch_canceled_orders(BTC)
    assert [order["info"]["externalOid"] for order in filled] == ["filled"]
    assert [order["info"]["externalOid"] for order in cancelled] == ["cancelled"]


async def test_funding_is_no_deal(client: Any, venue: MexcVenue) -> None:
    hold(venue)
    venue.exchange.charge_funding("BTC_USDT", "0.0001")
    assert len(await client.fetch_my_trades(BTC)) == 1
    answer = await client.contract_private_get_position_funding_records({"symbol": "BTC_USDT"})
    assert [row["funding"] for row in answer["data"]["resultList"]] == [-0.06]


async def test_a_liquidation_is_an_order_of_another_category(client: Any, venue: MexcVenue) -> None:
    hold(venue)
    venue.exchange.take_over("BTC_USDT", price="55000", kind=ExecutionKind.LIQUIDATION)
    deal = (await client.fetch_my_trades(BTC))[-1]
    assert (deal["info"]["category"], deal["info"]["side"], deal["price"]) == (2, 4, "55000")
    assert (await client.fetch_order(deal["order"], BTC))["info"]["category"] == 2
    assert await client.fetch_positions() == []
