"""Executions: how they are named, and which of them move a position."""

from core.domain.execution import MOVING, ExecutionKind, execution_key


def test_an_execution_is_named_by_account_symbol_order_and_id() -> None:
    assert execution_key("main", "BTCUSDT", "V-1", "T-1") == "main|BTCUSDT|V-1|T-1"
    assert execution_key("main", "BTCUSDT", None, "T-1") == "main|BTCUSDT|-|T-1"


def test_funding_moves_no_position() -> None:
    assert set(ExecutionKind) - MOVING == {ExecutionKind.FUNDING}
