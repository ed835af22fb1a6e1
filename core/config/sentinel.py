"""The sentinel: a file whose presence alone means SAFE_MODE, whatever it holds."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from core.config.opening import read_plain_file
from core.domain.moment import moment_text

_BYTES_MAX = 16 * 1024


class Notice(NamedTuple):
    """Who turned safe mode on, when and why; empty where nobody said so."""

    by: str = ""
    at: str = ""
    reason: str = ""

    def __str__(self) -> str:
        by = f" by {self.by}" if self.by else ""
        at = f" at {self.at}" if self.at else ""
        return by + at + (f": {self.reason}" if self.reason else "")


def notice_text(*, by: str, at: datetime, reason: str) -> bytes:
    """What a sentinel file holds."""
    told = {"by": by, "at": moment_text(at.replace(microsecond=0)), "reason": reason}
    return (json.dumps(told) + "\n").encode()


def is_present(path: Path) -> bool:
    """Whether anything at all lies there; what cannot be looked at counts as present."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def read_notice(path: Path) -> Notice:
    """Who, when and why, as far as the file tells; a bare `touch` or a note by hand is fine too."""
    try:
        text = read_plain_file(path, _BYTES_MAX)[0].decode("utf-8", "replace").strip()
    except OSError:
        return Notice(reason="its file cannot be read")
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return Notice(reason=text[:200])
    if not isinstance(told, dict):
        return Notice(reason=text[:200])
    return Notice(**{name: str(told.get(name) or "")[:200] for name in ("by", "at", "reason")})
