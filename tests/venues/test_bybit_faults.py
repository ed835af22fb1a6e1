"""What the real ccxt makes of every fault the emulated Bybit can commit, and of its stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt
import pytest

from tests.venues.bybit import BybitVenue
from tests.venues.clients import Ear, client_of, ear_at, impatient
from tests.venues.exchange import Side
from tests.venues.exchange.clock import wall_ms
from tests.venues.faults import Effect, Fault
from tests.venues.wire import sign

pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed:DeprecationWarning")

BTC = "BTC/USDT:USDT"
NO_EXCEPTION = None
ACCEPTED, NOT_ACCEPTED = 1, 0


@pytest.fixture
async def venue() -> AsyncIterator[BybitVenue]:
    async with BybitVenue() as venue:
        yield venue


async def buy(client: Any, key: str = "a") -> Any:
    params = {"clientOrderId": key}
    return await client.create_order(BTC, "limit", "buy", "0.01", "50000", params)


def orders_at(venue: BybitVenue) -> int:
    return len(venue.exchange.register.orders)


# Each row: the fault, what ccxt raises, and whether the order is at the venue afterwards.
TABLE = {
    "reset before accept": (Fault.RESET, ccxt.ExchangeNotAvailable, NOT_ACCEPTED),
    "reset after accept": (Fault.RESET_AFTER_ACCEPT, ccxt.ExchangeNotAvailable, ACCEPTED),
    "reply lost": (Fault.LOST_REPLY, ccxt.ExchangeNotAvailable, ACCEPTED),
    "HTTP 408": (Fault.http(408), ccxt.RequestTimeout, NOT_ACCEPTED),
    "HTTP 429": (Fault.http(429), ccxt.RateLimitExceeded, NOT_ACCEPTED),
    "HTTP 500": (Fault.http(500), ccxt.ExchangeNotAvailable, NOT_ACCEPTED),
    "HTTP 502": (Fault.http(502), ccxt.ExchangeNotAvailable, NOT_ACCEPTED),
    "HTTP 503": (Fault.http(503), ccxt.ExchangeNotAvailable, NOT_ACCEPTED),
    "HTTP 504 and yet accepted": (Fault.http(504).accepted(), ccxt.RequestTimeout, ACCEPTED),
    "truncated": (Fault.TRUNCATED, ccxt.ExchangeError, ACCEPTED),
    "HTML": (Fault.HTML, NO_EXCEPTION, ACCEPTED),
    "empty": (Fault.EMPTY, NO_EXCEPTION, ACCEPTED),
    "success without id": (Fault.WITHOUT_ID, NO_EXCEPTION, ACCEPTED),
    "10006 rate limit": (Fault.refused(10006), ccxt.RateLimitExceeded, NOT_ACCEPTED),
    "10018 rate limit": (Fault.refused(10018), ccxt.RateLimitExceeded, NOT_ACCEPTED),
    "10002 timestamp": (Fault.refused(10002), ccxt.InvalidNonce, NOT_ACCEPTED),
    "110072 duplicate": (Fault.refused(110072), ccxt.InvalidOrder, NOT_ACCEPTED),
    "12141 duplicate": (Fault.refused(12141), ccxt.BadRequest, NOT_ACCEPTED),
    "10014 duplicate": (Fault.refused(10014), ccxt.BadRequest, NOT_ACCEPTED),
    "10016 trouble": (Fault.refused(10016), ccxt.ExchangeError, NOT_ACCEPTED),
    "10016 and yet accepted": (Fault.refused(10016).accepted(), ccxt.ExchangeError, ACCEPTED),
    "5004 timeout": (Fault.refused(5004), ccxt.ExchangeError, NOT_ACCEPTED),
    "10000 timeout": (Fault.refused(10000), ccxt.ExchangeError, NOT_ACCEPTED),
    "170032 network": (Fault.refused(170032), ccxt.ExchangeError, NOT_ACCEPTED),
}


@pytest.mark.parametrize(("fault", "error", "orders"), TABLE.values(), ids=TABLE.keys())
async def test_a_create_that_goes_wrong(
    client: Any, venue: BybitVenue, fault: Fault, error: type[Exception] | None, orders: int
) -> None:
    venue.faults.next("order/create", fault)
    if error is NO_EXCEPTION:
        assert (await buy(client))["id"] is None
    else:
        with pytest.raises(error) as caught:
            await buy(client)
        assert type(caught.value) is error
    assert orders_at(venue) == orders
    assert venue.requests.count("order/create") == 1
    assert venue.faults.left == {}


async def test_a_truncated_reply_names_its_cause(client: Any, venue: BybitVenue) -> None:
    venue.faults.next("order/create", Fault.TRUNCATED)
    with pytest.raises(ccxt.ExchangeError) as caught:
        await buy(client)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("code", "error"), [("110001", "OrderNotFound"), ("110008", "InvalidOrder")]
)
async def test_a_cancel_that_comes_too_late(
    client: Any, venue: BybitVenue, code: str, error: str
) -> None:
    order = await buy(client)
    venue.faults.next("order/cancel", Fault.refused(code))
    with pytest.raises(getattr(ccxt, error), match=code):
        await client.cancel_order(order["id"], BTC)


@pytest.mark.parametrize(
    ("fault", "orders"), [(Fault.HANG, NOT_ACCEPTED), (Fault.HANG_AFTER_ACCEPT, ACCEPTED)]
)
async def test_a_hang_is_a_timeout(
    client: Any, venue: BybitVenue, fault: Fault, orders: int
) -> None:
    venue.faults.next("order/create", fault)
    with impatient(client), pytest.raises(ccxt.RequestTimeout):
        await buy(client)
    assert orders_at(venue) == orders


async def test_an_order_accepted_after_its_timeout(client: Any, venue: BybitVenue) -> None:
    venue.faults.next("order/create", Fault.LATE_ACCEPT)
    with impatient(client), pytest.raises(ccxt.RequestTimeout):
        await buy(client)
    params = {"orderLinkId": "a"}
    assert await client.fetch_open_orders(BTC, params=params) == []
    venue.release()
    assert len(await client.fetch_open_orders(BTC, params=params)) == 1


async def test_an_order_accepted_some_time_later(client: Any, venue: BybitVenue) -> None:
    venue.faults.next("order/create", Fault.late_accept(0.15))
    with impatient(client), pytest.raises(ccxt.RequestTimeout):
        await buy(client)
    await venue.bell.until(lambda: orders_at(venue) == 1)


async def test_a_slow_reply_is_still_a_reply(client: Any, venue: BybitVenue) -> None:
    venue.faults.next("order/create", Fault.slow(0.05))
    assert (await buy(client))["id"]


async def test_a_closed_port_refuses_and_opens_again(client: Any, venue: BybitVenue) -> None:
    await venue.close_port()
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await buy(client)
    await venue.open_port()
    await buy(client)
    assert orders_at(venue) == 1


async def test_a_resent_order_is_a_duplicate_of_the_lost_one(
    client: Any, venue: BybitVenue
) -> None:
    venue.faults.next("order/create", Fault.LOST_REPLY)
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await buy(client)
    with pytest.raises(ccxt.InvalidOrder, match="110072"):
        await buy(client)
    assert orders_at(venue) == 1


async def test_a_fault_waits_for_its_occurrence(client: Any, venue: BybitVenue) -> None:
    venue.faults.next("order/create", Fault.refused(10006), after=1, where={"symbol": "BTCUSDT"})
    await buy(client, "first")
    with pytest.raises(ccxt.RateLimitExceeded):
        await buy(client, "second")
    await buy(client, "third")
    assert orders_at(venue) == 2


def test_a_fault_can_be_named() -> None:
    assert Fault.named("LOST_REPLY") is Fault.LOST_REPLY
    assert Fault.named("refused:10006") == Fault.refused(10006)
    assert Fault.named("http:503") == Fault.http(503)
    assert Fault.named("late_accept:2").effect is Effect.LATER
    with pytest.raises(ValueError, match="LOST_REPLY"):
        Fault.named("gremlins")


# The stream


def login(venue: BybitVenue, secret: str | None = None) -> dict[str, Any]:
    """The login of the account's owner."""
    expires = str(wall_ms() + 10_000)
    signature = sign(secret or venue.api_secret, f"GET/realtime{expires}")
    return {"op": "auth", "args": [venue.api_key, expires, signature]}


