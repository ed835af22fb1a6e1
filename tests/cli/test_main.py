"""Options anywhere, one way to end, and the exit codes that scripts rely on."""

import errno
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import typer

from cli.exits import ENDINGS, Exit, ending_of
from cli.invocation import Invocation, Options, seconds_of
from cli.main import NAMES, VERBS
from cli.options import AsJson, group, verb
from core import __version__
from core.config.secret import Secret
from core.domain import errors
from core.domain.errors import (
    Ambiguous,
    BackupFailed,
    Blocked,
    BookBusy,
    BrokenDocument,
    Locked,
    OutcomeUnknown,
    Rejected,
    RestoreFailed,
    Stale,
    Tampered,
    TrueupError,
    Unavailable,
    Unresolved,
    Usage,
)
from tests.cli.conftest import Trueup

ROOT = Path(__file__).parents[2]
Work = Callable[[Invocation], int | None]


@pytest.fixture
def status_does(monkeypatch: pytest.MonkeyPatch) -> Callable[[Work], None]:
    """Puts a command of the test's own in the place of `status`."""

    def planted(work: Work) -> None:
        @verb("trueup status")
        def command(call: Invocation, as_json: AsJson = False) -> int | None:
            return work(call)

        module = ModuleType("cli.commands.status")
        module.command = command  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "cli.commands.status", module)

    return planted


def failing(error: BaseException) -> Work:
    def work(call: Invocation) -> int:
        raise error

    return work


# --- help and names -------------------------------------------------------------------------------


def test_version(trueup: Trueup) -> None:
    said = trueup("--version")
    assert (said.code, said.out, said.err) == (0, f"trueup {__version__}\n", "")


def test_help_names_every_verb_in_groups_and_ends_with_an_example(trueup: Trueup) -> None:
    said = trueup("--help")
    assert said.code == 0
    for title, verbs in VERBS.items():
        assert f"{title}:\n" in said.out
        for name, line in verbs.items():
            assert f"{name} " in said.out
            assert line in said.out
    assert said.out.splitlines()[-1].strip().startswith("trueup ")
    assert "Global options:" in said.out


def test_nothing_typed_shows_the_help_and_is_a_usage_error(trueup: Trueup) -> None:
    said = trueup()
    assert said.code == 2
    assert "Usage: trueup" in said.out


def lines_of(name: str) -> list[list[str]]:
    """The verb, or each of its sub-verbs, as one would type it."""
    command = importlib.import_module(f"cli.commands.{name.replace('-', '_')}").command
    if not isinstance(command, typer.Typer):
        return [[name]]
    return [[name, str(each.name)] for each in command.registered_commands]


@pytest.mark.parametrize("name", NAMES)
def test_every_verb_is_documented_and_ends_with_an_example(trueup: Trueup, name: str) -> None:
    for line in lines_of(name):
        said = trueup(*line, "--help")
        assert said.code == 0, said.err
        assert said.out.split("\n\n")[1].strip()
        assert f"Example:\n  trueup {' '.join(line)}" in said.out
        assert "--home DIR" in said.out


def test_every_command_module_is_a_verb() -> None:
    found = {path.stem.replace("_", "-") for path in (ROOT / "cli/commands").glob("[a-z]*.py")}
    assert found == set(NAMES)


# --- usage errors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "message", "hint"),
    [
        (["bakup"], "`trueup` has no command 'bakup'", "trueup backup"),
        (["zzz"], "`trueup` has no command 'zzz'", "trueup --help"),
        (["safe-mode", "of"], "`trueup safe-mode` has no command 'of'", "trueup safe-mode off"),
        (["--bogus"], "No such option: --bogus", "trueup --help"),
        (["config", "show", "--bogus"], "No such option: --bogus", "trueup config show --help"),
        (["config", "show", "extra"], "unexpected extra argument", "trueup config show --help"),
        (["--home"], "Option '--home' requires an argument", "trueup --help"),
        (["\x1b[2Jx"], "has no command '\\x1b[2Jx'", "trueup --help"),
    ],
)
def test_a_wrong_line_says_what_is_wrong_and_what_to_type(
    trueup: Trueup, typed: list[str], message: str, hint: str
) -> None:
    said = trueup(*typed)
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert message in said.err
    assert said.err.endswith(f"  next: {hint}\n")
    assert "\x1b" not in said.err


def test_no_home_is_a_usage_error(trueup: Trueup) -> None:
    said = trueup("config", "show")
    assert said.code == 2
    assert "no trueup home here" in said.err
    assert "trueup init DIR" in said.err


