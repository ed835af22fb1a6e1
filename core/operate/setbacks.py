"""Changes that the service may make by itself and that did not come about.

People are told once of each, until it came about or is not wanted any more. A first stop that the
venue refuses time after time ends the position, if it is one of ours.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from core.apply.ledger import Outcome
from core.domain.record import NOT_SENT
from core.operate.alerting import raise_alert
from core.operate.desk import Desk
from core.operate.emergency import close_in_emergency
from core.operate.making_way import leave_bare_one
from core.plan.change import AnyChange, PlaceStop

# Account, kind and target of a change.
Wish = tuple[str, str, str]


@dataclass(slots=True, kw_only=True)
class Setbacks:
    desk: Desk
    # How often the venue has refused each first stop, since one stood.
    refused: Counter[Wish] = field(default_factory=Counter)
    _told: set[tuple[Wish, str]] = field(default_factory=set)

    def are_refused(self, account: str) -> bool:
        return any(wish[0] == account for wish in self.refused)

    def expect(self, account: str, wanted: Iterable[AnyChange]) -> None:
        """What is wanted of the account now; whatever else there was is over."""
        wishes = set(map(wish_of, wanted))
        for wish in {*(wish for wish, _ in self._told), *self.refused}:
            if wish[0] == account and wish not in wishes:
                self._forget(wish)

    def note(self, change: AnyChange, outcome: Outcome, note: str, *, made_bare: bool) -> None:
        """`made_bare`: the stop that stood had to go before this one was tried."""
        wish = wish_of(change)
        if outcome is Outcome.DONE:
            self._forget(wish)
            return
        if outcome is Outcome.FAILED and self._is_for_a_bare_one(change):
            self._count(change, note)
        if made_bare and leave_bare_one(self.desk, change, note):
            return
        if outcome is Outcome.UNKNOWN:
            kind = "order_outcome_unknown"
        elif made_bare or self._is_for_a_bare_one(change):
            kind = "position_unprotected"
        else:
            kind = "change_refused"
        self._tell(change, kind, note)

    def _forget(self, wish: Wish) -> None:
        self.refused.pop(wish, None)
        self._told = {told for told in self._told if told[0] != wish}

    def _is_for_a_bare_one(self, change: AnyChange) -> bool:
        return isinstance(change, PlaceStop) and change.is_first

    def _count(self, change: AnyChange, note: str) -> None:
        if note.startswith(NOT_SENT):
            return
        wish, most = wish_of(change), self.desk.settings.POSITIONS.emergency_close_after
        self.refused[wish] += 1
        if not most or self.refused[wish] < most:
            return
        with self.desk.book.read() as book:
            lives = book.lives(change.account, symbol=change.symbol)
        for life in lives:
            if life.quantity and life.signal_source == "signal":
                why = f"the venue refused its stop {self.refused[wish]} times: {note}"
                close_in_emergency(self.desk, life, why)

    def _tell(self, change: AnyChange, kind: str, note: str) -> None:
        told = wish_of(change), kind
        if told in self._told:
            return
        self._told.add(told)
        raise_alert(
            self.desk,
            kind,
            f"{change.kind} {change.symbol}: {note}",
            account=change.account,
            subject=change.target,
        )


def wish_of(change: AnyChange) -> Wish:
    return change.account, change.kind, change.target