@asynccontextmanager
async def ear(venue: BybitVenue, *topics: str) -> AsyncIterator[Ear]:
    """A private stream that already listens to the topics."""
    subscribe = {"op": "subscribe", "args": list(topics)}
    async with ear_at(venue, "/v5/private", login(venue), subscribe) as listening:
        await venue.subscribed(topics[0])
        yield listening


async def told(listening: Ear) -> tuple[str, str]:
    """Client id and state of the next order event."""
    row = (await listening.heard("order"))["data"][0]
    return row["orderLinkId"], row["orderStatus"]


async def test_ccxt_hears_orders_executions_and_positions(client: Any, venue: BybitVenue) -> None:
    client.options["watchPositions"] = {"awaitPositionsSnapshot": False}
    watching = (client.watch_orders(), client.watch_my_trades(), client.watch_positions())
    orders, trades, positions = (asyncio.ensure_future(each) for each in watching)
    for topic in ("order", "execution", "position"):
        await venue.subscribed(topic)
    venue.exchange.trade_by_hand("BTCUSDT", Side.BUY, "0.01")
    assert [(each["clientOrderId"], each["status"]) for each in await orders] == [(None, "closed")]
    assert [each["amount"] for each in await trades] == ["0.01"]
    assert [(each["side"], each["contracts"]) for each in await positions] == [("long", "0.01")]


