"""Where MEXC differs: contracts, plan orders that live twice, orders without a key."""

from decimal import Decimal

import pytest

from core.brokers.ccxt import CcxtBroker
from core.domain.errors import NotSent, OutcomeUnknown
from core.domain.execution import ExecutionKind
from core.domain.order import OrderRequest, PositionSide, Side
from tests.core.brokers.ccxt.account import NAME, broker_at, request
from tests.core.brokers.receipts import receipt
from tests.venues import exchange as world
from tests.venues.exchange import ExecutionKind as TheirKind
from tests.venues.exchange import Leg
from tests.venues.faults import Fault
from tests.venues.mexc import MexcVenue

BUY, SELL = world.Side.BUY, world.Side.SELL
BTC = "BTC_USDT"
STOP = request(BTC, "sell", "0.01", "stop", trigger_price="59000", reduce_only=True)


def fall(venue: MexcVenue, to: str) -> None:
    venue.exchange.move_quote(BTC, bid=to, ask=str(Decimal(to) + Decimal("0.1")), last=to)


async def hold(venue: MexcVenue) -> None:
    venue.exchange.trade_by_hand(BTC, BUY, "100")


# --- contracts ---------------------------------------------------------------------------------


async def test_contracts_are_told_as_coins(mexc: MexcVenue, on_mexc: CcxtBroker) -> None:
    """broker: 100 contracts of 0.0001 / position: 0.01"""
    await hold(mexc)
    snapshot = await on_mexc.snapshot()
    [position], [order], [execution] = snapshot.positions, snapshot.orders, snapshot.executions
    assert {position.quantity, order.quantity, execution.quantity} == {Decimal("0.01")}
    terms = snapshot.instruments[BTC]
    assert (terms.quantity_step, terms.multiplier) == (Decimal("0.0001"), 1)
    assert snapshot.complete


async def test_what_is_no_whole_number_of_contracts_is_not_sent(
    mexc: MexcVenue, on_mexc: CcxtBroker
) -> None:
    with pytest.raises(NotSent, match=r"0\.00015 BTC_USDT") as refusal:
        await on_mexc.place(receipt("tu-1", NAME), request(BTC, "buy", "0.00015"))
    assert refusal.value.hint == "use a multiple of 0.0001"
    assert mexc.requests.count("order/create") == 0


async def test_prices_go_out_digit_by_digit(mexc: MexcVenue, on_mexc: CcxtBroker) -> None:
    wanted = request(BTC, "buy", "0.01", "limit", price="50000.1")
    await on_mexc.place(receipt("tu-1", NAME), wanted)
    [sent] = mexc.requests.of("order/create")
    assert (sent.params["price"], sent.params["vol"]) == (Decimal("50000.1"), 100)
    assert sent.params["externalOid"] == "tu-1"


@pytest.mark.parametrize(
    ("side", "leg", "reduce_only", "number"),
    [
        ("buy", "both", False, 1),
        ("sell", "both", False, 3),
        ("buy", "both", True, 2),
        ("sell", "both", True, 4),
        ("buy", "long", False, 1),
        ("sell", "long", True, 4),
        ("sell", "short", False, 3),
        ("buy", "short", True, 2),
    ],
)
async def test_the_one_number_for_side_leg_and_purpose(
    side: str, leg: str, reduce_only: bool, number: int
) -> None:
    async with MexcVenue(hedged=leg != "both") as venue, broker_at(venue) as broker:
        if reduce_only:
            held_by = SELL if side == "buy" else BUY
            their_leg = {"both": Leg.NET, "long": Leg.LONG, "short": Leg.SHORT}[leg]
            venue.exchange.trade_by_hand(BTC, held_by, "200", leg=their_leg)
        wanted = request(BTC, side, "0.01", leg=leg, reduce_only=reduce_only)
        await broker.place(receipt("tu-1", NAME), wanted)
        [sent] = venue.requests.of("order/create")
        assert sent.params["side"] == number
        [order] = [o for o in (await broker.snapshot()).orders if o.client_order_id == "tu-1"]
    assert (order.side, order.position_side) == (Side(side), PositionSide(leg))
    assert order.reduce_only is reduce_only


