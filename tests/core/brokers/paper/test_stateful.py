"""Any sequence of orders, manual trades, price moves, faults and restarts, in both position modes.

After every step the account adds up: from its executions alone, a second set of books arrives at
the same orders, positions and balances.
"""

import asyncio
import shutil
import tempfile
from collections import Counter, defaultdict
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from core.brokers.paper.broker import PaperBroker
from core.brokers.paper.desk import PaperAccount
from core.domain.errors import NotSent, OutcomeUnknown, Rejected, Unavailable
from core.domain.money import ZERO, average, bounded
from core.domain.order import (
    TERMINAL,
    BrokerOrder,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionSide,
    Side,
)
from core.domain.position import signed
from core.domain.snapshot import BrokerSnapshot, Found
from core.host.disk import DiskFiles
from tests.core.brokers.paper.venue import PaperVenue
from tests.core.brokers.receipts import receipt

LEVERAGE = 10
FEE_RATE = Decimal("0.001")
QUANTITIES = st.integers(1, 40).map(lambda tenths: Decimal(tenths) / 10)
PRICES = st.integers(800, 1200).map(lambda tenths: Decimal(tenths) / 10)
FAULTS = st.sampled_from(
    ["lost_reply", "timeout_before_accept", "late_accept", "reject", "not_sent", "rate_limit"]
)
NO_ANSWERS = (Rejected, NotSent, OutcomeUnknown)


class QuickFiles(DiskFiles):
    """Whole files at once, but without waiting for the disk: nothing crashes here."""

    def replace(self, path: Path, content: bytes) -> None:
        beside = path.with_suffix(".new")
        beside.write_bytes(content)
        beside.replace(path)


