"""Reading positions from entry to exit: lives, trades, and the exits that were asked for."""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from core.book.position_schema import IS_LIVING, IS_OPEN_EXIT, IS_OPEN_TRADE
from core.book.schema import in_time
from core.book.tables import (
    EPISODES,
    EXIT_INTENTS,
    EXIT_ORDERS,
    EXIT_SIGNALS,
    LIVES,
    POSTED,
    RELAY_CURSORS,
    TRADES,
    TRANSITIONS,
)
from core.book.view import View
from core.domain.exit import (
    EXIT_OPEN,
    Episode,
    ExitCause,
    ExitIntent,
    ExitOf,
    ExitSignal,
    ExitState,
)
from core.domain.life import Life, Transition
from core.domain.moment import moment_text
from core.domain.record import Posted, RelayCursor
from core.domain.trade import Trade

_IN_TURN = "ORDER BY sequence"
# With the sign, or SQLite reads all that ever was, only to have it in this order.
_FEW_IN_TURN = "ORDER BY +sequence"

# Every part of it is found by an index of its own.
MOVED = (
    "(order_id = ? OR trade_id = ? OR position_id IN (SELECT position_id FROM position_lives"
    f" WHERE symbol = ? AND account = ? AND {in_time('exit_time')} >= {in_time('?')}))"
)


class PositionReading(View):
    """Fulfils the port of the same name."""

    def life(self, position_id: str) -> Life | None:
        return self._one(LIVES, "position_id = ?", (position_id,))

    def lives(
        self, account: str | None = None, *, symbol: str | None = None, over: bool = False
    ) -> list[Life]:
        where, values = _where("true" if over else IS_LIVING, account=account, symbol=symbol)
        return self._all(LIVES, f"{where} {_IN_TURN if over else _FEW_IN_TURN}", values)

    def transitions(self, position_id: str) -> list[Transition]:
        return self._all(TRANSITIONS, "position_id = ? ORDER BY id", (position_id,))

    def trade(self, trade_id: str) -> Trade | None:
        return self._one(TRADES, "trade_id = ?", (trade_id,))

    def open_trades(self, account: str | None = None, symbol: str | None = None) -> list[Trade]:
        where, values = _where(IS_OPEN_TRADE, account=account, symbol=symbol)
        return self._all(TRADES, f"{where} {_FEW_IN_TURN}", values)

    def trades_of(self, position_ids: Collection[str]) -> list[Trade]:
        where = "position_id IN (SELECT value FROM json_each(?)) ORDER BY sequence"
        return self._all(TRADES, where, (json.dumps(list(position_ids)),))

    def trades_moved(
        self, account: str, symbol: str, *, order_id: str | None, leaves: str | None, at: datetime
    ) -> list[Trade]:
        values = (order_id, leaves, symbol, account, moment_text(at))
        found = self._all(TRADES, f"{MOVED} ORDER BY sequence", values)
        return [trade for trade in found if (trade.account, trade.symbol) == (account, symbol)]

    def episode(self, trade_id: str, cause: ExitCause) -> Episode | None:
        return self._one(EPISODES, "trade_id = ? AND cause = ?", (trade_id, cause.value))

    def exit_signal(self, exit_signal_id: str) -> ExitSignal | None:
        return self._one(EXIT_SIGNALS, "exit_signal_id = ?", (exit_signal_id,))

    def exit_intent(self, exit_intent_id: str) -> ExitIntent | None:
        return self._one(EXIT_INTENTS, "exit_intent_id = ?", (exit_intent_id,))

    def exit_intents(
        self,
        account: str | None = None,
        *,
        symbol: str | None = None,
        trade_id: str | None = None,
        states: Collection[ExitState] = (),
    ) -> list[ExitIntent]:
        # Said in the words of the index: the exits that are over are many more.
        few = bool(states) and EXIT_OPEN.issuperset(states)
        first = IS_OPEN_EXIT if few else "true"
        where, values = _where(first, account=account, symbol=symbol, trade_id=trade_id)
        if states:
            where += " AND state IN (SELECT value FROM json_each(?))"
            values.append(json.dumps(list(states)))
        return self._all(EXIT_INTENTS, f"{where} {_FEW_IN_TURN if few else _IN_TURN}", values)

    def recent_exits(self, account: str, symbol: str, limit: int) -> list[ExitIntent]:
        where = "account = ? AND symbol = ? ORDER BY sequence DESC LIMIT ?"
        return self._all(EXIT_INTENTS, where, (account, symbol, limit))

    def outcome_of(self, order_id: str) -> str | None:
        select = "SELECT outcome FROM journal WHERE order_id = ? ORDER BY sequence DESC LIMIT 1"
        row = self._connection.execute(select, (order_id,)).fetchone()
        return row[0] if row else None

    def exits_of(self, order_ids: Collection[str]) -> list[ExitOf]:
        where = "order_id IN (SELECT value FROM json_each(?)) ORDER BY order_id"
        return self._all(EXIT_ORDERS, where, (json.dumps(list(order_ids)),))

    # --- the outbox and who has been told -------------------------------------------------------

    def relay_cursor(self, sink: str) -> RelayCursor | None:
        return self._one(RELAY_CURSORS, "sink = ?", (sink,))

    def events_after(self, sequence: int, limit: int) -> list[Posted]:
        return self._all(POSTED, "sequence > ? ORDER BY sequence LIMIT ?", (sequence, limit))

    def outbox_before(self, moment: datetime) -> int:
        later = f"SELECT min(sequence) FROM outbox WHERE {in_time('occurred_at')} >= {in_time('?')}"
        (first,) = self._connection.execute(later, (moment_text(moment),)).fetchone()
        if first is not None:
            return int(first) - 1
        (last,) = self._connection.execute("SELECT max(sequence) FROM outbox").fetchone()
        return last or 0


def _where(first: str, **wanted: str | None) -> tuple[str, list[Any]]:
    """Names are ours, never a caller's."""
    asked = {name: value for name, value in wanted.items() if value is not None}
    return " AND ".join((first, *(f"{name} = ?" for name in asked))), list(asked.values())
