"""logs/trades/<symbol>.log: what became of each position, a line an event, for people to read.

The files follow the outbox, so they tell what is committed, in its order, and nothing else. How far
they have come is kept in the book and moves once the lines are on disk: a crash in between repeats
them, under the event ids that they had before.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from core.domain.errors import TrueupError
from core.domain.record import Event, Posted, RelayCursor
from core.operate.desk import Desk
from core.operate.trade_lines import trade_line

SINK = "trade_log"
LOOK_SECONDS = 1.0
AT_ONCE = 200
# Where no cursor is, the files begin here. A book from before there were cursors does not pour all
# of its past into them; a new one, and what an upgraded one has just done, is told whole.
FIRST_LOOK_BACK = timedelta(days=1)


def write_trade_log(desk: Desk) -> None:
    """Brings the files up to the outbox. What cannot be written now is written by a later look:
    it is no reason to call failed what has been done."""
    try:
        TradeLog(desk=desk).bring_up()
    except TrueupError as error:
        desk.log.event("trade_log_behind", level="warning", why=error.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeLog:
    desk: Desk

    async def watch(self) -> None:
        """What other processes commit is told, too."""
        while True:
            self.bring_up()
            await self.desk.clock.sleep(LOOK_SECONDS)

    def bring_up(self) -> None:
        while (cursor := self._cursor()) and (posted := self._behind(cursor)):
            self._write(posted)
            self._move(posted[-1].sequence, cursor.sequence)

    def _behind(self, cursor: RelayCursor) -> list[Posted]:
        with self.desk.book.read() as book:
            return book.events_after(cursor.sequence, AT_ONCE)

    def _cursor(self) -> RelayCursor | None:
        """None while the outbox is empty: there is nothing to begin with."""
        now = self.desk.clock.now()
        with self.desk.book.read() as book:
            if cursor := book.relay_cursor(SINK):
                return cursor
            if not book.events_after(0, 1):
                return None
            start = book.outbox_before(now - FIRST_LOOK_BACK)
        self._move(start, None)
        with self.desk.book.read() as book:
            return book.relay_cursor(SINK)

    def _move(self, to: int, before: int | None) -> None:
        """Whoever comes second leaves it: the other has written the same lines."""
        cursor = RelayCursor(sink=SINK, sequence=to, at=self.desk.clock.now())
        with self.desk.book.write() as book:
            book.move_relay_cursor(cursor, from_sequence=before)

    def _write(self, events: Sequence[Event]) -> None:
        lines: dict[Path, list[str]] = defaultdict(list)
        for event in events:
            if event.symbol and (line := trade_line(event)):
                lines[trade_file(self.desk.home.trades_dir, event.symbol)].append(line)
        for file, some in lines.items():
            self.desk.files.append(file, "\n".join(some))
        self._note_states(events)

    def _note_states(self, events: Iterable[Event]) -> None:
        for event in events:
            if event.event_type == "position.state_changed":
                self.desk.log.event("position_state_changed", **_noted(event))


def _noted(event: Event) -> dict[str, Any]:
    told = event.payload
    return {
        "at": event.occurred_at,
        "event_id": event.event_id,
        "account": event.account,
        "symbol": event.symbol,
        "trace_id": event.trace_id,
        "to_state": told.get("state"),
        **{
            name: told.get(name)
            for name in (
                "position_id", "direction", "from_state", "reason", "quantity", "entry_price",
                "stop_price", "exit_price", "realized_pnl",
            )
        },
    }  # fmt: skip


def trade_file(folder: Path, symbol: str) -> Path:
    """A venue's symbol may hold anything; a file name may not."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", symbol, re.ASCII):
        return folder / f"{symbol}.log"
    readable = re.sub(r"[^A-Za-z0-9]+", "-", symbol).strip("-")[:40] or "symbol"
    return folder / f"{readable}-{hashlib.sha256(symbol.encode()).hexdigest()[:8]}.log"
