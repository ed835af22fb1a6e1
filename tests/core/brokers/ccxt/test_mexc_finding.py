"""One order of a MEXC account: found, absent, or beyond what MEXC tells."""

from datetime import timedelta
from decimal import Decimal

import pytest

from core.brokers.ccxt import CcxtBroker
from core.domain.errors import OutcomeUnknown
from core.domain.snapshot import Absent, Found, Inconclusive
from tests.core.brokers.ccxt.account import NAME, QuickClock, request
from tests.core.brokers.receipts import receipt
from tests.venues import exchange as world
from tests.venues.faults import Fault
from tests.venues.mexc import MexcVenue

BUY, SELL = world.Side.BUY, world.Side.SELL
BTC = "BTC_USDT"
STOP = request(BTC, "sell", "0.01", "stop", trigger_price="59000", reduce_only=True)


def fall(venue: MexcVenue, to: str) -> None:
    venue.exchange.move_quote(BTC, bid=to, ask=str(Decimal(to) + Decimal("0.1")), last=to)


async def hold(venue: MexcVenue) -> None:
    venue.exchange.trade_by_hand(BTC, BUY, "100")


async def test_a_stop_whose_reply_was_lost_is_there_once_and_never_taken_for_absent(
    mexc: MexcVenue, on_mexc: CcxtBroker, clock: QuickClock
) -> None:
    """It carries no key of ours: all that can be said is that it may be this one."""
    began = clock.now()
    mexc.faults.next("planorder/place", Fault.LOST_REPLY)
    with pytest.raises(OutcomeUnknown):
        await on_mexc.place(receipt("tu-1", NAME), STOP)
    answer = await on_mexc.find_order(symbol=BTC, client_order_id="tu-1", created_at=began)
    assert isinstance(answer, Inconclusive)
    [stop] = (await on_mexc.snapshot()).orders
    assert answer.candidates == (stop,)


async def test_a_stop_that_never_arrived_is_absent(
    mexc: MexcVenue, on_mexc: CcxtBroker, clock: QuickClock
) -> None:
    began = clock.now()
    mexc.faults.next("planorder/place", Fault.RESET)
    with pytest.raises(OutcomeUnknown):
        await on_mexc.place(receipt("tu-1", NAME), STOP)
    answer = await on_mexc.find_order(symbol=BTC, client_order_id="tu-1", created_at=began)
    assert answer == Absent()


async def test_as_long_as_we_live_we_know_which_plan_order_is_whose(
    mexc: MexcVenue, on_mexc: CcxtBroker, clock: QuickClock
) -> None:
    began = clock.now()
    placed = await on_mexc.place(receipt("tu-1", NAME), STOP)
    found = await on_mexc.find_order(symbol=BTC, client_order_id="tu-1", created_at=began)
    assert isinstance(found, Found)
    assert found.order.broker_order_id == placed.broker_order_id
    other = await on_mexc.find_order(symbol=BTC, client_order_id="tu-2", created_at=began)
    assert other == Absent()


@pytest.mark.parametrize("absent_is_null", [False, True])
async def test_both_of_its_ways_to_say_that_there_is_no_such_order(
    mexc: MexcVenue, on_mexc: CcxtBroker, clock: QuickClock, absent_is_null: bool
) -> None:
    mexc.listings.absent_is_null = absent_is_null
    for names in ({"client_order_id": "tu-9"}, {"broker_order_id": "123456789"}):
        answer = await on_mexc.find_order(symbol=BTC, created_at=clock.now(), **names)
        assert answer == Absent()


async def test_older_than_its_listings_proves_nothing(
    on_mexc: CcxtBroker, clock: QuickClock
) -> None:
    for created_at in (None, clock.now() - timedelta(days=91)):
        answer = await on_mexc.find_order(symbol=BTC, client_order_id="tu-9", created_at=created_at)
        assert isinstance(answer, Inconclusive)


async def test_a_question_that_failed_proves_nothing(
    mexc: MexcVenue, on_mexc: CcxtBroker, clock: QuickClock
) -> None:
    mexc.faults.always("order/external", Fault.http(503))
    answer = await on_mexc.find_order(symbol=BTC, client_order_id="tu-9", created_at=clock.now())
    assert isinstance(answer, Inconclusive)


async def test_a_second_order_under_one_key_is_never_ruled_out(on_mexc: CcxtBroker) -> None:
    assert not on_mexc.capabilities.deduplicates
    assert not on_mexc.capabilities.amends
