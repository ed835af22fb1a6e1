"""One run of trueup: what was typed, and what a command needs, each made when first asked for."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cli.screen import Screen, open_screen
from core.domain.errors import Usage

if TYPE_CHECKING:
    from core.config.effective import Effective
    from core.config.gates import Gates
    from core.config.home import Home
    from core.config.settings import Settings
    from core.config.watch import GateWatch
    from core.host.run_log import DiskRunLog


class Options(NamedTuple):
    """The global options, wherever on the line they stood."""

    home: str | None = None
    account: str | None = None
    no_input: bool = False
    no_color: bool = False
    plain: bool = False
    quiet: bool = False
    verbose: bool = False
    lock_timeout: str | None = None


GLOBAL_NAMES = Options._fields


class Invocation:
    """Importing is part of making: `safe-mode on` must not wait for what it does not need."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.options = Options()
        # As typed, without "trueup": "safe-mode on".
        self.command = ""
        self.as_json = False
        self._screen: Screen | None = None
        self._root: Path | None = None
        self._effective: Effective | None = None
        self._watch: GateWatch | None = None
        self._log: DiskRunLog | None = None

    def take(self, given: Mapping[str, Any]) -> None:
        """Adds global options; of one given twice the later counts."""
        self.options = self.options._replace(**{k: v for k, v in given.items() if v})

    @property
    def screen(self) -> Screen:
        if self._screen is None:
            told = self.options
            self._screen = open_screen(
                self.environment,
                plain_asked=told.plain or told.no_color,
                quiet=told.quiet,
                verbose=told.verbose,
                no_input=told.no_input,
            )
        self._screen.only_json = self.as_json
        return self._screen

    # --- the home ---------------------------------------------------------------------------------

    @property
    def root(self) -> Path:
        """The home's folder; a Usage error says what to type when there is none."""
        if self._root is None:
            from core.config.home import discover

            self._root = discover(self.options.home, self.environment)
        return self._root

    def trust_home(self) -> Path:
        """The same folder, taken on trust when it was named: its configuration may be gone."""
        if self._root is None:
            from core.config.home import discover

            self._root = discover(self.options.home, self.environment, unchecked=True)
        return self._root

    @property
    def effective(self) -> "Effective":
        """The configuration; its warnings are printed when it is read."""
        if self._effective is None:
            from core.config.effective import load

            self._effective = load(self.root, self.environment)
            for warning in self._effective.warnings:
                self.screen.warn(warning)
        return self._effective

    @property
    def home(self) -> "Home":
        return self.effective.home

    @property
    def settings(self) -> "Settings":
        return self.effective.settings

    @property
    def gate_watch(self) -> "GateWatch":
        """Says what the gates are now, as often as it is asked."""
        if self._watch is None:
            from core.config.watch import GateWatch

            self._watch = GateWatch(self.root, self.environment)
        return self._watch

    def gates(self) -> "Gates":
        """The gates now."""
        return self.gate_watch.now()

    # --- who and what does it ---------------------------------------------------------------------

    @property
    def actor(self) -> str:
        """Who is at the keyboard."""
        from core.host.login import login_name

        return login_name(self.environment)

    @property
    def log(self) -> "DiskRunLog":
        """reconcile.log; in the usual place when the configuration cannot be read."""
        if self._log is None:
            from core.config.home import Home
            from core.host.clock import SystemClock
            from core.host.run_log import DiskRunLog

            home = self._effective.home if self._effective else Home.of(self.root)
            self._log = DiskRunLog(home.run_log, SystemClock())
        return self._log

    def closing_words(self) -> None:
        """What the log or the screen could not do, told once at the very end."""
        if self._log is not None and self._log.trouble:
            self.screen.warn(f"not logged: {self._log.trouble}")


def seconds_of(text: str | None) -> int:
    """Seconds as a plain number, or a duration such as 2m."""
    if not text:
        return 0
    from core.config.durations import parse_duration

    try:
        return (
            int(text)
            if text.isascii() and text.isdigit()
            else int(parse_duration(text).total_seconds())
        )
    except Usage:
        raise Usage(
            f"--lock-timeout: not a duration: {text!r:.40}", hint="--lock-timeout 30, 30s or 2m"
        ) from None