@pytest.mark.parametrize(
    ("terms", "number", "told"),
    [
        ({"time_in_force": "GTC"}, 1, ("GTC", False)),
        ({"post_only": True}, 2, ("GTC", True)),
        ({"time_in_force": "IOC"}, 3, ("IOC", False)),
        ({"time_in_force": "FOK"}, 4, ("FOK", False)),
    ],
)
async def test_a_time_in_force_is_a_type_of_its_own(
    mexc: MexcVenue,
    on_mexc: CcxtBroker,
    terms: dict[str, object],
    number: int,
    told: tuple[str, bool],
) -> None:
    wanted = request(BTC, "buy", "0.01", "limit", price="50000", **terms)
    await on_mexc.place(receipt("tu-1", NAME), wanted)
    [sent] = mexc.requests.of("order/create")
    assert sent.params["type"] == number
    [order] = (await on_mexc.snapshot()).orders
    assert (order.time_in_force, order.post_only) == told


async def test_a_contract_that_cannot_be_looked_up_sends_nothing(
    mexc: MexcVenue, on_mexc: CcxtBroker
) -> None:
    with pytest.raises(NotSent, match="no contract called NO_SUCH"):
        await on_mexc.place(receipt("tu-1", NAME), request("NO_SUCH", "buy", "1"))
    async with broker_at(mexc) as fresh:
        mexc.faults.always("contract/detail", Fault.http(503))
        with pytest.raises(NotSent, match="503"):
            await fresh.place(receipt("tu-1", NAME), request(BTC, "buy", "0.01"))
    assert mexc.requests.count("order/create") == 0


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (request(BTC, "sell", "0.01", "trailing_stop", trigger_price="59000"), "trailing stop"),
        (request(BTC, "sell", "0.01", "stop", reduce_only=True), "without a trigger price"),
        (request(BTC, "buy", "0.01", "limit"), "without a price"),
        (request(BTC, "buy", "0.01", "limit", price="1", time_in_force="DAY"), "keep an order DAY"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_cannot_be_said_to_it_is_not_sent(
    mexc: MexcVenue, on_mexc: CcxtBroker, wanted: OrderRequest, why: str
) -> None:
    with pytest.raises(NotSent, match=why):
        await on_mexc.place(receipt("tu-1", NAME), wanted)
    assert not {"order/create", "planorder/place"} & {s.endpoint for s in mexc.requests.seen}


async def test_a_cancel_without_a_verdict_is_unknown(mexc: MexcVenue, on_mexc: CcxtBroker) -> None:
    wanted = request(BTC, "buy", "0.01", "limit", price="50000")
    order = await on_mexc.place(receipt("tu-1", NAME), wanted)
    mexc.faults.next("order/cancel", Fault.WITHOUT_ID)
    with pytest.raises(OutcomeUnknown, match="without a verdict"):
        await on_mexc.cancel(receipt("tu-2", NAME), order)


# --- reading -----------------------------------------------------------------------------------


async def test_what_the_venue_forces_through_is_named(mexc: MexcVenue, on_mexc: CcxtBroker) -> None:
    await hold(mexc)
    mexc.exchange.take_over(BTC, quantity="40")
    mexc.exchange.take_over(BTC, kind=TheirKind.ADL)
    kinds = {row.kind for row in (await on_mexc.snapshot()).executions}
    assert kinds == {ExecutionKind.TRADE, ExecutionKind.LIQUIDATION, ExecutionKind.ADL}


async def test_executions_of_every_symbol_beyond_a_page(
    mexc: MexcVenue, on_mexc: CcxtBroker
) -> None:
    for _ in range(105):
        mexc.exchange.trade_by_hand(BTC, BUY, "1")
    mexc.exchange.trade_by_hand("ETH_USDT", SELL, "5")
    snapshot = await on_mexc.snapshot()
    assert len(snapshot.executions) == 106
    assert {row.symbol: str(row.quantity) for row in snapshot.positions} == {
        BTC: "0.0105",
        "ETH_USDT": "-0.05",
    }


async def test_legs_of_a_hedge_come_with_mode_and_leverage() -> None:
    async with MexcVenue(hedged=True) as venue, broker_at(venue) as broker:
        venue.exchange.trade_by_hand(BTC, BUY, "30", leg=Leg.LONG)
        venue.exchange.trade_by_hand(BTC, SELL, "50", leg=Leg.SHORT)
        snapshot = await broker.snapshot()
        mode = await broker.account_mode()
    assert {row.side.value: str(row.quantity) for row in snapshot.positions} == {
        "long": "0.0030",
        "short": "0.0050",
    }
    assert (mode.position_mode, mode.leverage) == ("hedge", {BTC: 20})
    assert {row.position_side.value for row in snapshot.executions} == {"long", "short"}