class Trading(RuleBasedStateMachine):
    orders = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.key = 0
        self.acknowledged: set[str] = set()
        self.ended: dict[str, BrokerOrder] = {}
        self.told: list[str] = []

    @initialize(hedge=st.booleans())
    def open_account(self, hedge: bool) -> None:
        self.hedge = hedge
        self.venue = PaperVenue(
            self.folder / "paper.json",
            position_mode="hedge" if hedge else "one-way",
            simulation={"leverage": {"BTCUSDT": LEVERAGE}, "fee_rate": str(FEE_RATE)},
        )
        self.venue.desk = PaperAccount(
            self.venue.path, "main", files=QuickFiles(), now=self.venue.clock.now
        )
        self.reopen()

    def teardown(self) -> None:
        self.runner.close()
        shutil.rmtree(self.folder)

    def run(self, call: Any) -> Any:
        return self.runner.run(call)

    def snapshot(self) -> BrokerSnapshot:
        snapshot: BrokerSnapshot = self.run(self.broker.snapshot())
        return snapshot

    # --- what may happen -------------------------------------------------------------------

    @rule()
    def reopen(self) -> None:
        self.broker = PaperBroker(
            self.venue.path, "main", files=QuickFiles(), clock=self.venue.clock
        )

    @rule(
        target=orders,
        side=st.sampled_from(Side),
        leg=st.sampled_from([PositionSide.LONG, PositionSide.SHORT]),
        kind=st.sampled_from(OrderType),
        quantity=QUANTITIES,
        price=PRICES,
        trigger=PRICES,
        reduce_only=st.booleans(),
        post_only=st.booleans(),
        time_in_force=st.sampled_from([None, "GTC", "IOC", "FOK"]),
        again=st.booleans(),
    )
    def place(
        self,
        side: Side,
        leg: PositionSide,
        kind: OrderType,
        quantity: Decimal,
        price: Decimal,
        trigger: Decimal,
        reduce_only: bool,
        post_only: bool,
        time_in_force: str | None,
        again: bool,
    ) -> Any:
        limited = kind in (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
        request = OrderRequest(
            symbol="BTCUSDT",
            side=side,
            position_side=leg if self.hedge else PositionSide.BOTH,
            type=kind,
            quantity=quantity,
            price=price if limited else None,
            trigger_price=None if kind in (OrderType.MARKET, OrderType.LIMIT) else trigger,
            reduce_only=reduce_only,
            post_only=post_only and kind is OrderType.LIMIT and time_in_force in (None, "GTC"),
            time_in_force=time_in_force,
        )
        self.key += not again
        key = f"tu-{self.key}"
        with suppress(*NO_ANSWERS):
            order = self.run(self.broker.place(receipt(key), request))
            self.acknowledged.add(key)
            return order
        return multiple()

    @rule(order=orders, quantity=st.none() | QUANTITIES, price=st.none() | PRICES)
    def amend(self, order: BrokerOrder, quantity: Decimal | None, price: Decimal | None) -> None:
        conditional = order.trigger_price is not None
        with suppress(*NO_ANSWERS):
            self.run(
                self.broker.amend(
                    receipt("tu-amend"),
                    order,
                    quantity=quantity,
                    price=price if order.price is not None else None,
                    trigger_price=price if conditional else None,
                )
            )

    @rule(order=orders)
    def cancel(self, order: BrokerOrder) -> None:
        with suppress(*NO_ANSWERS):
            cancelled = self.run(self.broker.cancel(receipt("tu-cancel"), order))
            assert cancelled.status is OrderStatus.CANCELLED

    @rule(price=PRICES)
    def move_price(self, price: Decimal) -> None:
        self.venue.desk.move_quote("BTCUSDT", price)

    @rule(price=PRICES)
    def edit_the_quote(self, price: Decimal) -> None:
        self.venue.edit(
            lambda content: content["quotes"][0].update(
                bid=str(price - 1), ask=str(price + 1), last=str(price)
            )
        )

    @rule(side=st.sampled_from(Side), quantity=QUANTITIES)
    def trade_by_hand(self, side: Side, quantity: Decimal) -> None:
        leg = PositionSide.LONG if self.hedge else PositionSide.BOTH
        with suppress(Rejected):
            self.venue.desk.trade("BTCUSDT", side, quantity, leg)

    @rule(ratio=st.sampled_from(["1", "0.5", "0.3"]))
    def thin_the_quote(self, ratio: str) -> None:
        self.venue.desk.simulate(fill_ratio=ratio)

    @rule(on=st.sampled_from(["place", "amend", "cancel"]), kind=FAULTS)
    def script(self, on: str, kind: str) -> None:
        self.venue.script(on=on, kind=kind, after_seconds=7)

    @rule(seconds=st.integers(1, 20))
    def wait(self, seconds: int) -> None:
        self.run(self.venue.clock.sleep(seconds))

    # --- what must always hold -------------------------------------------------------------

    @invariant()
    def it_adds_up(self) -> None:
        snapshot = self.snapshot()
        self.check_orders(snapshot)
        self.check_rows(snapshot)
        self.check_positions_and_balances(snapshot)
        assert self.snapshot() == snapshot
        assert self.venue.desk.look() == snapshot

    def check_orders(self, snapshot: BrokerSnapshot) -> None:
        keys = Counter(order.client_order_id for order in snapshot.orders if order.client_order_id)
        assert all(count == 1 for count in keys.values())
        assert self.acknowledged <= keys.keys()
        for order in snapshot.orders:
            assert order.filled_quantity <= order.quantity
            assert (order.status is OrderStatus.FILLED) == (order.filled_quantity == order.quantity)
            before = self.ended.get(order.broker_order_id)
            assert before is None or before == order
            if order.status in TERMINAL:
                self.ended[order.broker_order_id] = order

    def check_rows(self, snapshot: BrokerSnapshot) -> None:
        names = [row.execution_id for row in snapshot.executions]
        assert len(set(names)) == len(names)
        assert names[: len(self.told)] == self.told
        self.told = names
        times = [row.executed_at for row in snapshot.executions]
        assert times == sorted(set(times))
        worth: dict[str | None, Decimal] = defaultdict(Decimal)
        filled: dict[str | None, Decimal] = defaultdict(Decimal)
        for row in snapshot.executions:
            filled[row.broker_order_id] += row.quantity
            worth[row.broker_order_id] += row.quantity * row.price
        for order in snapshot.orders:
            name = order.broker_order_id
            assert order.filled_quantity == filled[name]
            if filled[name] and order.average_price is not None:
                exact = average(worth[name], filled[name])
                assert abs(order.average_price - exact) < Decimal("1e-9")

    def check_positions_and_balances(self, snapshot: BrokerSnapshot) -> None:
        orders = {order.broker_order_id: order for order in snapshot.orders}
        held: dict[PositionSide, Decimal] = defaultdict(Decimal)
        cost: dict[PositionSide, Decimal] = defaultdict(Decimal)
        total = Decimal(10_000)
        for row in snapshot.executions:
            leg, quantity = row.position_side, row.side.sign * row.quantity
            before = held[leg]
            if orders[str(row.broker_order_id)].reduce_only:
                assert before * quantity < 0
                assert abs(quantity) <= abs(before)
            closed = min(abs(quantity), abs(before)) if before * quantity < 0 else ZERO
            entry = cost[leg] / before if before else ZERO
            total += closed.copy_sign(before) * (row.price - entry) if closed else ZERO
            total -= row.fee or ZERO
            held[leg] = before + quantity
            opened = quantity - closed.copy_sign(quantity)
            cost[leg] = entry * (before + closed.copy_sign(quantity)) + opened * row.price
        told = {each.side: each for each in snapshot.positions}
        assert {leg for leg, quantity in held.items() if quantity} == set(told)
        for leg, position in told.items():
            assert signed(position.quantity, leg) == held[leg]
            assert not self.hedge or position.quantity > 0
            assert position.average_price is not None
            assert abs(position.average_price - cost[leg] / held[leg]) < Decimal("1e-9")
        [balance] = snapshot.balances
        assert abs(balance.total - bounded(total)) < Decimal("1e-6")
        assert 0 <= balance.available <= balance.total

    @invariant()
    def every_acknowledged_order_is_found(self) -> None:
        for key in list(self.acknowledged)[-1:]:
            with suppress(Unavailable):
                found = self.run(self.broker.find_order(symbol="BTCUSDT", client_order_id=key))
                assert isinstance(found, Found)


TestTrading = Trading.TestCase
TestTrading.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
