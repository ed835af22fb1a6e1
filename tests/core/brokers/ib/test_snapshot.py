"""What a snapshot says of an account, and what it leaves unsaid."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.brokers.ib.day import day_start
from core.domain import errors
from core.domain.execution import ExecutionKind
from core.domain.market import Balance, Instrument
from core.domain.order import Allows, OrderStatus, OrderType, Side
from core.domain.snapshot import Found, Known, Partial, Unavailable
from tests.core.brokers.ib.desk import BRIEF, Desk
from tests.venues.ib import CutAfter, Duplicated, LateRequest, PartialReply, RequestLost, Reversed
from tests.venues.ib.requests import ContractDetails

# -- orders


async def test_manual_orders_are_seen_by_their_perm_id(desk: Desk) -> None:
    """TWS: two orders by hand, with order id 0 / snapshot: two rows by permId, without our key."""
    by_hand = [
        desk.du1.manual_order("SPY", "SELL", 3, limit="510"),
        desk.du1.manual_order("SPY", "BUY", 2, limit="480"),
    ]
    orders = (await desk.open().snapshot()).orders
    names = [str(order.perm_id) for order in by_hand]
    assert [order.broker_order_id for order in orders] == names
    assert [order.perm_id for order in orders] == names
    assert [order.client_order_id for order in orders] == [None, None]


async def test_open_orders_of_every_client(desk: Desk) -> None:
    desk.du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="mine")
    desk.du1.client_order(18, "SPY", "SELL", 2, stop="480", limit="479.5", order_ref="theirs")
    mine, theirs = (await desk.open().snapshot()).orders
    assert (mine.client_order_id, mine.type, mine.side) == ("mine", OrderType.LIMIT, Side.BUY)
    assert (mine.price, mine.trigger_price) == (490, None)
    assert (theirs.client_order_id, theirs.type) == ("theirs", OrderType.STOP_LIMIT)
    assert (theirs.price, theirs.trigger_price) == (Decimal("479.5"), 480)


async def test_only_whoever_placed_an_order_can_touch_it(desk: Desk) -> None:
    """We are client 17; of client 18 and of hands in TWS we can only tell."""
    desk.du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="mine")
    desk.du1.client_order(18, "SPY", "BUY", 1, limit="491", order_ref="theirs")
    desk.du1.manual_order("SPY", "BUY", 1, limit="492")
    broker = desk.open()
    told = (await broker.snapshot()).orders
    assert [order.allows for order in told] == [None, Allows.NOTHING, Allows.NOTHING]
    for order in told:
        answer = await broker.find_order(symbol="SPY", broker_order_id=order.broker_order_id)
        assert isinstance(answer, Found)
        assert answer.order.allows is order.allows


async def test_a_partial_fill_with_its_average(desk: Desk) -> None:
    order = desk.du1.client_order(17, "SPY", "BUY", 10, limit="490", order_ref="part")
    desk.du1.fill(order, 3, "489.50")
    desk.du1.fill(order, 1, "490")
    (told,) = (await desk.open().snapshot()).orders
    assert told.status is OrderStatus.PARTIALLY_FILLED
    assert (told.quantity, told.filled_quantity) == (10, 4)
    assert told.average_price == Decimal("489.625")


async def test_a_cancelled_order_that_had_traded_is_told_and_one_that_had_not_is_left_out(
    desk: Desk,
) -> None:
    part = desk.du1.client_order(17, "SPY", "BUY", 10, limit="490", order_ref="part")
    desk.du1.fill(part, 4)
    desk.du1.end(part)
    desk.du1.end(desk.du1.client_order(17, "SPY", "BUY", 5, limit="490", order_ref="none"))
    (told,) = (await desk.open().snapshot()).orders
    assert (told.client_order_id, told.status) == ("part", OrderStatus.CANCELLED)
    assert (told.quantity, told.filled_quantity) == (10, 4)


async def test_an_order_that_ends_between_two_questions_is_told_once_and_ended(
    desk: Desk,
) -> None:
    """open orders: live / it fills / completed orders: filled"""
    order = desk.du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="fills")
    desk.gateway.faults.next("completed_orders", LateRequest())
    asking = asyncio.ensure_future(desk.open().snapshot())
    await desk.until(lambda: desk.gateway.faults.held)
    desk.du1.fill(order)
    desk.gateway.faults.release()
    (told,) = (await asking).orders
    assert told.status is OrderStatus.FILLED


async def test_rows_told_twice_are_one_order(desk: Desk) -> None:
    desk.du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="one")
    desk.du1.hold("SPY", 5, "500")
    for moment in ("all_open_orders", "completed_orders", "executions", "positions"):
        desk.gateway.faults.next(moment, Duplicated())
    broker = desk.open()
    for _ in range(2):
        snapshot = await broker.snapshot()
        assert snapshot.complete
        assert [order.client_order_id for order in snapshot.orders] == ["one"]
        assert [position.quantity for position in snapshot.positions] == [5]


# -- executions


async def test_executions_of_everybody_in_one_row_each(desk: Desk) -> None:
    mine = desk.du1.client_order(17, "SPY", "BUY", 300, order_ref="mine")
    by_hand = desk.du1.manual_order("SPY", "SELL", 1)
    first, second = (await desk.open().snapshot()).executions
    assert (first.broker_order_id, first.client_order_id) == (str(mine.perm_id), "mine")
    assert (first.symbol, first.side, first.quantity) == ("SPY", Side.BUY, 300)
    assert (first.price, first.fee, first.fee_currency) == (
        Decimal("500.02"),
        Decimal("1.5"),
        "USD",
    )
    assert (first.kind, first.executed_at.tzinfo) == (ExecutionKind.TRADE, UTC)
    assert (second.broker_order_id, second.client_order_id) == (str(by_hand.perm_id), None)
    assert (second.side, second.fee) == (Side.SELL, 1)


async def test_both_revisions_of_a_correction_are_told(desk: Desk) -> None:
    """They differ after the last dot only; which one counts is for others to decide."""
    desk.du1.client_order(17, "SPY", "BUY", 10)
    (done,) = desk.du1.executions
    desk.du1.correct(done.execution_id, price="500.01")
    first, second = (await desk.open().snapshot()).executions
    assert first.execution_id.rpartition(".")[0] == second.execution_id.rpartition(".")[0]
    assert (first.execution_id[-2:], second.execution_id[-2:]) == ("01", "02")
    assert (first.price, second.price) == (Decimal("500.02"), Decimal("500.01"))
    assert first.broker_order_id == second.broker_order_id


async def test_a_fee_is_unknown_until_it_is_reported(desk: Desk) -> None:
    """execution told, its commission not / fee: unknown, not zero / asked again: known"""
    broker = desk.open()
    listener = await desk.listen(broker)
    await desk.place(broker, "tu-1", limit="490")
    desk.gateway.faults.next("fill", PartialReply(1))
    desk.du1.fill(desk.du1.order("tu-1"))
    await desk.until(lambda: listener.executions)
    assert (listener.executions[0].fee, listener.executions[0].fee_currency) == (None, None)
    (execution,) = (await broker.snapshot()).executions
    assert (execution.fee, execution.fee_currency) == (1, "USD")


async def test_a_commission_that_comes_before_its_execution_is_learned_by_asking(
    desk: Desk,
) -> None:
    """The library drops such a report, and goes on saying 0."""
    broker = desk.open()
    listener = await desk.listen(broker)
    await desk.place(broker, "tu-1", limit="490")
    desk.gateway.faults.next("fill", Reversed())
    desk.du1.fill(desk.du1.order("tu-1"))
    await desk.until(lambda: listener.executions)
    assert listener.executions[0].fee is None
    assert [each.fee for each in (await broker.snapshot()).executions] == [1]


async def test_executions_are_complete_from_the_gateways_midnight(desk: Desk) -> None:
    snapshot = await desk.open(time_zone="Asia/Tokyo").snapshot()
    assert snapshot.executions_since == day_start(desk.clock.now(), "Asia/Tokyo")


def test_the_day_begins_in_the_gateways_zone() -> None:
    late = datetime(2026, 1, 6, 3, 30, tzinfo=UTC)
    assert day_start(late, "America/New_York") == datetime(2026, 1, 5, 5, tzinfo=UTC)
    assert day_start(late, "UTC") == datetime(2026, 1, 6, tzinfo=UTC)


async def test_a_time_zone_that_does_not_exist_is_told(desk: Desk) -> None:
    with pytest.raises(errors.Unavailable, match="there is no zone 'Mars/Olympus'"):
        await desk.open(time_zone="Mars/Olympus").snapshot()


async def test_since_leaves_earlier_executions_out(desk: Desk) -> None:
    desk.du1.client_order(17, "SPY", "BUY", 1)
    since = desk.clock.now() + timedelta(minutes=1)
    snapshot = await desk.open().snapshot(since)
    assert (snapshot.executions, snapshot.executions_since) == ((), since)


# -- positions and balances


async def test_a_futures_average_is_its_cost_without_the_multiplier(desk: Desk) -> None:
    desk.du1.hold("ES", -2, "6010.25")
    desk.du1.hold("SPY", 100, "498.505")
    snapshot = await desk.open().snapshot()
    future, stock = snapshot.positions
    assert (future.symbol, future.quantity) == ("ESZ0", -2)
    assert (future.average_price, future.mark_price) == (Decimal("6010.25"), Decimal("6000.125"))
    assert future.unrealized_pnl == Decimal("1012.5")
    assert (stock.symbol, stock.quantity, stock.average_price) == ("SPY", 100, Decimal("498.505"))
    assert snapshot.instruments["ESZ0"] == Instrument(
        symbol="ESZ0",
        kind="future",
        base="ES",
        quote="USD",
        price_tick=Decimal("0.25"),
        quantity_step=Decimal(1),
        min_quantity=Decimal(1),
        multiplier=Decimal(50),
        expiry=datetime(2030, 12, 20, tzinfo=UTC),
    )
    assert snapshot.instruments["SPY"].kind == "stock"


async def test_two_managed_accounts_are_kept_apart(desk: Desk) -> None:
    """DU1: long SPY / DU2: short SPY / each snapshot: its own, on one gateway at once"""
    desk.du1.client_order(17, "SPY", "BUY", 5)
    desk.du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="one")
    desk.du2.client_order(17, "SPY", "SELL", 7)
    desk.du2.client_order(17, "SPY", "SELL", 2, limit="510", order_ref="two")
    desk.du2.deposit(500)
    one = await desk.open(client_id=21).snapshot()
    two = await desk.open(name="ib2", client_id=22, managed_account="DU2").snapshot()
    for snapshot, quantity, reference in ((one, 5, "one"), (two, -7, "two")):
        assert [position.quantity for position in snapshot.positions] == [quantity]
        assert [execution.quantity for execution in snapshot.executions] == [abs(quantity)]
        assert reference in [order.client_order_id for order in snapshot.orders]
        assert len(snapshot.orders) == 2
    assert (one.account, two.account) == ("ib1", "ib2")
    assert one.balances != two.balances


async def test_balances_are_cash_by_currency(desk: Desk) -> None:
    desk.du1.hold("ES", 1, "6000")
    broker = desk.open()
    (balance,) = await broker.balances()
    assert balance == Balance(currency="USD", total=Decimal(1_000_000), available=balance.available)
    assert balance.available < balance.total
    assert (await broker.snapshot()).balances == (balance,)


# -- what was not answered


@pytest.mark.parametrize(
    ("moment", "part"),
    [
        ("all_open_orders", "orders"),
        ("executions", "executions"),
        ("positions", "positions"),
        ("account_updates", "balances"),
    ],
)
async def test_silence_makes_its_part_unknown_and_no_other(
    desk: Desk, moment: str, part: str
) -> None:
    desk.gateway.faults.always(moment, RequestLost())
    snapshot = await desk.open(timeout_seconds=BRIEF, retry=1).snapshot()
    unknown = {name: state for name, state in snapshot.parts.items() if state != Known()}
    assert list(unknown) == [part]
    assert isinstance(unknown[part], Unavailable)
    assert "no answer in 0.5 s" in unknown[part].why


async def test_open_orders_without_the_completed_ones_are_partial(desk: Desk) -> None:
    desk.du1.client_order(17, "SPY", "BUY", 1, limit="490", order_ref="open")
    desk.gateway.faults.always("completed_orders", RequestLost())
    snapshot = await desk.open(timeout_seconds=BRIEF).snapshot()
    assert snapshot.parts["orders"] == Partial("completed orders: no answer in 0.5 s")
    assert [order.client_order_id for order in snapshot.orders] == ["open"]


async def test_completed_orders_do_not_stand_in_for_open_ones(desk: Desk) -> None:
    desk.du1.client_order(17, "SPY", "BUY", 1)
    desk.gateway.faults.always("all_open_orders", RequestLost())
    snapshot = await desk.open(timeout_seconds=BRIEF).snapshot()
    assert isinstance(snapshot.parts["orders"], Unavailable)
    assert snapshot.orders == ()


@pytest.mark.parametrize(
    ("moment", "part", "rows"),
    [
        ("all_open_orders", "orders", 2),
        ("executions", "executions", 2),
        ("positions", "positions", 1),
    ],
)
async def test_an_answer_without_its_end_is_partial(
    desk: Desk, moment: str, part: str, rows: int
) -> None:
    """Two of each at the broker, the answer breaks off after the first / told: one, and partial"""
    for price in ("490", "480"):
        desk.du1.client_order(17, "SPY", "BUY", 1, limit=price)
    desk.du1.client_order(17, "SPY", "BUY", 1)
    desk.du1.client_order(17, "AAPL", "BUY", 1, limit="100")
    desk.du1.hold("AAPL", 1, "200")
    desk.gateway.faults.always(moment, PartialReply(rows))
    snapshot = await desk.open(timeout_seconds=BRIEF).snapshot()
    state = snapshot.parts[part]
    assert isinstance(state, Partial)
    assert "broke off after" in state.why
    assert getattr(snapshot, part)


async def test_a_read_that_failed_is_tried_again(desk: Desk) -> None:
    """positions: silent once, then answered / snapshot: known, after a pause"""
    desk.du1.hold("SPY", 1, "500")
    desk.gateway.faults.next("positions", RequestLost())
    snapshot = await desk.open(timeout_seconds=BRIEF, retry=3).snapshot()
    assert snapshot.complete
    assert [position.quantity for position in snapshot.positions] == [1]
    assert desk.clock.pauses[0] == 1.0


# -- what a stop means here


async def test_which_stops_only_reduce(desk: Desk) -> None:
    """SPY 10 held / sell stop of others: reduces / their buy stop: does not / ours: do"""
    desk.du1.hold("SPY", 10, "500")
    desk.du1.client_order(18, "SPY", "SELL", 10, stop="480", order_ref="exit")
    desk.du1.client_order(18, "SPY", "BUY", 5, stop="520", order_ref="entry")
    desk.du1.client_order(18, "MES", "BUY", 5, stop="7000", order_ref="flat")
    desk.du1.client_order(17, "MES", "BUY", 5, stop="7000", order_ref="tu-orphan")
    desk.du1.client_order(18, "SPY", "SELL", 1, limit="520", order_ref="limit")
    orders = (await desk.open().snapshot()).orders
    assert {order.client_order_id: order.reduce_only for order in orders} == {
        "exit": True,
        "entry": False,
        "flat": False,
        "tu-orphan": True,
        "limit": None,
    }


async def test_without_positions_nothing_is_said_of_stops(desk: Desk) -> None:
    desk.du1.client_order(17, "SPY", "SELL", 10, stop="480", order_ref="tu-1")
    desk.gateway.faults.always("positions", RequestLost())
    (order,) = (await desk.open(timeout_seconds=BRIEF).snapshot()).orders
    assert order.reduce_only is None


# -- instruments


async def test_instruments_that_are_not_described_are_left_out(desk: Desk) -> None:
    """broker: two positions, and silence about their contracts / asked: once, not twice"""
    desk.du1.hold("ES", 1, "6000")
    desk.du1.hold("SPY", 1, "500")
    desk.gateway.faults.always("contract_details", RequestLost())
    snapshot = await desk.open(timeout_seconds=BRIEF).snapshot()
    assert snapshot.complete
    assert snapshot.instruments == {}
    assert [position.average_price for position in snapshot.positions] == [6000, 500]
    asked = [each for _, each in desk.gateway.asked if isinstance(each, ContractDetails)]
    assert len(asked) == 1


async def test_what_is_known_survives_a_gateway_that_goes_away_in_the_middle(
    desk: Desk,
) -> None:
    desk.du1.hold("SPY", 1, "500")
    desk.gateway.faults.next("account_updates", CutAfter())
    asking = asyncio.ensure_future(desk.open(client_id=18).snapshot())
    await desk.until(lambda: not desk.gateway.faults.pending)
    await desk.gateway.stop()
    snapshot = await asking
    assert [position.quantity for position in snapshot.positions] == [1]
    assert isinstance(snapshot.parts["balances"], Unavailable)


# -- one name, two contracts


async def test_two_contracts_under_one_name_are_never_netted(desk: Desk) -> None:
    """broker: two stocks called SPY / snapshot: nothing may be concluded from them"""
    catalogue = desk.gateway.broker.ledger.catalogue
    twin = replace(catalogue.named("SPY"), con_id=700009, local_symbol="SPY2")
    catalogue.add(twin)
    desk.du1.hold("SPY", 10, "500")
    desk.du1.hold("SPY2", -10, "5")
    snapshot = await desk.open().snapshot()
    assert [position.quantity for position in snapshot.positions] == [10, -10]
    assert snapshot.parts["positions"] == Partial("more than one contract is called SPY")


async def test_what_happens_right_after_a_snapshot_seems_not_to_have_happened_before(
    desk: Desk,
) -> None:
    """Executions bear whole seconds; a snapshot within the same one is dated before it."""
    broker = desk.open()
    before = await broker.snapshot()
    desk.du1.client_order(17, "SPY", "BUY", 1)
    (execution,) = (await broker.snapshot()).executions
    assert execution.executed_at.microsecond == 0
    assert before.taken_at < execution.executed_at
