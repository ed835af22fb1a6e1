"""Recorded answers of real venues, told in our words.

They are no part of this project: $TRUEUP_FIXTURES names their folder, or they lie beside it.
"""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.brokers.ccxt.bybit.executions import execution_of
from core.brokers.ccxt.bybit.holdings import balance_of, is_held, position_of
from core.brokers.ccxt.bybit.market import instrument_of
from core.brokers.ccxt.bybit.orders import order_of
from core.brokers.ccxt.library import loads
from core.brokers.ccxt.mexc.contracts import Contracts, contract_of
from core.brokers.ccxt.mexc.orders import Reader, plan_of
from core.brokers.ccxt.venue import orders_once
from core.domain.execution import BrokerExecution, ExecutionKind
from core.domain.order import BrokerOrder, OrderStatus, OrderType, PositionSide, Side

BESIDE = Path(__file__).parents[5] / "shared" / "fixtures"
RECORDED = Path(os.environ.get("TRUEUP_FIXTURES", BESIDE))

pytestmark = pytest.mark.skipif(
    not (RECORDED / "bybit").is_dir(), reason="there are no recorded answers here"
)


def bybit(name: str) -> list[dict[str, Any]]:
    """The rows of an answer or of an event."""
    told = loads((RECORDED / "bybit" / f"{name}.json").read_bytes())
    rows: list[dict[str, Any]] = told["data"] if "data" in told else told["result"]["list"]
    return rows


def one(name: str) -> BrokerOrder:
    [row] = bybit(name)
    return order_of(row)


def both(row: dict[str, Any]) -> PositionSide:
    return PositionSide.BOTH


# --- bybit -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "side", "trigger", "price"),
    [
        ("stop_market", OrderType.STOP, Side.SELL, "45000", None),
        ("buy_stop_market", OrderType.STOP, Side.BUY, "55000", None),
        ("stop_limit", OrderType.STOP_LIMIT, Side.SELL, "45000", "44500"),
        ("stop_loss", OrderType.STOP, Side.SELL, "48000", None),
        ("take_profit", OrderType.TAKE_PROFIT, Side.SELL, "55000", None),
        ("market_if_touched", OrderType.TAKE_PROFIT, Side.BUY, "55000", None),
        ("sell_market_if_touched", OrderType.TAKE_PROFIT, Side.SELL, "55000", None),
        ("limit_if_touched", OrderType.TAKE_PROFIT_LIMIT, Side.BUY, "55000", "55500"),
    ],
)
def test_conditional_orders(
    name: str, kind: OrderType, side: Side, trigger: str, price: str | None
) -> None:
    order = one(f"ws_account_order_{name}")
    assert (order.type, order.side, order.status) == (kind, side, OrderStatus.OPEN)
    assert order.trigger_price == Decimal(trigger)
    assert order.price == (Decimal(price) if price else None)


def test_a_filled_order_and_one_rejected_half_way() -> None:
    assert one("ws_account_order_filled").status is OrderStatus.FILLED
    listed = one("http_get_order_partially_filled_rejected")
    assert (listed.status, listed.type) == (OrderStatus.REJECTED, OrderType.LIMIT)
    assert (listed.filled_quantity, listed.average_price) == (Decimal("0.005"), 30000)
    told = one("ws_account_order_partially_filled_rejected")
    assert (told.status, told.filled_quantity) == (OrderStatus.REJECTED, 50)


@pytest.mark.parametrize(
    "name",
    ["orders_realtime", "orders_realtime_tp_sl", "orders_history", "orders_history_with_duplicate"],
)
def test_every_row_of_a_listing_can_be_read(name: str) -> None:
    orders = [order_of(row) for row in bybit(f"http_get_{name}")]
    assert orders_once(orders) == orders_once([*orders, *orders])


def test_executions_and_their_kinds() -> None:
    rows = [execution_of(row, both) for row in bybit("http_get_executions")]
    assert [(row.side, row.quantity, row.fee) for row in rows] == [
        (Side.BUY, Decimal("0.1"), Decimal("0.015")),
        (Side.SELL, Decimal("0.5"), Decimal("0.9")),
    ]
    [adl] = [execution_of(row, both) for row in bybit("ws_account_execution_adl")]
    assert adl.kind is ExecutionKind.ADL
    [fill] = [execution_of(row, both) for row in bybit("ws_account_execution")]
    # Not told here, so not known.
    assert fill.fee_currency is None


def test_positions_signed_and_flat_ones_left_out() -> None:
    held = [position_of(row) for row in bybit("http_get_positions") if is_held(row)]
    assert {row.symbol: str(row.quantity) for row in held} == {
        "BTCUSDT": "0.5",
        "ETHUSDT": "-5.0",
    }
    assert held[0].leverage == 10


