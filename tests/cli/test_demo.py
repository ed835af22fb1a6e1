"""The demo: the whole story on paper and at every emulated venue, and what is left when it ends."""

import contextlib
import io
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.demo.casting import NAMES, VENUES
from cli.main import run
from tests.cli.conftest import Said, Trueup

# On newer Pythons aiohttp remarks on an argument that ccxt passes.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed:DeprecationWarning")

REPOSITORY = Path(__file__).parents[2]
ESCAPE = "\x1b"


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No thread and no temporary home survives a demo, however it ended."""
    homes = tmp_path / "homes"
    homes.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(homes))
    threads = set(threading.enumerate())
    signals = signal.getsignal(signal.SIGINT), signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    assert set(threading.enumerate()) - threads == set()
    assert list(homes.iterdir()) == []
    assert (signal.getsignal(signal.SIGINT), signal.pthread_sigmask(signal.SIG_BLOCK, ())) == (
        signals
    )


def ports(told: str) -> set[int]:
    return {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", told)}


def is_free(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) != 0


def acts(said: Said) -> str:
    """What was remarked, in one line; the lines on the screen break where they must."""
    remarks = [line[2:] for line in said.out.splitlines() if line.startswith("# ")]
    return " ".join(remarks)


# --- the story --------------------------------------------------------------------------------


@pytest.mark.parametrize("venue", NAMES)
def test_the_whole_story(trueup: Trueup, venue: str) -> None:
    said = trueup("demo", "--venue", venue)
    assert said.code == 0, said.all
    told = acts(said)
    assert "Evening." in told
    assert "Morning." in told
    assert told.endswith("That was it. Make a home of your own with `trueup init DIR`.")
    assert "place_stop" in said.out
    # One order stays open and is in the book, the rest is done: the last plan has nothing to do.
    last_plan = re.findall(r"^Plan: .*", said.out, re.M)[-1]
    assert last_plan.startswith("Plan: 0 to insert, 0 to update, 0 to delete, 0 broker actions")
    assert "every position agrees and is protected" in said.out
    assert ESCAPE not in said.all


def test_on_paper_by_default(trueup: Trueup) -> None:
    said = trueup("demo")
    assert said.code == 0, said.all
    assert "on a paper account" in said.out
    assert "emulates" not in said.out
    assert ports(said.all) == set()


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_is_announced_looked_at_and_gone_afterwards(trueup: Trueup, venue: str) -> None:
    said = trueup("demo", "--venue", venue)
    told = acts(said)
    assert told.startswith(f"This demo emulates {VENUES[venue].title}. It listens at ")
    assert "nothing leaves this machine" in told
    assert f"broker: {venue}" in told
    assert re.search(r"^ok +account main +reachable through " + venue, said.out, re.M)
    (port,) = ports(said.out)
    assert is_free(port)


@pytest.mark.parametrize("venue", VENUES)
def test_a_lost_reply_is_unknown_blocks_and_is_settled_by_asking(
    trueup: Trueup, venue: str
) -> None:
    said = trueup("demo", "--venue", venue)
    lost = said.out.partition("its reply is lost")[2]
    (action,) = re.findall(r"^unknown +a\d+ +(\w+)", lost, re.M)
    assert "steps of an earlier run have no known outcome" in said.err
    resumed = lost.partition("$ trueup apply --resume\n")[2]
    assert re.search(rf"^done +a\d+ +{action}\b", resumed, re.M)
    assert "stops that rest there: 1." in resumed


@pytest.mark.parametrize("venue", ["bybit", "ib"])
def test_the_stop_at_the_venue_bears_the_key_that_was_asked_for(trueup: Trueup, venue: str) -> None:
    """MEXC's stops carry no key of ours."""
    resumed = trueup("demo", "--venue", venue).out.partition("$ trueup apply --resume\n")[2]
    (journaled,) = re.findall(r"^done .* (tu-[0-9a-f]+) ", resumed, re.M)
    (there,) = re.findall(r"^# .*(tu-[0-9a-f]+)$", resumed, re.M)
    assert journaled == there