# --- global options -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        ["--home", "H", "--account", "main", "-v", "--lock-timeout", "5", "status"],
        ["status", "--home", "H", "--account", "main", "--verbose", "--lock-timeout", "5"],
        ["--home", "X", "-v", "status", "--home", "H", "--account=main", "--lock-timeout=5"],
    ],
)
def test_global_options_stand_anywhere(
    trueup: Trueup, status_does: Callable[[Work], None], typed: list[str]
) -> None:
    seen: list[Options] = []
    status_does(lambda call: seen.append(call.options))
    assert trueup(*typed).code == 0
    assert seen == [Options(home="H", account="main", verbose=True, lock_timeout="5")]


def test_global_options_stand_between_a_verb_and_its_sub_verb_too(
    trueup: Trueup, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert trueup("config", "--home", home, "check").code == 0


def test_the_command_is_known_by_its_whole_name(
    trueup: Trueup, status_does: Callable[[Work], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    status_does(lambda call: seen.append(call.command))
    trueup("status")
    command = group("x")

    @command.command("create")
    @verb("trueup backup create")
    def create(call: Invocation) -> None:
        """Make one."""
        seen.append(call.command)

    module = ModuleType("cli.commands.backup")
    module.command = command  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cli.commands.backup", module)
    trueup("--quiet", "backup", "create")
    assert seen == ["status", "backup create"]


@pytest.mark.parametrize(
    ("text", "seconds"), [(None, 0), ("", 0), ("5", 5), ("30s", 30), ("2m", 120)]
)
def test_the_lock_timeout_is_a_number_or_a_duration(text: str | None, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["soon", "-1", "1.5", "５", "1 m"])
def test_any_other_lock_timeout_is_refused(text: str) -> None:
    with pytest.raises(Usage, match="--lock-timeout"):
        seconds_of(text)


# --- endings --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [None, 0, 3, 4, 9])
def test_what_a_command_returns_is_the_exit_code(
    trueup: Trueup, status_does: Callable[[Work], None], code: int | None
) -> None:
    status_does(lambda call: code)
    assert trueup("status").code == (code or 0)


def test_every_error_class_has_an_ending() -> None:
    classes = {
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, TrueupError)
    }
    assert set(ENDINGS) == classes


def test_a_class_unknown_to_the_table_ends_like_its_parent() -> None:
    class Elsewhere(Stale):
        pass

    assert ending_of(Elsewhere("moved")) == ENDINGS[Stale]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Usage("x"), 2),
        (Ambiguous("x"), 4),
        (Stale("x"), 5),
        (Tampered("x"), 6),
        (BrokenDocument("x"), 6),
        (Blocked("x"), 7),
        (Locked("x"), 8),
        (BookBusy("x"), 8),
        (Unresolved("x"), 9),
        (OutcomeUnknown("x"), 9),
        (Unavailable("x"), 10),
        (Rejected("110007", "no money"), 10),
        (BackupFailed("x"), 11),
        (RestoreFailed("x"), 11),
    ],
)
def test_the_exit_codes_of_the_contract(
    trueup: Trueup, status_does: Callable[[Work], None], error: TrueupError, code: int
) -> None:
    status_does(failing(error))
    assert trueup("status").code == code


def test_an_error_is_one_block(trueup: Trueup, status_does: Callable[[Work], None]) -> None:
    status_does(failing(Stale("moved", details=["a 1 → 2", "b\n3"], hint="trueup stage")))
    said = trueup("status")
    assert said.out == ""
    assert said.err == (
        "error: moved\n  a 1 → 2\n  b\\n3\n  Nothing was changed.\n  next: trueup stage\n"
    )


def test_with_json_the_error_is_a_document_too(
    trueup: Trueup, status_does: Callable[[Work], None]
) -> None:
    status_does(failing(Locked("held", details=["d"], hint="wait")))
    said = trueup("status", "--json")
    assert said.code == 8
    assert json.loads(said.out) == {
        "error": {
            "exit_code": 8,
            "kind": "Locked",
            "message": "held",
            "details": ["d"],
            "hint": "wait",
        }
    }
    assert said.err.startswith("error: held\n")


def test_there_is_never_a_second_document(
    trueup: Trueup, status_does: Callable[[Work], None]
) -> None:
    def work(call: Invocation) -> int:
        call.screen.json({"first": 1})
        raise Stale("moved")

    status_does(work)
    assert json.loads(trueup("status", "--json").out) == {"first": 1}


def test_a_bug_is_one_line_with_a_reference_into_the_log(
    trueup: Trueup, status_does: Callable[[Work], None], home: Path
) -> None:
    status_does(failing(KeyError("nonsense")))
    said = trueup("status")
    assert said.code == 1
    assert said.err.count("\n") == 1
    assert "KeyError: 'nonsense'" in said.err
    assert "Traceback" not in said.all
    row = json.loads((home / "logs/reconcile.log").read_text("ascii"))
    assert row["reference"] in said.err
    assert str(home / "logs/reconcile.log") in said.err
    assert "Traceback" in row["traceback"]
    assert (row["command"], row["level"]) == ("status", "error")


