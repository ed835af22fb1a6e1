"""A home whose configuration a test writes itself."""

from collections.abc import Callable
from pathlib import Path

import pytest

Configure = Callable[[str], Path]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    def written(text: str) -> Path:
        (tmp_path / "config").mkdir(exist_ok=True)
        (tmp_path / "config/local_reconcile.yml").write_text(text, "utf-8")
        return tmp_path

    return written
