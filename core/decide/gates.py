"""The gates: whether anything may be changed now, under which plan, and what to type when not.

gate                  stops apply     stops the next action of a run already under way
SAFE_MODE             yes             yes
DRY_RUN               simulates       yes
not armed             yes             yes
armed for another     yes             yes
not confirmed         yes             no: it was confirmed when the run began
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from core.config.gates import Gates
from core.domain.errors import Blocked


class Gate(StrEnum):
    """Every gate there is, in the order in which a person should hear of them."""

    SAFE_MODE = "safe_mode"
    DRY_RUN = "dry_run"
    NOT_ARMED = "not_armed"
    ARMED_FOR_ANOTHER = "armed_for_another"
    NOT_CONFIRMED = "not_confirmed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A gate that stays shut: which, why, and what to type next."""

    code: Gate
    message: str
    hint: str

    def refusal(self) -> Blocked:
        """The verdict as the error that ends a command."""
        return Blocked(self.message, hint=self.hint)


def permit(gates: Gates, plan_id: str, confirmed: str | None = None) -> Verdict | None:
    """The first gate that keeps this plan from being applied, or None.

    `confirmed` is the plan id that the operator typed or passed, when there was one.
    """
    return next(objections(gates, plan_id, confirmed), None)


def objections(gates: Gates, plan_id: str, confirmed: str | None = None) -> Iterator[Verdict]:
    """Every gate that keeps this plan from being applied."""
    yield from _standing(gates, plan_id)
    if gates.confirm is True and confirmed is None:
        yield Verdict(
            Gate.NOT_CONFIRMED,
            f"not confirmed: apply of {plan_id} needs its id",
            f"trueup apply --confirm {plan_id}",
        )
    elif confirmed not in (None, plan_id):
        yield Verdict(
            Gate.NOT_CONFIRMED,
            f"not confirmed: {confirmed} was given, staged is {plan_id}",
            f"trueup review, then: trueup apply --confirm {plan_id}",
        )


def forbid(gates: Gates, plan_id: str) -> Verdict | None:
    """What stops the next action of a run that was permitted when it began."""
    return next(_standing(gates, plan_id), None)


def _standing(gates: Gates, plan_id: str) -> Iterator[Verdict]:
    if gates.safe_mode:
        yield Verdict(
            Gate.SAFE_MODE, f"SAFE_MODE is on{_from(gates, 'SAFE_MODE')}", "trueup safe-mode status"
        )
    if gates.dry_run:
        yield Verdict(
            Gate.DRY_RUN,
            f"DRY_RUN is on{_from(gates, 'DRY_RUN')}",
            "set DRY_RUN: false in config/local_reconcile.yml",
        )
    if gates.confirm is False:
        yield Verdict(
            Gate.NOT_ARMED,
            f"not armed: DRY_RUN_CONFIRM is false{_from(gates, 'DRY_RUN_CONFIRM')}",
            _arm(plan_id),
        )
    elif gates.confirm not in (True, plan_id):
        yield Verdict(
            Gate.ARMED_FOR_ANOTHER,
            f"armed for {gates.confirm}, not for {plan_id}{_from(gates, 'DRY_RUN_CONFIRM')}",
            _arm(plan_id),
        )


def _arm(plan_id: str) -> str:
    return f'set DRY_RUN_CONFIRM: true (or "{plan_id}") in config/local_reconcile.yml'


def _from(gates: Gates, key: str) -> str:
    """Which source says so, when it is known: that is where to change it."""
    source = gates.why.get(key)
    return f" ({source})" if source else ""
