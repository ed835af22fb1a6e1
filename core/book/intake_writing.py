"""Writing signals on their way to orders; nothing here moves the serial."""

from collections.abc import Sequence
from datetime import datetime

from core.book.intake_reading import IntakeReading
from core.book.tables import (
    CURSORS,
    DEAD_LETTERS,
    DELIVERIES,
    HALTS,
    INTENTS,
    SIGNAL_ORDERS,
    SIGNALS,
)
from core.book.view import WritableView
from core.domain.errors import BookError
from core.domain.intent import INTENT_MOVES, Halt, IntentState, SignalOrder, TradeIntent
from core.domain.moment import moment_text
from core.domain.signal import Cursor, DeadLetter, Delivery, SignalRecord

# Delivered once more, a signal goes to the end of its lane: others came before it did.
PUT_DELIVERY = f"""
{DELIVERIES.put}, sequence = CASE
  WHEN excluded.attempt > signal_deliveries.attempt
    THEN (SELECT max(sequence) + 1 FROM signal_deliveries)
  ELSE signal_deliveries.sequence
END
"""

LOOK_AGAIN = "Another process may have restored the book: `trueup status`."


class IntakeWriting(IntakeReading, WritableView):
    """Fulfils the port of the same name."""

    def insert_signals(self, signals: Sequence[SignalRecord]) -> list[str]:
        return [new.signal_id for new in self._insert_new(SIGNALS, signals)]

    def update_signals(self, signals: Sequence[SignalRecord]) -> None:
        ids = [signal.signal_id for signal in signals]
        values = ([*SIGNALS.stored(signal), signal.signal_id] for signal in signals)
        self._change_each(SIGNALS, SIGNALS.replace, ids, values, LOOK_AGAIN)

    def put_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        self._connection.executemany(PUT_DELIVERY, map(DELIVERIES.stored, deliveries))

    def insert_intents(self, intents: Sequence[TradeIntent]) -> list[str]:
        return [new.intent_id for new in self._insert_new(INTENTS, intents)]

    def move_intent(self, after: TradeIntent, *, from_state: IntentState) -> bool:
        if after.state is not from_state and after.state not in INTENT_MOVES[from_state]:
            raise BookError(
                f"{self._path}: intent {after.intent_id} is {from_state} and cannot become"
                f" {after.state}",
                hint=f"See how it came there: `trueup history {after.intent_id}`.",
            )
        values = (*INTENTS.stored(after), after.intent_id, from_state.value)
        return self._connection.execute(f"{INTENTS.replace} AND state = ?", values).rowcount == 1

    def put_signal_orders(self, rows: Sequence[SignalOrder]) -> None:
        self._connection.executemany(SIGNAL_ORDERS.put, map(SIGNAL_ORDERS.stored, rows))

    def put_cursor(self, cursor: Cursor) -> None:
        self._connection.execute(CURSORS.put, CURSORS.stored(cursor))

    def insert_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        self._insert_new(DEAD_LETTERS, letters)

    def note_replayed(self, letter_id: str, at: datetime) -> None:
        note = "UPDATE dead_letters SET replayed_at = ? WHERE letter_id = ?"
        values = [(moment_text(at), letter_id)]
        self._change_each(DEAD_LETTERS, note, [letter_id], values, LOOK_AGAIN)

    def put_halt(self, halt: Halt) -> None:
        self._connection.execute(HALTS.put, HALTS.stored(halt))
