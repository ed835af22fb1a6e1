"""What the book keeps of positions from entry to exit; part of the book's ports."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from core.domain.exit import (
    Episode,
    ExitCause,
    ExitIntent,
    ExitOf,
    ExitSignal,
    ExitState,
)
from core.domain.life import Life, PositionSnapshot, Transition
from core.domain.record import Posted, RelayCursor
from core.domain.trade import Trade


class PositionReading(Protocol):
    def life(self, position_id: str) -> Life | None: ...

    def lives(
        self, account: str | None = None, *, symbol: str | None = None, over: bool = False
    ) -> list[Life]:
        """Those that go on, oldest first; `over` has those that ended, too."""
        ...

    def transitions(self, position_id: str) -> list[Transition]: ...

    def trade(self, trade_id: str) -> Trade | None: ...

    def open_trades(self, account: str | None = None, symbol: str | None = None) -> list[Trade]:
        """In the order in which they were entered."""
        ...

    def trades_of(self, position_ids: Collection[str]) -> list[Trade]: ...

    def trades_moved(
        self, account: str, symbol: str, *, order_id: str | None, leaves: str | None, at: datetime
    ) -> list[Trade]:
        """Those that this order entered or was sent to leave, and those of lives left since."""
        ...

    def episode(self, trade_id: str, cause: ExitCause) -> Episode | None: ...

    def exit_signal(self, exit_signal_id: str) -> ExitSignal | None: ...

    def exit_intent(self, exit_intent_id: str) -> ExitIntent | None: ...

    def exit_intents(
        self,
        account: str | None = None,
        *,
        symbol: str | None = None,
        trade_id: str | None = None,
        states: Collection[ExitState] = (),
    ) -> list[ExitIntent]:
        """Oldest first; no states mean every state."""
        ...

    def recent_exits(self, account: str, symbol: str, limit: int) -> list[ExitIntent]:
        """The latest first, whatever became of them."""
        ...

    def outcome_of(self, order_id: str) -> str | None:
        """What the journal noted of the last call about an order."""
        ...

    def exits_of(self, order_ids: Collection[str]) -> list[ExitOf]:
        """Which of these orders were sent for an exit, and for which."""
        ...

    def relay_cursor(self, sink: str) -> RelayCursor | None:
        """None when the sink has never been told anything."""
        ...

    def events_after(self, sequence: int, limit: int) -> list[Posted]:
        """What lies in the outbox behind that place, in the order in which it was committed."""
        ...

    def outbox_before(self, moment: datetime) -> int:
        """The place of the last event before the first one of that moment or later; 0 if none."""
        ...


class PositionWriting(PositionReading, Protocol):
    """None of these moves the serial: they follow facts that have moved it."""

    def insert_lives(self, lives: Sequence[Life]) -> None: ...

    def update_lives(self, lives: Sequence[Life]) -> None: ...

    def insert_transitions(self, transitions: Sequence[Transition]) -> None: ...

    def put_trades(self, trades: Sequence[Trade]) -> None: ...

    def next_episode(
        self,
        trade_id: str,
        cause: ExitCause,
        *,
        at: datetime,
        cooldown_seconds: int,
        price: Decimal | None,
    ) -> tuple[Episode, bool]:
        """The next number of that trade and cause, and whether it is granted.

        It is not while the last one granted is younger than the cooldown; the number is used up
        all the same, and the cooldown goes on from where it began.
        """
        ...

    def insert_exit_signal(self, signal: ExitSignal) -> bool:
        """False when that episode has one already."""
        ...

    def publish_exit_signal(self, exit_signal_id: str, at: datetime) -> None: ...

    def forget_brick(self, trade_id: str, cause: ExitCause) -> None:
        """The last signal led nowhere: the same price may ask once more."""
        ...

    def bore_fruit(self, trade_id: str, cause: ExitCause) -> None:
        """The last signal led to a fill: the cooldown is the usual one again."""
        ...

    def put_exit_order(self, row: ExitOf) -> None: ...

    def insert_exit_intent(self, intent: ExitIntent) -> bool:
        """False when that episode has one already."""
        ...

    def move_exit_intent(self, after: ExitIntent, *, from_state: ExitState) -> bool:
        """False when another process moved it first, or another exit of the trade is under way."""
        ...

    def move_relay_cursor(self, to: RelayCursor, *, from_sequence: int | None) -> bool:
        """False when another process moved it first; None where there was none yet."""
        ...

    def insert_position_snapshots(self, rows: Sequence[PositionSnapshot]) -> None: ...

    def delete_position_snapshots(self, before: datetime) -> int: ...
