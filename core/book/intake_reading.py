"""Reading signals on their way to orders: what waits, what was answered, and what stands."""

import json
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from core.book.position_schema import IS_OPEN_EXIT
from core.book.schema import IS_LIVE, in_time
from core.book.tables import (
    CURSORS,
    DEAD_LETTERS,
    DELIVERIES,
    EXECUTIONS,
    HALTS,
    INTENTS,
    ORDERS,
    SIGNAL_ORDERS,
    SIGNALS,
)
from core.book.trading_schema import IS_OPEN_INTENT, IS_PENDING_DELIVERY
from core.book.view import View
from core.domain.execution import BookExecution
from core.domain.intent import OPEN, Halt, IntentState, SignalOrder, TradeIntent
from core.domain.moment import moment_text
from core.domain.order import BookOrder
from core.domain.signal import Cursor, DeadLetter, Delivery, SignalRecord

LANES = f"""
SELECT account, symbol FROM signal_deliveries WHERE {IS_PENDING_DELIVERY}
UNION
SELECT account, symbol FROM trade_intents WHERE {IS_OPEN_INTENT} AND state = 'APPROVED'
UNION
SELECT account, symbol FROM exit_intents WHERE {IS_OPEN_EXIT}
ORDER BY 1, 2
"""

WAITING = f"""
SELECT account, symbol, count(*) FROM signal_deliveries WHERE {IS_PENDING_DELIVERY}
GROUP BY account, symbol
"""

# A signal that failed and came once more stands where its newest delivery stands.
BY_ARRIVAL = """
ORDER BY (
  SELECT arrived.sequence FROM signal_deliveries AS arrived
  WHERE arrived.signal_id = trade_intents.signal_id AND arrived.account = trade_intents.account
), sequence
"""

OF_SIGNALS = """
signal_id IN (SELECT value FROM json_each(?1)) OR order_id IN (
  SELECT order_id FROM signal_order_relationships
  WHERE signal_id IN (SELECT value FROM json_each(?1))
)
ORDER BY order_id
"""

# Rows are found by the text of their time, and an outsider may have written it in another zone.
ZONES_APART = timedelta(days=1)


class IntakeReading(View):
    """Fulfils the port of the same name."""

    def signal(self, signal_id: str) -> SignalRecord | None:
        return self._one(SIGNALS, "signal_id = ?", (signal_id,))

    def signals(self, signal_ids: Collection[str]) -> list[SignalRecord]:
        where = "signal_id IN (SELECT value FROM json_each(?)) ORDER BY sequence"
        return self._all(SIGNALS, where, (_listed(signal_ids),))

    def delivery(self, signal_id: str, account: str) -> Delivery | None:
        return self._one(DELIVERIES, "signal_id = ? AND account = ?", (signal_id, account))

    def deliveries(self, signal_id: str) -> list[Delivery]:
        return self._all(DELIVERIES, "signal_id = ? ORDER BY sequence", (signal_id,))

    def next_delivery(self, account: str, symbol: str) -> Delivery | None:
        where = f"{IS_PENDING_DELIVERY} AND account = ? AND symbol = ? ORDER BY sequence LIMIT 1"
        return self._one(DELIVERIES, where, (account, symbol))

    def deliveries_waiting(self) -> dict[tuple[str, str], int]:
        rows = self._connection.execute(WAITING).fetchall()
        return {(account, symbol): count for account, symbol, count in rows}

    def lanes_waiting(self) -> list[tuple[str, str]]:
        return self._connection.execute(LANES).fetchall()

    def intent(self, intent_id: str) -> TradeIntent | None:
        return self._one(INTENTS, "intent_id = ?", (intent_id,))

    def intents(
        self,
        account: str | None = None,
        *,
        symbol: str | None = None,
        signal_id: str | None = None,
        states: Collection[IntentState] = (),
    ) -> list[TradeIntent]:
        conditions, values = _equal(account=account, symbol=symbol, signal_id=signal_id)
        if states:
            conditions.append("state IN (SELECT value FROM json_each(?))")
            values.append(_listed(states))
        if states and OPEN.issuperset(states):
            # Said in the words of the index: the intents that are over are many more.
            conditions.append(IS_OPEN_INTENT)
        where = " AND ".join(("true", *conditions))
        return self._all(INTENTS, f"{where} {BY_ARRIVAL}", values)

    def latest_intents(
        self, account: str, symbol: str, states: Collection[IntentState]
    ) -> Iterator[TradeIntent]:
        where = (
            "account = ? AND symbol = ? AND state IN (SELECT value FROM json_each(?))"
            " ORDER BY sequence DESC"
        )
        query = f"{INTENTS.select} WHERE {where}"
        for row in self._connection.execute(query, (account, symbol, _listed(states))):
            yield INTENTS.read(row)

    def signal_orders(
        self, *, signal_ids: Collection[str] = (), order_ids: Collection[str] = ()
    ) -> list[SignalOrder]:
        where = (
            "signal_id IN (SELECT value FROM json_each(?))"
            " OR order_id IN (SELECT value FROM json_each(?))"
            " ORDER BY signal_id, execution_sequence, order_id"
        )
        return self._all(SIGNAL_ORDERS, where, (_listed(signal_ids), _listed(order_ids)))

    def halts(self, account: str | None = None) -> list[Halt]:
        conditions, values = _equal(account=account)
        where = " AND ".join(("lifted_at IS NULL", *conditions))
        return self._all(HALTS, f"{where} ORDER BY {in_time('since')}, sequence", values)

    def cursor(self, source: str) -> Cursor | None:
        return self._one(CURSORS, "source = ?", (source,))

    def dead_letter(self, letter_id: str) -> DeadLetter | None:
        return self._one(DEAD_LETTERS, "letter_id = ?", (letter_id,))

    def dead_letters_waiting(self) -> int:
        select = "SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL"
        (count,) = self._connection.execute(select).fetchone()
        return int(count)

    def live_orders_in(self, account: str, symbol: str) -> list[BookOrder]:
        where = f"account = ? AND symbol = ? AND {IS_LIVE} ORDER BY order_id"
        return self._all(ORDERS, where, (account, symbol))

    def orders_of_signals(self, signal_ids: Collection[str]) -> list[BookOrder]:
        return self._all(ORDERS, OF_SIGNALS, (_listed(signal_ids),))

    def executions_since(self, account: str, since: datetime) -> Iterator[BookExecution]:
        query = (
            f"{EXECUTIONS.select} WHERE account = ? AND {in_time('executed_at')} >= {in_time('?')}"
            f" ORDER BY {in_time('executed_at')}"
        )
        earliest = moment_text(since - ZONES_APART)
        for row in self._connection.execute(query, (account, earliest)):
            execution = EXECUTIONS.read(row)
            if execution.executed_at >= since:
                yield execution


def _equal(**wanted: str | None) -> tuple[list[str], list[Any]]:
    """Conditions and values for what is asked for; names are ours, never a caller's."""
    asked = {name: value for name, value in wanted.items() if value is not None}
    return [f"{name} = ?" for name in asked], list(asked.values())


def _listed(ids: Collection[str]) -> str:
    return json.dumps(list(ids), ensure_ascii=False)
