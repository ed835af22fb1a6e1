"""The home's files on a real disk: private, replaced atomically, durable once a call returns."""

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from core.config.opening import read_plain_file, reason
from core.domain.errors import DiskError

FILE_MODE = 0o600
DIR_MODE = 0o700
_BYTES_MAX = 1 << 30
_TURN_TRIES = 50
_TURN_PAUSE_SECONDS = 0.001
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class DiskFiles:
    """Reading raises OSError with a reason in words; a write that did not happen is a DiskError."""

    def read(self, path: Path) -> bytes:
        try:
            return read_plain_file(path, _BYTES_MAX)[0]
        except OSError as error:
            raise OSError(error.errno or errno.EIO, reason(error), str(path)) from None

    def exists(self, path: Path) -> bool:
        """Whether anything has that name, a broken link included."""
        return os.path.lexists(path)

    def replace(self, path: Path, content: bytes) -> None:
        """Before and after a crash there is the old content or the new, never a mixture."""
        with _told(path, "written"):
            make_private_dir(path.parent)
            temporary = _write_beside(path, content)
            with _removed_on_failure(temporary):
                temporary.replace(path)
            _sync_dir(path.parent)

    def create(self, path: Path, content: bytes) -> bool:
        """Like replace, but leaves alone what is there already and then answers False."""
        with _told(path, "written"):
            make_private_dir(path.parent)
            temporary = _write_beside(path, content)
            try:
                # Unlike a rename, a link refuses to take a name that is in use.
                os.link(temporary, path)
            except FileExistsError:
                return False
            finally:
                temporary.unlink()
            _sync_dir(path.parent)
            return True

    def append(self, path: Path, line: str) -> None:
        """One write for the whole line, on disk when this returns and nowhere when it fails."""
        with _told(path, "written"):
            make_private_dir(path.parent)
            # Once more when the file was given another name between opening and writing.
            while not _appended(path, line):
                pass

    def rotate(self, path: Path, names: Callable[[int, datetime], Iterable[Path]]) -> Path | None:
        """Gives a file that is appended to the first free one of its names, between two lines.

        `names` is told its size and when it was last written, and may give none. Nothing happens
        while another process is half-way through a line.
        """
        with _told(path, "renamed"):
            try:
                descriptor = os.open(path, _APPEND & ~os.O_CREAT)
            except FileNotFoundError:
                return None
            try:
                return _renamed(path, descriptor, names) if _take_turn(descriptor) else None
            finally:
                os.close(descriptor)

    def remove(self, path: Path) -> None:
        """Gone for good when this returns; what is not there is gone already."""
        with _told(path, "removed"):
            try:
                path.unlink()
            except FileNotFoundError:
                return
            _sync_dir(path.parent)


def make_private_dir(path: Path) -> None:
    """Makes the folder and what is missing above it, for this user alone whatever the umask."""
    if path.is_dir():
        return
    make_private_dir(path.parent)
    with suppress(FileExistsError):
        path.mkdir(DIR_MODE)
        path.chmod(DIR_MODE)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "a file is in the way of a directory", str(path))


def append_line(descriptor: int, line: str) -> None:
    """Adds the line in one write, on a line of its own even when a crash tore the last one."""
    _take_turn(descriptor)
    _add_line(descriptor, line)


def is_still(path: Path, descriptor: int) -> bool:
    """Whether the name still belongs to the file that we have open."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _appended(path: Path, line: str) -> bool:
    descriptor = os.open(path, _APPEND, FILE_MODE)
    try:
        _take_turn(descriptor)
        if not is_still(path, descriptor):
            return False
        _add_line(descriptor, line, durably=True)
        return True
    finally:
        os.close(descriptor)


def _add_line(descriptor: int, line: str, *, durably: bool = False) -> None:
    end = os.fstat(descriptor).st_size
    content = line.encode("utf-8", "backslashreplace") + b"\n"
    if _is_torn(descriptor, end):
        content = b"\n" + content
    try:
        _write_all(descriptor, content)
        if durably:
            os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            _take_back(descriptor, end, content)
        raise


def _take_back(descriptor: int, end: int, content: bytes) -> None:
    """A line that lacks only its end would be completed by the next one, long after it failed."""
    if content.startswith(os.pread(descriptor, len(content) + 1, end)):
        os.ftruncate(descriptor, end)


def _is_torn(descriptor: int, end: int) -> bool:
    return end > 0 and os.pread(descriptor, 1, end - 1) != b"\n"


def _renamed(
    path: Path, descriptor: int, names: Callable[[int, datetime], Iterable[Path]]
) -> Path | None:
    if not is_still(path, descriptor):
        return None
    status = os.fstat(descriptor)
    written = datetime.fromtimestamp(status.st_mtime, UTC)
    name = next(
        (each for each in names(status.st_size, written) if not os.path.lexists(each)), None
    )
    if name is not None:
        if _is_torn(descriptor, status.st_size):
            _write_all(descriptor, b"\n")
            os.fsync(descriptor)
        path.rename(name)
        _sync_dir(path.parent)
    return name


def _take_turn(descriptor: int) -> bool:
    """Waits while another process is half-way through its line, which would look like a torn one.

    Not for long: a stopped process must not silence the others, and the line matters more.
    """
    for _ in range(_TURN_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_TURN_PAUSE_SECONDS)
        except OSError:
            return False  # a file system without locks
        else:
            return True
    return False


def _write_beside(path: Path, content: bytes) -> Path:
    """A complete, synced file in the same directory, so that renaming it is atomic."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    descriptor = os.open(temporary, _NEW, FILE_MODE)
    with _removed_on_failure(temporary):
        try:
            os.fchmod(descriptor, FILE_MODE)
            _write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return temporary


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


@contextmanager
def _removed_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def _sync_dir(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told(path: Path, done: str) -> Iterator[None]:
    """Says in words what could not be done to which file."""
    try:
        yield
    except OSError as error:
        message = f"{path} could not be {done}: it {reason(error)}"
        raise DiskError(message, hint=_remedy(error)) from error


def _remedy(error: OSError) -> str | None:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return "make room on that disk, then run the command again"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "check who owns the home and whether it is mounted read-only"
        case _:
            return None
