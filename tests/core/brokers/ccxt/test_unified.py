"""Any other exchange: read through unified methods, listed with what it lacks, never traded on."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from core.brokers.ccxt import CcxtBroker
from core.domain.errors import NotSent, Unavailable
from core.domain.order import OrderStatus, OrderType, Side
from core.domain.snapshot import Found, Inconclusive, Partial
from core.domain.snapshot import Unavailable as UnavailablePart
from core.domain.stream import Gap
from tests.core.brokers.ccxt.account import NAME, broker_at, request
from tests.core.brokers.receipts import receipt
from tests.venues.bybit import BybitVenue
from tests.venues.exchange import Side as TheirSide
from tests.venues.faults import Fault

BTC = "BTC/USDT:USDT"
# A sister of Bybit that speaks its language and has no translation of its own here.
SISTER = "bybitid"


@pytest.fixture
async def elsewhere(bybit: BybitVenue) -> AsyncIterator[CcxtBroker]:
    async with broker_at(bybit, broker=SISTER) as broker:
        yield broker


async def test_an_account_is_read_whole(bybit: BybitVenue, elsewhere: CcxtBroker) -> None:
    bybit.exchange.trade_by_hand("BTCUSDT", TheirSide.SELL, "0.01")
    bybit.exchange.trade_by_hand("BTCUSDT", TheirSide.SELL, "0.02", price="70000")
    snapshot = await elsewhere.snapshot()
    assert snapshot.complete
    assert snapshot.broker == SISTER
    [position] = snapshot.positions
    assert (position.symbol, position.quantity) == (BTC, Decimal("-0.01"))
    [execution] = snapshot.executions
    assert (execution.side, execution.quantity) == (Side.SELL, Decimal("0.01"))
    orders = {row.type: row for row in snapshot.orders}
    resting = orders[OrderType.LIMIT]
    assert (resting.status, resting.price) == (OrderStatus.OPEN, 70000)
    assert orders[OrderType.MARKET].status is OrderStatus.FILLED
    assert snapshot.instruments[BTC].price_tick == Decimal("0.1")
    assert snapshot.quotes[BTC].bid == 60000


async def test_a_contract_taken_for_a_spot_market_is_not_believed(bybit: BybitVenue) -> None:
    """Of this one ccxt lists the spot markets only, and names positions after those."""
    bybit.exchange.trade_by_hand("BTCUSDT", TheirSide.SELL, "0.01")
    async with broker_at(bybit, broker="bybiteu") as broker:
        snapshot = await broker.snapshot()
    assert snapshot.positions == ()
    assert isinstance(snapshot.parts["positions"], Partial)


async def test_where_a_page_may_have_ended_the_listing_is_partial(
    bybit: BybitVenue, elsewhere: CcxtBroker
) -> None:
    for _ in range(60):
        bybit.exchange.trade_by_hand("BTCUSDT", TheirSide.BUY, "0.001", price="50000")
    part = (await elsewhere.snapshot()).parts["orders"]
    assert isinstance(part, Partial)


@pytest.mark.parametrize("reply", [Fault.HTML, Fault.EMPTY])
async def test_a_page_instead_of_rows_is_not_an_empty_listing(
    bybit: BybitVenue, elsewhere: CcxtBroker, reply: Fault
) -> None:
    bybit.exchange.trade_by_hand("BTCUSDT", TheirSide.BUY, "0.01")
    bybit.faults.always("position/list", reply)
    parts = (await elsewhere.snapshot()).parts
    assert isinstance(parts["positions"], UnavailablePart)


async def test_nothing_is_ever_sent(bybit: BybitVenue, elsewhere: CcxtBroker) -> None:
    assert not elsewhere.capabilities.finds_by_key
    bybit.exchange.trade_by_hand("BTCUSDT", TheirSide.BUY, "0.01", price="50000")
    [order] = (await elsewhere.snapshot()).orders
    with pytest.raises(NotSent, match="does not find an order by our key"):
        await elsewhere.place(receipt("tu-1", NAME), request(BTC, "buy", "0.01"))
    with pytest.raises(NotSent):
        await elsewhere.amend(receipt("tu-2", NAME), order, quantity=Decimal(1))
    with pytest.raises(NotSent):
        await elsewhere.cancel(receipt("tu-3", NAME), order)
    assert not any(seen.endpoint.startswith("order/c") for seen in bybit.requests.seen)


async def test_an_order_may_be_found_and_is_never_called_absent(
    bybit: BybitVenue, elsewhere: CcxtBroker
) -> None:
    for names in ({"client_order_id": "tu-1"}, {"broker_order_id": "none-such"}):
        answer = await elsewhere.find_order(symbol=BTC, **names)
        assert not isinstance(answer, Found)
        assert isinstance(answer, Inconclusive)


async def test_an_unknown_symbol_is_one(elsewhere: CcxtBroker) -> None:
    assert await elsewhere.instrument("NO/SUCH") is None
    with pytest.raises(Unavailable, match="no market called"):
        await elsewhere.quote("NO/SUCH")


async def test_coins_of_a_spot_account_are_positions(bybit: BybitVenue) -> None:
    bybit.exchange.account.balances["BTC"] = Decimal("0.5")
    async with broker_at(bybit, broker=SISTER, market="spot") as broker:
        snapshot = await broker.snapshot()
    assert {row.symbol: str(row.quantity) for row in snapshot.positions} == {"BTC/USDT": "0.5"}


async def test_instead_of_a_stream_there_is_a_reason_to_look_again(
    elsewhere: CcxtBroker,
) -> None:
    events = elsewhere.events()
    told = [await anext(events), await anext(events)]
    assert all(isinstance(event, Gap) for event in told)
    await elsewhere.close()
    assert [event async for event in events] == []
