"""What a snapshot of a Bybit account tells, and what it says that it does not."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.brokers.ccxt import CcxtBroker
from core.brokers.ccxt.snapshot import MOVED
from core.domain.errors import Unavailable
from core.domain.execution import ExecutionKind
from core.domain.order import PositionSide, Side
from core.domain.snapshot import Partial
from tests.core.brokers.ccxt.account import (
    QuickClock,
    bend_first_row,
    broker_at,
)
from tests.venues import exchange as world
from tests.venues.bybit import BybitVenue
from tests.venues.exchange import ExecutionKind as TheirKind
from tests.venues.exchange import Leg
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


@pytest.mark.parametrize(
    "bent",
    [
        {"side": None},
        {"execQty": "many"},
        {"execTime": "soon"},
        {"execId": ""},
        {"side": ["Buy"]},
        {"execPrice": "NaN"},
    ],
    ids=str,
)
async def test_a_row_that_makes_no_sense_is_named_and_the_others_are_read(
    bybit: BybitVenue, on_bybit: CcxtBroker, bent: dict[str, Any]
) -> None:
    bybit.exchange.trade_by_hand("BTCUSDT", BUY, "0.01")
    bend_first_row(bybit, "execution/list", bent)
    bybit.exchange.trade_by_hand("BTCUSDT", BUY, "0.02")
    snapshot = await on_bybit.snapshot()
    assert isinstance(snapshot.parts["executions"], Partial)
    assert len(snapshot.executions) == 1
    assert snapshot.knows("positions")


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
