"""An execution as Bybit lists it. Its rows do not say which leg of a hedge they moved."""

from collections.abc import Callable

from core.brokers.ccxt.bybit.words import KINDS, SIDES
from core.brokers.ccxt.figures import Row, amount, figure, name, needed, needed_moment, needed_name
from core.domain.execution import BrokerExecution, ExecutionKind
from core.domain.order import PositionSide, Side

LegOf = Callable[[Row], PositionSide]


def execution_of(row: Row, leg_of: LegOf) -> BrokerExecution:
    kind = KINDS[row["execType"]]
    # Funding names orders that never were.
    traded = kind is not ExecutionKind.FUNDING
    return BrokerExecution(
        execution_id=needed_name(row["execId"]),
        broker_order_id=name(row.get("orderId")) if traded else None,
        client_order_id=name(row.get("orderLinkId")) if traded else None,
        symbol=needed_name(row["symbol"]),
        side=SIDES[row["side"]],
        position_side=leg_of(row),
        quantity=needed(row["execQty"]),
        price=needed(row["execPrice"]),
        fee=figure(row.get("execFee")),
        fee_currency=name(row.get("feeCurrency")),
        kind=kind,
        executed_at=needed_moment(row["execTime"]),
    )


def hedged_leg(row: Row) -> PositionSide:
    """In hedge mode an order either opens or closes: what it closed tells which leg it moved."""
    closes = amount(row.get("closedSize")) > 0
    buys = SIDES[row["side"]] is Side.BUY
    return PositionSide.LONG if buys is not closes else PositionSide.SHORT
