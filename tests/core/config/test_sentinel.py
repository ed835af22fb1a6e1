"""What a sentinel file tells, whoever wrote it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.config.sentinel import Notice, is_present, notice_text, read_notice

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_it_tells_who_when_and_why(tmp_path: Path) -> None:
    path = tmp_path / "SAFE_MODE"
    path.write_bytes(notice_text(by="alice", at=AT, reason='drift \x1b[2J "x"'))
    notice = read_notice(path)
    assert notice == Notice(by="alice", at="2026-01-05T12:00:00Z", reason='drift \x1b[2J "x"')
    assert b"\x1b" not in path.read_bytes()
    assert str(notice) == ' by alice at 2026-01-05T12:00:00Z: drift \x1b[2J "x"'
    assert str(Notice(by="alice", reason="drift")) == " by alice: drift"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", ""),
        (b"hands off\n", "hands off"),
        (b"[1]", "[1]"),
        (b'{"reason": 5}', "5"),
        (b"{" * 100_000, "its file cannot be read"),
        (b"[" * 15_000, "[" * 200),
        (b"\xff\xfe", "��"),
    ],
)
def test_it_may_hold_anything(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "SAFE_MODE"
    path.write_bytes(content)
    assert read_notice(path).reason == reason


def test_only_nothing_at_all_is_absence(tmp_path: Path) -> None:
    assert not is_present(tmp_path / "SAFE_MODE")
    assert not is_present(tmp_path / "no/such/folder/SAFE_MODE")
    (tmp_path / "loop").symlink_to("loop")
    assert is_present(tmp_path / "loop")
    assert is_present(tmp_path / "loop/SAFE_MODE")
