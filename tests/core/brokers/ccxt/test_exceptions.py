"""What goes wrong with a create, what our exception says of it, and whether the order is there.

One row for each way that the emulated venues know. The order must never be there after NotSent or
Rejected, and nothing may be believed after OutcomeUnknown.
"""

import traceback
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from core.brokers.ccxt import CcxtBroker
from core.domain.errors import BrokerError, NotSent, OutcomeUnknown, Rejected
from tests.core.brokers.ccxt.account import (
    BRIEF,
    NAME,
    PATIENT,
    broker_at,
    exchange_of,
    refuse_next,
    request,
)
from tests.core.brokers.receipts import receipt
from tests.venues.bybit import BybitVenue
from tests.venues.faults import Fault
from tests.venues.mexc import MexcVenue
from tests.venues.server import Venue

CANARY_KEY, CANARY_SECRET = "canary-key-5f0e1d", "canary-secret-77aa01"


class Row(NamedTuple):
    fault: Fault
    raised: type[BrokerError]
    orders: int = 0


BYBIT = {
    "hangs": Row(Fault.HANG, OutcomeUnknown),
    "hangs after accept": Row(Fault.HANG_AFTER_ACCEPT, OutcomeUnknown, 1),
    "reset": Row(Fault.RESET, OutcomeUnknown),
    "reset after accept": Row(Fault.RESET_AFTER_ACCEPT, OutcomeUnknown, 1),
    "reply lost": Row(Fault.LOST_REPLY, OutcomeUnknown, 1),
    "truncated": Row(Fault.TRUNCATED, OutcomeUnknown, 1),
    "HTML": Row(Fault.HTML, OutcomeUnknown, 1),
    "empty": Row(Fault.EMPTY, OutcomeUnknown, 1),
    "success without id": Row(Fault.WITHOUT_ID, OutcomeUnknown, 1),
    "HTTP 400": Row(Fault.http(400), OutcomeUnknown),
    "HTTP 401": Row(Fault.http(401), OutcomeUnknown),
    "HTTP 403": Row(Fault.http(403), OutcomeUnknown),
    "HTTP 408": Row(Fault.http(408), OutcomeUnknown),
    "HTTP 429 without a code": Row(Fault.http(429), OutcomeUnknown),
    "HTTP 500": Row(Fault.http(500), OutcomeUnknown),
    "HTTP 502 and yet accepted": Row(Fault.http(502).accepted(), OutcomeUnknown, 1),
    "HTTP 503": Row(Fault.http(503), OutcomeUnknown),
    "HTTP 504 and yet accepted": Row(Fault.http(504).accepted(), OutcomeUnknown, 1),
    "10006 too often": Row(Fault.refused(10006), NotSent),
    "10018 too often": Row(Fault.refused(10018), NotSent),
    "10002 timestamp": Row(Fault.refused(10002), NotSent),
    "10003 key": Row(Fault.refused(10003), Rejected),
    "10005 permission": Row(Fault.refused(10005), Rejected),
    "10001 parameter": Row(Fault.refused(10001), Rejected),
    "110007 no funds": Row(Fault.refused(110007), Rejected),
    "110017 nothing to reduce": Row(Fault.refused(110017), Rejected),
    "110092 trigger": Row(Fault.refused(110092), Rejected),
    "170131 no funds in spot": Row(Fault.refused(170131), Rejected),
    # A duplicate of which nothing is shown: it may be there, and it may come.
    "110072 duplicate": Row(Fault.refused(110072), OutcomeUnknown),
    "12141 duplicate": Row(Fault.refused(12141), OutcomeUnknown),
    "10014 duplicate": Row(Fault.refused(10014), OutcomeUnknown),
    "170141 duplicate": Row(Fault.refused(170141), OutcomeUnknown),
    "10000 server": Row(Fault.refused(10000), OutcomeUnknown),
    "10016 server": Row(Fault.refused(10016), OutcomeUnknown),
    "10016 and yet accepted": Row(Fault.refused(10016).accepted(), OutcomeUnknown, 1),
    "5004 server": Row(Fault.refused(5004), OutcomeUnknown),
    "170032 server": Row(Fault.refused(170032), OutcomeUnknown),
    "a code that nobody knows": Row(Fault.refused(987654), OutcomeUnknown),
}
MEXC = {
    "hangs after accept": Row(Fault.HANG_AFTER_ACCEPT, OutcomeUnknown, 1),
    "reset": Row(Fault.RESET, OutcomeUnknown),
    "reply lost": Row(Fault.LOST_REPLY, OutcomeUnknown, 1),
    "truncated": Row(Fault.TRUNCATED, OutcomeUnknown, 1),
    "HTML": Row(Fault.HTML, OutcomeUnknown, 1),
    "empty": Row(Fault.EMPTY, OutcomeUnknown, 1),
    "success without data": Row(Fault.WITHOUT_ID, OutcomeUnknown, 1),
    "HTTP 500": Row(Fault.http(500), OutcomeUnknown),
    "HTTP 504 and yet accepted": Row(Fault.http(504).accepted(), OutcomeUnknown, 1),
    "510 too often": Row(Fault.refused(510), NotSent),
    "513 timestamp": Row(Fault.refused(513), NotSent),
    "402 key": Row(Fault.refused(402), Rejected),
    "602 signature": Row(Fault.refused(602), Rejected),
    "600 parameter": Row(Fault.refused(600), Rejected),
    "2005 no funds": Row(Fault.refused(2005), Rejected),
    "2009 no position": Row(Fault.refused(2009), Rejected),
    "2015 precision": Row(Fault.refused(2015), Rejected),
    "6001 forbidden": Row(Fault.refused(6001), Rejected),
    "603 repeated": Row(Fault.refused(603), OutcomeUnknown),
    "500 server": Row(Fault.refused(500), OutcomeUnknown),
    "501 busy and yet accepted": Row(Fault.refused(501).accepted(), OutcomeUnknown, 1),
    "9999 server": Row(Fault.refused(9999), OutcomeUnknown),
}


