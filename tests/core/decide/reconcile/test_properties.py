"""What holds for every account and every book, whatever they tell."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.config.settings import Settings
from core.decide.reconcile.propose import propose
from core.domain.ambiguity import Choice, MatchDecision
from core.domain.execution import BookExecution, BrokerExecution, execution_key
from core.domain.holding import fold, fold_all, followed, key_of
from core.domain.market import Instrument
from core.domain.observation import BookView, Observation, OpenStep
from core.domain.order import (
    BookOrder,
    BrokerOrder,
    OrderStatus,
    OrderType,
    Origin,
    PositionSide,
    Side,
)
from core.domain.position import Adjustment, BookPosition, BrokerPosition, PositionKey
from core.domain.snapshot import PARTS, Absent, BrokerSnapshot, Found, Inconclusive, Known, Partial
from core.plan.change import AdoptPosition, InsertExecution, UpdateExecution
from core.plan.proposal import Proposal
from tests.applied import apply_changes
from tests.build import NOON, instrument
from tests.build import settings as configured

BOOK_KINDS = frozenset(
    {
        "insert_order",
        "update_order",
        "delete_order",
        "insert_execution",
        "update_execution",
        "adopt_position",
        "initial_state",
    }
)

# Few names and few figures, so that both sides often speak of the same things.
symbols = st.sampled_from(["BTCUSDT", "ESH6"])
broker_ids = st.sampled_from([f"V-{n}" for n in range(4)])
client_ids = st.sampled_from([None, None, "c-1", "c-2", "tu-1", "tu-2"])
# A venue gives each order one of these, and no other order the same.
perm_ids = st.sampled_from([None, None, "P-V-1-BTCUSDT", "P-V-2-BTCUSDT", "P-V-1-ESH6"])
order_ids = st.sampled_from(["o-1", "o-2", "o-3", "tu-1", "tu-2"])
sides = st.sampled_from(Side)
legs = st.sampled_from(PositionSide)
sizes = st.sampled_from([Decimal(n) for n in ("1", "2.5", "4")])
prices = st.sampled_from([Decimal(n) for n in ("99.9", "100", "103.3")])
moments = st.integers(-90, -1).map(lambda minutes: NOON + timedelta(minutes=minutes))
fees = st.sampled_from([None, Decimal(-1), Decimal("0.1"), Decimal("-0.2")])
at_broker = st.sampled_from(
    [
        OrderStatus.OPEN,
        OrderStatus.PARTIALLY_FILLED,
        OrderStatus.FILLED,
        OrderStatus.CANCELLED,
        OrderStatus.EXPIRED,
    ]
)

common_order = {
    "client_order_id": client_ids,
    "perm_id": perm_ids,
    "symbol": symbols,
    "side": sides,
    "position_side": st.just(PositionSide.BOTH),
    "quantity": sizes,
    "filled_quantity": st.sampled_from([Decimal(0), Decimal(1)]),
    "price": st.none() | prices,
    "reduce_only": st.sampled_from([None, True, False]),
    "created_at": st.none() | moments,
    "updated_at": st.none() | moments,
}
types = st.sampled_from([OrderType.LIMIT, OrderType.STOP])
broker_orders = st.builds(
    BrokerOrder, broker_order_id=broker_ids, type=types, status=at_broker, **common_order
).map(lambda row: replace(row, perm_id=row.perm_id and f"P-{row.broker_order_id}-{row.symbol}"))
book_orders = st.builds(
    BookOrder,
    order_id=order_ids,
    account=st.just("main"),
    broker_order_id=st.none() | broker_ids,
    order_type=st.none() | types,
    status=st.sampled_from(OrderStatus),
    origin=st.sampled_from([Origin.OWNED, Origin.EXTERNAL]),
    **common_order,
)


def sensible(row: BrokerExecution) -> BrokerExecution:
    """No venue names the client of an order that it does not name, or corrects a row by itself."""
    return replace(
        row,
        client_order_id=row.client_order_id if row.broker_order_id else None,
        corrects=None if row.corrects == row.execution_id else row.corrects,
    )


broker_executions = st.builds(
    BrokerExecution,
    execution_id=st.sampled_from(["T-1.1", "T-1.2", "T-2.1", "T-3"]),
    broker_order_id=st.none() | broker_ids,
    client_order_id=client_ids,
    symbol=symbols,
    side=sides,
    position_side=st.just(PositionSide.BOTH),
    quantity=sizes,
    price=prices,
    fee=fees,
    fee_currency=st.sampled_from([None, "USDT", "BTC"]),
    executed_at=moments,
    corrects=st.sampled_from([None, None, None, "T-3"]),
).map(sensible)
open_steps = st.builds(
    OpenStep,
    step_id=st.just("s-1"),
    plan_id=st.just("p-1"),
    action_id=st.just("a001"),
    account=st.just("main"),
    symbol=symbols,
    kind=st.just("place_stop"),
    idempotency_key=st.sampled_from(["tu-1", "tu-9"]),
    order_id=st.none() | order_ids,
)
positions = st.builds(
    BrokerPosition,
    symbol=symbols,
    side=st.just(PositionSide.BOTH),
    quantity=st.sampled_from([Decimal(n) for n in ("-4", "0", "0.0005", "1", "6.5")]),
    average_price=st.none() | prices,
)


def once(rows: st.SearchStrategy[Any], name: Any, *, most: int = 5) -> st.SearchStrategy[Any]:
    return st.lists(rows, max_size=most, unique_by=name).map(tuple)


@st.composite
def book_rows(draw: st.DrawFn) -> tuple[BookExecution, ...]:
    told = draw(once(broker_executions, _execution_name))
    return tuple(
        BookExecution(
            execution_key=execution_key("main", row.symbol, row.broker_order_id, row.execution_id),
            execution_id=row.execution_id,
            account="main",
            broker_order_id=row.broker_order_id,
            symbol=row.symbol,
            side=row.side,
            quantity=row.quantity,
            price=row.price,
            fee=None if row.fee == -1 else row.fee,
            fee_currency=row.fee_currency,
            executed_at=row.executed_at,
            recorded_serial=1,
        )
        for row in told
    )


def _execution_name(row: BrokerExecution) -> tuple[Any, ...]:
    return row.symbol, row.broker_order_id, row.execution_id


def decisions(orders: tuple[BookOrder, ...]) -> st.SearchStrategy[MatchDecision]:
    """A person chooses among the rows that are there, where no identifier has settled it."""
    choices = [(Choice.INSERT, None), (Choice.IGNORE, None)]
    matches = [
        (Choice.MATCH, row.order_id)
        for row in orders
        if not row.broker_order_id and not row.client_order_id
    ]
    return st.builds(
        lambda broker_order_id, choice: MatchDecision(
            account="main",
            broker_order_id=broker_order_id,
            choice=choice[0],
            order_id=choice[1],
            by="ana",
            at=NOON,
        ),
        broker_ids,
        st.sampled_from([*choices, *matches]),
    )


def named_once(rows: tuple[BookOrder, ...]) -> tuple[BookOrder, ...]:
    """No two rows under one identifier of the venue's."""
    broker_names = Counter((row.symbol, row.broker_order_id) for row in rows)
    perm_names = Counter(row.perm_id for row in rows)
    return tuple(
        replace(
            row,
            broker_order_id=row.broker_order_id
            if broker_names[row.symbol, row.broker_order_id] == 1
            else None,
            perm_id=row.perm_id if perm_names[row.perm_id] == 1 else None,
        )
        for row in rows
    )