def test_verbose_shows_the_traceback(
    trueup: Trueup, status_does: Callable[[Work], None], home: Path
) -> None:
    status_does(failing(KeyError("non\x1b[2Jsense")))
    said = trueup("-v", "status")
    assert said.code == 1
    assert "Traceback (most recent call last)" in said.err
    assert "\x1b" not in said.err


def test_a_bug_outside_a_home_is_told_as_well(
    trueup: Trueup, status_does: Callable[[Work], None]
) -> None:
    status_does(failing(RuntimeError("odd")))
    said = trueup("status")
    assert said.code == 1
    assert "RuntimeError: odd" in said.err
    assert "not logged: no home" in said.err


def test_no_secret_leaves_by_way_of_a_crash(
    trueup: Trueup, status_does: Callable[[Work], None], home: Path
) -> None:
    canary = "canary-crash-2a"

    def work(call: Invocation) -> int:
        secret = Secret("env:K", root=home, environment={"K": canary})
        raise RuntimeError(f"wss://venue?key={secret.reveal()}")

    status_does(work)
    said = trueup("-v", "status")
    assert "***" in said.err
    assert canary not in said.all
    assert canary not in (home / "logs/reconcile.log").read_text("ascii")


def test_a_file_in_the_way_is_trouble_and_not_a_bug(
    trueup: Trueup, status_does: Callable[[Work], None]
) -> None:
    status_does(failing(PermissionError(errno.EACCES, "Permission denied", "/h/data/orders.db")))
    said = trueup("status")
    assert said.code == 1
    assert said.err == (
        "error: /h/data/orders.db may not be used by this user (permission denied)\n"
    )


def test_ctrl_c_is_130(trueup: Trueup, status_does: Callable[[Work], None]) -> None:
    status_does(failing(KeyboardInterrupt()))
    said = trueup("status")
    assert said.code == 130
    assert said.err == "error: interrupted\n  next: trueup status\n"


def test_a_term_signal_is_143_and_lets_what_is_open_be_closed(
    trueup: Trueup, status_does: Callable[[Work], None]
) -> None:
    closed = []

    def work(call: Invocation) -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            closed.append(True)
        return 0

    status_does(work)
    assert trueup("status").code == Exit.TERMINATED
    assert closed


def test_a_log_that_failed_is_mentioned_at_the_end(
    trueup: Trueup, status_does: Callable[[Work], None], home: Path
) -> None:
    (home / "logs").write_text("in the way", "utf-8")
    status_does(lambda call: call.log.event("x"))
    said = trueup("status")
    assert said.code == 0
    assert said.err.startswith("warning: not logged: ")


# --- as a process of its own ----------------------------------------------------------------------


def in_shell(script: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_reader_that_leaves_early_gets_no_complaint() -> None:
    done = in_shell('"$PYTHON" -m cli --help | head -n 1; exit ${PIPESTATUS[1]}')
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Usage: trueup [OPTIONS] COMMAND [ARGS]...\n"


def test_a_result_that_nobody_reads_keeps_its_exit_code(home: Path) -> None:
    script = '"$PYTHON" -m cli --home "$HOME_DIR" config show | true; exit ${PIPESTATUS[0]}'
    done = in_shell(script, HOME_DIR=str(home))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_stdout_is_an_error(home: Path) -> None:
    done = in_shell(
        '"$PYTHON" -m cli --home "$HOME_DIR" config show >/dev/full', HOME_DIR=str(home)
    )
    assert done.returncode == 1
    assert done.stderr == "error: the output could not be written: No space left on device\n"


def test_a_screen_without_unicode_gets_escapes(home: Path) -> None:
    script = '"$PYTHON" -m cli --home "$HOME_DIR" ü; exit $?'
    done = in_shell(script, HOME_DIR=str(home), PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.returncode == 2
    assert "has no command" in done.stderr
    assert "Traceback" not in done.stderr


def test_start_up_imports_nothing_heavy(home: Path) -> None:
    """What would cost more than all the rest: the ratios of spec 9 hang on this."""
    script = (
        "import sys; from cli.main import run; code = run(sys.argv[1:]);"
        "heavy = {'pydantic', 'rich', 'yaml', 'asyncio', 'sqlite3', 'structlog', 'msgspec',"
        " 'core.ports', 'core.config.settings', 'core.assembly'};"
        "print(sorted(heavy & sys.modules.keys())); sys.exit(code)"
    )
    for typed in (["--version"], ["--help"], ["--home", str(home), "safe-mode", "on"]):
        done = subprocess.run(
            [sys.executable, "-c", script, *typed],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "[]"
