"""The operator guide explains everything that the program knows, and nothing that it does not."""

import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.exits import Exit
from core.apply.ledger import Outcome
from core.brokers.paper import simulation
from core.brokers.paper.faults import NO_ANSWER, WRITE_ANSWERS
from core.config.home import Home
from core.config.keys import Key, keys_of, sections_of
from core.config.settings import SAFETY_KEYS, Settings
from core.config.sources import ALIASES
from core.config.template import default_file, written
from core.decide.gates import Gate
from core.domain.ambiguity import AmbiguityReason
from core.domain.record import PlanState, StepState
from core.observe.snapshot_wire import FORMAT, ROWS, SCALARS
from core.operate.alerting import SEVERITIES
from core.operate.reconciling import Round
from core.operate.run_status import RunState
from core.plan.change import KINDS, ChangeClass, class_of
from core.plan.plan import Decision
from tests.docs.pages import GUIDE, ROOT, chapter, code, rows, table, text_of
from tests.docs.source import doctor_checks, problem_codes, refusals


def same(told: Iterable[str], known: Iterable[str]) -> None:
    told, known = set(told), {str(each) for each in known}
    assert sorted(known - told) == [], "the guide does not explain these"
    assert sorted(told - known) == [], "the guide explains what does not exist"


# --- codes ----------------------------------------------------------------------------------------


def test_every_exit_code() -> None:
    same(table(GUIDE, "Exit codes"), (int(each) for each in Exit))


def test_every_problem_code() -> None:
    same(table(GUIDE, "Problems a plan can show"), problem_codes())


def test_the_problem_codes_are_found_in_the_source() -> None:
    """One written out, one under a name, one put together."""
    assert {"stop_already_crossed", "position_mode_differs", "orders_partial"} <= problem_codes()


def test_every_alert_with_its_severity() -> None:
    told = table(GUIDE, "Alerts")
    same(told, SEVERITIES)
    assert {name: row[0] for name, row in told.items()} == dict(SEVERITIES)


def quoted_refusals() -> list[str]:
    return [part for row in rows(chapter(GUIDE, "When apply refuses")) for part in code(row[0])]


def test_every_refusal_of_the_door() -> None:
    """The guide quotes a telling part of each message."""
    told = quoted_refusals()
    silent = [
        " … ".join(message)
        for message in refusals()
        if not any(quoted in part for quoted in told for part in message)
    ]
    assert silent == [], "the guide quotes no part of these"


def test_every_quoted_refusal_is_one() -> None:
    """Or a message of the staged file's reader, or of the backup."""
    told = quoted_refusals()
    source = "".join(path.read_text("utf-8") for path in sorted((ROOT / "core").rglob("*.py")))
    names = {"staged_actions.json is not valid JSON"}
    assert [part for part in told if part not in source and part not in names] == []


def test_the_reasons_of_an_ambiguous_match() -> None:
    same(table(GUIDE, "Ambiguous matches"), AmbiguityReason)


def test_the_outcomes_of_resuming() -> None:
    same(table(GUIDE, "Unresolved steps"), set(StepState) - {StepState.BEGUN})


def test_the_ends_of_a_round_and_the_statuses_of_a_run() -> None:
    same(table(GUIDE, "Cron"), {*Round, *RunState})


def test_the_states_of_a_staged_plan() -> None:
    told = code(chapter(GUIDE, "Files of a home").rpartition("staged plan is in one")[2])
    assert {*PlanState, "expired", "tampered", "unknown to the book"} <= set(told)


def test_every_check_of_doctor() -> None:
    same(table(GUIDE, "Doctor"), doctor_checks())


# --- actions and gates ----------------------------------------------------------------------------


def test_every_kind_and_class_of_change() -> None:
    same(table(GUIDE, "Actions"), {*KINDS, *ChangeClass})


@pytest.mark.parametrize("kind", KINDS)
def test_the_class_of_a_change(kind: str) -> None:
    """Of an order that shrinks, and of a hard deletion, the guide speaks in words."""
    bare = object.__new__(KINDS[kind])
    assert table(GUIDE, "Actions")[kind][0] == class_of(bare)


def test_every_decision_and_outcome() -> None:
    told = code(chapter(GUIDE, "Actions"))
    assert {*Decision, *Outcome} <= set(told)


def test_every_gate() -> None:
    told = rows(chapter(GUIDE, "Gates"))
    names = [code(row[0])[0] for row in told]
    assert set(Gate) <= set(names)
    for key in (*SAFETY_KEYS, "FORCE_SYNC_DELETE"):
        assert any(name.startswith(f"{key}: ") for name in names), key


# --- configuration --------------------------------------------------------------------------------


def row_for(key: Key) -> str:
    return f"| `{key.name}` | `{written(key.default)}` | {key.meaning} |"


SECTIONS: dict[str, Any] = {
    "Top level": Settings,
    **{name: section.shape for name, section in sections_of(Settings).items()},
}


@pytest.mark.parametrize("title", SECTIONS)
def test_every_key_with_its_default(title: str) -> None:
    told, keys = table(GUIDE, title), keys_of(SECTIONS[title])
    missing = [
        row_for(key)
        for key in keys.values()
        if key.name not in told or told[key.name][0] != f"`{written(key.default)}`"
    ]
    assert missing == [], f"put these under `### {title}`:\n" + "\n".join(missing)
    same(told, keys)


def test_every_alias() -> None:
    told = table(GUIDE, "Environment")
    same((name for name in told if not name.startswith(("TRUEUP_", "NO_", "TERM"))), ALIASES)
    for alias, path in ALIASES.items():
        assert told[alias] == [f"alias of `{path}`"]


def test_the_repository_is_a_home_with_every_gate_shut() -> None:
    written_there = (ROOT / "config" / "local_reconcile.yml").read_text("utf-8")
    assert written_there == default_file(), (
        "write core.config.template.default_file() to config/local_reconcile.yml"
    )


# --- files ----------------------------------------------------------------------------------------


def test_every_file_of_a_home() -> None:
    home = Home.of(Path("/"))
    places = {getattr(home, name) for name in Home.__slots__} - {home.root, home.status_dir}
    names = {str(place.relative_to("/")) for place in places}
    same(table(GUIDE, "Files of a home"), names | {"data/paper_broker.json"})


def test_the_simulation_of_the_paper_broker() -> None:
    fields = (*names_of(simulation.Simulation), *names_of(simulation.Fault))
    same(
        table(GUIDE, "Rehearsing on paper"),
        {*fields, *typing.get_args(simulation.Kind)},
    )
    assert NO_ANSWER | WRITE_ANSWERS.keys() <= set(typing.get_args(simulation.Kind))


def test_every_call_that_a_fault_can_name() -> None:
    told = code(table(GUIDE, "Rehearsing on paper")["on"][1])
    same(told, typing.get_args(simulation.Operation))


def names_of(struct: type[msgspec.Struct]) -> list[str]:
    return [each.encode_name for each in msgspec.structs.fields(struct)]


def test_the_snapshot_format() -> None:
    example = chapter(GUIDE, "Snapshot format")
    assert FORMAT in example
    for name in (*SCALARS, *ROWS):
        assert f'"{name}"' in example, name
    for struct in ROWS.values():
        for name in names_of(struct):
            assert f'"{name}"' in example, name


def test_the_screen_of_review() -> None:
    from cli.review_app import ReviewApp

    told = code(text_of(GUIDE).partition("On the interactive screen:")[2].partition("##")[0])
    keys = {binding.key.partition(",")[0] for binding in ReviewApp.BINDINGS}  # type: ignore[union-attr]
    assert keys <= set(told)
