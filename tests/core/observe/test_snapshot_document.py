"""Writing snapshots: what is written is read back the same, and is the same every time."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.domain.execution import BrokerExecution, ExecutionKind
from core.domain.market import Balance, Instrument, Quote
from core.domain.moment import parse_moment
from core.domain.order import Allows, BrokerOrder, OrderType, PositionSide, Side
from core.domain.position import BrokerPosition
from core.domain.snapshot import PARTS, BrokerSnapshot, Known, Partial, Unavailable
from core.observe.snapshot_document import snapshot_document
from core.observe.snapshot_file import read_snapshot
from core.observe.snapshot_nouns import BROKER_STATUSES
from tests.core.observe.test_snapshot_file import account, written

NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=12
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
NUMBERS = st.decimals(-(10**12), 10**12, places=9, allow_nan=False, allow_infinity=False).map(
    lambda value: value if value else Decimal(0)
)
AMOUNTS = NUMBERS.map(abs)
SIZES = AMOUNTS.filter(bool)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
PART_STATES = st.just(Known()) | TEXTS.map(Partial) | TEXTS.map(Unavailable)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def by_symbol(rows: list[Any]) -> dict[str, Any]:
    return {row.symbol: row for row in rows}


def words(kind: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(sorted(kind))


ORDERS = st.builds(
    BrokerOrder,
    broker_order_id=NAMES, client_order_id=maybe(NAMES), perm_id=maybe(NAMES), symbol=NAMES,
    side=words(Side), position_side=words(PositionSide), type=words(OrderType), quantity=AMOUNTS,
    filled_quantity=AMOUNTS, price=maybe(NUMBERS), trigger_price=maybe(NUMBERS),
    average_price=maybe(NUMBERS), time_in_force=maybe(NAMES), reduce_only=maybe(st.booleans()),
    post_only=maybe(st.booleans()), status=words(BROKER_STATUSES), created_at=maybe(MOMENTS),
    updated_at=maybe(MOMENTS),
)  # fmt: skip
EXECUTIONS = st.builds(
    BrokerExecution,
    execution_id=NAMES, broker_order_id=maybe(NAMES), client_order_id=maybe(NAMES),
    perm_id=maybe(NAMES), symbol=NAMES, side=words(Side), position_side=words(PositionSide),
    quantity=AMOUNTS, price=NUMBERS, fee=maybe(NUMBERS), fee_currency=maybe(NAMES),
    kind=words(ExecutionKind), executed_at=MOMENTS, corrects=maybe(NAMES),
)  # fmt: skip
POSITIONS = st.builds(
    BrokerPosition,
    symbol=NAMES, side=words(PositionSide), quantity=AMOUNTS, average_price=maybe(NUMBERS),
    mark_price=maybe(NUMBERS), unrealized_pnl=maybe(NUMBERS), leverage=maybe(SIZES),
)  # fmt: skip
INSTRUMENTS = st.builds(
    Instrument,
    symbol=NAMES, kind=NAMES, base=maybe(NAMES), quote=maybe(NAMES), price_tick=maybe(SIZES),
    quantity_step=maybe(SIZES), min_quantity=maybe(AMOUNTS), min_notional=maybe(AMOUNTS),
    multiplier=SIZES, expiry=maybe(MOMENTS),
)  # fmt: skip
QUOTES = st.builds(
    Quote, symbol=NAMES, bid=maybe(NUMBERS), ask=maybe(NUMBERS), last=maybe(NUMBERS),
    at=maybe(MOMENTS),
)  # fmt: skip
SNAPSHOTS = st.builds(
    BrokerSnapshot,
    account=NAMES, broker=NAMES, taken_at=MOMENTS,
    position_mode=st.sampled_from(["one-way", "hedge"]),
    parts=st.fixed_dictionaries(dict.fromkeys(PARTS, PART_STATES)),
    executions_since=maybe(MOMENTS),
    orders=st.lists(ORDERS, max_size=3).map(tuple),
    executions=st.lists(EXECUTIONS, max_size=3).map(tuple),
    positions=st.lists(POSITIONS, max_size=2, unique_by=lambda row: (row.symbol, row.side)).map(
        tuple
    ),
    balances=st.lists(
        st.builds(Balance, currency=NAMES, total=NUMBERS, available=NUMBERS),
        max_size=2, unique_by=lambda row: row.currency,
    ).map(tuple),
    instruments=st.lists(INSTRUMENTS, max_size=2).map(by_symbol),
    quotes=st.lists(QUOTES, max_size=2).map(by_symbol),
)  # fmt: skip


@given(SNAPSHOTS)
def test_what_is_written_is_read_back_the_same(snapshot: BrokerSnapshot) -> None:
    content = snapshot_document(snapshot)
    assert read_snapshot(content) == snapshot
    assert snapshot_document(read_snapshot(content)) == content


def test_numbers_and_times_have_one_spelling() -> None:
    snapshot = read_snapshot(written(account()))
    order = replace(
        snapshot.orders[0],
        quantity=Decimal("10.500"),
        price=Decimal("1E+2"),
        created_at=datetime.fromisoformat("2026-01-05T13:00:00+02:00"),
    )
    row = json.loads(snapshot_document(replace(snapshot, orders=(order,))))["orders"][0]
    assert (row["quantity"], row["price"]) == ("10.5", "100")
    assert row["created_at"] == "2026-01-05T11:00:00Z"


def test_the_document_is_laid_out_like_the_format() -> None:
    document = json.loads(snapshot_document(read_snapshot(written(account()))))
    assert document == account()
    assert list(document) == list(account())
    assert list(document["orders"][0]) == list(account()["orders"][0])
    assert list(document["executions"][0]) == list(account()["executions"][0])


def test_an_average_with_fees_says_so_and_others_say_nothing() -> None:
    snapshot = read_snapshot(written(account()))
    held = replace(snapshot.positions[0], fees_in_average=True)
    content = snapshot_document(replace(snapshot, positions=(held,)))
    assert json.loads(content)["positions"][0]["fees_in_average"] is True
    assert read_snapshot(content).positions == (held,)
    assert "fees_in_average" not in json.loads(snapshot_document(snapshot))["positions"][0]


def test_an_order_that_cannot_simply_be_changed_says_so_and_others_say_nothing() -> None:
    snapshot = read_snapshot(written(account()))
    ends = parse_moment("2026-01-12T11:00:00Z")
    order = replace(snapshot.orders[0], allows=Allows.CANCEL, expires_at=ends)
    content = snapshot_document(replace(snapshot, orders=(order,)))
    assert json.loads(content)["orders"][0]["allows"] == "cancel"
    assert json.loads(content)["orders"][0]["expires_at"] == "2026-01-12T11:00:00Z"
    assert read_snapshot(content).orders == (order,)
    plain = json.loads(snapshot_document(snapshot))["orders"][0]
    assert not {"allows", "expires_at"} & plain.keys()


def test_an_account_that_can_only_be_read_says_so() -> None:
    snapshot = read_snapshot(written(account()))
    content = snapshot_document(replace(snapshot, read_only=True))
    assert json.loads(content)["read_only"] is True
    assert read_snapshot(content).read_only
    assert "read_only" not in json.loads(snapshot_document(snapshot))


def test_a_correction_says_what_it_corrects() -> None:
    snapshot = read_snapshot(written(account()))
    row = replace(snapshot.executions[0], execution_id="T-1.02", corrects="T-1.01")
    content = snapshot_document(replace(snapshot, executions=(row,)))
    assert json.loads(content)["executions"][0]["corrects"] == "T-1.01"
    assert read_snapshot(content).executions == (row,)
