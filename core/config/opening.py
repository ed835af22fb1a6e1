"""Opening a file that somebody else may have prepared: no links, no pipes, no surprises in size."""

import errno
import os
import stat
from pathlib import Path

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def read_plain_file(path: Path, bytes_max: int) -> tuple[bytes, os.stat_result]:
    """The content and status of a regular file; anything else is an OSError that says so."""
    descriptor = open_plain_file(path)
    try:
        status = os.fstat(descriptor)
        content = _read_up_to(descriptor, bytes_max + 1)
    finally:
        os.close(descriptor)
    if len(content) > bytes_max:
        raise OSError(errno.EFBIG, f"is larger than {bytes_max // 1024} KiB", str(path))
    return content, status


def open_plain_file(path: Path) -> int:
    """A descriptor to read a regular file by, for whoever cannot read it whole."""
    # O_NONBLOCK: opening a pipe would otherwise wait for somebody to write into it.
    descriptor = os.open(path, _FLAGS)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "is a directory", str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "is not a regular file", str(path))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def reason(error: OSError) -> str:
    """Why a file could not be used, in words that fit behind its name."""
    match error.errno:
        case errno.ELOOP:
            return "is a symbolic link"
        case errno.ENOENT:
            return "does not exist"
        case errno.EACCES | errno.EPERM:
            return "may not be used by this user (permission denied)"
        case errno.EISDIR:
            return "is a directory"
        case errno.ENOSPC | errno.EDQUOT:
            return "finds no room left on the disk"
        case errno.EROFS:
            return "lies on a disk that is mounted read-only"
        case errno.ENOTDIR:
            return "lies under something that is not a directory"
        case _:
            text = error.strerror or str(error)
            return text if text.startswith("is ") else f"cannot be used: {text}"


def _read_up_to(descriptor: int, bytes_max: int) -> bytes:
    parts: list[bytes] = []
    left = bytes_max
    while left > 0 and (part := os.read(descriptor, min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
