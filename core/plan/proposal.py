"""What a decider answers: changes to make, matches to decide, problems to know of."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.ambiguity import AmbiguousMatch
from core.domain.problem import Problem
from core.plan.change import AnyChange


@dataclass(frozen=True, slots=True)
class Proposal:
    changes: tuple[AnyChange, ...] = ()
    ambiguous: tuple[AmbiguousMatch, ...] = ()
    problems: tuple[Problem, ...] = ()
    unchanged: int = 0

    @staticmethod
    def of(parts: Iterable["Proposal"]) -> "Proposal":
        """Several proposals as one, in the order given."""
        parts = tuple(parts)
        return Proposal(
            changes=tuple(change for part in parts for change in part.changes),
            ambiguous=tuple(match for part in parts for match in part.ambiguous),
            problems=tuple(problem for part in parts for problem in part.problems),
            unchanged=sum(part.unchanged for part in parts),
        )
