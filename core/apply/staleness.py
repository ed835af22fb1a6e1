"""Whether what a plan was made from still holds. Names each thing that moved, old to new."""

from collections.abc import Iterable, Sequence

from core.domain.errors import Blocked, Stale, Unavailable
from core.domain.problem import POSITION_MODE_DIFFERS
from core.domain.text import plain, to_row
from core.plan.change import AnyChange
from core.plan.plan import Action, Base, Plan
from core.plan.proposal import Proposal

_NEXT = "trueup stage, review it, then trueup apply"
_NAMED_MAX = 20


def check_still_true(plan: Plan, chosen: Sequence[Action], proposal: Proposal, now: Base) -> None:
    """Raises Stale (or Unavailable) unless a fresh look proposes every chosen action again."""
    if not now.complete:
        why = [
            f"{problem.account}: {problem.message}"
            for problem in proposal.problems
            if problem.code.endswith(("_unavailable", "_partial"))
        ]
        raise Unavailable(
            "the broker could only be read in part, so nothing was changed",
            hint="trueup doctor",
            details=why,
        )
    for problem in proposal.problems:
        if problem.code == POSITION_MODE_DIFFERS:
            raise Blocked(
                f"account {problem.account}: {problem.message}",
                hint=f"set the venue's mode, or ACCOUNTS.{problem.account}.position_mode",
            )
    moved = [*_book_moved(plan.base, now), *_changes_moved(chosen, proposal.changes)]
    if moved:
        more = len(moved) - _NAMED_MAX
        details = moved[:_NAMED_MAX] + ([f"and {more} more"] if more > 0 else [])
        raise Stale(
            f"plan {plan.plan_id} is stale: the world moved since it was made",
            hint=_NEXT,
            details=details,
        )


def _book_moved(then: Base, now: Base) -> list[str]:
    moved = []
    if then.book_lineage != now.book_lineage:
        moved.append(f"book lineage: {then.book_lineage} → {now.book_lineage} (it was restored)")
    elif then.book_serial != now.book_serial:
        moved.append(f"book serial: {then.book_serial} → {now.book_serial}")
    return moved


def _changes_moved(chosen: Iterable[Action], fresh: Iterable[AnyChange]) -> list[str]:
    by_subject = {_subject(change): change for change in fresh}
    moved = []
    for action in chosen:
        current = by_subject.get(_subject(action.change))
        if current is None:
            moved.append(
                f"{action.id} {action.change.kind} {action.change.target}: no longer differs"
            )
        else:
            moved.extend(_fields_moved(action, current))
    return moved


def _subject(change: AnyChange) -> tuple[str, str, str, str]:
    return change.kind, change.account, change.symbol, change.target


# They move by themselves and decide nothing.
_VOLATILE = frozenset({"mark_price", "unrealized_pnl", "updated_at", "last_snapshot_at"})


def _fields_moved(action: Action, current: AnyChange) -> list[str]:
    moved = []
    for side in ("before", "after"):
        then, now = getattr(action.change, side), getattr(current, side)
        then_row = {} if then is None else to_row(then)
        now_row = {} if now is None else to_row(now)
        moved += [
            f"{action.id} {action.change.target} {side}.{name}: "
            f"{plain(then_row.get(name))} → {plain(now_row.get(name))}"
            for name in sorted({*then_row, *now_row} - _VOLATILE)
            if then_row.get(name) != now_row.get(name)
        ]
    return moved
