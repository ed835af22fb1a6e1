"""The file that init writes: every key, explained, and exactly the defaults."""

from pathlib import Path

import pytest

from core.config.effective import assemble
from core.config.keys import all_keys
from core.config.settings import Settings
from core.config.sources import default_names
from core.config.template import default_file, written


def test_it_reads_back_as_the_defaults() -> None:
    effective = assemble(Path("/h"), default_file().encode(), {})
    assert effective.settings == Settings()
    assert effective.warnings == ()


def test_it_states_every_key() -> None:
    effective = assemble(Path("/h"), default_file().encode(), {})
    stated = {each.path for each in effective.values if each.source != "default"}
    assert stated == {path for path, _ in all_keys(default_names())}


def test_every_key_stands_below_its_meaning() -> None:
    lines = default_file().splitlines()
    for _, key in all_keys(default_names()):
        at = next(n for n, line in enumerate(lines) if line.strip().startswith(f"{key.name}:"))
        assert lines[at - 1].strip().startswith("# ")
        assert key.meaning.endswith((".", ":"))


def test_its_gates_are_shut() -> None:
    gates = assemble(Path("/h"), default_file().encode(), {}).gates()
    assert (gates.dry_run, gates.safe_mode, gates.confirm) == (True, True, False)


def test_no_line_is_too_long_for_a_terminal() -> None:
    assert [line for line in default_file().splitlines() if len(line) > 100] == []


@pytest.mark.parametrize(
    ("value", "text"),
    [("no", '"no"'), ("a b", '"a b"'), ("./x", "./x"), (None, "null"), ([], "[]"), ("1", '"1"')],
)
def test_a_text_that_yaml_would_mistake_is_quoted(value: object, text: str) -> None:
    assert written(value) == text
