"""What a snapshot of a Bybit account tells, and what it says that it does not."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.brokers.ccxt import CcxtBroker
from core.brokers.ccxt.snapshot import MOVED
from core.domain.errors import Unavailable
from core.domain.execution import ExecutionKind
from core.domain.order import OrderType, PositionSide, Side
from core.domain.snapshot import Partial
from tests.core.brokers.ccxt.account import NAME, QuickClock, broker_at, request
from tests.core.brokers.receipts import receipt
from tests.venues import exchange as world
from tests.venues.bybit import BybitVenue
from tests.venues.exchange import Category, Leg
from tests.venues.exchange import ExecutionKind as TheirKind
from tests.venues.faults import Fault
from tests.venues.wire import Call

BUY, SELL = world.Side.BUY, world.Side.SELL


@pytest.fixture
async def hedged() -> AsyncIterator[BybitVenue]:
    async with BybitVenue(hedged=True) as venue:
        yield venue


# --- executions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (TheirKind.LIQUIDATION, ExecutionKind.LIQUIDATION),
        (TheirKind.ADL, ExecutionKind.ADL),
        (TheirKind.SETTLEMENT, ExecutionKind.SETTLEMENT),
    ],
)
async def test_what_the_venue_forces_through_is_seen_and_named(
    bybit: BybitVenue, on_bybit: CcxtBroker, theirs: TheirKind, ours: ExecutionKind
) -> None:
    """broker: 0.01 bought, then taken over / executions: trade, liquidation / position: none."""
    bybit.exchange.trade_by_hand("BTCUSDT", BUY, "0.01")
    bybit.exchange.take_over("BTCUSDT", kind=theirs)
    snapshot = await on_bybit.snapshot()
    assert {row.kind for row in snapshot.executions} == {ExecutionKind.TRADE, ours}
    assert snapshot.positions == ()
    assert snapshot.complete


async def test_funding_is_told_apart_and_names_no_order(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    bybit.exchange.trade_by_hand("BTCUSDT", BUY, "0.01")
    bybit.exchange.charge_funding("BTCUSDT", "0.0001")
    rows = (await on_bybit.snapshot()).executions
    [funding] = [row for row in rows if row.kind is ExecutionKind.FUNDING]
    assert funding.broker_order_id is None
    assert len(rows) == 2


async def test_executions_beyond_a_page_are_all_told_once(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    for _ in range(125):
        bybit.exchange.trade_by_hand("BTCUSDT", BUY, "0.001")
    snapshot = await on_bybit.snapshot()
    assert len({row.execution_id for row in snapshot.executions}) == 125
    assert sum(row.quantity for row in snapshot.executions) == Decimal("0.125")
    assert snapshot.knows("executions")


async def test_fees_come_with_their_coin(bybit: BybitVenue, on_bybit: CcxtBroker) -> None:
    bybit.exchange.trade_by_hand("BTCUSDT", BUY, "0.01")
    [row] = (await on_bybit.snapshot()).executions
    assert (row.fee, row.fee_currency) == (Decimal("0.33000055"), "USDT")


async def test_executions_are_complete_from_where_they_were_asked_for(
    bybit: BybitVenue, clock: QuickClock
) -> None:
    """Windows of seven days each: three weeks are three of them and a bit."""
    bybit.exchange.clock.advance(-20 * 86400)
    bybit.exchange.trade_by_hand("BTCUSDT", BUY, "0.01")
    bybit.exchange.clock.advance(20 * 86400)
    async with broker_at(bybit, clock) as broker:
        assert (await broker.snapshot()).executions == ()
        since = clock.now() - timedelta(days=21)
        snapshot = await broker.snapshot(since)
    assert len(snapshot.executions) == 1
    assert snapshot.executions_since == since


async def test_what_bybit_has_forgotten_is_not_claimed_to_be_covered(
    on_bybit: CcxtBroker, clock: QuickClock
) -> None:
    snapshot = await on_bybit.snapshot(datetime(2020, 1, 1, tzinfo=UTC))
    assert snapshot.executions_since is not None
    assert snapshot.executions_since > clock.now() - timedelta(days=730)


async def test_a_kind_that_nobody_knows_is_not_left_out_in_silence(
    bybit: BybitVenue, on_bybit: CcxtBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bybit.exchange.trade_by_hand("BTCUSDT", BUY, "0.01")
    [execution] = bybit.exchange.register.executions
    object.__setattr__(execution, "kind", type("Kind", (), {"value": "NewKind"}))
    part = (await on_bybit.snapshot()).parts["executions"]
    assert isinstance(part, Partial)
    assert "unknown word 'NewKind'" in part.why


# --- pages ----------------------------------------------------------------------------------------


async def test_a_page_that_stops_without_a_cursor_is_partial(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    for _ in range(60):
        bybit.exchange.trade_by_hand("BTCUSDT", BUY, "0.001", price="50000")
    bybit.faults.always("order/realtime", Fault.WITHOUT_CURSOR, where={"settleCoin": "USDT"})
    snapshot = await on_bybit.snapshot()
    assert isinstance(snapshot.parts["orders"], Partial)
    assert len(snapshot.orders) == 50


async def test_a_listing_that_did_not_heed_the_limit_is_partial(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    """Twenty of eighty-seven, and nothing said of it."""
    for _ in range(87):
        bybit.exchange.trade_by_hand("BTCUSDT", BUY, "0.001", price="50000")
    bybit.faults.always("order/realtime", Fault.short(20), where={"settleCoin": "USDT"})
    snapshot = await on_bybit.snapshot()
    assert len(snapshot.orders) == 20
    assert not snapshot.knows("orders")


async def test_without_the_history_the_orders_are_partial(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    bybit.exchange.trade_by_hand("BTCUSDT", BUY, "0.01", price="50000")
    bybit.faults.always("order/history", Fault.http(503))
    snapshot = await on_bybit.snapshot()
    assert isinstance(snapshot.parts["orders"], Partial)
    assert len(snapshot.orders) == 1


async def test_one_settle_coin_that_fails_makes_the_positions_partial(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    bybit.exchange.trade_by_hand("BTCUSDT", BUY, "0.01")
    bybit.faults.always("position/list", Fault.http(503), where={"settleCoin": "USDC"})
    snapshot = await on_bybit.snapshot()
    assert isinstance(snapshot.parts["positions"], Partial)
    assert [row.quantity for row in snapshot.positions] == [Decimal("0.01")]


async def test_a_venue_that_is_down_is_unavailable_at_once(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    await bybit.close_port()
    with pytest.raises(Unavailable):
        await on_bybit.snapshot()


# --- positions ------------------------------------------------------------------------------------


async def test_one_way_positions_are_signed(bybit: BybitVenue, on_bybit: CcxtBroker) -> None:
    bybit.exchange.trade_by_hand("BTCUSDT", BUY, "0.01")
    bybit.exchange.trade_by_hand("ETHUSDT", SELL, "0.5")
    snapshot = await on_bybit.snapshot()
    held = {row.symbol: (row.side, row.quantity) for row in snapshot.positions}
    assert held == {
        "BTCUSDT": (PositionSide.BOTH, Decimal("0.01")),
        "ETHUSDT": (PositionSide.BOTH, Decimal("-0.5")),
    }
    assert snapshot.position_mode == "one-way"
    assert snapshot.instruments["ETHUSDT"].price_tick == Decimal("0.01")
    assert snapshot.quotes["ETHUSDT"].bid == Decimal(3000)


async def test_executions_of_a_hedge_move_the_leg_that_they_moved(hedged: BybitVenue) -> None:
    """Their rows do not say which: opened and closed, long and short, also when orders are gone."""
    for side, leg, quantity in (
        (BUY, Leg.LONG, "0.03"),
        (SELL, Leg.LONG, "0.01"),
        (SELL, Leg.SHORT, "0.05"),
        (BUY, Leg.SHORT, "0.02"),
    ):
        hedged.exchange.trade_by_hand("BTCUSDT", side, quantity, leg=leg)
    async with broker_at(hedged) as broker:
        listed = await broker.snapshot()
        hedged.faults.always("order/history", Fault.http(503))
        unlisted = await broker.snapshot()
    for snapshot in (listed, unlisted):
        moved = [(row.side, row.position_side, str(row.quantity)) for row in snapshot.executions]
        assert sorted(moved) == [
            (Side.BUY, PositionSide.LONG, "0.03"),
            (Side.BUY, PositionSide.SHORT, "0.02"),
            (Side.SELL, PositionSide.LONG, "0.01"),
            (Side.SELL, PositionSide.SHORT, "0.05"),
        ]
    assert {row.side: str(row.quantity) for row in listed.positions} == {
        PositionSide.LONG: "0.02",
        PositionSide.SHORT: "0.03",
    }
    assert listed.position_mode == "hedge"


async def test_a_mode_that_differs_by_symbol_is_neither_of_the_two(bybit: BybitVenue) -> None:
    bybit.exchange.switch_mode(hedged=True, symbol="ETHUSDT")
    async with broker_at(bybit, symbols=["BTCUSDT", "ETHUSDT"]) as broker:
        mode = await broker.account_mode()
    assert mode.position_mode == "mixed"
    assert mode.leverage == {"BTCUSDT": 10, "ETHUSDT": 10}


def trade_when_asked_for_executions(venue: BybitVenue, times: int) -> None:
    """Buys between the first look at the positions and the second."""
    original, left = venue.authenticate, iter(range(times))

    def authenticate(call: Call) -> None:
        original(call)
        if call.endpoint == "execution/list" and next(left, None) is not None:
            venue.exchange.trade_by_hand("BTCUSDT", BUY, "0.001")

    venue.authenticate = authenticate  # type: ignore[method-assign]


async def test_an_account_that_trades_while_it_is_read_is_read_again(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    """A fill between positions and executions: both are told, and they fit."""
    trade_when_asked_for_executions(bybit, times=1)
    snapshot = await on_bybit.snapshot()
    assert [row.quantity for row in snapshot.positions] == [Decimal("0.001")]
    assert len(snapshot.executions) == 1
    assert snapshot.complete


async def test_an_account_that_never_stands_still_is_said_not_to(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    trade_when_asked_for_executions(bybit, times=99)
    assert (await on_bybit.snapshot()).parts["positions"] == Partial(MOVED)


# --- orders ---------------------------------------------------------------------------------------


async def test_a_stop_on_the_position_is_an_order_like_any_other(
    bybit: BybitVenue, on_bybit: CcxtBroker
) -> None:
    """broker: 0.01 held, a stop and a target set on the position / orders: stop, take_profit."""
    bybit.exchange.trade_by_hand("BTCUSDT", BUY, "0.01")
    position = bybit.exchange.position("BTCUSDT")
    bybit.exchange.protect(
        position,
        world.Protection(stop_kind=world.STOP_LOSS, price=Decimal(58000)),
        world.Protection(stop_kind=world.TAKE_PROFIT, price=Decimal(65000)),
    )
    orders = {row.type: row for row in (await on_bybit.snapshot()).orders}
    stop, target = orders[OrderType.STOP], orders[OrderType.TAKE_PROFIT]
    assert (stop.side, stop.trigger_price, stop.reduce_only) == (Side.SELL, 58000, True)
    assert (stop.quantity, target.quantity) == (Decimal("0.01"), Decimal("0.01"))
    moved = await on_bybit.amend(receipt("tu-1", NAME), stop, trigger_price=Decimal(59000))
    assert moved.trigger_price == 59000
    assert (await on_bybit.cancel(receipt("tu-2", NAME), moved)).status == "cancelled"


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "price"),
    [
        ("stop", "sell", "58000", None),
        ("stop", "buy", "62000", None),
        ("stop_limit", "sell", "58000", "57900"),
        ("take_profit", "sell", "62000", None),
        ("take_profit_limit", "buy", "58000", "58100"),
    ],
)
async def test_conditional_orders_come_back_as_they_were_placed(
    bybit: BybitVenue,
    on_bybit: CcxtBroker,
    kind: str,
    side: str,
    trigger: str,
    price: str | None,
) -> None:
    held_by = SELL if side == "buy" else BUY
    bybit.exchange.trade_by_hand("BTCUSDT", held_by, "0.01")
    terms = {"price": price} if price else {}
    wanted = request(
        "BTCUSDT", side, "0.01", kind, trigger_price=trigger, reduce_only=True, **terms
    )
    await on_bybit.place(receipt("tu-1", NAME), wanted)
    [order] = [o for o in (await on_bybit.snapshot()).orders if o.client_order_id == "tu-1"]
    assert (order.type, order.side, order.trigger_price) == (
        wanted.type,
        wanted.side,
        wanted.trigger_price,
    )
    assert order.price == wanted.price
    assert order.reduce_only


async def test_post_only_and_the_times_in_force(bybit: BybitVenue, on_bybit: CcxtBroker) -> None:
    post = request("BTCUSDT", "buy", "0.01", "limit", price="50000", post_only=True)
    kept = request("BTCUSDT", "buy", "0.01", "limit", price="50000", time_in_force="GTC")
    gone = request("BTCUSDT", "buy", "0.01", "limit", price="50000", time_in_force="IOC")
    for number, wanted in enumerate((post, kept, gone)):
        await on_bybit.place(receipt(f"tu-{number}", NAME), wanted)
    told = {
        row.client_order_id: (row.time_in_force, row.post_only, row.status.value)
        for row in (await on_bybit.snapshot()).orders
    }
    assert told == {
        "tu-0": ("GTC", True, "open"),
        "tu-1": ("GTC", False, "open"),
        "tu-2": ("IOC", False, "cancelled"),
    }


# --- spot -----------------------------------------------------------------------------------------


@pytest.fixture
async def in_spot(bybit: BybitVenue) -> AsyncIterator[CcxtBroker]:
    async with broker_at(bybit, market="spot") as broker:
        yield broker


async def test_a_coin_is_a_position_less_the_fee_taken_in_it(
    bybit: BybitVenue, in_spot: CcxtBroker
) -> None:
    """broker: 0.01 BTC bought for a fee of 0.00001 BTC / position: BTCUSDT 0.00999"""
    placed = await in_spot.place(receipt("tu-1", NAME), request("BTCUSDT", "buy", "0.01"))
    snapshot = await in_spot.snapshot()
    [position] = snapshot.positions
    [execution] = snapshot.executions
    assert (position.symbol, position.quantity) == ("BTCUSDT", Decimal("0.00999"))
    assert (execution.fee, execution.fee_currency) == (Decimal("0.00001"), "BTC")
    assert execution.broker_order_id == placed.broker_order_id
    assert snapshot.instruments["BTCUSDT"].kind == "spot"
    assert snapshot.complete


async def test_a_purchase_counted_in_money_is_as_large_as_what_it_bought(
    bybit: BybitVenue, in_spot: CcxtBroker
) -> None:
    instrument = bybit.exchange.instrument("BTCUSDT", Category.SPOT)
    bybit.exchange.place(
        world.Ticket(instrument=instrument, side=BUY, quantity=Decimal(0), spend=Decimal(600))
    )
    [order] = (await in_spot.snapshot()).orders
    assert order.quantity == order.filled_quantity == Decimal("0.009999")


async def test_a_coin_traded_in_two_watched_symbols_is_nobodys_for_sure(
    bybit: BybitVenue,
) -> None:
    bybit.exchange.add(
        world.Instrument(
            symbol="BTCUSDC",
            category=Category.SPOT,
            base="BTC",
            quote="USDC",
            tick=Decimal("0.1"),
            step=Decimal("0.000001"),
            minimum=Decimal("0.000001"),
        ),
        bid="60000",
        ask="60000.1",
    )
    bybit.exchange.account.balances["BTC"] = Decimal(1)
    async with broker_at(bybit, market="spot", symbols=["BTCUSDT", "BTCUSDC"]) as broker:
        part = (await broker.snapshot()).parts["positions"]
    assert isinstance(part, Partial)
    assert "BTCUSDT and BTCUSDC" in part.why


async def test_a_spot_stop_is_placed_triggered_and_cancelled(
    bybit: BybitVenue, in_spot: CcxtBroker
) -> None:
    await in_spot.place(receipt("tu-1", NAME), request("BTCUSDT", "buy", "0.05"))
    stop = request("BTCUSDT", "sell", "0.01", "stop", trigger_price="59000")
    placed = await in_spot.place(receipt("tu-2", NAME), stop)
    orders = {row.client_order_id: row for row in (await in_spot.snapshot()).orders}
    assert orders["tu-2"].type is OrderType.STOP
    cancelled = await in_spot.cancel(receipt("tu-3", NAME), orders["tu-2"])
    assert cancelled.status == "cancelled"
    assert placed.broker_order_id == cancelled.broker_order_id
    await in_spot.place(receipt("tu-4", NAME), stop)
    bybit.exchange.move_quote("BTCUSDT", bid="58000", ask="58000.1")
    orders = {row.client_order_id: row for row in (await in_spot.snapshot()).orders}
    assert orders["tu-4"].status == "filled"
