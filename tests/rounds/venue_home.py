"""An operator's home whose accounts are at venues: ACCOUNTS as they would be written, and armed.

    home = venue_home(tmp_path / "home", keyed_account("by1", venue), secrets=SECRETS)
    home.must("plan")

The lines of ACCOUNTS are what stands below `ACCOUNTS:`, without its two columns of indentation.
Tests change a key of an account with `home.configure("by1", timeout_seconds="0.3")`.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from tests.home import HomeUnderTest, make_home

REPOSITORY = Path(__file__).parents[2]
# Patient enough for a busy machine; whoever tests silence sets a shorter timeout for it.
QUICK: Mapping[str, str] = {
    "timeout_seconds": "10",
    "retry_base_seconds": "0.01",
    "retry_cap_seconds": "5",
    "rate_limit": "100000",
}
SECRET_FILE = "config/venue.secret"


class Keyed(Protocol):
    """A venue that is reached over HTTP with a key; both Venue and InBackground are."""

    @property
    def url(self) -> str: ...

    @property
    def api_key(self) -> str: ...

    @property
    def api_secret(self) -> str: ...


class VenueHome(HomeUnderTest):
    """The same home; its accounts are at venues instead of in the paper broker's file."""

    def configure(self, account: str, **values: str) -> None:
        """Sets keys of one account, adding those that are not written yet."""
        lines = self.config_file.read_text().splitlines()
        at = lines.index(f"  {account}:")
        end = next(
            (n for n in range(at + 1, len(lines)) if not lines[n].startswith("    ")), len(lines)
        )
        kept = [line for line in lines[at + 1 : end] if line.split(":")[0].strip() not in values]
        told = [f"    {name}: {value}" for name, value in values.items()]
        lines[at + 1 : end] = kept + told
        self.config_file.write_text("\n".join(lines) + "\n")

    def write_secret(self, path: str, text: str) -> None:
        """A secret file as `file:PATH` wants it: readable by its owner alone."""
        file = self.root / path
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_text(text + "\n")

    def steps(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM journal ORDER BY rowid")

    def kept_from(self, *hidden: str) -> list[str]:
        """Files of this home other than the secret ones that hold any of these texts."""
        return [
            str(file.relative_to(self.root))
            for file in self.root.rglob("*")
            if file.is_file() and file.suffix != ".secret"
            for text in hidden
            if text.encode() in file.read_bytes()
        ]

    # --- in a process of its own ------------------------------------------------------------------

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """The real command in a process, for tests that kill it; it sees our environment."""
        command = [sys.executable, "-m", "cli", *arguments, "--no-input", "--home", str(self.root)]
        return subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=REPOSITORY
        )

    def killed_when(self, happens: Callable[[], object], *arguments: str) -> None:
        """Starts the command and ends it by kill -9 once `happens` has returned."""
        process = self.start(*arguments)
        try:
            happens()
            assert process.poll() is None, "the command ended before it could be killed"
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=60)


def venue_home(
    root: Path,
    accounts: Iterable[str],
    *,
    secrets: Mapping[str, str] | None = None,
    armed: bool = True,
) -> VenueHome:
    """A new home with these lines below ACCOUNTS, and secret files by their path in the home."""
    make_home(root)
    home = VenueHome(root)
    text = home.config_file.read_text()
    before, _, _ = text.partition("\nACCOUNTS:\n")
    lines = "".join(f"  {line}\n" for line in accounts)
    home.config_file.write_text(f"{before}\nACCOUNTS:\n{lines}")
    for path, secret in (secrets or {}).items():
        home.write_secret(path, secret)
    home.must("config", "check")
    if armed:
        home.arm()
    return home


def account_lines(name: str, **values: str) -> list[str]:
    """account_lines("ib1", broker="ib", port="4002", …) as they stand below ACCOUNTS."""
    return [f"{name}:", *(f"  {key}: {value}" for key, value in values.items())]


def keyed_account(
    name: str, venue: Keyed, broker: str, *, key_name: str, **values: str
) -> list[str]:
    """The lines of an account at an emulated venue.

    The key lies in the environment as `key_name`, for processes too; the secret in SECRET_FILE.
    """
    os.environ[key_name] = venue.api_key
    given = {
        "broker": broker,
        "api_key": f'"env:{key_name}"',
        "api_secret": f'"file:{SECRET_FILE}"',
        "endpoint": venue.url,
    }
    return account_lines(name, **(given | QUICK | values))
