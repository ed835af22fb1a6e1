"""Reads are tried again with pauses, writes never; all requests share one pace."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from core.brokers.ccxt import CcxtBroker
from core.brokers.ccxt.pace import Pace
from core.config.settings import Account
from core.domain.errors import BrokerError, NotSent, Unavailable
from tests.core.brokers.ccxt.account import NAME, QuickClock, broker_at, request
from tests.core.brokers.receipts import receipt
from tests.venues.bybit import BybitVenue
from tests.venues.faults import Fault

WALLET = "account/wallet-balance"
TOO_OFTEN = Fault.refused(10006)


def pauses(clock: QuickClock) -> list[float]:
    """Those of a retry; the pace itself waits for microseconds."""
    return [round(each, 2) for each in clock.pauses if each > 0.01]


async def test_a_rate_limit_is_waited_out_and_asked_again(
    bybit: BybitVenue, on_bybit: CcxtBroker, clock: QuickClock
) -> None:
    bybit.faults.next(WALLET, TOO_OFTEN, times=2)
    assert await on_bybit.balances()
    assert bybit.requests.count(WALLET) == 3
    assert round(pauses(clock)[0]) == 1


async def test_pauses_double_up_to_a_cap(bybit: BybitVenue, clock: QuickClock) -> None:
    bybit.faults.always(WALLET, Fault.http(503))
    async with broker_at(bybit, clock, retry=6, retry_cap_seconds=Decimal(5)) as broker:
        with pytest.raises(Unavailable, match="503"):
            await broker.balances()
    assert pauses(clock) == [1, 2, 4, 5, 5]


async def test_three_tries_one_second_apart_unless_told_otherwise(
    bybit: BybitVenue, on_bybit: CcxtBroker, clock: QuickClock
) -> None:
    bybit.faults.always(WALLET, Fault.http(500))
    with pytest.raises(Unavailable):
        await on_bybit.balances()
    assert bybit.requests.count(WALLET) == 3
    assert pauses(clock) == [1, 2]
    assert Account().retry_cap_seconds == 30


async def test_a_venue_that_asks_for_patience_gets_it(
    bybit: BybitVenue, on_bybit: CcxtBroker, clock: QuickClock
) -> None:
    bybit.faults.next(WALLET, Fault.http(429, retry_after_seconds=7))
    assert await on_bybit.balances()
    assert 6.5 < max(clock.pauses) <= 7


async def test_patience_beyond_the_cap_is_not_had(
    bybit: BybitVenue, on_bybit: CcxtBroker, clock: QuickClock
) -> None:
    bybit.faults.next(WALLET, Fault.http(429, retry_after_seconds=600))
    with pytest.raises(Unavailable, match="600 s"):
        await on_bybit.balances()
    assert pauses(clock) == []


@pytest.mark.parametrize("code", [10003, 10004, 10005, 10002])
async def test_what_will_be_refused_again_is_not_asked_again(
    bybit: BybitVenue, on_bybit: CcxtBroker, code: int
) -> None:
    bybit.faults.always(WALLET, Fault.refused(code))
    with pytest.raises(Unavailable, match=str(code)):
        await on_bybit.balances()
    assert bybit.requests.count(WALLET) == 1


@pytest.mark.parametrize("fault", [Fault.HTML, Fault.EMPTY, Fault.TRUNCATED, Fault.WITHOUT_ID])
async def test_a_page_instead_of_an_answer_is_never_an_empty_answer(
    bybit: BybitVenue, on_bybit: CcxtBroker, fault: Fault
) -> None:
    bybit.faults.always(WALLET, fault)
    with pytest.raises(Unavailable):
        await on_bybit.balances()


async def test_a_dropped_connection_is_no_answer_either(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    # The transport itself repeats a read once on a connection that it had used before.
    bybit.faults.next(WALLET, Fault.RESET, times=2)
    assert await on_bybit.balances()


async def test_a_write_held_up_by_a_rate_limit_is_not_repeated(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    bybit.faults.next("order/create", TOO_OFTEN)
    with pytest.raises(NotSent):
        await on_bybit.place(receipt("tu-1", NAME), request("BTCUSDT", "buy", "0.01"))
    assert bybit.requests.count("order/create") == 1


async def test_requests_keep_their_distance() -> None:
    class Standing(QuickClock):
        def __init__(self) -> None:
            super().__init__()
            self.moment = super().now()

        def now(self) -> Any:
            return self.moment

    clock = Standing()
    pace = Pace(4, clock)
    await asyncio.gather(*(pace.turn() for _ in range(5)))
    assert clock.pauses == [0.25, 0.5, 0.75, 1.0]
    pace.hold(30)
    await pace.turn()
    assert clock.pauses[-1] == 30


async def test_an_account_without_its_key_says_what_is_missing(bybit: BybitVenue) -> None:
    async with broker_at(bybit, api_key=None) as broker:
        with pytest.raises(Unavailable, match="ACCOUNTS.main.api_key is missing"):
            await broker.snapshot()
        with pytest.raises(NotSent, match="api_key"):
            await broker.place(receipt("tu-1", NAME), request("BTCUSDT", "buy", "0.01"))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"broker": "nowhere"}, "neither an adapter nor an exchange that ccxt knows"),
        ({"endpoint": "127.0.0.1:1"}, "endpoint is not an address"),
        ({"broker": "mexc", "environment": "testnet"}, "mexc has no testnet"),
    ],
)
async def test_a_configuration_that_leads_nowhere_says_so(
    bybit: BybitVenue, changes: dict[str, Any], why: str
) -> None:
    async with broker_at(bybit, **changes) as broker:
        with pytest.raises(Unavailable, match=why):
            await broker.snapshot()


async def test_a_receipt_for_another_account_sends_nothing(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    with pytest.raises(NotSent, match="the receipt is for other"):
        await on_bybit.place(receipt("tu-1", "other"), request("BTCUSDT", "buy", "0.01"))
    assert bybit.requests.count("order/create") == 0


async def test_after_it_is_closed_nothing_is_asked(bybit: BybitVenue) -> None:
    async with broker_at(bybit) as broker:
        await broker.balances()
    with pytest.raises(BrokerError, match="closed"):
        await broker.balances()
