"""One order of a Bybit account: found, conclusively absent, or beyond what Bybit answers for."""

from datetime import timedelta

import pytest

from core.brokers.ccxt import CcxtBroker
from core.domain.errors import Rejected
from core.domain.order import BrokerOrder, OrderStatus
from core.domain.snapshot import Absent, Found, Inconclusive, Lookup
from tests.core.brokers.ccxt.account import NAME, QuickClock, request
from tests.core.brokers.receipts import receipt
from tests.venues.bybit import BybitVenue
from tests.venues.faults import Fault

RESTING = request("BTCUSDT", "buy", "0.01", "limit", price="50000")
DAY = 86400


async def placed(broker: CcxtBroker, key: str = "tu-1") -> BrokerOrder:
    return await broker.place(receipt(key, NAME), RESTING)


def status(found: Lookup) -> OrderStatus:
    assert isinstance(found, Found)
    return found.order.status


async def test_after_a_restart_a_filled_order_is_in_the_history(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    order = await placed(on_bybit)
    bybit.exchange.fill(order.broker_order_id)
    bybit.restart()
    found = await on_bybit.find_order(symbol="BTCUSDT", client_order_id="tu-1")
    assert status(found) is OrderStatus.FILLED


async def test_what_ended_unfilled_is_forgotten_after_a_day_and_then_proves_nothing(
    bybit: BybitVenue, on_bybit: CcxtBroker, clock: QuickClock
) -> None:
    placed_at = clock.now()
    await on_bybit.cancel(receipt("tu-2", NAME), await placed(on_bybit))
    bybit.restart()
    found = await on_bybit.find_order(symbol="BTCUSDT", client_order_id="tu-1")
    assert status(found) is OrderStatus.CANCELLED
    bybit.exchange.clock.advance(DAY + 60)
    clock.ahead = timedelta(seconds=DAY + 60)
    answer = await on_bybit.find_order(
        symbol="BTCUSDT", client_order_id="tu-1", created_at=placed_at
    )
    assert isinstance(answer, Inconclusive)
    assert "after a day" in answer.why


async def test_a_young_order_that_is_nowhere_was_never_there(
    on_bybit: CcxtBroker, clock: QuickClock
) -> None:
    answer = await on_bybit.find_order(
        symbol="BTCUSDT", client_order_id="tu-9", created_at=clock.now() - timedelta(hours=23)
    )
    assert answer == Absent()


async def test_without_an_age_absence_proves_nothing(on_bybit: CcxtBroker) -> None:
    answer = await on_bybit.find_order(symbol="BTCUSDT", client_order_id="tu-9")
    assert isinstance(answer, Inconclusive)


@pytest.mark.parametrize("endpoint", ["order/realtime", "order/history"])
async def test_a_question_that_failed_proves_nothing(
    bybit: BybitVenue, on_bybit: CcxtBroker, clock: QuickClock, endpoint: str
) -> None:
    """Ten network errors are not ten orders that are gone."""
    bybit.faults.always(endpoint, Fault.http(503))
    answer = await on_bybit.find_order(
        symbol="BTCUSDT", client_order_id="tu-9", created_at=clock.now()
    )
    assert isinstance(answer, Inconclusive)


@pytest.mark.parametrize("reply", [Fault.HTML, Fault.EMPTY, Fault.WITHOUT_ID])
async def test_an_answer_that_is_none_proves_nothing(
    bybit: BybitVenue, on_bybit: CcxtBroker, clock: QuickClock, reply: Fault
) -> None:
    bybit.faults.always("order/history", reply)
    answer = await on_bybit.find_order(
        symbol="BTCUSDT", client_order_id="tu-9", created_at=clock.now()
    )
    assert isinstance(answer, Inconclusive)


async def test_an_order_without_any_id_cannot_be_asked_for(on_bybit: CcxtBroker) -> None:
    for names in ({}, {"perm_id": "7"}):
        answer = await on_bybit.find_order(symbol="BTCUSDT", **names)
        assert isinstance(answer, Inconclusive)


async def test_a_second_create_under_one_key_is_refused_because_the_first_is_there(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    await placed(on_bybit)
    with pytest.raises(Rejected, match="110072"):
        await placed(on_bybit)
    assert len(bybit.exchange.register.orders) == 1


async def test_a_cancel_that_lost_to_a_fill_is_refused_and_the_fill_is_found(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    order = await placed(on_bybit)
    bybit.exchange.fill(order.broker_order_id)
    with pytest.raises(Rejected):
        await on_bybit.cancel(receipt("tu-2", NAME), order)
    found = await on_bybit.find_order(
        symbol="BTCUSDT", broker_order_id=order.broker_order_id, client_order_id="tu-1"
    )
    assert status(found) is OrderStatus.FILLED


async def test_a_cancel_whose_effect_cannot_be_seen_claims_none(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    order = await placed(on_bybit)
    bybit.faults.always("order/realtime", Fault.http(503))
    told = await on_bybit.cancel(receipt("tu-2", NAME), order)
    assert told == order
