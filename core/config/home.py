"""A home: where it is, and where everything in it lies."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.errors import Usage

if TYPE_CHECKING:
    from core.config.settings import Settings

CONFIG_FILE = Path("config/local_reconcile.yml")
HOME_VARIABLE = "TRUEUP_HOME"
SENTINEL = "SAFE_MODE"
# Where things lie when no setting moves them. Stated here too, and held equal to the settings by a
# test, so that the stop button need not import all settings.
_USUAL = {
    "LOG_DIR": "./logs",
    "STATUS_DIR": "./status",
    "STAGED_DIR": "./staged",
    "BACKUP_DIR": "./backups",
    "DATABASE.path": "./data/orders.db",
    "SIGNALS.spool": "./data/spool/signals.jsonl",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Absolute paths of all that a home holds."""

    root: Path
    config_file: Path
    book: Path
    spool: Path
    staged_file: Path
    archive_dir: Path
    ambiguous_file: Path
    run_log: Path
    alerts_file: Path
    trades_dir: Path
    status_dir: Path
    status_file: Path
    sentinel: Path
    lock: Path
    lock_details: Path
    lock_queue: Path
    # Held as long as the service runs, beside the lock that it only takes to change something.
    manage_lock: Path
    manage_lock_details: Path
    heartbeat_file: Path
    # What was applied, kept outside the book so that a restored book can be told what it forgot.
    journal_copy: Path
    backups_dir: Path

    @staticmethod
    def of(root: Path, settings: "Settings | None" = None) -> "Home":
        """The home below `root`, with the folders that the settings name."""

        def place(name: str) -> Path:
            return within(root, str(getattr(settings, name)) if settings else _USUAL[name])

        logs, status, staged = place("LOG_DIR"), place("STATUS_DIR"), place("STAGED_DIR")
        return Home(
            root=root,
            config_file=root / CONFIG_FILE,
            book=within(root, settings.DATABASE.path if settings else _USUAL["DATABASE.path"]),
            spool=within(root, settings.SIGNALS.spool if settings else _USUAL["SIGNALS.spool"]),
            staged_file=staged / "staged_actions.json",
            archive_dir=staged / "archive",
            ambiguous_file=logs / "ambiguous_matches.json",
            run_log=logs / "reconcile.log",
            alerts_file=logs / "alerts.jsonl",
            trades_dir=logs / "trades",
            status_dir=status,
            status_file=status / "reconcile_status.json",
            sentinel=status / SENTINEL,
            lock=status / "trueup.lock",
            lock_details=status / "trueup.lock.json",
            lock_queue=status / "trueup.lock.queue",
            manage_lock=status / "manage.lock",
            manage_lock_details=status / "manage.lock.json",
            heartbeat_file=status / "manage.json",
            journal_copy=status / "journal.jsonl",
            backups_dir=place("BACKUP_DIR"),
        )

    @property
    def dirs(self) -> tuple[Path, ...]:
        """Every folder that a home has."""
        files = (self.config_file, self.book, self.spool, self.staged_file, self.run_log)
        folders = (self.archive_dir, self.trades_dir, self.status_dir, self.backups_dir)
        return tuple(dict.fromkeys((*(file.parent for file in files), *folders)))

    def path(self, text: str) -> Path:
        """A path as the configuration writes it: relative to the home."""
        return within(self.root, text)

    def shown(self, path: Path) -> str:
        """A path as a person in this home would write it."""
        return str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)


def within(root: Path, text: str) -> Path:
    """`text` relative to the home; an absolute path or one with ~ stands for itself."""
    return Path(os.path.normpath(root / Path(text).expanduser()))


def discover(flag: str | None, environment: Mapping[str, str], *, unchecked: bool = False) -> Path:
    """The home's root: --home, $TRUEUP_HOME, or the nearest folder upwards that is a home.

    `unchecked` takes a home that was named on trust, even when its configuration is gone.
    """
    for name, text in (("--home", flag), (HOME_VARIABLE, environment.get(HOME_VARIABLE))):
        if text:
            return _named(name, text, unchecked)
    here = _here()
    for folder in (here, *here.parents):
        if is_home(folder):
            return folder
    raise Usage(
        f"no trueup home here: no {CONFIG_FILE} in {here} or above",
        hint="trueup --home DIR ..., or `trueup init DIR` to make one",
    )


def is_home(folder: Path) -> bool:
    """Whether its configuration file is there, in whatever state."""
    return os.path.lexists(folder / CONFIG_FILE)


def _named(name: str, text: str, unchecked: bool) -> Path:
    root = Path(os.path.normpath(_here() / Path(text).expanduser()))
    if unchecked or is_home(root):
        return root
    raise Usage(
        f"{name} names {root}, which is not a trueup home: it has no {CONFIG_FILE}",
        hint=f"trueup init {shlex.quote(str(root))}",
    )


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise Usage("the current directory no longer exists", hint="cd to one that does") from None
