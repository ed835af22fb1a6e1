"""Files are private, replaced whole, and an error says which file and why."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from core.domain.errors import DiskError
from core.host import disk
from core.host.disk import DiskFiles, make_private_dir
from tests.full_disk import disk_full_after

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


@pytest.mark.parametrize("room", range(1, 8))
def test_a_line_that_fails_half_way_is_not_there_at_all(tmp_path: Path, room: int) -> None:
    """One that lacks only its end would be completed by the next one."""
    path = tmp_path / "journal.jsonl"
    FILES.append(path, '{"a":1}')
    with disk_full_after(8 + room), pytest.raises(DiskError, match="could not be written"):
        FILES.append(path, '{"b":2}')
    assert path.read_bytes() == b'{"a":1}\n'


def test_what_another_process_wrote_is_never_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"

    def torn_and_overtaken(descriptor: int, content: bytes) -> None:
        os.write(descriptor, content[:3])
        os.write(descriptor, b"theirs\n")
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("core.host.disk._write_all", torn_and_overtaken)
    with pytest.raises(DiskError):
        FILES.append(path, '{"b":2}')
    assert path.read_bytes() == b'{"btheirs\n'


def test_a_file_is_given_the_first_free_name_between_two_lines(tmp_path: Path) -> None:
    path, names = tmp_path / "log", [tmp_path / "log.1", tmp_path / "log.2"]
    told: list[tuple[int, datetime]] = []

    def choose(size: int, written: datetime) -> list[Path]:
        told.append((size, written))
        return names

    assert FILES.rotate(path, choose) is None
    FILES.append(path, "one")
    assert FILES.rotate(path, lambda size, written: []) is None
    assert path.read_bytes() == b"one\n"
    assert FILES.rotate(path, choose) == names[0]
    FILES.append(path, "two")
    assert FILES.rotate(path, choose) == names[1]
    FILES.append(path, "three")
    assert FILES.rotate(path, choose) is None
    assert [each.read_bytes() for each in (*names, path)] == [b"one\n", b"two\n", b"three\n"]
    assert told[0][0] == 4
    assert told[0][1].tzinfo is not None


def test_a_torn_line_is_ended_before_its_file_is_renamed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\ntw")
    FILES.rotate(path, lambda size, written: [tmp_path / "old"])
    assert (tmp_path / "old").read_bytes() == b"one\ntw\n"


def test_a_file_is_not_renamed_in_the_middle_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    FILES.append(path, "one")
    with path.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert FILES.rotate(path, lambda size, written: [tmp_path / "old"]) is None
    assert FILES.rotate(path, lambda size, written: [tmp_path / "old"]) == tmp_path / "old"


def test_a_line_goes_to_the_file_that_has_the_name_when_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, old = tmp_path / "log", tmp_path / "old"
    FILES.append(path, "one")
    take_turn = disk._take_turn

    def renamed_meanwhile(descriptor: int) -> bool:
        if not old.exists():
            path.rename(old)
        return take_turn(descriptor)

    monkeypatch.setattr("core.host.disk._take_turn", renamed_meanwhile)
    FILES.append(path, "two")
    assert (old.read_bytes(), path.read_bytes()) == (b"one\n", b"two\n")


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