@pytest.fixture
async def venue(broker_name: str) -> AsyncIterator[Venue]:
    kinds: dict[str, type[BybitVenue] | type[MexcVenue]] = {"bybit": BybitVenue, "mexc": MexcVenue}
    async with kinds[broker_name](api_key=CANARY_KEY, api_secret=CANARY_SECRET) as running:
        yield running


@pytest.fixture
async def broker(venue: Venue, row: Row) -> AsyncIterator[CcxtBroker]:
    hangs = row.fault in (Fault.HANG, Fault.HANG_AFTER_ACCEPT)
    async with broker_at(venue, timeout_seconds=BRIEF if hangs else PATIENT) as made:
        yield made


SYMBOLS = {"bybit": "BTCUSDT", "mexc": "BTC_USDT"}
ROWS = [
    pytest.param(name, row, id=f"{name}: {what}")
    for name, table in (("bybit", BYBIT), ("mexc", MEXC))
    for what, row in table.items()
]


@pytest.mark.parametrize(("broker_name", "row"), ROWS)
async def test_a_create_that_goes_wrong(
    venue: Venue, broker: CcxtBroker, broker_name: str, row: Row
) -> None:
    venue.faults.next("order/create", row.fault)
    wanted = request(SYMBOLS[broker_name], "buy", "0.01", "limit", price="50000")
    with pytest.raises(BrokerError) as raised:
        await broker.place(receipt("tu-1", NAME), wanted)
    assert type(raised.value) in (row.raised, *row.raised.__subclasses__())
    assert len(venue.exchange.register.orders) == row.orders
    # One request, whatever came of it.
    assert venue.requests.count("order/create") == 1
    assert_no_secret_in(raised.value)


def assert_no_secret_in(error: BaseException) -> None:
    told = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
    assert "canary" not in told
    # Nor in what a debugger or a log of the whole chain would show.
    assert error.__cause__ is None
    assert error.__context__ is None


NOBODY = {"bybit": ("BTCUSDT", "order/create"), "mexc": ("BTC_USDT", "order/create")}


@pytest.mark.parametrize("broker_name", NOBODY)
async def test_a_refused_connection_sends_nothing(venue: Venue, broker_name: str) -> None:
    symbol, path = NOBODY[broker_name]
    async with broker_at(venue) as broker:
        refuse_next(broker, path)
        with pytest.raises(NotSent, match="ConnectionRefusedError") as raised:
            await broker.place(receipt("tu-1", NAME), request(symbol, "buy", "0.01"))
    assert venue.requests.count("order/create") == 0
    assert_no_secret_in(raised.value)


@pytest.mark.parametrize("broker_name", ["bybit"])
async def test_a_venue_that_repeats_the_key_is_not_quoted_with_it(venue: Venue) -> None:
    async with broker_at(venue) as broker:
        exchange_of(broker).secret = "another-secret"
        with pytest.raises(Rejected, match="10004") as raised:
            await broker.place(receipt("tu-1", NAME), request("BTCUSDT", "buy", "0.01"))
    assert "origin_string" in raised.value.text
    assert_no_secret_in(raised.value)


@pytest.mark.parametrize("broker_name", ["bybit"])
async def test_a_late_accept_is_found_by_key_once_it_has_happened(venue: Venue) -> None:
    async with broker_at(venue, timeout_seconds=BRIEF) as broker:
        venue.faults.next("order/create", Fault.LATE_ACCEPT)
        wanted = request("BTCUSDT", "buy", "0.01", "limit", price="50000")
        with pytest.raises(OutcomeUnknown):
            await broker.place(receipt("tu-1", NAME), wanted)
        assert venue.exchange.register.orders == {}
        venue.release()
    async with broker_at(venue) as broker:
        [order] = (await broker.snapshot()).orders
        assert order.client_order_id == "tu-1"
