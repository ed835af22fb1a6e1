"""status: what an operator must know before doing anything, and what to type next.

Everything here is read from the home; no broker is asked, and what cannot be read is said so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.apply.lock import Holder, read_holder
from core.config.gates import Gates
from core.config.home import SENTINEL
from core.decide.gates import forbid
from core.domain.errors import TrueupError
from core.domain.intent import Halt, IntentState
from core.domain.order import STOP_TYPES, BookOrder
from core.domain.position import BookPosition, exit_side
from core.domain.record import PlanState, Step
from core.domain.text import Row
from core.operate.desk import Desk
from core.operate.heartbeat import Beat, read_beat, service_state
from core.operate.run_status import read_status
from core.operate.staging import staged_plan
from core.plan.codec import StagedPlan
from core.plan.plan import Decision
from core.ports import BookReading


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedFacts:
    """What the staged file is worth right now."""

    plan_id: str
    state: str
    age: timedelta
    expires_in: timedelta
    pending: int
    ambiguous: int
    sealed_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    gates: Gates
    last_run: Row
    staged: StagedFacts | None
    open_steps: Sequence[Step]
    unprotected: Sequence[BookPosition]
    holder: Holder | None
    # What the service last said of itself; None when none has ever run here.
    service: Beat | None
    service_state: str
    halts: Sequence[Halt]
    dead_letters: int
    intents_waiting: int
    # What could not be read, in words.
    troubles: Sequence[str]
    next_command: str


def report(desk: Desk) -> Report:
    troubles: list[str] = []
    staged = _staged(desk, troubles)
    staged_is_broken = bool(troubles)
    steps: Sequence[Step] = ()
    unprotected: Sequence[BookPosition] = ()
    halts: Sequence[Halt] = ()
    letters = waiting = 0
    try:
        with desk.book.read() as book:
            steps = book.steps(open_only=True)
            unprotected = [
                position
                for account in desk.settings.ACCOUNTS
                for position in unprotected_positions(book, account)
            ]
            halts, letters = book.halts(), book.dead_letters_waiting()
            waiting = len(book.intents(states={IntentState.APPROVED}))
    except TrueupError as error:
        troubles.append(f"book: {error.message}")
    gates = desk.gates()
    beat = read_beat(desk)
    return Report(
        gates=gates,
        last_run=read_status(desk),
        staged=staged,
        open_steps=steps,
        unprotected=unprotected,
        holder=read_holder(desk.files, desk.home.lock_details),
        service=beat,
        service_state=service_state(desk, beat),
        halts=halts,
        dead_letters=letters,
        intents_waiting=waiting,
        troubles=troubles,
        next_command=_next_command(
            gates, staged, unresolved=bool(steps), broken=len(troubles) - staged_is_broken > 0
        ),
    )


def unprotected_positions(book: BookReading, account: str) -> list[BookPosition]:
    """Open in the book without a live reduce-only stop in the book."""
    stops = [
        row
        for row in book.orders(account, live=True)
        if row.order_type in STOP_TYPES and row.reduce_only
    ]
    return [
        position
        for position in book.positions(account)
        if position.quantity != 0
        and not position.dust
        and not any(_protects(stop, position) for stop in stops)
    ]


def _protects(stop: BookOrder, position: BookPosition) -> bool:
    return stop.symbol == position.symbol and stop.side is exit_side(
        position.quantity, position.side
    )


def _staged(desk: Desk, troubles: list[str]) -> StagedFacts | None:
    if not desk.files.exists(desk.home.staged_file):
        return None
    try:
        staged = staged_plan(desk)
        with desk.book.read() as book:
            registered = book.plan(staged.plan.plan_id)
            lineage = book.identity().lineage
    except TrueupError as error:
        troubles.append(f"staged plan: {error.message}")
        return None
    now = desk.clock.now()
    plan = staged.plan
    return StagedFacts(
        plan_id=plan.plan_id,
        state=(
            _state(staged, registered.state if registered else None, now)
            if staged.plan.base.book_lineage == lineage
            else "made from another book"
        ),
        age=now - plan.generated_at,
        expires_in=plan.expires_at - now,
        pending=sum(action.decision is Decision.PENDING for action in plan.actions),
        ambiguous=len(plan.ambiguous),
        sealed_by=staged.approval.by if staged.approval else None,
    )


def _state(staged: StagedPlan, registered: PlanState | None, now: datetime) -> str:
    if not staged.intact:
        return "tampered"
    if registered is None:
        return "unknown to the book"
    if registered is PlanState.STAGED and now >= staged.plan.expires_at:
        return "expired"
    return registered.value


def _next_command(
    gates: Gates, staged: StagedFacts | None, *, unresolved: bool, broken: bool
) -> str:
    """The one thing to do now, most urgent first."""
    if broken:
        return "trueup doctor"
    if unresolved:
        return "trueup apply --resume"
    if staged is None or staged.state != PlanState.STAGED:
        return "trueup safe-mode status" if _pressed(gates) else "trueup plan"
    if staged.ambiguous:
        return "trueup resolve"
    if staged.pending or not staged.sealed_by:
        return "trueup review"
    if verdict := forbid(gates, staged.plan_id):
        return verdict.hint
    return f"trueup apply --confirm {staged.plan_id}"


def _pressed(gates: Gates) -> bool:
    """Safe mode by the stop button, not by a configuration that never trades."""
    return gates.safe_mode and SENTINEL in gates.why.get("SAFE_MODE", "").partition(" ")[0]