@pytest.mark.parametrize("venue", ["bybit", "mexc"])
def test_no_key_of_the_venue_is_shown(
    trueup: Trueup, venue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import secrets

    made: list[str] = []
    real = secrets.token_hex

    def token_hex(size: int | None = None) -> str:
        made.append(real(size))
        return made[-1]

    monkeypatch.setattr(secrets, "token_hex", token_hex)
    said = trueup("demo", "--venue", venue, "--verbose")
    assert said.code == 0
    assert len(made) >= 2
    assert [each for each in made if each in said.all] == []


# --- how it looks -----------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = Terminal()
    with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
        code = run(["demo", *arguments])
    assert code == 0, screen.getvalue()
    return screen.getvalue()


@pytest.mark.parametrize("venue", ["paper", "ib"])
def test_colour_on_a_terminal(monkeypatch: pytest.MonkeyPatch, venue: str) -> None:
    assert ESCAPE in on_a_terminal(monkeypatch, "--venue", venue)


@pytest.mark.parametrize("venue", ["paper", "ib"])
@pytest.mark.parametrize("flag", ["--plain", "--no-color"])
def test_no_colour_where_none_is_wanted(
    monkeypatch: pytest.MonkeyPatch, venue: str, flag: str
) -> None:
    assert ESCAPE not in on_a_terminal(monkeypatch, "--venue", venue, flag)


# --- stopped in the middle --------------------------------------------------------------------


class Interrupting(io.StringIO):
    """Somebody presses Ctrl-C when these words appear."""

    def __init__(self, words: str, number: int):
        super().__init__()
        self._words, self._number = words, number

    def write(self, text: str) -> int:
        written = super().write(text)
        if self._words and self._words in text:
            self._words = ""
            signal.raise_signal(self._number)
        return written


def stopped_at(words: str, *arguments: str, number: int = signal.SIGINT) -> Said:
    out, err = Interrupting(words, number), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(["demo", *arguments])
    return Said(code, out.getvalue(), err.getvalue())


BETWEEN_COMMANDS, INSIDE_ONE = "# Night", "Every gate is shut"


@pytest.mark.parametrize("venue", NAMES)
@pytest.mark.parametrize("words", [BETWEEN_COMMANDS, INSIDE_ONE])
def test_ctrl_c(venue: str, words: str) -> None:
    said = stopped_at(words, "--venue", venue)
    assert said.code == 130, said.all
    assert "Morning." not in said.out
    assert "the demo was stopped; nothing of it is left behind" in said.err
    assert "the demo broke" not in said.err
    assert all(map(is_free, ports(said.out)))


def test_ctrl_c_before_the_venue_was_talked_to() -> None:
    said = stopped_at("# This demo emulates", "--venue", "ib")
    assert said.code == 130
    assert "$ trueup" not in said.out


@pytest.mark.parametrize("words", [BETWEEN_COMMANDS, INSIDE_ONE])
def test_a_polite_kill(words: str) -> None:
    said = stopped_at(words, "--venue", "bybit", number=signal.SIGTERM)
    assert said.code == 143, said.all
    assert "nothing of it is left behind" in said.err
    assert all(map(is_free, ports(said.out)))


# --- refused ----------------------------------------------------------------------------------


def test_an_unknown_venue(trueup: Trueup) -> None:
    said = trueup("demo", "--venue", "bibyt")
    assert (said.code, said.out) == (2, "")
    assert "there is no demo of 'bibyt'; there are paper, bybit, mexc, ib" in said.err
    assert "next: trueup demo --venue bybit" in said.err


WITHOUT_THE_CHECKOUT = """
import os, sys
sys.path = [path for path in sys.path if not os.path.isdir(os.path.join(path, "tests", "venues"))]
import cli
assert cli.__file__.startswith(os.getcwd()), cli.__file__
from cli.main import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """trueup as an installer would leave it: cli and core, and no tests beside them."""
    for package in ("cli", "core"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / package, tmp_path / "installed" / package, ignore=ignored)
    return tmp_path / "installed"


def run_installed(where: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-B", "-c", WITHOUT_THE_CHECKOUT, *arguments],
        cwd=where,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_installed_trueup_has_no_emulated_venues_and_says_so(installed: Path) -> None:
    said = run_installed(installed, "demo", "--venue", "bybit")
    assert (said.returncode, said.stdout) == (2, "")
    assert "the emulated venues are not here" in said.stderr
    assert "They come with the source checkout" in said.stderr
    assert "make demo VENUE=bybit" in said.stderr


def test_an_installed_trueup_tells_the_story_on_paper(installed: Path) -> None:
    said = run_installed(installed, "demo")
    assert said.returncode == 0, said.stderr
