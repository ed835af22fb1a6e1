"""The scratch folder in which a copy is made and checked, and the step that makes it count.

It lies inside the backups folder, so that publishing is a rename, and is locked for as long as its
owner lives: what a killed process left behind is told from what another one is working on.
"""

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from core.book.copies.deadline import Deadline
from core.ports import Ids

_PREFIX = ".scratch-"
_DIR = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_RETRY_SECONDS = 0.02


class Scratch:
    def __init__(self, folder: Path, deadline: Deadline):
        self.folder = folder
        self._deadline = deadline

    def file(self, name: str) -> Path:
        """A new empty file for this user alone; SQLite gives its sidecars the same mode."""
        return new_private_file(self.folder / name)

    @contextmanager
    def publishing(self) -> Iterator[Path]:
        """The backups folder, with nobody else choosing names or removing files in it."""
        with _held(self.folder.parent, self._deadline):
            yield self.folder.parent

    def publish(self, moves: Sequence[tuple[Path, Path]]) -> None:
        """Renames in the order given, each durable before the next; on failure none remains."""
        try:
            for made, final in moves:
                if os.path.lexists(final):
                    raise FileExistsError(errno.EEXIST, "is there already", str(final))
                sync_file(made)
                made.rename(final)
                sync_dir(final.parent)
        except BaseException:
            for made, final in reversed(moves):
                # Whatever is not in the scratch folder any more has its name.
                if not made.exists():
                    final.unlink(missing_ok=True)
            raise


@contextmanager
def scratch_in(backups: Path, deadline: Deadline, ids: Ids) -> Iterator[Scratch]:
    """A folder of our own below `backups`, gone afterwards together with any that nobody owns."""
    if backups.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(backups))
    make_folder(backups)
    folder = backups.absolute() / f"{_PREFIX}{ids.token(8)}"
    with _held(backups, deadline):
        _sweep(backups)
        folder.mkdir(0o700)
        folder.chmod(0o700)
        owner = os.open(folder, _DIR)
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        yield Scratch(folder, deadline)
    finally:
        # What cannot be removed now is swept by the next run; the copy's own outcome stands.
        shutil.rmtree(folder, ignore_errors=True)
        os.close(owner)


@contextmanager
def backups_held(backups: Path, deadline: Deadline) -> Iterator[None]:
    """Nobody publishes or removes a copy meanwhile."""
    with _held(backups, deadline):
        yield


def new_private_file(path: Path) -> Path:
    """An empty file for this user alone, whatever the umask; FileExistsError when one is there."""
    os.close(os.open(path, _NEW, 0o600))
    path.chmod(0o600)
    return path


def sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_dir(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Makes a missing folder, but not what is missing above it: that may be a lost mount."""
    if not os.path.lexists(folder):
        with suppress(FileExistsError):
            folder.mkdir(0o700)
            folder.chmod(0o700)
            sync_dir(folder.parent)


@contextmanager
def _held(backups: Path, deadline: Deadline) -> Iterator[None]:
    descriptor = os.open(backups, _DIR)
    try:
        while not _taken(descriptor):
            deadline.check()
            time.sleep(_RETRY_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sweep(backups: Path) -> None:
    for left in backups.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            descriptor = os.open(left, _DIR)
            try:
                if _taken(descriptor):
                    shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(descriptor)
