"""Executions in our words."""

from datetime import UTC

from core.brokers.ib.figures import figure, name, quantity
from core.brokers.ib.library import Fill
from core.brokers.ib.naming import name_of
from core.domain.execution import BrokerExecution, ExecutionKind
from core.domain.money import ZERO
from core.domain.order import Side

# A combination's own row repeats what the rows of its legs say.
COMBINATION = "BAG"


def is_ours(fill: Fill, account: str) -> bool:
    return bool(fill.execution.acctNumber == account and fill.contract.secType != COMBINATION)


def execution_of(fill: Fill) -> BrokerExecution:
    """The fee is unknown until its own report has come: before that the library says 0."""
    execution, report = fill.execution, fill.commissionReport
    fee = figure(report.commission) if report.execId else None
    return BrokerExecution(
        execution_id=execution.execId,
        broker_order_id=name(execution.permId),
        client_order_id=name(execution.orderRef),
        perm_id=name(execution.permId),
        symbol=name_of(fill.contract),
        side=Side.BUY if execution.side == "BOT" else Side.SELL,
        quantity=quantity(execution.shares),
        price=figure(execution.price) or ZERO,
        fee=fee,
        fee_currency=name(report.currency) if fee is not None else None,
        kind=ExecutionKind.LIQUIDATION if execution.liquidation else ExecutionKind.TRADE,
        executed_at=execution.time.astimezone(UTC),
    )
