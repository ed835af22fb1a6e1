"""Positions: they follow from executions; what no execution explains waits for a person."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.decide.reconcile.cases import Case, ExecutionChange, cases_of
from core.decide.reconcile.figures import figures_of, tell_the_same
from core.decide.reconcile.words import figure
from core.domain.holding import is_dust, mode_of, state_of
from core.domain.observation import Observation
from core.domain.order import PositionSide
from core.domain.position import PositionKey
from core.domain.problem import Problem
from core.plan.change import AdoptPosition, Risk


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionDiff:
    changes: tuple[AdoptPosition, ...]
    problems: tuple[Problem, ...]
    unchanged: int


def diff_positions(
    observation: Observation,
    executions: Sequence[ExecutionChange],
    waiting: frozenset[tuple[str, PositionSide]],
    now: datetime,
) -> PositionDiff:
    """Only a complete listing is compared, for only there does absence mean flat."""
    if not observation.broker.knows("positions"):
        return PositionDiff(changes=(), problems=tuple(_misremembered(observation)), unchanged=0)
    cases = list(cases_of(observation, executions))
    changes: list[AdoptPosition] = []
    problems: list[Problem] = []
    # What a call in flight does to a position is not known; the step's own problem says so.
    in_flight = {step.symbol for step in observation.book.open_steps}
    for case in cases:
        if case.agrees or case.key.symbol in in_flight:
            continue
        if (case.key.symbol, case.key.side) in waiting:
            problems.append(_waits(case))
        elif observation.broker.knows("executions"):
            changes.append(_adopt(case, now))
        else:
            problems.append(_differs(case))
    adopted = {(change.symbol, change.after.side) for change in changes}
    problems += _misremembered(observation, adopted)
    equal = sum(case.agrees and not case.moved for case in cases)
    return PositionDiff(changes=tuple(changes), problems=tuple(problems), unchanged=equal)


# --- what follows -------------------------------------------------------------------------------


def _adopt(case: Case, now: datetime) -> AdoptPosition:
    told, gone = case.broker, not case.told_quantity
    return AdoptPosition(
        account=case.key.account,
        symbol=case.key.symbol,
        target=case.key.target,
        reason="closed_externally" if gone else "position_unexplained",
        because=_because(case),
        risk=Risk.HIGH,
        before=case.stored,
        after=replace(
            case.expected,
            quantity=case.told_quantity,
            average_price=told.average_price if told and not gone else None,
            mark_price=told.mark_price if told else None,
            unrealized_pnl=told.unrealized_pnl if told else None,
            mode=mode_of(case.key.side),
            state=state_of(case.told_quantity, case.expected.state),
            dust=told is not None and is_dust(told.quantity, case.instrument),
            updated_at=now,
            last_snapshot_at=now,
        ),
        unexplained=case.unexplained,
    )


def _because(case: Case) -> str:
    """The broker's figures, the book's, what new executions make of them, and what is left over."""
    sentence = (
        f"The broker reports {figures_of(case.broker)}; the book holds {figures_of(case.stored)}"
    )
    if case.moved:
        sentence += f", which its new executions bring to {figures_of(case.expected)}"
    if case.summed.quantity != case.expected.quantity:
        sentence += f", but its own executions and adjustments add up to {figures_of(case.summed)}"
    if case.unexplained:
        return f"{sentence}; no execution explains {figure(case.unexplained)}."
    if case.expected.quantity != case.told_quantity:
        return f"{sentence}, as the broker says; what is stored is explained by nothing."
    return f"{sentence}; the quantity is explained, the average price is not."


def _waits(case: Case) -> Problem:
    return Problem(
        "position_waits_for_match",
        case.key.account,
        case.key.target,
        f"{_because(case)} An order of {case.key.symbol} waits to be matched first.",
    )


def _differs(case: Case) -> Problem:
    return Problem(
        "position_differs",
        case.key.account,
        case.key.target,
        f"{_because(case)} The broker's executions are not fully known, so nothing is concluded.",
    )


def _misremembered(
    observation: Observation, adopted: Collection[tuple[str, PositionSide]] = ()
) -> Iterator[Problem]:
    """Positions, of those that were added up, that are not stored as what their rows make.

    Once one is adopted all figures are the broker's, and there is nothing left to be told.
    """
    book = observation.book
    stored = {PositionKey(row.account, row.symbol, row.side): row for row in book.positions}
    for key in sorted(book.computed):
        if (key.symbol, key.side) in adopted:
            continue
        ours, sums = figures_of(stored.get(key)), figures_of(book.computed.get(key))
        if not tell_the_same(ours, sums, observation.broker.instruments.get(key.symbol)):
            yield Problem(
                "position_computed_differs",
                key.account,
                key.target,
                f"The book stores {ours} of {key.symbol}, but its own executions and adjustments "
                f"add up to {sums}.",
            )
