"""The temporary home of the demo, edited the way an operator edits one."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from core.plan.codec import read_staged


class DemoHome:
    """Its files; the commands of the story do the rest."""

    def __init__(self, root: Path):
        self.root = root
        self.paper_account = root / "data" / "paper_broker.json"
        self._config = root / "config" / "local_reconcile.yml"

    def set_gates(self, **gates: str) -> None:
        lines = self._config.read_text("utf-8").splitlines()
        for name, value in gates.items():
            lines = [f"{name}: {value}" if line.startswith(f"{name}:") else line for line in lines]
        self._write(lines)

    def set_account(self, entry: Sequence[str]) -> None:
        """Puts this entry in the place of the accounts that the home began with."""
        lines = self._config.read_text("utf-8").splitlines()
        first = lines.index("ACCOUNTS:") + 1
        last = first
        while last < len(lines) and lines[last].startswith(" "):
            last += 1
        lines[first:last] = [f"  {line}" for line in entry]
        self._write(lines)

    def keep_secret(self, name: str, text: str) -> str:
        """Writes it where only its owner can read it; what to write into the configuration."""
        path = self.root / "config" / name
        path.touch(mode=0o600)
        path.write_text(f"{text}\n", "utf-8")
        return f"file:./config/{name}"

    def plan_id(self) -> str:
        staged = self.root / "staged" / "staged_actions.json"
        return read_staged(staged.read_bytes()).plan.plan_id

    def _write(self, lines: Sequence[str]) -> None:
        self._config.write_text("\n".join(lines) + "\n", "utf-8")


@contextmanager
def temporary_home() -> Iterator[DemoHome]:
    root = Path(tempfile.mkdtemp(prefix="trueup-demo-"))
    try:
        yield DemoHome(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)
