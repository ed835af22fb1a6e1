"""A secret appears nowhere: in no output of any command, and in no file of the home.

The key and the secret of an account at an emulated Bybit are made up anew for each test. Every
command that the program has is run with --verbose, with and without --json, in worlds that tempt
it: a venue that accepts them, one that repeats them in its error texts, one that is down, and an
adapter with a bug that quotes them. No piece of either may come out.
"""

import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import pytest

from core.brokers.ccxt import line
from core.brokers.ccxt.bybit import trading
from core.config.secret import Secret
from core.config.settings import Account
from tests.docs.test_commands import REAL
from tests.home import Result
from tests.rounds.venue_home import QUICK, VenueHome, account_lines, venue_home
from tests.venues.background import InBackground
from tests.venues.bybit import BybitVenue
from tests.venues.exchange import Side
from tests.venues.faults import Fault

# ccxt asks its transport for something that the transport no longer needs.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed:DeprecationWarning")

# A cut secret is a secret too; so short a piece of one says nothing any more.
PIECE = 8
ENDS_SECONDS_MAX = 120
KEYRING = """
class errors:
    class KeyringError(Exception):
        pass

def get_password(service, name):
    return {told}.get(name)
"""


class Canary:
    """A key and a secret such as venues give out; the secret with all that is ever escaped."""

    def __init__(self) -> None:
        self.api_key = secrets.token_hex(18)
        self.api_secret = f'{secrets.token_hex(12)}/+="\\&<é>{secrets.token_hex(12)}'
        self._pieces = {
            word[at : at + PIECE]
            for word in (self.api_key, *self.api_secret.split('/+="\\&<é>'))
            for at in range(len(word) - PIECE + 1)
        }

    def pieces_in(self, text: str | bytes) -> list[str]:
        told = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return sorted(piece for piece in self._pieces if piece in told)

    @property
    def said(self) -> str:
        return f"the key {self.api_key} or its secret {self.api_secret} is wrong"

    @property
    def said_at_length(self) -> str:
        """So often that any cut goes through the middle of one of them."""
        return " ".join([self.api_key, self.api_secret] * 40)


@pytest.fixture
def canary() -> Canary:
    return Canary()


# --- where the secrets lie ------------------------------------------------------------------------


def in_variables(canary: Canary, root: Path, patch: pytest.MonkeyPatch) -> dict[str, str]:
    patch.setenv("CANARY_KEY", canary.api_key)
    patch.setenv("CANARY_SECRET", canary.api_secret)
    return {"api_key": '"env:CANARY_KEY"', "api_secret": '"env:CANARY_SECRET"'}


def in_files(canary: Canary, root: Path, patch: pytest.MonkeyPatch) -> dict[str, str]:
    (root / "key.secret").touch(mode=0o600)
    (root / "key.secret").write_text(canary.api_key + "\n", "utf-8")
    (root / "other.secret").touch(mode=0o600)
    (root / "other.secret").write_text(canary.api_secret + "\n", "utf-8")
    return {
        "api_key": f'"file:{root / "key.secret"}"',
        "api_secret": f'"file:{root / "other.secret"}"',
    }


def in_the_keyring(canary: Canary, root: Path, patch: pytest.MonkeyPatch) -> dict[str, str]:
    """One in a file, in the place of the real package."""
    told = {"key": canary.api_key, "secret": canary.api_secret}
    (root / "keyring.py").write_text(KEYRING.format(told=told), "utf-8")
    patch.syspath_prepend(str(root))
    patch.delitem(sys.modules, "keyring", raising=False)
    return {"api_key": '"keyring:trueup/key"', "api_secret": '"keyring:trueup/secret"'}


def in_our_own_variables(canary: Canary, root: Path, patch: pytest.MonkeyPatch) -> dict[str, str]:
    """Which stand for the keys of the file, and hold the secret itself."""
    patch.setenv("TRUEUP_ACCOUNTS__BY1__API_KEY", canary.api_key)
    patch.setenv("TRUEUP_ACCOUNTS__BY1__API_SECRET", canary.api_secret)
    return {"api_key": '"env:NOT_SET"', "api_secret": '"env:NOT_SET"'}


Source = Callable[[Canary, Path, pytest.MonkeyPatch], dict[str, str]]
SOURCES: list[Source] = [in_variables, in_files, in_the_keyring, in_our_own_variables]


# --- the home and its venue -----------------------------------------------------------------------


