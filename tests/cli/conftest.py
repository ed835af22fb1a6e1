"""The command line as a test types it: one call in, exit code and both streams out."""

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.main import run
from core.config.template import default_file


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


Trueup = Callable[..., Said]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No variable of the machine, a folder that is no home, and signals as they were."""
    import os

    for name in list(os.environ):
        if name.startswith(("TRUEUP_", "ORDERMANAGER_", "NO_COLOR", "SUDO_USER")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def trueup(capsys: pytest.CaptureFixture[str]) -> Trueup:
    def typed(*arguments: Any) -> Said:
        capsys.readouterr()
        code = run([str(each) for each in arguments])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return typed


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the default configuration, and we stand in it."""
    root = tmp_path / "home"
    (root / "config").mkdir(parents=True)
    (root / "config/local_reconcile.yml").write_text(default_file(), "utf-8")
    monkeypatch.chdir(root)
    return root


def configure(home: Path, *changes: tuple[str, str]) -> None:
    """Replaces lines of the home's configuration."""
    path = home / "config/local_reconcile.yml"
    text = path.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, "utf-8")


def open_gates(home: Path) -> None:
    configure(
        home,
        ("\nDRY_RUN: true", "\nDRY_RUN: false"),
        ("\nSAFE_MODE: true", "\nSAFE_MODE: false"),
        ("\nDRY_RUN_CONFIRM: false", "\nDRY_RUN_CONFIRM: true"),
    )


def tree(root: Path) -> dict[str, bytes]:
    """Everything below a folder, to show that nothing changed."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else b""
        for path in sorted(root.rglob("*"))
    }