async def test_a_partial_fill_is_told_in_steps(client: Any, venue: BybitVenue) -> None:
    async with ear(venue, "order", "execution") as listening:
        await buy(client)
        venue.exchange.fill("a", "0.004")
        venue.exchange.fill("a")
        states = [(await told(listening))[1] for _ in range(3)]
    assert states == ["New", "PartiallyFilled", "Filled"]


async def test_ccxt_refuses_a_login_with_a_wrong_secret(venue: BybitVenue) -> None:
    async with client_of(venue) as client:
        await client.is_unified_enabled()
        client.secret = "another"
        with pytest.raises(ccxt.AuthenticationError):
            await client.watch_orders()


async def test_nobody_listens_to_orders_without_a_login(venue: BybitVenue) -> None:
    subscribe = {"op": "subscribe", "args": ["order"]}
    async with ear_at(venue, "/v5/private", login(venue, "another"), subscribe) as listening:
        assert (await listening.heard("auth"))["retCode"] == 10004
        assert (await listening.heard("subscribe"))["success"] is False
        assert venue.streams.subscribed("order") == 0


async def test_dropped_events_leave_a_gap(client: Any, venue: BybitVenue) -> None:
    async with ear(venue, "order") as listening:
        venue.events.drop("order", times=2)
        for key in ("a", "b", "c"):
            await buy(client, key)
        assert await told(listening) == ("c", "New")


async def test_doubled_events_come_twice(client: Any, venue: BybitVenue) -> None:
    async with ear(venue, "order") as listening:
        venue.events.duplicate("order")
        await buy(client, "a")
        assert await told(listening) == await told(listening) == ("a", "New")


async def test_turned_events_come_last_one_first(client: Any, venue: BybitVenue) -> None:
    async with ear(venue, "order") as listening:
        venue.events.reverse(3, "order")
        await buy(client, "a")
        venue.exchange.fill("a", "0.004")
        venue.exchange.fill("a")
        states = [(await told(listening))[1] for _ in range(3)]
    assert states == ["Filled", "PartiallyFilled", "New"]


async def test_held_and_delayed_events_come_later(client: Any, venue: BybitVenue) -> None:
    async with ear(venue, "order") as listening:
        venue.events.hold("order")
        venue.events.delay(0.02, "order")
        await buy(client, "held")
        await buy(client, "delayed")
        assert await told(listening) == ("delayed", "New")
        venue.events.release()
        assert await told(listening) == ("held", "New")


async def test_a_silence_loses_what_happens_meanwhile(client: Any, venue: BybitVenue) -> None:
    async with ear(venue, "order") as listening:
        venue.events.silence()
        await buy(client, "a")
        venue.events.speak()
        await buy(client, "b")
        assert await told(listening) == ("b", "New")


async def test_a_cut_stream_is_an_error_and_can_be_joined_again(
    client: Any, venue: BybitVenue
) -> None:
    orders = asyncio.ensure_future(client.watch_orders())
    await venue.subscribed("order")
    venue.disconnect()
    with pytest.raises(ccxt.NetworkError):
        await orders
    await venue.bell.until(lambda: not venue.streams.sessions)
    orders = asyncio.ensure_future(client.watch_orders())
    await venue.subscribed("order")
    await buy(client, "b")
    assert [order["clientOrderId"] for order in await orders] == ["b"]


async def test_a_stream_may_be_refused_at_the_door(client: Any, venue: BybitVenue) -> None:
    venue.faults.next("ws/connect", Fault.http(503))
    with pytest.raises(ccxt.NetworkError):
        await client.watch_orders()
    assert venue.requests.count("ws/connect") == 1


async def test_a_login_may_get_no_answer(client: Any, venue: BybitVenue) -> None:
    venue.faults.next("ws/auth", Fault.HANG)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.watch_orders(), 0.1)
    assert venue.requests.count("ws/subscribe") == 0


async def test_a_stream_may_be_cut_for_what_it_says(client: Any, venue: BybitVenue) -> None:
    venue.faults.next("ws/subscribe", Fault.RESET)
    with pytest.raises(ccxt.NetworkError):
        await client.watch_orders()


async def test_quotes_are_told_on_the_public_stream(venue: BybitVenue) -> None:
    subscribe = {"op": "subscribe", "args": ["tickers.BTCUSDT"]}
    async with ear_at(venue, "/v5/public/linear", subscribe) as listening:
        await venue.subscribed("tickers.BTCUSDT")
        venue.exchange.move_quote("BTCUSDT", bid="61000", ask="61000.5")
        ticker = (await listening.heard("tickers.BTCUSDT"))["data"]
    assert (ticker["bid1Price"], ticker["ask1Price"]) == ("61000", "61000.5")
