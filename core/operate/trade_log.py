"""logs/trades/<symbol>.log: what became of each position, a line per change, for people to read."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from core.apply.ledger import Ledger, Outcome
from core.domain.execution import BookExecution
from core.domain.moment import moment_text
from core.domain.money import decimal_text
from core.domain.text import printable
from core.operate.desk import Desk
from core.plan.change import AdoptPosition, InsertExecution, PlaceStop, ResizeStop, UpdateExecution
from core.plan.plan import Action, Plan


def write_trade_lines(desk: Desk, plan: Plan, ledger: Ledger) -> None:
    """Only what was really done; the files are for reading, the book is the record."""
    at = desk.clock.now()
    for action in plan.actions:
        if ledger.outcome_of(action.id) is Outcome.DONE:
            for line in _lines(action, plan.plan_id, at):
                desk.files.append(trade_file(desk.home.trades_dir, action.change.symbol), line)


def trade_file(folder: Path, symbol: str) -> Path:
    """A venue's symbol may hold anything; a file name may not."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", symbol, re.ASCII):
        return folder / f"{symbol}.log"
    readable = re.sub(r"[^A-Za-z0-9]+", "-", symbol).strip("-")[:40] or "symbol"
    return folder / f"{readable}-{hashlib.sha256(symbol.encode()).hexdigest()[:8]}.log"


def _lines(action: Action, plan_id: str, at: datetime) -> Iterator[str]:
    change = action.change
    match change:
        case InsertExecution(after=row) | UpdateExecution(after=row):
            traded = f"{row.side} {decimal_text(row.quantity)} @ {decimal_text(row.price)}"
            what = f"{change.kind} {traded} at {moment_text(row.executed_at)} id {row.execution_id}"
        case AdoptPosition(before=before, after=after):
            was = decimal_text(before.quantity) if before else "0"
            what = (
                f"adopt_position {after.side} {was} → {decimal_text(after.quantity)} "
                f"unexplained {decimal_text(change.unexplained)}"
            )
        case PlaceStop(after=request):
            trigger = decimal_text(request.trigger_price) if request.trigger_price else "?"
            what = f"place_stop {request.side} {decimal_text(request.quantity)} at {trigger}"
        case ResizeStop(before=old, after=new):
            what = f"resize_stop {decimal_text(old.quantity)} → {decimal_text(new.quantity)}"
        case _:
            return
    yield f"{moment_text(at)} {printable(change.account)} {printable(what)} ({plan_id} {action.id})"


def write_execution_lines(desk: Desk, executions: Sequence[BookExecution]) -> None:
    """Executions that were recorded as they happened, without a plan."""
    at = moment_text(desk.clock.now())
    for row in executions:
        traded = f"{row.side} {decimal_text(row.quantity)} @ {decimal_text(row.price)}"
        told = f"{traded} at {moment_text(row.executed_at)} id {row.execution_id}"
        line = f"{at} {printable(row.account)} insert_execution {printable(told)} (manage)"
        desk.files.append(trade_file(desk.home.trades_dir, row.symbol), line)
