"""What the book keeps of signals on their way to orders; part of the book's ports."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from core.domain.execution import BookExecution
from core.domain.intent import Halt, IntentState, SignalOrder, TradeIntent
from core.domain.order import BookOrder
from core.domain.signal import Cursor, DeadLetter, Delivery, SignalRecord


class IntakeReading(Protocol):
    def signal(self, signal_id: str) -> SignalRecord | None: ...

    def signals(self, signal_ids: Collection[str]) -> list[SignalRecord]: ...

    def delivery(self, signal_id: str, account: str) -> Delivery | None: ...

    def deliveries(self, signal_id: str) -> list[Delivery]:
        """To every account that the signal addresses."""
        ...

    def next_delivery(self, account: str, symbol: str) -> Delivery | None:
        """The one that has waited longest in its lane."""
        ...

    def deliveries_waiting(self) -> Mapping[tuple[str, str], int]:
        """How many wait, by account and symbol."""
        ...

    def lanes_waiting(self) -> list[tuple[str, str]]:
        """Account and symbol of lanes with a pending delivery, an approved intent or an exit."""
        ...

    def intent(self, intent_id: str) -> TradeIntent | None: ...

    def intents(
        self,
        account: str | None = None,
        *,
        symbol: str | None = None,
        signal_id: str | None = None,
        states: Collection[IntentState] = (),
    ) -> list[TradeIntent]:
        """In the order of their signals' arrival; no states mean every state."""
        ...

    def latest_intents(
        self, account: str, symbol: str, states: Collection[IntentState]
    ) -> Iterator[TradeIntent]:
        """The newest first, read no further than somebody asks for them."""
        ...

    def signal_orders(
        self, *, signal_ids: Collection[str] = (), order_ids: Collection[str] = ()
    ) -> list[SignalOrder]: ...

    def halts(self, account: str | None = None) -> list[Halt]:
        """Those that stand, the oldest first."""
        ...

    def cursor(self, source: str) -> Cursor | None: ...

    def dead_letter(self, letter_id: str) -> DeadLetter | None: ...

    def dead_letters_waiting(self) -> int:
        """How many have not been replayed."""
        ...

    def live_orders_in(self, account: str, symbol: str) -> list[BookOrder]: ...

    def orders_of_signals(self, signal_ids: Collection[str]) -> list[BookOrder]: ...

    def executions_since(self, account: str, since: datetime) -> Iterator[BookExecution]: ...


class IntakeWriting(IntakeReading, Protocol):
    """None of these moves the serial: a plan does not go stale because a signal arrived."""

    def insert_signals(self, signals: Sequence[SignalRecord]) -> list[str]:
        """The ids of those that were new; one known by its id or its confluence is left out."""
        ...

    def update_signals(self, signals: Sequence[SignalRecord]) -> None: ...

    def put_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """One per signal and account; a signal that failed is delivered once more in its place."""
        ...

    def insert_intents(self, intents: Sequence[TradeIntent]) -> list[str]:
        """The ids of those that were new."""
        ...

    def move_intent(self, after: TradeIntent, *, from_state: IntentState) -> bool:
        """Replaces the row when it is still in that state, so that one writer wins.

        Refuses a move that INTENT_MOVES does not list; the same state is no move.
        """
        ...

    def put_signal_orders(self, rows: Sequence[SignalOrder]) -> None: ...

    def put_cursor(self, cursor: Cursor) -> None: ...

    def insert_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """One letter per id: what arrives once more is kept once."""
        ...

    def note_replayed(self, letter_id: str, at: datetime) -> None: ...

    def put_halt(self, halt: Halt) -> None: ...
