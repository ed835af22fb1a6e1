"""The journal copy outside the book: what was applied, one JSON line each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain.text import Row
from core.ports import Files


@dataclass(frozen=True, slots=True)
class DiskCopybook:
    files: Files
    path: Path

    def applied(self, rows: Sequence[Row]) -> None:
        """Written after the book has it; a crash in between only makes the copy shorter."""
        self.files.append(self.path, "\n".join(json.dumps(row) for row in rows))
