"""What differs between one account and its book, and what should change. Pure and repeatable."""

from collections.abc import Iterator
from datetime import datetime

from core.config.settings import Settings
from core.decide.execution.waiting import waiting_orders
from core.decide.exits.waiting import waiting_exits
from core.decide.reconcile.adopt import diff_positions
from core.decide.reconcile.cases import ExecutionChange
from core.decide.reconcile.completeness import incomplete_orders
from core.decide.reconcile.executions import diff_executions
from core.decide.reconcile.homes import Homes
from core.decide.reconcile.match import match
from core.decide.reconcile.orders import diff_orders
from core.decide.reconcile.protect import protect
from core.decide.reconcile.spy import watch_spy
from core.decide.reconcile.stale import cancel_stale
from core.domain.holding import key_of
from core.domain.naming import Names
from core.domain.observation import Observation
from core.domain.position import PositionKey
from core.domain.problem import POSITION_MODE_DIFFERS, Problem
from core.domain.snapshot import PARTS, Partial, Unavailable
from core.plan.change import RANK, AnyChange
from core.plan.proposal import Proposal


def propose(observation: Observation, settings: Settings, now: datetime) -> Proposal:
    """Match orders, diff orders, then executions, then positions; then what protects them.

    Each step reads what the one before it found, so that facts come before what follows from them.
    """
    matching = match(observation, settings)
    names = Names(observation.account, (row.order_id for row in observation.book.orders))
    orders = diff_orders(matching, observation, settings, names, now)
    homes = Homes(matching, orders)
    executions = diff_executions(homes, observation, settings, names)
    booked: list[ExecutionChange] = [*executions.inserts, *executions.updates]
    positions = diff_positions(observation, booked, matching.waiting, now)
    unexplained = {
        PositionKey(change.account, change.symbol, change.after.side)
        for change in positions.changes
    }
    entering = {key_of(change.after) for change in booked} | unexplained
    findings = [
        _within_reach(finding, observation)
        for finding in (
            *protect(matching, orders, observation, settings, now, unexplained),
            *cancel_stale(matching, observation, settings, now),
            *watch_spy(observation, settings, entering, now),
            *waiting_exits(observation, now),
            *waiting_orders(observation, settings, now),
        )
    ]
    changes: list[AnyChange] = [
        *orders.changes,
        *executions.stubs,
        *booked,
        *positions.changes,
        *(finding for finding in findings if not isinstance(finding, Problem)),
    ]
    problems = [
        *matching.problems,
        *orders.problems,
        *positions.problems,
        *incomplete_orders(orders, matching.survivor_of, observation, booked),
        *part_problems(observation),
        *mode_problems(observation, settings),
        *(finding for finding in findings if isinstance(finding, Problem)),
    ]
    return Proposal(
        changes=tuple(sorted(changes, key=in_order)),
        ambiguous=matching.ambiguous,
        problems=tuple(sorted(set(problems))),
        unchanged=observation.unchanged
        + orders.unchanged
        + executions.unchanged
        + positions.unchanged,
    )


def _within_reach(finding: AnyChange | Problem, observation: Observation) -> AnyChange | Problem:
    """What would have to be sent to an account that may only be read is for a person to do."""
    if isinstance(finding, Problem) or not (finding.at_broker and observation.broker.read_only):
        return finding
    return Problem(
        "account_read_only",
        finding.account,
        finding.target,
        f"{finding.because} An account at {observation.broker.broker} can only be reconciled from "
        "here: see to it at the venue.",
    )


def mode_problems(observation: Observation, settings: Settings) -> Iterator[Problem]:
    """A venue in another position mode than configured; nothing may be sent to it."""
    account = settings.ACCOUNTS.get(observation.account)
    wanted = account.position_mode if account else "any"
    told = observation.broker.position_mode
    if wanted not in ("any", told) and observation.broker.knows("positions"):
        yield Problem(
            POSITION_MODE_DIFFERS,
            observation.account,
            "position_mode",
            f"The venue is set to {told} mode, the configuration says {wanted}. "
            "The mode is never switched from here.",
        )


def in_order(change: AnyChange) -> tuple[int, str, str, str]:
    """The order in which a plan lists and carries out its changes."""
    return RANK[change.kind], change.account, change.symbol, change.target


def part_problems(observation: Observation) -> Iterator[Problem]:
    """Each part of the broker's answer from which absence proves nothing."""
    broker = observation.broker
    for name in PARTS:
        match broker.parts.get(name, Unavailable("the broker's answer does not speak of it")):
            case Unavailable(why):
                code, told = "unavailable", "could not be read"
            case Partial(why):
                code, told = "partial", "are known in part only"
            case _:
                continue
        yield Problem(
            f"{name}_{code}",
            observation.account,
            name,
            f"The broker's {name} {told}: {why}. Nothing is concluded from what is not there.",
        )
