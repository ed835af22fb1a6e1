"""config: what is in effect and why; and files that are wrong, hostile or broken."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.commands.config import shown, unreachable_secrets
from core.config.effective import Setting
from core.config.secret import Secret
from tests.cli.conftest import Trueup, configure, open_gates, tree


def test_show_says_what_is_in_effect_and_from_where(
    trueup: Trueup, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUEUP_RECONCILE__STAGE_TTL", "5m")
    configure(home, ("  hourly: 24\n", ""))
    said = trueup("config", "show")
    assert said.code == 0
    rows = {line.split()[0]: line.split()[1:] for line in said.out.splitlines()[3:]}
    assert rows["DRY_RUN"] == ["true", "config/local_reconcile.yml:13"]
    assert rows["RECONCILE.stage_ttl"] == ['"5m"', "TRUEUP_RECONCILE__STAGE_TTL"]
    assert rows["BACKUP.hourly"] == ["24", "default"]
    assert rows["RECONCILE.spy_symbols"][:3] == ["[ES,", "MES,", "SPY]"]


def test_show_as_json(trueup: Trueup, home: Path) -> None:
    (home / "status").mkdir()
    (home / "status/SAFE_MODE").write_text("drill", "utf-8")
    told = json.loads(trueup("config", "show", "--json").out)
    found = {each["key"]: (each["value"], each["source"]) for each in told["settings"]}
    assert told["home"] == str(home)
    assert found["SAFE_MODE"] == (True, "status/SAFE_MODE: drill")
    lines = (home / "config/local_reconcile.yml").read_text("utf-8").splitlines()
    place = f"config/local_reconcile.yml:{lines.index('    broker: paper') + 1}"
    assert found["ACCOUNTS.main.broker"] == ("paper", place)
    assert found["RECONCILE.max_unrealized_loss_pct"][0] == "2"
    assert found["RECONCILE.spy_symbols"][0] == ["ES", "MES", "SPY"]


def test_check_is_content_with_the_default_file(trueup: Trueup, home: Path) -> None:
    before = tree(home)
    said = trueup("config", "check")
    assert said.code == 0
    assert said.out == f"ok  {home}/config/local_reconcile.yml\n"
    assert json.loads(trueup("config", "check", "--json").out) == {
        "ok": True,
        "problems": [],
        "warnings": [],
    }
    assert tree(home) == before


def test_a_safety_value_that_cannot_be_read_is_a_mistake_to_check_and_restricts_the_rest(
    trueup: Trueup, home: Path
) -> None:
    open_gates(home)
    configure(home, ("\nSAFE_MODE: false", "\nSAFE_MODE: nope"))
    said = trueup("config", "check")
    assert said.code == 2
    assert "SAFE_MODE counts as true: expected true or false, not 'nope'" in said.err
    shown = trueup("config", "show", "--json")
    assert shown.code == 0
    assert "warning: config/local_reconcile.yml:16: SAFE_MODE counts as true" in shown.err
    found = {each["key"]: each["value"] for each in json.loads(shown.out)["settings"]}
    assert (found["DRY_RUN"], found["SAFE_MODE"]) == (False, True)
    checked = trueup("config", "check", "--json")
    assert checked.code == 2
    assert json.loads(checked.out)["ok"] is False


def test_an_odd_variable_is_a_warning(
    trueup: Trueup, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUEUP_DRYRUN", "true")
    said = trueup("config", "check")
    assert said.code == 0
    assert "warning: TRUEUP_DRYRUN: 'DRYRUN' is not a known key" in said.err


def test_a_secret_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    there = Secret("env:K", root=tmp_path, environment={"K": "canary-check-3"})
    missing = Secret("file:none", root=tmp_path, environment={})
    values = (
        Setting(path="A.key", value=there, source="x"),
        Setting(path="B.key", value=missing, source="x"),
        Setting(path="C.key", value=None, source="x"),
    )
    (problem,) = unreachable_secrets(values)
    assert problem.startswith("B.key: the secret file ")
    assert [shown(each) for each in values] == ["***", "***", "null"]


# --- bad and hostile files ------------------------------------------------------------------------

BILLION = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
HOSTILE: dict[str, bytes] = {
    "alias bomb": BILLION.encode(),
    "recursive anchor": b"RECONCILE: &r\n  stage_ttl: *r\n",
    "python object": b"LOG_DIR: !!python/object/apply:os.system ['touch /tmp/owned']\n",
    "python name": b"LOG_DIR: !!python/name:os.system\n",
    "duplicate key": b"DRY_RUN: true\nDRY_RUN: false\n",
    "duplicate key in a section": b"BACKUP:\n  daily: 1\n  daily: 2\n",
    "no as a text": b"LOG_DIR: no\n",
    "012 as a number": b"BACKUP:\n  daily: 012\n",
    "12:30:45 as a number": b"BACKUP:\n  daily: 12:30:45\n",
    "12:30:45 as a text": b"LOG_DIR: 12:30:45\n",
    "a date as a text": b"LOG_DIR: 2026-01-05\n",
    "nan as money": b"RECONCILE:\n  max_unrealized_loss_pct: .nan\n",
    "a huge exponent": b"RECONCILE:\n  max_unrealized_loss_pct: 1e1000000\n",
    "a huge number": b"BACKUP:\n  daily: " + b"9" * 5_000 + b"\n",
    "10 MB": b"# padding\n" * 1_000_000,
    "10 MB of one key": b"LOG_DIR: " + b"x" * 10_000_000,
    "binary junk": bytes(range(256)) * 16,
    "byte order mark": b"\xef\xbb\xbfDRY_RUN: true\n",
    "UTF-16": "DRY_RUN: true\n".encode("utf-16"),
    "invalid UTF-8": b"LOG_DIR: \xff\xfe\n",
    "lone surrogate": b"LOG_DIR: \xed\xa0\x80\n",
    "NUL": b"LOG_DIR: a\x00b\n",
    "escape code": b"LOG_DIR: \x1b[2J\n",
    "escape code, escaped": b'\\"\\x1b[2J": 1\n"\\e[2J": 1\n',
    "deep nesting": b"LOG_DIR: " + b"[" * 100_000,
    "unclosed": b"BACKUP: {daily: 1\n",
    "a tab": b"BACKUP:\n\tdaily: 1\n",
    "a list": b"- DRY_RUN\n",
    "words": b"hello\n",
    "two documents": b"DRY_RUN: true\n---\nDRY_RUN: false\n",
}
COMMANDS = [("config", "check"), ("config", "show"), ("plan",), ("apply",)]


@pytest.mark.parametrize("typed", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_configuration_is_refused_and_nothing_changes(
    trueup: Trueup, home: Path, name: str, typed: tuple[str, ...]
) -> None:
    (home / "config/local_reconcile.yml").write_bytes(HOSTILE[name])
    before = tree(home)
    said = trueup(*typed)
    assert said.code == 2, said.all
    assert said.err.startswith("error: ")
    assert "config/local_reconcile.yml" in said.err
    assert "Traceback" not in said.all
    assert "\x1b" not in said.all
    assert len(said.err) < 2_000
    assert tree(home) == before


def as_link(path: Path) -> None:
    path.rename(path.with_name("real.yml"))
    path.symlink_to("real.yml")


def as_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("made", [as_link, as_loop, as_folder, as_pipe])
def test_only_a_plain_file_is_a_configuration(
    trueup: Trueup, home: Path, made: Callable[[Path], None]
) -> None:
    made(home / "config/local_reconcile.yml")
    said = trueup("config", "check")
    assert said.code == 2
    assert "config/local_reconcile.yml is " in said.err