def answer_for(row: BookOrder) -> st.SearchStrategy[Any]:
    """What a venue says when it is asked for that very order."""
    names = {
        "broker_order_id": row.broker_order_id or f"L-{row.order_id}",
        "client_order_id": row.client_order_id,
        "perm_id": row.perm_id,
        "symbol": row.symbol,
        "side": row.side,
    }
    found = broker_orders.map(lambda order: Found(replace(order, **names)))
    return st.sampled_from([Absent(), Inconclusive("busy")]) | found


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    executions = draw(book_rows())
    instruments = {
        "BTCUSDT": instrument(),
        "ETHUSDT": instrument("ETHUSDT", base="ETH"),
    }
    computed = fold_all(executions, (), instruments)
    held = [
        BookPosition(
            account="main",
            symbol=key.symbol,
            quantity=each.quantity,
            average_price=each.average_price,
            realized_pnl=each.realized_pnl,
        )
        for key, each in computed.items()
    ]
    executed: dict[str, Decimal] = defaultdict(Decimal)
    for row in executions:
        executed[row.broker_order_id or "-"] += row.quantity
    orders = draw(once(book_orders, lambda row: row.order_id).map(named_once))
    part = st.sampled_from([Known(), Known(), Known(), Partial("one page")])
    return Observation(
        account="main",
        broker=BrokerSnapshot(
            account="main",
            broker=draw(st.sampled_from(["paper", "ib"])),
            taken_at=NOON,
            parts={name: draw(part) for name in PARTS},
            orders=draw(once(broker_orders, lambda row: (row.symbol, row.broker_order_id), most=6)),
            executions=draw(once(broker_executions, _execution_name, most=6)),
            positions=draw(once(positions, lambda row: row.symbol, most=3)),
            instruments=instruments,
        ),
        book=BookView(
            account="main",
            lineage="b-1",
            serial=5,
            orders=orders,
            executions={row.execution_key: row for row in executions},
            executed=executed,
            positions=tuple(held),
            computed=computed,
            decisions=draw(once(decisions(orders), lambda row: row.broker_order_id, most=2)),
            open_steps=draw(once(open_steps, lambda row: row.step_id, most=1)),
        ),
        lookups={row.order_id: draw(answer_for(row)) for row in orders},
    )


