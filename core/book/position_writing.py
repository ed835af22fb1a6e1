"""Writing positions from entry to exit; nothing here moves the serial."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from core.book.position_reading import PositionReading
from core.book.schema import in_time
from core.book.tables import (
    EPISODES,
    EXIT_INTENTS,
    EXIT_ORDERS,
    EXIT_SIGNALS,
    LIVES,
    POSITION_SNAPSHOTS,
    RELAY_CURSORS,
    TRADES,
    TRANSITIONS,
)
from core.book.view import WritableView
from core.domain.errors import BookError
from core.domain.exit import (
    EXIT_MOVES,
    Episode,
    ExitCause,
    ExitIntent,
    ExitOf,
    ExitSignal,
    ExitSignalState,
    ExitState,
)
from core.domain.life import Life, PositionSnapshot, Transition
from core.domain.moment import moment_text
from core.domain.record import RelayCursor
from core.domain.trade import Trade

LOOK_AGAIN = "Another process may have restored the book: `trueup status`."


class PositionWriting(PositionReading, WritableView):
    """Fulfils the port of the same name."""

    def insert_lives(self, lives: Sequence[Life]) -> None:
        self._insert(LIVES, lives)

    def update_lives(self, lives: Sequence[Life]) -> None:
        ids = [life.position_id for life in lives]
        values = ([*LIVES.stored(life), life.position_id] for life in lives)
        self._change_each(LIVES, LIVES.replace, ids, values, LOOK_AGAIN)

    def insert_transitions(self, transitions: Sequence[Transition]) -> None:
        self._insert(TRANSITIONS, transitions)

    def put_trades(self, trades: Sequence[Trade]) -> None:
        self._connection.executemany(TRADES.put, map(TRADES.stored, trades))

    def next_episode(
        self,
        trade_id: str,
        cause: ExitCause,
        *,
        at: datetime,
        cooldown_seconds: int,
        price: Decimal | None,
    ) -> tuple[Episode, bool]:
        last = self.episode(trade_id, cause)
        cools = last is not None and at < last.cools_until(cooldown_seconds)
        following = Episode(
            trade_id=trade_id,
            cause=cause,
            episode=last.episode + 1 if last else 1,
            granted_at=last.granted_at if last and cools else at,
            price=price,
            barren=last.barren if last else 0,
        )
        self._connection.execute(EPISODES.put, EPISODES.stored(following))
        return following, not cools

    def forget_brick(self, trade_id: str, cause: ExitCause) -> None:
        forget = "UPDATE exit_episodes SET barren = barren + 1 WHERE trade_id = ? AND cause = ?"
        self._connection.execute(forget, (trade_id, cause.value))

    def bore_fruit(self, trade_id: str, cause: ExitCause) -> None:
        remember = "UPDATE exit_episodes SET barren = 0 WHERE trade_id = ? AND cause = ?"
        self._connection.execute(remember, (trade_id, cause.value))

    def insert_exit_signal(self, signal: ExitSignal) -> bool:
        return bool(self._insert_new(EXIT_SIGNALS, [signal]))

    def publish_exit_signal(self, exit_signal_id: str, at: datetime) -> None:
        publish = "UPDATE exit_signals SET state = ?, published_at = ? WHERE exit_signal_id = ?"
        values = [(ExitSignalState.PUBLISHED.value, moment_text(at), exit_signal_id)]
        self._change_each(EXIT_SIGNALS, publish, [exit_signal_id], values, LOOK_AGAIN)

    def put_exit_order(self, row: ExitOf) -> None:
        self._connection.execute(EXIT_ORDERS.put, EXIT_ORDERS.stored(row))

    def insert_exit_intent(self, intent: ExitIntent) -> bool:
        return bool(self._insert_new(EXIT_INTENTS, [intent]))

    def move_exit_intent(self, after: ExitIntent, *, from_state: ExitState) -> bool:
        if after.state is not from_state and after.state not in EXIT_MOVES[from_state]:
            raise BookError(
                f"{self._path}: exit {after.exit_intent_id} is {from_state} and cannot become"
                f" {after.state}",
                hint=f"See how it came there: `trueup history {after.exit_intent_id}`.",
            )
        values = (*EXIT_INTENTS.stored(after), after.exit_intent_id, from_state.value)
        move = f"{EXIT_INTENTS.replace} AND state = ?"
        try:
            return self._connection.execute(move, values).rowcount == 1
        except sqlite3.IntegrityError:
            # Another exit of the same trade is under way: the index allows only one.
            return False

    def move_relay_cursor(self, to: RelayCursor, *, from_sequence: int | None) -> bool:
        if from_sequence is None:
            return bool(self._insert_new(RELAY_CURSORS, [to]))
        move = f"{RELAY_CURSORS.replace} AND sequence = ?"
        values = (*RELAY_CURSORS.stored(to), to.sink, from_sequence)
        return self._connection.execute(move, values).rowcount == 1

    def insert_position_snapshots(self, rows: Sequence[PositionSnapshot]) -> None:
        self._insert(POSITION_SNAPSHOTS, rows)

    def delete_position_snapshots(self, before: datetime) -> int:
        delete = f"DELETE FROM position_snapshots WHERE {in_time('at')} < {in_time('?')}"
        return self._connection.execute(delete, (moment_text(before),)).rowcount
