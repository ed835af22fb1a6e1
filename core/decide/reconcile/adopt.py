"""Positions: they follow from executions; what no execution explains waits for a person."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.decide.reconcile.figures import figures_of, tell_the_same
from core.decide.reconcile.words import figure
from core.domain.costs import fee_paid
from core.domain.execution import BookExecution
from core.domain.holding import (
    Correction,
    followed,
    is_dust,
    key_of,
    mode_of,
    state_of,
)
from core.domain.market import ONE, Instrument
from core.domain.money import ZERO
from core.domain.observation import Observation
from core.domain.order import PositionSide
from core.domain.position import Adjustment, BookPosition, BrokerPosition, PositionKey
from core.domain.problem import Problem
from core.plan.change import AdoptPosition, InsertExecution, Risk, UpdateExecution

ExecutionChange = InsertExecution | UpdateExecution


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionDiff:
    changes: tuple[AdoptPosition, ...]
    problems: tuple[Problem, ...]
    unchanged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A position as each side tells it; `expected` is the stored one, moved by this plan's rows.

    `leeway` is what fees explain of a difference between the averages; None: there is no telling.
    """

    key: PositionKey
    instrument: Instrument | None
    broker: BrokerPosition | None
    stored: BookPosition | None
    expected: BookPosition
    moved: bool
    leeway: Decimal | None

    @property
    def agrees(self) -> bool:
        return tell_the_same(
            figures_of(self.broker), figures_of(self.expected), self.instrument, self.leeway
        )

    @property
    def unexplained(self) -> Decimal:
        return figures_of(self.broker).quantity - self.expected.quantity


def diff_positions(
    observation: Observation,
    executions: Sequence[ExecutionChange],
    waiting: frozenset[tuple[str, PositionSide]],
    now: datetime,
) -> PositionDiff:
    """Only a complete listing is compared, for only there does absence mean flat."""
    problems = list(_misremembered(observation))
    if not observation.broker.knows("positions"):
        return PositionDiff(changes=(), problems=tuple(problems), unchanged=0)
    cases = list(_cases(observation, executions))
    changes: list[AdoptPosition] = []
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
    equal = sum(case.agrees and not case.moved for case in cases)
    return PositionDiff(changes=tuple(changes), problems=tuple(problems), unchanged=equal)


# --- what each side tells -----------------------------------------------------------------------


def _cases(observation: Observation, executions: Iterable[ExecutionChange]) -> Iterator[Case]:
    """Every position that somebody holds or that this plan's executions move."""
    account, book = observation.account, observation.book
    broker = {PositionKey(account, p.symbol, p.side): p for p in observation.broker.positions}
    stored = {PositionKey(account, row.symbol, row.side): row for row in book.positions}
    adjustments: dict[PositionKey, list[Adjustment]] = defaultdict(list)
    for each in book.adjustments:
        adjustments[key_of(each)].append(each)
    new, corrected = _by_position(executions)
    held = {
        key for sides in (broker, stored) for key, position in sides.items() if position.quantity
    }
    for key in sorted(held | new.keys() | corrected.keys()):
        computed = book.computed.get(key)
        instrument = observation.broker.instruments.get(key.symbol)
        expected = followed(
            key,
            stored.get(key),
            new.get(key, ()),
            corrections=corrected.get(key, ()),
            adjustments=adjustments.get(key, ()),
            left=computed.adjustments_left if computed else None,
            instrument=instrument,
        )
        yield Case(
            key=key,
            instrument=instrument,
            broker=broker.get(key),
            stored=stored.get(key),
            expected=expected,
            moved=key in new or key in corrected,
            leeway=_leeway(
                broker.get(key),
                computed.fees if computed else ZERO,
                (*new.get(key, ()), *(after for _, after in corrected.get(key, ()))),
                instrument,
            ),
        )


def _leeway(
    told: BrokerPosition | None,
    fees: Decimal | None,
    rows: Iterable[BookExecution],
    instrument: Instrument | None,
) -> Decimal | None:
    """Per unit, all the fees that the book's rows and these ones paid for what is held."""
    if told is None or not told.fees_in_average or not told.quantity:
        return ZERO
    paid = [fees, *(fee_paid(row, instrument) for row in rows)]
    total = ZERO
    for fee in paid:
        if fee is None:
            return None
        total += abs(fee)
    return total / abs(told.quantity) / (instrument.multiplier if instrument else ONE)


def _by_position(
    executions: Iterable[ExecutionChange],
) -> tuple[dict[PositionKey, list[BookExecution]], dict[PositionKey, list[Correction]]]:
    new: dict[PositionKey, list[BookExecution]] = defaultdict(list)
    corrected: dict[PositionKey, list[Correction]] = defaultdict(list)
    for change in executions:
        if change.before is None:
            new[key_of(change.after)].append(change.after)
        else:
            corrected[key_of(change.after)].append((change.before, change.after))
    return new, corrected


# --- what follows -------------------------------------------------------------------------------


def _adopt(case: Case, now: datetime) -> AdoptPosition:
    told, gone = case.broker, not figures_of(case.broker).quantity
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
            quantity=told.quantity if told else ZERO,
            average_price=told.average_price if told and not gone else None,
            mark_price=told.mark_price if told else None,
            unrealized_pnl=told.unrealized_pnl if told else None,
            mode=mode_of(case.key.side),
            state=state_of(case.unexplained + case.expected.quantity, case.expected.state),
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
    if case.unexplained:
        return f"{sentence}; no execution explains {figure(case.unexplained)}."
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


def _misremembered(observation: Observation) -> Iterator[Problem]:
    """Positions, of those that were added up, that are not stored as what their rows make."""
    book = observation.book
    stored = {PositionKey(row.account, row.symbol, row.side): row for row in book.positions}
    for key in sorted(book.computed):
        ours, sums = figures_of(stored.get(key)), figures_of(book.computed.get(key))
        if not tell_the_same(ours, sums, observation.broker.instruments.get(key.symbol)):
            yield Problem(
                "position_computed_differs",
                key.account,
                key.target,
                f"The book stores {ours} of {key.symbol}, but its own executions and adjustments "
                f"add up to {sums}.",
            )
