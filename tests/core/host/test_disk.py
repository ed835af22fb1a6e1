"""Files are private, replaced whole, and an error says which file and why."""

import errno
import fcntl
import os
import resource
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.domain.errors import DiskError
from core.host.disk import DiskFiles, make_private_dir

FILES = DiskFiles()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def disk_full_after(bytes_max: int) -> Iterator[None]:
    """No file can grow beyond this: writing fails half-way, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
def test_new_files_and_folders_are_private_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        FILES.replace(tmp_path / "a/b/one", b"1")
        FILES.append(tmp_path / "a/c/two", "2")
        assert FILES.create(tmp_path / "a/three", b"3")
    assert mode(tmp_path / "a") == mode(tmp_path / "a/b") == mode(tmp_path / "a/c") == 0o700
    files = [tmp_path / "a/b/one", tmp_path / "a/c/two", tmp_path / "a/three"]
    assert {mode(path) for path in files} <= {0o600, 0o600 & ~mask}
    assert mode(files[0]) == mode(files[2]) == 0o600


def test_replacing_makes_an_open_file_private_again(tmp_path: Path) -> None:
    path = tmp_path / "book.json"
    path.write_text("old", "utf-8")
    path.chmod(0o644)
    FILES.replace(path, b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", 0o600)


def test_replacing_never_writes_through_a_link(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("keep", "utf-8")
    (tmp_path / "link").symlink_to(target)
    FILES.replace(tmp_path / "link", b"new")
    assert target.read_text("utf-8") == "keep"
    assert not (tmp_path / "link").is_symlink()


def test_a_replacement_that_fails_half_way_leaves_the_old_file_and_nothing_else(
    tmp_path: Path,
) -> None:
    path = tmp_path / "status.json"
    FILES.replace(path, b"old")
    with disk_full_after(4096), pytest.raises(DiskError, match="could not be written"):
        FILES.replace(path, b"x" * 100_000)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_creating_leaves_alone_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    assert FILES.create(path, b"first")
    assert not FILES.create(path, b"second")
    assert path.read_bytes() == b"first"
    (tmp_path / "dangling").symlink_to("nowhere")
    assert not FILES.create(tmp_path / "dangling", b"x")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["config.yml", "dangling"]


def test_lines_are_appended_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    FILES.append(path, "one")
    FILES.append(path, "two\nthree")
    assert path.read_text("utf-8") == "one\ntwo\nthree\n"


def test_a_line_after_a_torn_one_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"a":1}\n{"b":')
    FILES.append(path, '{"c":3}')
    assert path.read_bytes() == b'{"a":1}\n{"b":\n{"c":3}\n'


def test_appending_does_not_follow_a_link(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep\n", "utf-8")
    (tmp_path / "log").symlink_to(tmp_path / "precious")
    with pytest.raises(DiskError, match="is a symbolic link"):
        FILES.append(tmp_path / "log", "line")
    assert (tmp_path / "precious").read_text("utf-8") == "keep\n"


def test_reading_tells_missing_from_unreadable(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist"):
        FILES.read(tmp_path / "no")
    with pytest.raises(IsADirectoryError, match="is a directory"):
        FILES.read(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(OSError, match="is a symbolic link"):
        FILES.read(tmp_path / "link")


def test_reading_does_not_wait_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is not a regular file"):
        FILES.read(tmp_path / "pipe")


def test_removing_twice_is_removing_once(tmp_path: Path) -> None:
    FILES.replace(tmp_path / "x", b"")
    assert FILES.exists(tmp_path / "x")
    FILES.remove(tmp_path / "x")
    FILES.remove(tmp_path / "x")
    assert not FILES.exists(tmp_path / "x")


def test_a_broken_link_exists(tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to("nowhere")
    assert FILES.exists(tmp_path / "x")


def test_a_directory_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(DiskError, match=r"x could not be written: it is a directory"):
        FILES.replace(tmp_path / "x", b"1")
    with pytest.raises(DiskError, match=r"x could not be removed"):
        FILES.remove(tmp_path / "x")
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]


def test_a_file_where_a_folder_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "status").touch()
    with pytest.raises(DiskError, match="not a directory"):
        FILES.replace(tmp_path / "status/x", b"1")
    with pytest.raises(NotADirectoryError):
        make_private_dir(tmp_path / "status")


def test_two_who_make_the_same_folder_do_not_collide(tmp_path: Path) -> None:
    make_private_dir(tmp_path / "a/b")
    (tmp_path / "a").chmod(0o750)
    make_private_dir(tmp_path / "a/b")
    assert mode(tmp_path / "a") == 0o750


def test_a_stopped_writer_silences_nobody(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    FILES.append(path, "one")
    with path.open("rb") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        FILES.append(path, "two")
    assert path.read_text("utf-8") == "one\ntwo\n"


def test_a_file_system_without_locks_takes_lines_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    FILES.append(tmp_path / "alerts.jsonl", "one")
    assert (tmp_path / "alerts.jsonl").read_text("utf-8") == "one\n"