class Watched:
    """A home in which every command can be run, and everything that comes out is looked through."""

    def __init__(self, home: VenueHome, canary: Canary, elsewhere: Path) -> None:
        self.home = home
        self._canary = canary
        self._elsewhere = elsewhere
        self.found: list[str] = []
        self.results: dict[str, Result] = {}

    def run_everything(self) -> None:
        for path in REAL:
            words = path.split()[1:]
            for flags in (["--verbose"], ["--verbose", "--json"]):
                if "--json" in flags and not self._has_json(path):
                    continue
                self._run(path, [*words, *self._arguments(path), "--no-input", *flags])
        for file in sorted(self.home.root.rglob("*")):
            if file.is_file():
                self._look(str(file.relative_to(self.home.root)), file.read_bytes())

    def _run(self, path: str, arguments: list[str]) -> None:
        # Each command is a process of its own and knows only the secrets that it has read itself.
        Secret._revealed.clear()
        told = " ".join(arguments)
        with ending(told), stopped_once_it_beats(self.home) if path in LASTING else nullcontext():
            result = self.home.trueup(*arguments)
        self.results.setdefault(path, result)
        self._look(f"stdout of {told}", result.out)
        self._look(f"stderr of {told}", result.err)

    def _look(self, where: str, text: str | bytes) -> None:
        if pieces := self._canary.pieces_in(text):
            self.found.append(f"{where}: {pieces[0]}")

    def _has_json(self, path: str) -> bool:
        return any("--json" in each.opts for each in REAL[path].params)

    def _arguments(self, path: str) -> list[str]:
        """What lets a command do its work; any other gets a symbol where it must have a word."""
        if path in TYPED:
            return TYPED[path](self)
        return [
            "BTCUSDT"
            for each in REAL[path].params
            if each.param_type_name == "argument" and each.required
        ]

    def other_folder(self) -> list[str]:
        self._elsewhere.mkdir(exist_ok=True)
        return [str(self._elsewhere / secrets.token_hex(4))]

    def plan_id(self) -> list[str]:
        staged = self.home.staged_file.exists()
        return ["--confirm", self.home.plan_id()] if staged else []

    def newest_backup(self) -> list[str]:
        copies = sorted((self.home.root / "backups").glob("*.db"))
        return [copies[-1].name, "--dry-run"] if copies else ["none.db"]


# What runs until it is stopped.
LASTING = frozenset({"trueup manage"})
TYPED: dict[str, Callable[[Watched], list[str]]] = {
    "trueup init": Watched.other_folder,
    "trueup review": lambda watched: ["--approve", "all", "--seal"],
    "trueup apply": Watched.plan_id,
    "trueup restore": Watched.newest_backup,
}


@contextmanager
def stopped_once_it_beats(home: VenueHome) -> Iterator[None]:
    """A service is stopped as an operator does it, when it has said twice that it lives."""
    heartbeat, ended = home.root / "status/manage.json", threading.Event()

    def beat() -> bytes:
        return heartbeat.read_bytes() if heartbeat.exists() else b""

    def watch(before: bytes) -> None:
        heard = {before}
        while len(heard) < 3 and not ended.wait(0.02):
            heard.add(beat())
        if not ended.is_set():
            os.kill(os.getpid(), signal.SIGTERM)

    watching = threading.Thread(target=watch, args=[beat()])
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()


@contextmanager
def ending(told: str) -> Iterator[None]:
    """A command that does not end by itself fails here, instead of hanging the tests."""
    overdue = False

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        nonlocal overdue
        overdue = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(ENDS_SECONDS_MAX)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert not overdue, f"trueup {told} does not end: say in TYPED what makes it end"


@pytest.fixture
def venue(canary: Canary) -> Iterator[InBackground[BybitVenue]]:
    """It knows the canary as its customer, who is long without a stop."""
    keys = {"api_key": canary.api_key, "api_secret": canary.api_secret}
    with InBackground(BybitVenue(**keys)) as venue:
        venue.do(lambda v: v.exchange.trade_by_hand("BTCUSDT", Side.BUY, "0.05"))
        yield venue


@pytest.fixture
def watched_with(
    tmp_path: Path, canary: Canary, venue: InBackground[BybitVenue], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Source], Watched]:
    def make(source: Source) -> Watched:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        told = source(canary, elsewhere, monkeypatch)
        lines = account_lines(
            "by1", **(QUICK | {"broker": "bybit", "endpoint": venue.url, "retry": "1"} | told)
        )
        home = venue_home(tmp_path / "home", lines)
        return Watched(home, canary, elsewhere)

    return make


