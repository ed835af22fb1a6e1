"""Reading snapshots: the header, the rows in lots, and what a missing or unsaid part means."""

import io
import json
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.domain.errors import BrokenDocument
from core.domain.execution import BrokerExecution, ExecutionKind
from core.domain.order import BrokerOrder, OrderStatus, OrderType, PositionSide, Side
from core.domain.snapshot import Known, Partial, Unavailable
from core.observe.snapshot_file import SnapshotFile, read_snapshot

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ALL_KNOWN = dict.fromkeys(("orders", "executions", "positions", "balances"), "known")
ORDER: dict[str, Any] = {
    "broker_order_id": "V-1", "client_order_id": None, "perm_id": None, "symbol": "BTCUSDT",
    "side": "buy", "position_side": "both", "type": "limit", "quantity": "10",
    "filled_quantity": "0", "price": "100", "trigger_price": None, "average_price": None,
    "time_in_force": "GTC", "reduce_only": False, "post_only": False, "status": "open",
    "created_at": "2026-01-05T11:00:00Z", "updated_at": "2026-01-05T11:00:00Z",
}  # fmt: skip
EXECUTION: dict[str, Any] = {
    "execution_id": "T-1", "broker_order_id": "V-1", "client_order_id": None, "perm_id": None,
    "symbol": "BTCUSDT", "side": "buy", "position_side": "both", "quantity": "5", "price": "100",
    "fee": "0.1", "fee_currency": "USDT", "kind": "trade", "executed_at": "2026-01-05T11:00:01Z",
}  # fmt: skip
POSITION = {
    "symbol": "BTCUSDT", "side": "both", "quantity": "5", "average_price": "100",
    "mark_price": "101", "unrealized_pnl": "5", "leverage": "10",
}  # fmt: skip


def account(**changes: Any) -> dict[str, Any]:
    document = {
        "format": "trueup.broker-snapshot/1", "taken_at": "2026-01-05T12:00:00Z",
        "account": "main", "broker": "paper", "position_mode": "one-way", "parts": ALL_KNOWN,
        "executions_since": None, "orders": [ORDER], "executions": [EXECUTION],
        "positions": [POSITION],
        "balances": [{"currency": "USDT", "total": "1000", "available": "900"}],
        "instruments": [
            {"symbol": "BTCUSDT", "kind": "linear", "base": "BTC", "quote": "USDT",
             "price_tick": "0.1", "quantity_step": "0.001", "min_quantity": "0.001",
             "min_notional": "5", "multiplier": "1", "expiry": None},
        ],
        "quotes": [
            {"symbol": "BTCUSDT", "bid": "100.9", "ask": "101.1", "last": "101",
             "at": "2026-01-05T12:00:00Z"},
        ],
    }  # fmt: skip
    return {**document, **changes}


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


def written(document: object, indent: int | None = None) -> bytes:
    return json.dumps(document, indent=indent).encode()


def refusal(document: object) -> str:
    with pytest.raises(BrokenDocument) as caught:
        read_snapshot(document if isinstance(document, bytes) else written(document))
    return caught.value.message


# --- what is read -------------------------------------------------------------------------------


@pytest.mark.parametrize("indent", [None, 0, 1, 7])
def test_the_example_of_the_format_is_read_whatever_its_white_space(indent: int | None) -> None:
    snapshot = read_snapshot(written(account(), indent))
    assert (snapshot.account, snapshot.broker, snapshot.taken_at) == ("main", "paper", NOON)
    assert snapshot.complete
    assert snapshot.executions_since is None
    assert snapshot.orders == (
        BrokerOrder(
            broker_order_id="V-1",
            symbol="BTCUSDT",
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=Decimal(10),
            price=Decimal(100),
            time_in_force="GTC",
            reduce_only=False,
            post_only=False,
            status=OrderStatus.OPEN,
            created_at=datetime(2026, 1, 5, 11, tzinfo=UTC),
            updated_at=datetime(2026, 1, 5, 11, tzinfo=UTC),
        ),
    )
    assert snapshot.executions == (
        BrokerExecution(
            execution_id="T-1",
            broker_order_id="V-1",
            symbol="BTCUSDT",
            side=Side.BUY,
            quantity=Decimal(5),
            price=Decimal(100),
            fee=Decimal("0.1"),
            fee_currency="USDT",
            kind=ExecutionKind.TRADE,
            executed_at=datetime(2026, 1, 5, 11, 0, 1, tzinfo=UTC),
        ),
    )
    assert snapshot.positions[0].leverage == 10
    assert snapshot.balances[0].available == 900
    assert snapshot.instruments["BTCUSDT"].price_tick == Decimal("0.1")
    assert snapshot.quotes["BTCUSDT"].ask == Decimal("101.1")


def test_the_header_is_the_same_in_whatever_order_the_keys_come() -> None:
    document = account(simulation={"faults": []}, x=[1, {"y": "]"}], z=-0.5)
    backwards = dict(reversed(document.items()))
    assert read_snapshot(written(backwards)) == read_snapshot(written(document))


