"""Every combination of gates, and which of them keeps a plan from being applied."""

import itertools

import pytest

from core.config.gates import Gates
from core.decide.gates import Gate, forbid, objections, permit
from core.domain.errors import Blocked

PLAN, OTHER = "p-20260105-7f3c2a", "p-20260105-aaaaaa"
CONFIRMS: list[bool | str] = [False, True, PLAN, OTHER]
TYPED = [None, PLAN, OTHER]
CASES = list(itertools.product([False, True], [False, True], CONFIRMS, TYPED))


def gates(safe_mode: bool, dry_run: bool, confirm: bool | str) -> Gates:
    return Gates(safe_mode=safe_mode, dry_run=dry_run, confirm=confirm)


def expected(safe_mode: bool, dry_run: bool, confirm: bool | str, typed: str | None) -> list[Gate]:
    """The rules once more, as the operator's guide words them."""
    found = []
    if safe_mode:
        found.append(Gate.SAFE_MODE)
    if dry_run:
        found.append(Gate.DRY_RUN)
    found += {False: [Gate.NOT_ARMED], OTHER: [Gate.ARMED_FOR_ANOTHER]}.get(confirm, [])
    if (confirm is True and typed is None) or typed == OTHER:
        found.append(Gate.NOT_CONFIRMED)
    return found


@pytest.mark.parametrize(("safe_mode", "dry_run", "confirm", "typed"), CASES)
def test_the_truth_table_of_apply(
    safe_mode: bool, dry_run: bool, confirm: bool | str, typed: str | None
) -> None:
    now = gates(safe_mode, dry_run, confirm)
    found = [verdict.code for verdict in objections(now, PLAN, typed)]
    assert found == expected(safe_mode, dry_run, confirm, typed)
    first = permit(now, PLAN, typed)
    assert (first.code if first else None) == (found[0] if found else None)


@pytest.mark.parametrize(("safe_mode", "dry_run", "confirm", "typed"), CASES)
def test_a_run_under_way_is_stopped_by_all_but_the_confirmation(
    safe_mode: bool, dry_run: bool, confirm: bool | str, typed: str | None
) -> None:
    now = gates(safe_mode, dry_run, confirm)
    standing = [
        code
        for code in expected(safe_mode, dry_run, confirm, typed)
        if code is not Gate.NOT_CONFIRMED
    ]
    verdict = forbid(now, PLAN)
    assert (verdict.code if verdict else None) == (standing[0] if standing else None)


def test_only_these_open_the_door() -> None:
    opened = [case for case in CASES if permit(gates(*case[:3]), PLAN, case[3]) is None]
    assert opened == [
        (False, False, True, PLAN),
        (False, False, PLAN, None),
        (False, False, PLAN, PLAN),
    ]


@pytest.mark.parametrize(("safe_mode", "dry_run", "confirm", "typed"), CASES)
def test_every_refusal_says_what_to_type(
    safe_mode: bool, dry_run: bool, confirm: bool | str, typed: str | None
) -> None:
    for verdict in objections(gates(safe_mode, dry_run, confirm), PLAN, typed):
        refusal = verdict.refusal()
        assert isinstance(refusal, Blocked)
        assert refusal.message == verdict.message
        assert refusal.hint
        assert PLAN in refusal.hint or verdict.code in (Gate.SAFE_MODE, Gate.DRY_RUN)


def test_the_source_of_a_shut_gate_is_named() -> None:
    shut = Gates(
        dry_run=False,
        safe_mode=True,
        confirm=OTHER,
        why={"SAFE_MODE": "status/SAFE_MODE (alice)", "DRY_RUN_CONFIRM": "TRUEUP_DRY_RUN_CONFIRM"},
    )
    assert [verdict.message for verdict in objections(shut, PLAN)] == [
        "SAFE_MODE is on (status/SAFE_MODE (alice))",
        f"armed for {OTHER}, not for {PLAN} (TRUEUP_DRY_RUN_CONFIRM)",
    ]
