"""Recorded messages of real gateways, read by the library and told in our words.

They are no part of this project: $TRUEUP_FIXTURES names their folder, or they lie beside it.
"""

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.brokers.ib import codes
from core.brokers.ib.contracts import instrument_of
from core.brokers.ib.executions import execution_of
from core.brokers.ib.holdings import balances_of, held, position_of
from core.brokers.ib.library import library
from core.brokers.ib.orders import open_order_of
from core.domain.market import Balance
from core.domain.order import OrderStatus, OrderType, Side

BESIDE = Path(__file__).parents[5] / "shared" / "fixtures"
RECORDED = Path(os.environ.get("TRUEUP_FIXTURES", BESIDE)) / "ib"

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="there are no recorded messages here")


async def hear(*names: str) -> Any:
    """A library object that has heard these messages."""
    ib = library().IB()
    ib.client.decoder.serverVersion = 176
    for name in names:
        text = (RECORDED / name).read_text("utf-8").strip()
        ib.client.decoder.interpret(text.removesuffix("\\x00").split("\\x00"))
    return ib


async def test_a_position_in_a_coin() -> None:
    ib = await hear("open_positions.txt")
    (row,) = held(ib.positions(), "DU1234567")
    position = position_of(row, None, None)
    assert (position.symbol, position.quantity) == ("BTC.USD", Decimal("1.24115341"))
    assert position.average_price == Decimal("37950.0114333")


async def test_an_execution_with_its_time_in_utc() -> None:
    ib = library().IB()
    ib.client.decoder.serverVersion = 176
    text = (RECORDED / "execution_details_1.txt").read_text("utf-8").strip()
    heard: list[Any] = []
    ib.client.decoder.wrapper.execDetails = lambda number, contract, execution: heard.append(
        SimpleNamespace(
            contract=contract, execution=execution, commissionReport=library().CommissionReport()
        )
    )
    ib.client.decoder.interpret(text.removesuffix("\\x00").split("\\x00"))
    told = execution_of(heard[0])
    assert (told.execution_id, told.symbol) == ("0000e215.656d0000.01.01", "EUR.USD")
    assert (told.side, told.quantity, told.price) == (Side.BUY, 1000, Decimal("1.08735"))
    assert (told.perm_id, told.fee) == ("1351823368", None)
    assert told.client_order_id == "O-20231204-0115-001-000-3:215"
    assert told.executed_at == datetime(2023, 12, 4, 1, 15, 20, tzinfo=UTC)


async def test_a_commission_with_unset_numbers() -> None:
    ib = library().IB()
    ib.client.decoder.serverVersion = 176
    reports: list[Any] = []
    ib.client.decoder.wrapper.commissionReport = reports.append
    text = (RECORDED / "commission_report_1.txt").read_text("utf-8").strip()
    ib.client.decoder.interpret(text.removesuffix("\\x00").split("\\x00"))
    assert (reports[0].execId, reports[0].commission) == ("0000e215.656d0002.01.01", 2.5)


async def test_an_open_order_on_its_way_to_be_cancelled() -> None:
    ib = await hear("open_order_1.txt")
    (trade,) = ib.trades()
    order = open_order_of(trade)
    assert (order.broker_order_id, order.perm_id) == ("1351823328", "1351823328")
    assert order.client_order_id == "O-20231203-1921-001-000-2:190"
    assert (order.symbol, order.side, order.type) == ("SPY", Side.BUY, OrderType.MARKET)
    assert (order.quantity, order.price, order.trigger_price) == (1000, None, None)
    assert (order.time_in_force, order.status) == ("IOC", OrderStatus.OPEN)


async def test_a_status_message_of_an_order_that_was_never_listed() -> None:
    ib = await hear("order_status_1.txt")
    assert ib.trades() == []


async def test_a_notice_about_a_data_farm() -> None:
    ib = library().IB()
    told: list[int] = []
    ib.errorEvent += lambda subject, code, text, contract: told.append(code)
    text = (RECORDED / "data_connections_1.txt").read_text("utf-8").strip()
    ib.client.decoder.interpret(text.removesuffix("\\x00").split("\\x00"))
    assert told == [2104]
    assert codes.is_notice(told[0])


async def test_the_details_of_a_currency_pair() -> None:
    ib = library().IB()
    ib.client.decoder.serverVersion = 176
    rows: list[Any] = []
    ib.wrapper.startReq(10000, container=rows)
    text = (RECORDED / "contract_details_eurusd.txt").read_text("utf-8").strip()
    ib.client.decoder.interpret(text.removesuffix("\\x00").split("\\x00"))
    instrument = instrument_of(rows[0])
    assert (instrument.symbol, instrument.kind) == ("EUR.USD", "spot")
    assert (instrument.base, instrument.quote) == ("EUR", "USD")
    assert instrument.price_tick == Decimal("0.00005")
    assert (instrument.min_quantity, instrument.expiry) == (Decimal("0.01"), None)


async def test_a_summary_row() -> None:
    ib = await hear("account_summary_1.txt")
    (row,) = ib.wrapper.acctSummary.values()
    assert (row.account, row.tag, row.value) == ("DU1234567", "NetLiquidation", "1057315.32")


@pytest.mark.parametrize(
    ("name", "balances"),
    [
        (
            "account_values.json",
            [
                ("AUD", "-100000.79", "900000.08"),
                ("EUR", "429.72", "429.72"),
                ("USD", "100000.27", "100000.27"),
            ],
        ),
        ("account_values_fa.json", [("USD", "1019624.57", "1020194.83")]),
    ],
)
def test_account_values_in_several_currencies(
    name: str, balances: list[tuple[str, str, str]]
) -> None:
    """The sum over all currencies is no currency, and margin is told in the base one alone."""
    rows = [SimpleNamespace(**row) for row in json.loads((RECORDED / name).read_text("utf-8"))]
    assert list(balances_of(rows, rows[0].account)) == [
        Balance(currency=currency, total=Decimal(total), available=Decimal(available))
        for currency, total, available in balances
    ]