keys = st.builds(
    configured,
    FORCE_SYNC_DELETE=st.booleans(),
    AUTO_MANAGE_EXTERNAL_ORDERS=st.booleans(),
    require_stop=st.booleans(),
)


def book_changes(proposal: Proposal) -> list[Any]:
    return [change for change in proposal.changes if change.kind in BOOK_KINDS]


@settings(max_examples=150)
@given(observations(), keys)
def test_a_plan_that_was_applied_has_nothing_left_to_say(seen: Observation, keys: Settings) -> None:
    first = propose(seen, keys, NOON)
    after = apply_changes(seen, first)
    assert book_changes(propose(after, keys, NOON)) == []


@settings(max_examples=80)
@given(observations(), keys, st.randoms(use_true_random=False))
def test_the_order_in_which_rows_come_says_nothing(
    seen: Observation, keys: Settings, chance: Any
) -> None:
    def mixed(rows: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(chance.sample(rows, len(rows)))

    broker = replace(
        seen.broker,
        orders=mixed(seen.broker.orders),
        executions=mixed(seen.broker.executions),
        positions=mixed(seen.broker.positions),
    )
    book = replace(seen.book, orders=mixed(seen.book.orders), positions=mixed(seen.book.positions))
    again = replace(seen, broker=broker, book=book)
    assert propose(again, keys, NOON) == propose(seen, keys, NOON)


@settings(max_examples=80)
@given(observations(), keys)
def test_what_is_asked_about_is_never_acted_on(seen: Observation, keys: Settings) -> None:
    proposal = propose(seen, keys, NOON)
    orders = {match.broker_order.broker_order_id for match in proposal.ambiguous}
    rows = {each.book_order.order_id for match in proposal.ambiguous for each in match.candidates}
    for change in proposal.changes:
        assert change.target not in rows
        if change.entity == "stop" or change.kind == "cancel_stale_order":
            symbols_asked = {
                (match.broker_order.symbol, match.broker_order.broker_order_id)
                for match in proposal.ambiguous
            }
            assert (change.symbol, change.target) not in symbols_asked
    assert len(orders) <= len(proposal.ambiguous)


@settings(max_examples=80)
@given(observations(), keys)
def test_no_quantity_comes_from_nowhere(seen: Observation, keys: Settings) -> None:
    """What a position moves by is executions told by the broker, or it is called unexplained."""
    proposal = propose(seen, keys, NOON)
    told = {_execution_name(row): row.quantity for row in seen.broker.executions}
    for change in proposal.changes:
        if isinstance(change, InsertExecution | UpdateExecution):
            row = change.after
            assert told[row.symbol, row.broker_order_id, row.execution_id] == row.quantity
        if isinstance(change, AdoptPosition):
            assert seen.broker.knows("positions")
            assert seen.broker.knows("executions")


# --- sums -----------------------------------------------------------------------------------------

KEY = PositionKey("main", "BTCUSDT")
BTC: tuple[Instrument | None, ...] = (
    None,
    instrument(),
    instrument(kind="spot"),
    instrument(kind="inverse", multiplier=100),
)


@st.composite
def trades(draw: st.DrawFn) -> list[BookExecution]:
    """In time order, recorded as they happened."""
    told = draw(st.lists(broker_executions, max_size=8))
    return [
        BookExecution(
            execution_key=f"T-{number:02}",
            execution_id=f"T-{number:02}",
            account="main",
            symbol="BTCUSDT",
            side=row.side,
            quantity=row.quantity,
            price=row.price,
            fee=row.fee,
            fee_currency=row.fee_currency,
            executed_at=NOON + timedelta(minutes=number),
            recorded_serial=number,
        )
        for number, row in enumerate(told)
    ]


def stored_as(rows: list[BookExecution], of: Instrument | None) -> BookPosition:
    held = fold(KEY, rows, (), of)
    return BookPosition(
        account="main",
        symbol="BTCUSDT",
        quantity=held.quantity,
        average_price=held.average_price,
        realized_pnl=held.realized_pnl,
    )


@settings(max_examples=80)
@given(trades(), st.integers(0, 8), st.sampled_from(BTC))
def test_a_sum_may_be_taken_in_two_parts(
    rows: list[BookExecution], cut: int, of: Instrument | None
) -> None:
    whole = fold(KEY, rows, (), of)
    parts = followed(KEY, stored_as(rows[:cut], of), rows[cut:], instrument=of)
    assert (parts.quantity, parts.average_price, parts.realized_pnl) == (
        whole.quantity,
        whole.average_price,
        whole.realized_pnl,
    )


@settings(max_examples=80)
@given(trades(), st.randoms(use_true_random=False), st.sampled_from(BTC))
def test_a_sum_does_not_depend_on_the_order_of_its_rows(
    rows: list[BookExecution], chance: Any, of: Instrument | None
) -> None:
    assert fold(KEY, chance.sample(rows, len(rows)), (), of) == fold(KEY, rows, (), of)


@settings(max_examples=80)
@given(trades(), sizes, sides)
def test_late_rows_of_an_adjustment_never_count_twice(
    rows: list[BookExecution], quantity: Decimal, side: Side
) -> None:
    """Rows of one side, all late: the larger of what was adopted and what they add up to."""
    adopted = Adjustment(
        id="adj-1",
        account="main",
        symbol="BTCUSDT",
        side=PositionSide.BOTH,
        quantity=quantity * side.sign,
        average_price=None,
        as_of=NOON + timedelta(hours=1),
        recorded_serial=-1,
        by="ana",
        reason="position_unexplained",
    )
    late = [replace(row, side=side, fee=None) for row in rows]
    held = fold(KEY, late, [adopted])
    total = sum((row.quantity for row in late), Decimal(0))
    assert held.quantity == side.sign * max(quantity, total)
    stored = BookPosition(
        account="main", symbol="BTCUSDT", quantity=adopted.quantity, average_price=None
    )
    assert followed(KEY, stored, late, adjustments=[adopted]).quantity == held.quantity


@settings(max_examples=80)
@given(
    trades(), st.lists(st.tuples(symbols, legs, st.sampled_from(["main", "second"])), max_size=8)
)
def test_positions_never_mix(
    rows: list[BookExecution], owners: list[tuple[str, PositionSide, str]]
) -> None:
    mixed = [
        replace(row, symbol=symbol, position_side=leg, account=account)
        for row, (symbol, leg, account) in zip(rows, owners, strict=False)
    ]
    together = fold_all(mixed)
    for key, held in together.items():
        assert held == fold(key, [row for row in mixed if key_of(row) == key])
