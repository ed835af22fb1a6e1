"""A whole look at one account, and its facts into the book: from then on the book is current."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.apply.door import Look
from core.apply.hold import Hold
from core.apply.recording import Recorder
from core.decide.execution.follow import is_fact
from core.domain.errors import Stale, Unavailable
from core.domain.order import LIVE, BookOrder
from core.domain.problem import POSITION_MODE_DIFFERS, Problem
from core.domain.snapshot import missing_parts
from core.operate.account_watch import AccountWatch
from core.operate.aftermath import after_facts
from core.operate.alerting import raise_alert
from core.operate.desk import Desk
from core.operate.lives import settle_lives
from core.operate.looking import look
from core.operate.permission import forbidden, may_change
from core.plan.change import AdoptPosition, AnyChange, UpdateOrder

_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtUp:
    # Where something was written, and whether it was bought or sold.
    symbols: frozenset[str] = frozenset()
    filled: bool = False
    # The look itself, where there was nothing to write: another one would tell the same.
    seen: Look | None = None


async def catch_up(desk: Desk, watch: AccountWatch, hold: Hold) -> CaughtUp:
    lagged, watch.behind = watch.behind, None
    # From here on somebody else says so when even this look is not enough.
    try:
        return await _catch_up(desk, watch, hold)
    except BaseException:
        watch.behind = watch.behind or lagged or "the last look was not finished"
        raise


async def _catch_up(desk: Desk, watch: AccountWatch, hold: Hold) -> CaughtUp:
    for _ in range(_TRIES):
        before, rows = in_motion(desk, watch.account), _live_rows(desk, watch.account)
        seen = await look(desk, [watch.account], intents=False)
        observation = seen.observations[watch.account]
        watch.remember(observation.broker.instruments)
        _note_mode(desk, watch, seen.proposal.problems)
        missing = [f"{part}: {why}" for part, why in missing_parts(observation.broker)]
        watch.unreachable = missing[0] if missing else None
        # What an unsettled call has done is told by its outcome, and may look like a stranger's.
        busy = {step.symbol for step in observation.book.open_steps}
        moved = moved_between(before, in_motion(desk, watch.account))
        watch.unexplained = frozenset(
            change.symbol
            for change in seen.proposal.changes
            if isinstance(change, AdoptPosition)
            # What moved while the venue was being read only seems to differ.
            and (change.symbol not in moved or change.symbol in watch.unexplained)
            and change.symbol not in busy
        )
        facts = [
            change
            for change in seen.proposal.changes
            if is_fact(change) and change.symbol not in busy
        ]
        # Of these the venue may have told what was so before they moved.
        outrun = [change for change in facts if _has_moved(change, rows)]
        facts = [change for change in facts if change not in outrun]
        if not may_change(desk.gates()):
            watch.looked_at = desk.clock.now()
            if facts or missing:
                watch.behind = forbidden(desk)
            watch.reconciled = not missing
            return CaughtUp()
        recorder = Recorder(book=desk.book, clock=desk.clock, by="manage")
        try:
            async with hold.for_facts():
                batch = recorder.record(observation, facts)
        except Stale:
            continue  # somebody was quicker: look again
        if batch is not None:
            after_facts(desk, observation, batch)
        settled = settle_lives(desk, observation)
        watch.looked_at = desk.clock.now()
        if missing:
            watch.behind = missing[0]
        elif outrun:
            watch.behind = f"order {outrun[0].target} moved while the venue was being read"
        watch.reconciled = watch.reconciled or not missing
        still = not (batch or settled or moved or outrun)
        return CaughtUp(
            symbols=frozenset(change.symbol for change in facts),
            filled=batch is not None and bool(batch.new_executions),
            seen=seen if still else None,
        )
    raise Unavailable(f"the book of {watch.account} never stood still long enough to catch up")


def _note_mode(desk: Desk, watch: AccountWatch, problems: Iterable[Problem]) -> None:
    """A venue in another mode than configured is sent nothing, and people are told once."""
    was = watch.wrong_mode
    found = (each.message for each in problems if each.code == POSITION_MODE_DIFFERS)
    watch.wrong_mode = next(found, None)
    if watch.wrong_mode and not was:
        raise_alert(
            desk,
            POSITION_MODE_DIFFERS,
            watch.wrong_mode,
            account=watch.account,
            subject=watch.account,
        )


def _live_rows(desk: Desk, account: str) -> Mapping[str, BookOrder]:
    with desk.book.read() as book:
        return {row.order_id: row for row in book.orders(account, live=True)}


def _has_moved(change: AnyChange, rows: Mapping[str, BookOrder]) -> bool:
    """Its row is not the one from before the venue was asked."""
    if not isinstance(change, UpdateOrder):
        return False
    row = change.before
    return rows.get(row.order_id, row) != row or (row.status in LIVE and row.order_id not in rows)


# --- what moves while the venue is being read -----------------------------------------------------

Motion = Mapping[str, object]


def in_motion(desk: Desk, account: str) -> Motion:
    """By symbol what moves there: positions, and calls whose outcome is open."""
    found: dict[str, list[object]] = defaultdict(list)
    with desk.book.read() as book:
        for row in book.positions(account):
            found[row.symbol].append((row.side, row.quantity, row.updated_at))
        for step in book.open_steps(account):
            found[step.symbol].append(step.step_id)
    return found


def moved_between(before: Motion, after: Motion) -> frozenset[str]:
    symbols = before.keys() | after.keys()
    return frozenset(symbol for symbol in symbols if before.get(symbol) != after.get(symbol))