def test_optional_fields_may_be_missing_or_null() -> None:
    required = ("broker_order_id", "symbol", "side", "type", "quantity", "status")
    order = {name: ORDER[name] for name in required}
    nulls = {**ORDER, **{name: None for name in ORDER if name not in required}}
    document = without(account(orders=[order]), "position_mode", "executions_since", "quotes")
    snapshot = read_snapshot(written(document))
    assert snapshot.orders == read_snapshot(written(account(orders=[nulls]))).orders
    assert snapshot.orders[0].position_side is PositionSide.BOTH
    assert snapshot.orders[0].filled_quantity == 0
    assert snapshot.orders[0].reduce_only is None
    assert snapshot.position_mode == "one-way"
    assert snapshot.quotes == {}


def test_unknown_fields_are_ignored_at_every_level() -> None:
    order = {**ORDER, "info": {"legs": [{"a": "},{"}, {"b": []}]}, "note": '\\"],"'}
    document = account(orders=[order, order | {"broker_order_id": "V-2"}], funding=[[], {}, 1.5])
    assert [each.broker_order_id for each in read_snapshot(written(document)).orders] == [
        "V-1",
        "V-2",
    ]


def test_a_fee_that_is_not_known_and_a_rebate_are_kept_apart() -> None:
    rows = [EXECUTION | {"fee": fee, "execution_id": str(fee)} for fee in (None, "-1", "0")]
    read = read_snapshot(written(account(executions=rows))).executions
    assert [row.fee for row in read] == [None, Decimal(-1), Decimal(0)]


def test_a_contract_may_be_dated_by_the_day() -> None:
    future = {"symbol": "ESH6", "kind": "future", "multiplier": "50", "expiry": "2026-03-20"}
    snapshot = read_snapshot(written(account(instruments=[future])))
    assert snapshot.instruments["ESH6"].expiry == datetime(2026, 3, 20, tzinfo=UTC)


def test_it_reads_bytes_a_path_an_open_file_and_a_pipe(tmp_path: Path) -> None:
    content = written(account())
    path = tmp_path / "snapshot.json"
    path.write_bytes(content)
    expected = read_snapshot(content)
    assert read_snapshot(path) == expected
    with path.open("rb") as opened:
        assert read_snapshot(opened) == expected
        assert not opened.closed

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    assert read_snapshot(Pipe(content)) == expected


def test_a_file_that_is_not_there_is_a_broken_document(tmp_path: Path) -> None:
    with pytest.raises(BrokenDocument, match="cannot be read"):
        read_snapshot(tmp_path / "nothing.json")


# --- parts --------------------------------------------------------------------------------------


def test_parts_say_all_some_or_nothing() -> None:
    parts = {"orders": "known", "executions": {"partial": "page limit"},
             "positions": {"unavailable": "HTTP 500"}, "balances": "known"}  # fmt: skip
    snapshot = read_snapshot(written(account(parts=parts)))
    assert snapshot.parts == {
        "orders": Known(),
        "executions": Partial("page limit"),
        "positions": Unavailable("HTTP 500"),
        "balances": Known(),
    }
    assert not snapshot.complete


@pytest.mark.parametrize(
    "document", [without(account(), "parts"), account(parts=None), account(parts={})]
)
def test_what_nothing_is_said_of_is_unavailable(document: dict[str, Any]) -> None:
    snapshot = read_snapshot(written(document))
    assert set(snapshot.parts.values()) == {Unavailable("not told")}


@pytest.mark.parametrize("name", ALL_KNOWN)
def test_a_known_part_without_rows_is_an_error_and_an_unavailable_one_is_not(name: str) -> None:
    for document in (without(account(), name), account(**{name: None})):
        assert refusal(document).startswith(f"$.{name}: missing or null")
        parts = {**ALL_KNOWN, name: {"unavailable": "down"}}
        assert getattr(read_snapshot(written({**document, "parts": parts})), name) == ()


# --- lots ---------------------------------------------------------------------------------------


def big(rows: int) -> bytes:
    orders = b", ".join(
        written(ORDER | {"broker_order_id": f"V-{number}"}) for number in range(rows)
    )
    head, tail = written(account(orders=[], executions=[])).split(b'"orders": []')
    return head + b'"orders": [' + orders + b"]" + tail


def test_rows_come_in_lots_that_know_where_they_begin() -> None:
    with SnapshotFile(big(3000)) as file:
        assert file.header.orders == ()
        assert file.header.balances != ()
        lots = list(file.orders())
        assert list(file.executions()) == []
    assert len(lots) > 5
    expected = 0
    for first, rows in lots:
        assert first == expected
        assert rows[0].broker_order_id == f"V-{first}"
        expected += len(rows)
    assert expected == 3000


def test_an_error_in_a_late_lot_names_the_row_of_the_whole_file() -> None:
    content = big(3000).replace(b'"V-2999"', b"2999")
    with SnapshotFile(content) as file, pytest.raises(BrokenDocument) as caught:
        list(file.orders())
    assert caught.value.message == "$.orders[2999].broker_order_id: Expected `str`, got `int`"
    content = big(3000).replace(b'"V-2999", "client_order_id": null', b'"V-2999", "symbol": NaN')
    with SnapshotFile(content) as file, pytest.raises(BrokenDocument) as caught:
        list(file.orders())
    assert caught.value.message.startswith("$.orders[2999].symbol: JSON is malformed")


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "big.json"
    path.write_bytes(big(20_000))
    assert path.stat().st_size > 8_000_000
    tracemalloc.start()
    try:
        with SnapshotFile(path) as file:
            count = sum(len(rows) for _, rows in file.orders())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < 4 << 20
