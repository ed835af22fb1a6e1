"""Where a venue takes one stop for each position and cannot change it, the old one makes way first.

Between the two the position is bare, so a new stop that is refused ends the position.
"""

from collections.abc import Mapping, Sequence

from core.apply.ledger import Ledger, Outcome
from core.operate.account_watch import AccountWatch
from core.operate.desk import Desk
from core.operate.emergency import close_in_emergency
from core.plan.change import AnyChange, CancelDuplicateStop, PlaceStop
from core.plan.plan import Action


def in_turn(actions: Sequence[Action], watches: Mapping[str, AccountWatch]) -> list[Action]:
    """The order of the plan, with the old stop before the new one where only one can stand."""
    return sorted(actions, key=lambda action: not _goes_first(action.change, watches))


def _goes_first(change: AnyChange, watches: Mapping[str, AccountWatch]) -> bool:
    return isinstance(change, CancelDuplicateStop) and _one_stop(change, watches)


def _one_stop(change: AnyChange, watches: Mapping[str, AccountWatch]) -> bool:
    return watches[change.account].broker.capabilities.one_stop


def made_bare(change: AnyChange, ledger: Ledger) -> bool:
    """Whether the new stop failed after the old one had gone."""
    if not isinstance(change, PlaceStop) or change.is_first:
        return False
    return any(
        entry.kind == CancelDuplicateStop.kind
        and entry.outcome is Outcome.DONE
        and (entry.account, entry.symbol) == (change.account, change.symbol)
        for entry in ledger.entries.values()
    )


def leave_bare_one(desk: Desk, change: AnyChange, note: str) -> bool:
    """False when it is not a position of ours, and a person has to see to it."""
    why = f"its stop made way for another one, which was not accepted: {note}"
    with desk.book.read() as book:
        lives = book.lives(change.account, symbol=change.symbol)
    asked = [
        intent
        for life in lives
        if life.quantity and life.signal_source == "signal"
        for intent in close_in_emergency(desk, life, why)
    ]
    return bool(asked)
