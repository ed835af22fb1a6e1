"""The stop button works with a full disk, and its first reason stands."""

import resource
from pathlib import Path

import pytest

from core.config.sentinel import is_present
from core.domain.errors import DiskError
from core.host.disk import DiskFiles
from core.host.stop_button import press, release
from tests.core.host.test_disk import disk_full_after

FILES = DiskFiles()


def test_pressing_again_keeps_the_first_reason(tmp_path: Path) -> None:
    sentinel = tmp_path / "status/SAFE_MODE"
    assert press(FILES, sentinel, b"first")
    assert not press(FILES, sentinel, b"second")
    assert sentinel.read_bytes() == b"first"


def test_it_is_on_even_when_its_reason_finds_no_room(tmp_path: Path) -> None:
    sentinel = tmp_path / "status/SAFE_MODE"
    with disk_full_after(0):
        assert press(FILES, sentinel, b"why")
    assert sentinel.read_bytes() == b""
    assert [each.name for each in sentinel.parent.iterdir()] == ["SAFE_MODE"]


def test_when_it_cannot_be_made_the_other_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "status").mkdir()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        with pytest.raises(DiskError) as refusal:
            press(FILES, tmp_path / "status/SAFE_MODE", b"why")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert "SAFE_MODE: true" in str(refusal.value.hint)


def test_releasing(tmp_path: Path) -> None:
    sentinel = tmp_path / "SAFE_MODE"
    assert not release(FILES, sentinel)
    sentinel.symlink_to("nowhere")
    assert release(FILES, sentinel)
    assert not is_present(sentinel)


def test_a_folder_of_that_name_is_left_to_the_operator(tmp_path: Path) -> None:
    (tmp_path / "SAFE_MODE").mkdir()
    with pytest.raises(DiskError, match="could not be removed"):
        release(FILES, tmp_path / "SAFE_MODE")