@pytest.mark.parametrize("name", ["", "_spot_short", "_with_spot_borrow"])
def test_wallets(name: str) -> None:
    [wallet] = bybit(f"http_get_wallet_balance{name}")
    balances = [balance_of(row) for row in wallet["coin"]]
    assert len({each.currency for each in balances}) == len(balances)


def test_what_is_bound_beyond_the_balance_leaves_nothing_and_not_less() -> None:
    [wallet] = bybit("ws_account_wallet_locked_exceeds_total")
    [row] = wallet["coin"]
    assert balance_of(row | {"availableToWithdraw": ""}).available == 0


@pytest.mark.parametrize("name", ["linear", "spot", "linear_symbol_type", "spot_xstocks"])
def test_instruments(name: str) -> None:
    for row in bybit(f"http_get_instruments_{name}"):
        told = instrument_of(row, name.partition("_")[0])
        assert told.price_tick
        assert told.quantity_step
        assert told.min_quantity


# --- what ccxt makes of the same ---------------------------------------------------------------

CASES: list[dict[str, Any]] = (
    json.loads((RECORDED / "ccxt" / "bybit_response_selected.json").read_bytes())["cases"]
    if RECORDED.is_dir()
    else []
)
STATUS = {"open": OrderStatus.OPEN, "closed": OrderStatus.FILLED}
ALIKE = {"id": "broker_order_id", "filled": "filled_quantity", "average": "average_price"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["description"]))
def test_it_agrees_with_the_unified_reading_where_that_is_right(case: dict[str, Any]) -> None:
    rows = loads(json.dumps(case["httpResponse"]))["result"]["list"]
    wanted = case["expect"] if isinstance(case["expect"], list) else [case["expect"]]
    told = [_read(case["method"], row) for row in rows]
    for expected in wanted:
        match = next((each for each in told if _is_meant(each, expected)), None)
        if match is None:
            # A position that is flat, which is none here.
            assert not expected.get("contracts")
            continue
        _compare(match, expected)


def _read(method: str, row: dict[str, Any]) -> Any:
    if method == "fetchMyTrades":
        return execution_of(row, both)
    if method.startswith("fetchPosition"):
        return position_of(row) if is_held(row) else None
    return order_of(row)


def _is_meant(told: Any, expected: dict[str, Any]) -> bool:
    if isinstance(told, BrokerExecution):
        return told.execution_id == expected.get("id")
    if isinstance(told, BrokerOrder):
        return told.broker_order_id == expected.get("id", told.broker_order_id)
    return told is not None


def _compare(told: Any, expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        ours = ALIKE.get(name, name)
        if name == "status" and told.status is OrderStatus.CANCELLED:
            continue  # partly filled and cancelled, which ccxt calls closed
        if name == "status":
            assert told.status is STATUS[value]
        elif name == "side" and value in ("buy", "sell"):
            assert told.side.value == value
        elif name == "reduceOnly":
            assert told.reduce_only is value
        elif name in ("filled", "average", "amount", "leverage"):
            ours = "quantity" if name == "amount" else ours
            assert getattr(told, ours) == (None if value is None else Decimal(str(value)))


def test_a_funding_row_is_no_trade() -> None:
    [case] = [each for each in CASES if "funding" in each["description"]]
    [row] = case["httpResponse"]["result"]["list"]
    assert execution_of(row, both).kind is ExecutionKind.FUNDING


# --- mexc --------------------------------------------------------------------------------------


def test_orders_of_mexc_with_its_own_ids_told_apart() -> None:
    rows = json.loads((RECORDED / "ccxt" / "mexc_order_rows.json").read_bytes())["rows"]
    contracts: Any = Contracts(line=None, clock=None)  # type: ignore[arg-type]
    terms = {"contractSize": "0.1", "volUnit": "1", "minVol": "1", "priceUnit": "0.1"}
    coins = {"quoteCoin": "USDT", "settleCoin": "USDT"}
    contracts._known = {
        symbol: contract_of({"symbol": symbol, **terms, **coins})
        for symbol in ("LTC_USDT", "BTC_USDT")
    }
    first, second = (Reader(contracts=contracts, hedged=False).order(row) for row in rows)
    assert (first.side, first.position_side) == (Side.BUY, PositionSide.LONG)
    assert (first.status, first.quantity) == (OrderStatus.OPEN, 1)
    assert first.client_order_id is None
    assert second.client_order_id is None
    assert second.status is OrderStatus.CANCELLED
    assert plan_of(rows[1]) == "266949662181769728"