# --- the worlds -----------------------------------------------------------------------------------


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_a_venue_that_accepts_them(
    watched_with: Callable[[Source], Watched], venue: InBackground[BybitVenue], source: Source
) -> None:
    watched = watched_with(source)
    watched.run_everything()
    assert watched.found == []
    assert watched.results["trueup apply"].code == 0
    assert watched.results["trueup verify"].code == 3
    assert venue.do(lambda v: v.requests.count("order/create")) == 1
    assert set(watched.results) == set(REAL)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_config_shows_them_masked(
    watched_with: Callable[[Source], Watched], canary: Canary, source: Source
) -> None:
    home = watched_with(source).home
    shown = {row["key"]: row["value"] for row in home.json("config", "show")["settings"]}
    assert shown["ACCOUNTS.by1.api_key"] == shown["ACCOUNTS.by1.api_secret"] == "***"
    assert "***" in home.must("config", "show").out


def echoed(venue: InBackground[BybitVenue], canary: Canary) -> None:
    venue.do(lambda v: v.faults.always("*", Fault.refused(10003, canary.said)))


def echoed_at_length(venue: InBackground[BybitVenue], canary: Canary) -> None:
    venue.do(lambda v: v.faults.always("*", Fault.refused(10003, canary.said_at_length)))


def echoed_by_a_proxy(venue: InBackground[BybitVenue], canary: Canary) -> None:
    venue.do(lambda v: v.faults.always("*", Fault.http(502, text=canary.said)))


def wrong_secret(venue: InBackground[BybitVenue], canary: Canary) -> None:
    """Bybit then repeats the text that should have been signed, key and all."""
    venue.do(lambda v: setattr(v, "api_secret", "another one"))


ECHOES = [echoed, echoed_at_length, echoed_by_a_proxy, wrong_secret]


@pytest.mark.parametrize("echo", ECHOES, ids=lambda echo: echo.__name__)
def test_a_venue_that_repeats_them(
    watched_with: Callable[[Source], Watched],
    venue: InBackground[BybitVenue],
    canary: Canary,
    echo: Callable[[InBackground[BybitVenue], Canary], None],
) -> None:
    watched = watched_with(in_files)
    echo(venue, canary)
    watched.run_everything()
    assert watched.found == []
    assert watched.results["trueup plan"].code == 10
    told = watched.results["trueup plan"]
    assert "***" in told.out + told.err, "the venue's words are not shown at all"


def test_a_venue_that_only_fails_when_it_is_written_to(
    watched_with: Callable[[Source], Watched], venue: InBackground[BybitVenue], canary: Canary
) -> None:
    """So that its words reach the ledger, the journal, the audit and the alerts."""
    watched = watched_with(in_variables)
    venue.do(lambda v: v.faults.always("order/create", Fault.refused(110007, canary.said)))
    watched.run_everything()
    assert watched.found == []
    assert watched.results["trueup apply"].code not in (0, 1)
    assert venue.do(lambda v: v.requests.count("order/create")) >= 1


def test_a_venue_that_is_down(
    watched_with: Callable[[Source], Watched], venue: InBackground[BybitVenue]
) -> None:
    watched = watched_with(in_the_keyring)
    venue.wait(lambda v: v.close_port())
    watched.run_everything()
    assert watched.found == []
    assert watched.results["trueup plan"].code == 10


@pytest.mark.parametrize("kind", [RuntimeError, ValueError, KeyError, OSError])
def test_a_bug_that_quotes_them(
    watched_with: Callable[[Source], Watched],
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Exception],
) -> None:
    def quoting(name: str, settings: Account, exchange_id: str) -> Any:
        assert settings.api_key and settings.api_secret
        words = f"{settings.api_key.reveal()} {settings.api_secret.reveal()}"
        raise kind(f"{words} in {words!r}") from ValueError(words)

    watched = watched_with(in_variables)
    monkeypatch.setattr(line, "open_exchange", quoting)
    watched.run_everything()
    assert watched.found == []
    told = watched.results["trueup plan"]
    assert told.code in (1, 10)
    assert "***" in told.err + told.out
    assert told.code == 10 or "Traceback" in told.err


def test_a_bug_that_quotes_them_while_an_order_is_sent(
    watched_with: Callable[[Source], Watched], canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known of the step is then kept in the journal."""

    def quoting(*_: object) -> NoReturn:
        raise RuntimeError(canary.said)

    watched = watched_with(in_variables)
    monkeypatch.setattr(trading, "placing", quoting)
    watched.run_everything()
    assert watched.found == []
    assert {step["state"] for step in watched.home.steps()} == {"unknown"}
    assert "***" in watched.results["trueup apply"].out
