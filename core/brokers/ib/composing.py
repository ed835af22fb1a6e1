"""A snapshot put together from the answers; what was not answered is not known.

| part | from | known when |
|---|---|---|
| orders | open orders of every client, completed orders that filled | both answered whole |
| executions | the executions of the day | answered whole |
| positions | the positions | answered whole |
| balances | the account's values | answered whole |

Completed orders without a fill are left out: nothing follows from them, and a rejection among them
reads like a cancellation. Whoever misses one asks for it by its id.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.brokers.ib.executions import execution_of, is_ours
from core.brokers.ib.holdings import balances_of, held, position_of
from core.brokers.ib.library import Contract, Fill, Trade
from core.brokers.ib.naming import name_of
from core.brokers.ib.orders import completed_order_of, is_acknowledged, open_order_of
from core.brokers.ib.questions import Answer
from core.brokers.ib.stops import with_reduce_only
from core.domain.execution import BrokerExecution
from core.domain.market import Instrument
from core.domain.order import BrokerOrder
from core.domain.position import BrokerPosition
from core.domain.snapshot import BrokerSnapshot, Known, Part, Partial, Unavailable

BROKER = "ib"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The answers for one managed account; the gateway mixes in those of its other accounts."""

    account: str
    client_id: int
    open_orders: Answer
    completed_orders: Answer
    executions: Answer
    positions: Answer
    values: Answer
    first_told: Mapping[str, Fill]
    # Rows of the portfolio by conId, for the prices at which positions are valued.
    marks: Mapping[int, Any]

    def open_trades(self) -> list[Trade]:
        """Rows whose status message came too; without it there is no id to name them by."""
        return [
            trade
            for trade in self.open_orders.rows
            if trade.order.account == self.account and is_acknowledged(trade)
        ]

    def completed_trades(self) -> list[Trade]:
        return [
            trade for trade in self.completed_orders.rows if trade.order.account == self.account
        ]

    def fills(self) -> list[Fill]:
        told = {row.execution.execId: row for row in self.executions.rows}
        rows = (self.first_told.get(execution_id, row) for execution_id, row in told.items())
        return [row for row in rows if is_ours(row, self.account)]

    def held(self) -> list[Any]:
        return held(self.positions.rows, self.account)

    def contracts(self) -> Iterator[Contract]:
        for row in (*self.open_trades(), *self.fills(), *self.held()):
            yield row.contract


def snapshot_of(
    heard: Heard,
    instruments: Mapping[int, Instrument],
    *,
    account: str,
    taken_at: datetime,
    executions_since: datetime,
) -> BrokerSnapshot:
    """`account` is our name for it."""
    parts = {
        "orders": _part(heard.open_orders, heard.completed_orders),
        "executions": _part(heard.executions),
        "positions": _part(heard.positions),
        "balances": _part(heard.values),
    }
    positions = tuple(_positions(heard, instruments))
    orders = _orders(heard, parts["orders"])
    if isinstance(parts["positions"], Known):
        orders = with_reduce_only(orders, positions)
    return BrokerSnapshot(
        account=account,
        broker=BROKER,
        taken_at=taken_at,
        parts={**parts, **_clashes(heard, parts)},
        executions_since=executions_since,
        orders=orders,
        executions=tuple(_executions(heard, executions_since)),
        positions=positions,
        balances=balances_of(heard.values.rows, heard.account),
        instruments={instruments[each].symbol: instruments[each] for each in sorted(instruments)},
    )


def _part(answer: Answer, and_also: Answer | None = None) -> Part:
    """Without the first answer there is nothing; without the second it is not whole."""
    missing = "; ".join(each.missing for each in (answer, and_also) if each and each.missing)
    if not missing:
        return Known()
    return Partial(missing) if answer.whole or answer.rows else Unavailable(missing)


def _orders(heard: Heard, part: Part) -> tuple[BrokerOrder, ...]:
    if isinstance(part, Unavailable):
        return ()
    told = (open_order_of(trade, heard.client_id) for trade in heard.open_trades())
    orders = {order.broker_order_id: order for order in told}
    for trade in heard.completed_trades():
        ended = completed_order_of(trade)
        orders.pop(ended.broker_order_id, None)
        if ended.filled_quantity:
            orders[ended.broker_order_id] = ended
    return tuple(orders.values())


def _executions(heard: Heard, since: datetime) -> Iterable[BrokerExecution]:
    return (each for each in map(execution_of, heard.fills()) if each.executed_at >= since)


def _positions(heard: Heard, instruments: Mapping[int, Instrument]) -> Iterator[BrokerPosition]:
    for row in heard.held():
        con_id = row.contract.conId
        yield position_of(row, instruments.get(con_id), heard.marks.get(con_id))


def _clashes(heard: Heard, parts: Mapping[str, Part]) -> dict[str, Part]:
    """Two contracts under one name would be netted: nothing may be concluded from either."""
    meant: dict[str, set[int]] = defaultdict(set)
    for contract in heard.contracts():
        meant[name_of(contract)].add(contract.conId)
    doubled = [name for name, con_ids in meant.items() if len(con_ids) > 1]
    if not doubled:
        return {}
    why = f"more than one contract is called {', '.join(sorted(doubled))}"
    return {
        name: Partial(why)
        for name in ("orders", "executions", "positions")
        if isinstance(parts[name], Known)
    }
