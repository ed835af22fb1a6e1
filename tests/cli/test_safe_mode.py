"""The stop button works when little else does; leaving safe mode takes a reason and a word."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from core.apply.lock import HomeLock
from core.config.effective import load
from core.host.clock import SystemClock
from core.host.disk import DiskFiles
from tests.cli.conftest import Trueup, configure, open_gates, tree

ROOT = Path(__file__).parents[2]


def sentinel(home: Path) -> dict[str, str]:
    told: dict[str, str] = json.loads((home / "status/SAFE_MODE").read_text("utf-8"))
    return told


def log_rows(home: Path, folder: str = "logs") -> list[dict[str, str]]:
    text = (home / folder / "reconcile.log").read_text("ascii")
    return [json.loads(line) for line in text.splitlines()]


# --- on -------------------------------------------------------------------------------------------


def test_on_writes_who_when_and_why(trueup: Trueup, home: Path) -> None:
    open_gates(home)
    said = trueup("safe-mode", "on", "--reason", "position looks wrong")
    assert said.code == 0
    assert said.out.startswith("SAFE_MODE is on: nothing will be changed.\n")
    told = sentinel(home)
    assert told["reason"] == "position looks wrong"
    assert told["by"]
    assert told["at"].endswith("Z")
    assert stat.S_IMODE((home / "status/SAFE_MODE").stat().st_mode) == 0o600
    row = log_rows(home)[0]
    assert (row["event"], row["gate"], row["to"], row["reason"]) == (
        "gate_changed",
        "SAFE_MODE",
        "on",
        "position looks wrong",
    )
    assert load(home, {}).gates().safe_mode


def test_pressing_twice_keeps_the_first_reason(trueup: Trueup, home: Path) -> None:
    trueup("safe-mode", "on", "--reason", "first")
    said = trueup("safe-mode", "on", "--reason", "second")
    assert said.code == 0
    assert "SAFE_MODE is on, and was before" in said.out
    assert sentinel(home)["reason"] == "first"
    assert len(log_rows(home)) == 1


def test_on_as_json(trueup: Trueup, home: Path) -> None:
    told = json.loads(trueup("safe-mode", "on", "--reason", "r", "--json").out)
    assert told["safe_mode"] is True
    assert (told["source"], told["reason"]) == ("status/SAFE_MODE", "r")


@pytest.mark.parametrize(
    "content",
    [b"DRY_RUN: [", b"\xff\xfe", b"", b"a: &a [*a]", b"STATUS_DIR: [", b"STATUS_DIR: no\n"],
)
def test_on_needs_no_readable_configuration(trueup: Trueup, home: Path, content: bytes) -> None:
    (home / "config/local_reconcile.yml").write_bytes(content)
    said = trueup("safe-mode", "on")
    assert said.code == 0, said.err
    assert (home / "status/SAFE_MODE").exists()


def test_on_needs_no_configuration_at_all_when_the_home_is_named(
    trueup: Trueup, tmp_path: Path
) -> None:
    assert trueup("--home", tmp_path / "gone", "safe-mode", "on").code == 0
    assert (tmp_path / "gone/status/SAFE_MODE").exists()


def test_on_without_any_home_says_what_to_type(trueup: Trueup) -> None:
    said = trueup("safe-mode", "on")
    assert said.code == 2
    assert "--home DIR" in said.err


def test_on_does_not_wait_for_lock_or_database(trueup: Trueup, home: Path) -> None:
    (home / "data").mkdir()
    book = sqlite3.connect(home / "data/orders.db", isolation_level=None)
    book.execute("BEGIN EXCLUSIVE")
    status = home / "status"
    lock = HomeLock(
        status / "trueup.lock",
        status / "trueup.lock.json",
        files=DiskFiles(),
        clock=SystemClock(),
        command="apply",
    )
    with lock:
        assert trueup("safe-mode", "on").code == 0
    book.close()
    assert (status / "SAFE_MODE").exists()


def test_on_asks_nothing_and_reads_nothing_from_stdin(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "--home", str(home), "safe-mode", "on"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (home / "status/SAFE_MODE").exists()


def test_on_counts_where_the_status_folder_was_moved(trueup: Trueup, home: Path) -> None:
    configure(
        home, ("STATUS_DIR: ./status", "STATUS_DIR: ./run"), ("LOG_DIR: ./logs", "LOG_DIR: l")
    )
    assert trueup("safe-mode", "on", "--reason", "x").code == 0
    assert (home / "run/SAFE_MODE").exists()
    assert (home / "status/SAFE_MODE").exists()
    assert log_rows(home, "l")[0]["to"] == "on"
    assert trueup("safe-mode", "off", "--reason", "y", "--confirm", "off").code == 0
    assert not (home / "run/SAFE_MODE").exists()
    assert not (home / "status/SAFE_MODE").exists()


def test_on_is_not_stopped_by_a_log_that_cannot_be_written(trueup: Trueup, home: Path) -> None:
    (home / "logs").write_text("in the way", "utf-8")
    said = trueup("safe-mode", "on")
    assert said.code == 0
    assert "warning: not logged: " in said.err
    assert (home / "status/SAFE_MODE").exists()


def test_a_hostile_reason_neither_acts_nor_forges(trueup: Trueup, home: Path) -> None:
    reason = "x\x1b[2J\n{\u202e"
    said = trueup("safe-mode", "on", "--reason", reason)
    assert "x\\x1b[2J\\n{\\u202e" in said.out
    assert sentinel(home)["reason"] == reason
    assert log_rows(home)[0]["reason"] == reason


# --- off ------------------------------------------------------------------------------------------


def test_off_opens_again_and_is_logged(trueup: Trueup, home: Path) -> None:
    open_gates(home)
    trueup("safe-mode", "on")
    said = trueup("safe-mode", "off", "--reason", "checked by hand", "--confirm", "off")
    assert said.code == 0
    assert said.out == "SAFE_MODE is off.\nnext: trueup status\n"
    assert not load(home, {}).gates().safe_mode
    assert [(row["to"], row["reason"]) for row in log_rows(home)] == [
        ("on", ""),
        ("off", "checked by hand"),
    ]


def test_off_says_when_the_file_still_holds(trueup: Trueup, home: Path) -> None:
    trueup("safe-mode", "on")
    said = trueup("safe-mode", "off", "--reason", "r", "--confirm", "off")
    assert said.code == 0
    assert "The sentinel is gone, but SAFE_MODE is still on" in said.out
    assert "config/local_reconcile.yml:16" in said.out
    assert not (home / "status/SAFE_MODE").exists()
    again = trueup("safe-mode", "off", "--reason", "r", "--confirm", "off", "--json")
    assert json.loads(again.out)["safe_mode"] is True


@pytest.mark.parametrize("reason", [[], ["--reason", ""], ["--reason", "  "]])
def test_off_needs_a_reason(trueup: Trueup, home: Path, reason: list[str]) -> None:
    trueup("safe-mode", "on")
    before = tree(home)
    said = trueup("safe-mode", "off", *reason, "--confirm", "off")
    assert said.code == 2
    assert "needs a reason" in said.err
    assert tree(home) == before


@pytest.mark.parametrize("confirm", [[], ["--confirm", "yes"], ["--confirm", "OFF"]])
def test_off_needs_the_word_and_never_prompts_without_a_terminal(
    trueup: Trueup, home: Path, confirm: list[str]
) -> None:
    trueup("safe-mode", "on")
    before = tree(home)
    said = trueup("safe-mode", "off", "--reason", "r", *confirm)
    assert said.code == 7
    assert "not confirmed" in said.err
    assert "--confirm off" in said.err
    assert tree(home) == before


def at_terminal(home: Path, typed: str) -> tuple[int, str]:
    """`safe-mode off` with a terminal of its own, where somebody types."""
    pid, terminal = os.forkpty()
    if pid == 0:
        os.chdir(ROOT)
        off = ["safe-mode", "off", "--reason", "r", "--no-color"]
        os.execv(sys.executable, [sys.executable, "-m", "cli", "--home", str(home), *off])
    shown = b""
    try:
        while b"type off:" not in shown:
            shown += os.read(terminal, 1024)
        os.write(terminal, typed.encode() + b"\n")
        while part := _read(terminal):
            shown += part
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        os.close(terminal)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1024)
    except OSError:  # Linux says so when the other end is gone
        return b""


@pytest.mark.parametrize(("typed", "code", "left"), [("off", 0, False), ("yes", 7, True)])
def test_at_a_terminal_the_word_is_typed(home: Path, typed: str, code: int, left: bool) -> None:
    open_gates(home)
    (home / "status").mkdir()
    (home / "status/SAFE_MODE").touch()
    found, shown = at_terminal(home, typed)
    assert (found, (home / "status/SAFE_MODE").exists()) == (code, left), shown


def test_off_works_with_a_broken_configuration_and_says_that_it_holds(
    trueup: Trueup, home: Path
) -> None:
    trueup("safe-mode", "on")
    (home / "config/local_reconcile.yml").write_text("DRY_RUN: [", "utf-8")
    said = trueup("safe-mode", "off", "--reason", "r", "--confirm", "off")
    assert said.code == 0
    assert "SAFE_MODE is still on: the configuration cannot be read" in said.out


def test_a_folder_named_like_the_sentinel_is_not_removed(trueup: Trueup, home: Path) -> None:
    (home / "status/SAFE_MODE").mkdir(parents=True)
    said = trueup("safe-mode", "off", "--reason", "r", "--confirm", "off")
    assert said.code == 1
    assert "could not be removed: it is a directory" in said.err


# --- status ---------------------------------------------------------------------------------------


def test_status_names_the_source(trueup: Trueup, home: Path) -> None:
    said = trueup("safe-mode", "status")
    assert said.code == 0
    assert "SAFE_MODE is on: config/local_reconcile.yml:16" in said.out
    open_gates(home)
    assert trueup("safe-mode", "status").out == "SAFE_MODE is off.\n"
    trueup("safe-mode", "on", "--reason", "drill")
    said = trueup("safe-mode", "status")
    assert "SAFE_MODE is on: status/SAFE_MODE by " in said.out
    assert "drill" in said.out
    assert said.out.endswith("next: trueup safe-mode off --reason TEXT\n")
    told = json.loads(trueup("safe-mode", "status", "--json").out)
    assert (told["safe_mode"], told["reason"]) == (True, "drill")


def test_status_of_a_home_that_cannot_be_read_is_on(trueup: Trueup, home: Path) -> None:
    (home / "config/local_reconcile.yml").write_text("DRY_RUN: [", "utf-8")
    said = trueup("safe-mode", "status")
    assert said.code == 0
    assert "SAFE_MODE is on: the configuration cannot be read" in said.out
