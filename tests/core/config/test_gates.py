"""The safety keys: the strictest of all counts, and what cannot be read is restricted."""

import itertools
from pathlib import Path

import pytest

from core.config.effective import Effective, load
from core.config.gates import Gates, Word, strictest
from tests.core.config.conftest import Configure

OPEN = "DRY_RUN: false\nSAFE_MODE: false\nDRY_RUN_CONFIRM: true\n"
P1, P2 = "p-20260105-7f3c2a", "p-20260105-aaaaaa"


def gates(effective: Effective) -> tuple[bool, bool, bool | str]:
    now = effective.gates()
    return now.dry_run, now.safe_mode, now.confirm


def words(*values: object) -> list[Word]:
    return [Word(value, f"source {number}") for number, value in enumerate(values)]


@pytest.mark.parametrize("gate", ["DRY_RUN", "SAFE_MODE"])
@pytest.mark.parametrize("values", list(itertools.product([True, False], repeat=3)))
def test_one_source_that_restricts_is_enough(gate: str, values: tuple[bool, ...]) -> None:
    assert strictest(gate, words(*values)).value is any(values)


@pytest.mark.parametrize(
    ("values", "value"),
    [
        ((True,), True),
        ((True, True), True),
        ((False, True), False),
        ((True, False), False),
        ((P1,), P1),
        ((True, P1), P1),
        ((P1, True, P1), P1),
        ((P1, False), False),
        ((P1, P2), False),
        ((True, P1, P2), False),
    ],
)
def test_confirm_goes_from_false_over_one_plan_to_any_plan(
    values: tuple[object, ...], value: object
) -> None:
    for order in itertools.permutations(values):
        assert strictest("DRY_RUN_CONFIRM", words(*order)).value == value


def test_two_plans_tell_who_said_which() -> None:
    found = strictest("DRY_RUN_CONFIRM", words(P1, P2))
    assert found.source == f"source 0 says {P1} but source 1 says {P2}"


def test_nobody_says_anything(configure: Configure) -> None:
    assert gates(load(configure(""), {})) == (True, True, False)


def test_the_file_opens(configure: Configure) -> None:
    assert gates(load(configure(OPEN), {})) == (False, False, True)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TRUEUP_DRY_RUN": "true"}, (True, False, True)),
        ({"ORDERMANAGER_DRY_RUN": "1"}, (True, False, True)),
        ({"ORDERMANAGER_ENABLE_DRY_RUN": "yes", "TRUEUP_DRY_RUN": "false"}, (True, False, True)),
        ({"TRUEUP_SAFE_MODE": "on"}, (False, True, True)),
        ({"TRUEUP_DRY_RUN_CONFIRM": "false"}, (False, False, False)),
        ({"TRUEUP_DRY_RUN_CONFIRM": P1}, (False, False, P1)),
    ],
)
def test_a_variable_can_shut_what_the_file_opens(
    configure: Configure, environment: dict[str, str], expected: object
) -> None:
    assert gates(load(configure(OPEN), environment)) == expected


@pytest.mark.parametrize(
    "environment",
    [
        {"TRUEUP_DRY_RUN": "false", "ORDERMANAGER_DRY_RUN": "false"},
        {"TRUEUP_SAFE_MODE": "false"},
        {"TRUEUP_DRY_RUN_CONFIRM": "true"},
    ],
)
def test_no_variable_and_no_flag_lifts_what_the_file_shuts(
    configure: Configure, environment: dict[str, str]
) -> None:
    root = configure("DRY_RUN: true\nSAFE_MODE: true\nDRY_RUN_CONFIRM: false\n")
    flags = {"DRY_RUN": ("--x", "false"), "SAFE_MODE": ("--y", "false")}
    assert gates(load(root, environment, flags)) == (True, True, False)


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        ("DRY_RUN: no\nSAFE_MODE: false\nDRY_RUN_CONFIRM: true\n", {}, (True, False, True)),
        ('DRY_RUN: "false"\nSAFE_MODE: false\nDRY_RUN_CONFIRM: true\n', {}, (True, False, True)),
        ("DRY_RUN: false\nSAFE_MODE: maybe\nDRY_RUN_CONFIRM: true\n", {}, (False, True, True)),
        ("DRY_RUN: false\nSAFE_MODE: [false]\nDRY_RUN_CONFIRM: true\n", {}, (False, True, True)),
        ("DRY_RUN: false\nSAFE_MODE:\nDRY_RUN_CONFIRM: true\n", {}, (False, True, True)),
        ("DRY_RUN: false\nSAFE_MODE: false\nDRY_RUN_CONFIRM: all\n", {}, (False, False, False)),
        (OPEN, {"TRUEUP_SAFE_MODE": "flase"}, (False, True, True)),
        (OPEN, {"TRUEUP_SAFE_MODE": ""}, (False, True, True)),
    ],
)
def test_what_cannot_be_read_counts_as_restricted(
    configure: Configure, text: str, environment: dict[str, str], expected: object
) -> None:
    effective = load(configure(text), environment)
    assert gates(effective) == expected
    assert len(effective.unreadable) == 1
    assert " counts as " in effective.unreadable[0]
    assert effective.unreadable == effective.warnings


def place_nothing(path: Path) -> None:
    """The file alone, as `touch` makes it."""
    path.touch()


def place_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def place_directory(path: Path) -> None:
    path.mkdir()


def place_junk(path: Path) -> None:
    path.write_bytes(b"\xff\x00junk")


@pytest.mark.parametrize("place", [place_nothing, place_dangling_link, place_directory, place_junk])
def test_a_sentinel_of_any_kind_is_safe_mode(configure: Configure, place: object) -> None:
    root = configure(OPEN)
    (root / "status").mkdir()
    assert callable(place)
    place(root / "status/SAFE_MODE")
    effective = load(root, {"TRUEUP_SAFE_MODE": "false"})
    assert gates(effective) == (False, True, True)
    assert effective.settings.SAFE_MODE is True
    assert effective.gates().why["SAFE_MODE"].startswith("status/SAFE_MODE")


def test_a_file_where_the_status_folder_should_be_counts_as_a_sentinel(
    configure: Configure,
) -> None:
    root = configure(OPEN)
    (root / "status").write_text("in the way", "utf-8")
    assert load(root, {}).gates().safe_mode


@pytest.mark.parametrize("folder", ["status", "run"])
def test_moving_the_status_folder_leaves_no_sentinel_behind(
    configure: Configure, folder: str
) -> None:
    root = configure(OPEN + "STATUS_DIR: ./run\n")
    (root / folder).mkdir()
    (root / folder / "SAFE_MODE").touch()
    assert load(root, {"TRUEUP_STATUS_DIR": "./other"}).gates().safe_mode


def test_every_gate_names_its_source(configure: Configure) -> None:
    effective = load(configure(OPEN), {"TRUEUP_DRY_RUN": "true"})
    assert effective.gates() == Gates(
        dry_run=True,
        safe_mode=False,
        confirm=True,
        why={
            "DRY_RUN": "TRUEUP_DRY_RUN",
            "SAFE_MODE": "config/local_reconcile.yml:2",
            "DRY_RUN_CONFIRM": "config/local_reconcile.yml:3",
        },
    )
