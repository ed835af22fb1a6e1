"""Taking a file that somebody names into the scratch folder, without being led elsewhere."""

import hashlib
import os
import stat
from pathlib import Path

from core.book.copies.deadline import Deadline
from core.domain.backup import CopiedFile

SIDECARS = ("-wal", "-shm", "-journal")
_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_READ_AT_ONCE = 1 << 20


class Misleading(Exception):
    """The path leads somewhere else than it seems to."""


def check_path(path: Path) -> None:
    """No `..` in it, and no link or device at its end."""
    if ".." in path.parts:
        raise Misleading("the path leads upwards (..); name the file itself")
    try:
        status = path.lstat()
    except FileNotFoundError:
        raise Misleading("there is no such file") from None
    except ValueError as error:
        raise Misleading(f"that is no file name: {error}") from None
    if stat.S_ISLNK(status.st_mode):
        raise Misleading("it is a symbolic link; name the file itself")
    if not stat.S_ISREG(status.st_mode):
        raise Misleading("it is not a regular file")


def take_in(path: Path, private: Path, deadline: Deadline) -> CopiedFile:
    """Copies and hashes in one pass; what was hashed is what will be used."""
    sha256, size = hashlib.sha256(), 0
    source = os.open(path, _OPEN)
    try:
        with private.open("wb", buffering=0) as target:
            while part := os.read(source, _READ_AT_ONCE):
                deadline.check()
                sha256.update(part)
                target.write(part)
                size += len(part)
    finally:
        os.close(source)
    return CopiedFile(file=path.name, size=size, sha256=sha256.hexdigest())


def lying_beside(path: Path) -> tuple[Path, ...]:
    """The sidecars of a database file that are there."""
    beside = (path.with_name(path.name + ending) for ending in SIDECARS)
    return tuple(sidecar for sidecar in beside if os.path.lexists(sidecar))
