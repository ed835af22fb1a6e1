"""The stop button: the sentinel made and taken away, with as little needed for it as can be."""

import os
from pathlib import Path

from core.config.sentinel import is_present
from core.domain.errors import DiskError
from core.host.disk import FILE_MODE, DiskFiles

_EMPTY = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


def press(files: DiskFiles, sentinel: Path, notice: bytes) -> bool:
    """Safe mode on; False when it was on already, and then the first notice stays."""
    if is_present(sentinel):
        return False
    try:
        files.replace(sentinel, notice)
    except DiskError as error:
        # On a full disk an empty file may still find room, and its presence is what counts.
        try:
            os.close(os.open(sentinel, _EMPTY, FILE_MODE))
        except OSError:
            error.hint = "set SAFE_MODE: true in config/local_reconcile.yml; then see to the disk"
            raise error from None
    return True


def release(files: DiskFiles, sentinel: Path) -> bool:
    """Takes the sentinel away; False when there was none."""
    if not is_present(sentinel):
        return False
    files.remove(sentinel)
    return True
