"""What every broker adapter keeps, whatever venue is behind it.

A test module makes a class of its own from `BrokerContract` and gives it a `venue` fixture. The
venue is real or emulated, with nothing held and no orders, and it can be steered from its own side:
prices move, somebody trades, things go wrong. What a venue cannot do it leaves out of `features`.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

import pytest

from core.domain.errors import NotSent, OutcomeUnknown, Rejected, Unavailable
from core.domain.order import (
    LIVE,
    BrokerOrder,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionSide,
    Side,
)
from core.domain.snapshot import Absent, BrokerSnapshot, Found
from core.domain.snapshot import Unavailable as UnavailablePart
from core.ports import Broker
from tests.core.brokers.receipts import receipt

LONG_ID = "1234567890123456789"


class Trouble(StrEnum):
    """What can go wrong with the next call of a kind."""

    REPLY_LOST = "reply lost after accept"
    REFUSED = "connection refused"
    GARBLED = "a reply that is no answer"
    RATE_LIMITED = "429 with a code"
    PART_FAILS = "one part of a snapshot fails"
    TOLD_TWICE = "rows told twice"


class Venue(Protocol):
    """The far side of an adapter, as a test steers it."""

    @property
    def features(self) -> frozenset[str]:
        """amend, stop, move_stop, hedge, partial_fill, reduce_only, post_only, chosen_ids, skew."""
        ...

    @property
    def troubles(self) -> Mapping[Trouble, Sequence[str]]:
        """Each trouble that can be made, with the faces it may wear here; all of them are tried."""
        ...

    @property
    def broker(self) -> Broker: ...

    @property
    def symbol(self) -> str: ...

    @property
    def price(self) -> Decimal:
        """The last trade."""
        ...

    @property
    def lot(self) -> Decimal:
        """A quantity that may be traded, doubled and halved."""
        ...

    @property
    def page_size(self) -> int: ...

    def reopened(self) -> Broker: ...

    async def move_price(self, to: Decimal) -> None: ...

    async def fill(self, order: BrokerOrder, quantity: Decimal) -> None: ...

    async def order_by_hand(self, broker_order_id: str | None = None) -> BrokerOrder: ...

    async def make_trouble(self, trouble: Trouble, face: str, *, on: str) -> None: ...

    async def skew_clock(self, by: timedelta) -> None: ...

    async def hedge(self) -> None: ...


def limit(venue: Venue, side: Side = Side.BUY, **given: object) -> OrderRequest:
    """An order a tenth away from the price, so that it rests."""
    away = Decimal("0.9") if side is Side.BUY else Decimal("1.1")
    values: dict[str, object] = {
        "symbol": venue.symbol,
        "side": side,
        "type": OrderType.LIMIT,
        "quantity": venue.lot,
        "price": venue.price * away,
        "time_in_force": "GTC",
    }
    return OrderRequest(**(values | given))  # type: ignore[arg-type]


def market(venue: Venue, side: Side, **given: object) -> OrderRequest:
    return limit(
        venue, side, **({"type": OrderType.MARKET, "price": None, "time_in_force": None} | given)
    )


def stop(venue: Venue, side: Side = Side.SELL, **given: object) -> OrderRequest:
    away = Decimal("0.9") if side is Side.SELL else Decimal("1.1")
    values: dict[str, object] = {
        "type": OrderType.STOP,
        "price": None,
        "trigger_price": venue.price * away,
        "time_in_force": None,
        "reduce_only": True,
    }
    return limit(venue, side, **(values | given))


def needs(venue: Venue, *features: str) -> None:
    if missing := set(features) - venue.features:
        pytest.skip(f"this venue has no {', '.join(sorted(missing))}")


def faces(venue: Venue, trouble: Trouble) -> Sequence[str]:
    if not (known := venue.troubles.get(trouble, ())):
        pytest.skip(f"this venue cannot be made to show: {trouble}")
    return known


def shown(snapshot: BrokerSnapshot, order: BrokerOrder) -> BrokerOrder | None:
    same = [each for each in snapshot.orders if each.broker_order_id == order.broker_order_id]
    assert len(same) <= 1
    return same[0] if same else None


def held(snapshot: BrokerSnapshot, side: PositionSide = PositionSide.BOTH) -> Decimal:
    return sum((each.quantity for each in snapshot.positions if each.side is side), Decimal(0))


class BrokerContract:
    """Situation, call, what both sides say afterwards."""

    # --- orders ----------------------------------------------------------------------------

    async def test_a_resting_order_is_placed_shown_and_found_by_every_name(
        self, venue: Venue
    ) -> None:
        placed = await venue.broker.place(receipt("tu-1"), limit(venue))
        assert placed.client_order_id == "tu-1"
        assert placed.status is OrderStatus.OPEN
        snapshot = await venue.broker.snapshot()
        assert snapshot.complete
        order = shown(snapshot, placed)
        assert order is not None
        assert (order.symbol, order.side, order.type) == (venue.symbol, Side.BUY, OrderType.LIMIT)
        assert (order.quantity, order.filled_quantity) == (venue.lot, 0)
        assert order.price == venue.price * Decimal("0.9")
        for broker in (venue.broker, venue.reopened()):
            for found in (
                await broker.find_order(symbol=venue.symbol, client_order_id="tu-1"),
                await broker.find_order(
                    symbol=venue.symbol, broker_order_id=placed.broker_order_id
                ),
            ):
                assert isinstance(found, Found)
                assert found.order.broker_order_id == placed.broker_order_id

    async def test_identifiers_come_back_digit_by_digit(self, venue: Venue) -> None:
        needs(venue, "chosen_ids")
        by_hand = await venue.order_by_hand(LONG_ID)
        assert by_hand.broker_order_id == LONG_ID
        order = shown(await venue.broker.snapshot(), by_hand)
        assert order is not None
        cancelled = await venue.broker.cancel(receipt("tu-c"), order)
        assert cancelled.broker_order_id == LONG_ID

    async def test_what_was_never_there_is_absent(self, venue: Venue) -> None:
        answer = await venue.broker.find_order(symbol=venue.symbol, client_order_id="tu-none")
        assert answer == Absent()

    async def test_an_order_is_amended_and_keeps_its_name(self, venue: Venue) -> None:
        needs(venue, "amend")
        placed = await venue.broker.place(receipt("tu-1"), limit(venue))
        await venue.broker.amend(receipt("tu-2"), placed, quantity=venue.lot * 2)
        found = await venue.broker.find_order(symbol=venue.symbol, client_order_id="tu-1")
        assert isinstance(found, Found)
        assert found.order.quantity == venue.lot * 2
        assert found.order.price == placed.price or placed.price is None

    async def test_an_order_is_cancelled_and_says_so(self, venue: Venue) -> None:
        placed = await venue.broker.place(receipt("tu-1"), limit(venue))
        await venue.broker.cancel(receipt("tu-2"), placed)
        found = await venue.broker.find_order(symbol=venue.symbol, client_order_id="tu-1")
        assert isinstance(found, Found)
        assert found.order.status is OrderStatus.CANCELLED

    async def test_a_market_order_fills_and_moves_the_position(self, venue: Venue) -> None:
        placed = await venue.broker.place(receipt("tu-1"), market(venue, Side.BUY))
        snapshot = await venue.broker.snapshot()
        order = shown(snapshot, placed)
        assert order is not None
        assert order.status is OrderStatus.FILLED
        assert order.filled_quantity == venue.lot
        assert held(snapshot) == venue.lot
        rows = [row for row in snapshot.executions if row.broker_order_id == order.broker_order_id]
        assert sum(row.quantity for row in rows) == venue.lot
        assert len({row.execution_id for row in rows}) == len(rows)

    async def test_a_partial_fill_is_told_as_one(self, venue: Venue) -> None:
        needs(venue, "partial_fill")
        placed = await venue.broker.place(receipt("tu-1"), limit(venue))
        await venue.fill(placed, venue.lot / 2)
        snapshot = await venue.broker.snapshot()
        order = shown(snapshot, placed)
        assert order is not None
        assert order.status is OrderStatus.PARTIALLY_FILLED
        assert order.filled_quantity == venue.lot / 2
        assert held(snapshot) == venue.lot / 2

    async def test_cancelling_what_has_filled_is_refused_and_the_fill_stands(
        self, venue: Venue
    ) -> None:
        filled = await venue.broker.place(receipt("tu-1"), market(venue, Side.BUY))
        with pytest.raises(Rejected):
            await venue.broker.cancel(receipt("tu-2"), filled)
        assert held(await venue.broker.snapshot()) == venue.lot

    async def test_changing_what_is_not_there_is_refused(self, venue: Venue) -> None:
        placed = await venue.broker.place(receipt("tu-1"), limit(venue))
        await venue.broker.cancel(receipt("tu-2"), placed)
        with pytest.raises(Rejected):
            await venue.broker.cancel(receipt("tu-3"), placed)

    async def test_the_same_client_order_id_never_makes_two_orders(self, venue: Venue) -> None:
        if not venue.broker.capabilities.deduplicates:
            pytest.skip("this venue does not deduplicate")
        await venue.broker.place(receipt("tu-1"), limit(venue))
        with pytest.raises(Rejected):
            await venue.broker.place(receipt("tu-1"), limit(venue))
        orders = (await venue.broker.snapshot()).orders
        assert [order.client_order_id for order in orders] == ["tu-1"]

    # --- protection ------------------------------------------------------------------------

    async def test_a_stop_is_placed_moved_and_triggered(self, venue: Venue) -> None:
        needs(venue, "stop")
        await venue.broker.place(receipt("tu-1"), market(venue, Side.BUY))
        placed = await venue.broker.place(receipt("tu-2"), stop(venue))
        order = shown(await venue.broker.snapshot(), placed)
        assert order is not None
        assert order.status in LIVE
        assert order.trigger_price == venue.price * Decimal("0.9")
        if "move_stop" in venue.features:
            moved_to = venue.price * Decimal("0.95")
            await venue.broker.amend(receipt("tu-3"), order, trigger_price=moved_to)
            order = shown(await venue.broker.snapshot(), placed)
            assert order is not None
            assert order.trigger_price == moved_to
        await venue.move_price(venue.price * Decimal("0.8"))
        snapshot = await venue.broker.snapshot()
        assert held(snapshot) == 0
        assert not any(each.status in LIVE for each in snapshot.orders)

    async def test_a_reduce_only_order_never_opens(self, venue: Venue) -> None:
        needs(venue, "reduce_only")
        with pytest.raises(Rejected):
            await venue.broker.place(receipt("tu-1"), market(venue, Side.SELL, reduce_only=True))
        assert held(await venue.broker.snapshot()) == 0

    async def test_a_post_only_order_never_takes(self, venue: Venue) -> None:
        needs(venue, "post_only")
        crossing = limit(venue, price=venue.price * Decimal("1.1"), post_only=True)
        with pytest.raises(Rejected):
            await venue.broker.place(receipt("tu-1"), crossing)
        assert held(await venue.broker.snapshot()) == 0

    async def test_hedge_legs_are_two_positions(self, venue: Venue) -> None:
        needs(venue, "hedge")
        await venue.hedge()
        long = market(venue, Side.BUY, position_side=PositionSide.LONG)
        short = market(venue, Side.SELL, position_side=PositionSide.SHORT)
        await venue.broker.place(receipt("tu-1"), long)
        await venue.broker.place(receipt("tu-2"), short)
        snapshot = await venue.broker.snapshot()
        assert snapshot.position_mode == "hedge"
        assert (await venue.broker.account_mode()).position_mode == "hedge"
        assert held(snapshot, PositionSide.LONG) == venue.lot
        assert held(snapshot, PositionSide.SHORT) == venue.lot

    # --- trouble ---------------------------------------------------------------------------

    async def test_a_lost_reply_is_unknown_and_the_one_order_is_found(self, venue: Venue) -> None:
        for number, face in enumerate(faces(venue, Trouble.REPLY_LOST)):
            await venue.make_trouble(Trouble.REPLY_LOST, face, on="place")
            with pytest.raises(OutcomeUnknown):
                await venue.broker.place(receipt(f"tu-{number}"), limit(venue))
            broker = venue.reopened()
            found = await broker.find_order(symbol=venue.symbol, client_order_id=f"tu-{number}")
            assert isinstance(found, Found)
            assert len((await broker.snapshot()).orders) == number + 1

    async def test_a_reply_that_is_no_answer_is_unknown(self, venue: Venue) -> None:
        for number, face in enumerate(faces(venue, Trouble.GARBLED)):
            await venue.make_trouble(Trouble.GARBLED, face, on="place")
            with pytest.raises(OutcomeUnknown):
                await venue.broker.place(receipt(f"tu-{number}"), limit(venue))

    async def test_what_never_reached_the_venue_was_not_sent(self, venue: Venue) -> None:
        for face in faces(venue, Trouble.REFUSED):
            await venue.make_trouble(Trouble.REFUSED, face, on="place")
            with pytest.raises(NotSent):
                await venue.broker.place(receipt("tu-1"), limit(venue))
        assert (await venue.broker.snapshot()).orders == ()
        await venue.broker.place(receipt("tu-1"), limit(venue))

    async def test_a_rate_limit_on_a_write_was_not_sent(self, venue: Venue) -> None:
        for face in faces(venue, Trouble.RATE_LIMITED):
            await venue.make_trouble(Trouble.RATE_LIMITED, face, on="place")
            with pytest.raises(NotSent):
                await venue.broker.place(receipt("tu-1"), limit(venue))
        assert (await venue.broker.snapshot()).orders == ()

    async def test_a_lost_reply_to_a_cancel_is_unknown(self, venue: Venue) -> None:
        [face, *_] = faces(venue, Trouble.REPLY_LOST)
        placed = await venue.broker.place(receipt("tu-1"), limit(venue))
        await venue.make_trouble(Trouble.REPLY_LOST, face, on="cancel")
        with pytest.raises(OutcomeUnknown):
            await venue.broker.cancel(receipt("tu-2"), placed)
        found = await venue.broker.find_order(symbol=venue.symbol, client_order_id="tu-1")
        assert isinstance(found, Found)
        assert found.order.status is OrderStatus.CANCELLED

    async def test_a_part_that_fails_is_unavailable_and_not_empty(self, venue: Venue) -> None:
        await venue.broker.place(receipt("tu-1"), market(venue, Side.BUY))
        for part in faces(venue, Trouble.PART_FAILS):
            await venue.make_trouble(Trouble.PART_FAILS, part, on="snapshot")
            try:
                snapshot = await venue.broker.snapshot()
            except Unavailable:
                continue
            assert isinstance(snapshot.parts[part], UnavailablePart)
            assert not snapshot.complete

    async def test_rows_told_twice_are_one_fact(self, venue: Venue) -> None:
        [face, *_] = faces(venue, Trouble.TOLD_TWICE)
        await venue.broker.place(receipt("tu-1"), market(venue, Side.BUY))
        await venue.make_trouble(Trouble.TOLD_TWICE, face, on="snapshot")
        snapshot = await venue.broker.snapshot()
        keys = {(row.symbol, row.broker_order_id, row.execution_id) for row in snapshot.executions}
        assert len(keys) == 1
        assert held(snapshot) == venue.lot

    # --- reading ---------------------------------------------------------------------------

    async def test_more_rows_than_a_page_are_all_told_or_said_to_be_partial(
        self, venue: Venue
    ) -> None:
        count = venue.page_size + 3
        for number in range(count):
            await venue.broker.place(receipt(f"tu-{number}"), limit(venue))
        snapshot = await venue.broker.snapshot()
        if snapshot.knows("orders"):
            ours = {order.client_order_id for order in snapshot.orders}
            assert ours == {f"tu-{number}" for number in range(count)}

    async def test_orders_by_hand_are_shown_without_a_client_order_id(self, venue: Venue) -> None:
        by_hand = await venue.order_by_hand()
        order = shown(await venue.broker.snapshot(), by_hand)
        assert order is not None
        assert order.client_order_id is None

    async def test_the_clock_of_the_venue_is_compared_with_ours(self, venue: Venue) -> None:
        needs(venue, "skew")
        assert abs(await venue.broker.clock_skew()) < timedelta(seconds=5)
        await venue.skew_clock(timedelta(seconds=90))
        skew = await venue.broker.clock_skew()
        assert timedelta(seconds=85) < skew < timedelta(seconds=95)

    async def test_what_a_symbol_is_and_trades_at_is_told(self, venue: Venue) -> None:
        instrument = await venue.broker.instrument(venue.symbol)
        assert instrument is not None
        assert instrument.price_tick
        assert instrument.quantity_step
        quote = await venue.broker.quote(venue.symbol)
        assert quote.last == venue.price
        assert await venue.broker.instrument("NOSUCHSYMBOL") is None
        with pytest.raises(Unavailable):
            await venue.broker.quote("NOSUCHSYMBOL")
        assert await venue.broker.balances()
