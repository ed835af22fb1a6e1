"""One JSON line an event: no text of a venue acts, no secret shows, no line is lost."""

import json
import multiprocessing
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.config.secret import Secret
from core.host.run_log import DiskRunLog


class FixedClock:
    def now(self) -> datetime:
        return datetime(2026, 1, 5, 12, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a log does not wait")


@dataclass(frozen=True)
class Noun:
    symbol: str
    quantity: Decimal


def log_at(tmp_path: Path, **told: Any) -> DiskRunLog:
    return DiskRunLog(tmp_path / "logs/reconcile.log", FixedClock(), **told)


def rows(tmp_path: Path, name: str = "reconcile.log") -> list[dict[str, Any]]:
    lines = (tmp_path / "logs" / name).read_text("ascii").splitlines()
    return [json.loads(line) for line in lines]


def test_an_event_is_a_line(tmp_path: Path) -> None:
    log_at(tmp_path).event("staged", plan_id="p-1", count=3, price=Decimal("1.50"))
    log_at(tmp_path).event("failed", level="error", at=FixedClock().now(), path=Path("/x"))
    assert rows(tmp_path) == [
        {
            "time": "2026-01-05T12:00:00Z",
            "level": "info",
            "event": "staged",
            "plan_id": "p-1",
            "count": 3,
            "price": "1.5",
        },
        {
            "time": "2026-01-05T12:00:00Z",
            "level": "error",
            "event": "failed",
            "at": "2026-01-05T12:00:00Z",
            "path": "/x",
        },
    ]


def test_nouns_and_containers_are_told_in_full(tmp_path: Path) -> None:
    noun = Noun("BTCUSDT", Decimal("0.10"))
    log_at(tmp_path).event("seen", noun=noun, listed=[noun, None], wait=timedelta(seconds=2))
    row = {"symbol": "BTCUSDT", "quantity": "0.1"}
    assert rows(tmp_path)[0]["noun"] == row
    assert rows(tmp_path)[0]["listed"] == [row, None]
    assert rows(tmp_path)[0]["wait"] == "0:00:02"


def test_a_field_cannot_pose_as_the_head_of_the_line(tmp_path: Path) -> None:
    log_at(tmp_path).event("seen", time="never", event="other")
    assert rows(tmp_path)[0]["time"] == "2026-01-05T12:00:00Z"
    assert rows(tmp_path)[0]["event"] == "seen"


def test_hostile_text_stays_one_harmless_line(tmp_path: Path) -> None:
    text = 'x\n{"event": "forged"}\x1b]52;c;aGk=\x07\u202e\ud800'
    log_at(tmp_path).event("seen", text=text)
    content = (tmp_path / "logs/reconcile.log").read_bytes()
    assert content.count(b"\n") == 1
    assert all(0x20 <= byte < 0x7F for byte in content[:-1])
    assert rows(tmp_path)[0]["text"] == text


def test_secrets_do_not_show_by_type_by_name_or_by_text(tmp_path: Path) -> None:
    canary = "canary-log-91b2"
    secret = Secret("env:K", root=tmp_path, environment={"K": canary})
    log_at(tmp_path).event(
        "connected",
        key=secret,
        api_key="plain-one",
        nested={"Password": "plain-two", "tokens": ["plain-three"]},
        url=f"wss://venue?sign={secret.reveal()}",
        secret=None,
    )
    content = (tmp_path / "logs/reconcile.log").read_text("ascii")
    assert canary not in content
    assert "plain-" not in content
    assert rows(tmp_path)[0]["url"] == "wss://venue?sign=***"
    assert rows(tmp_path)[0]["secret"] is None


def test_the_file_is_private(tmp_path: Path) -> None:
    log_at(tmp_path).event("x")
    assert stat.S_IMODE((tmp_path / "logs/reconcile.log").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "logs").stat().st_mode) == 0o700


def test_an_endless_text_is_cut(tmp_path: Path) -> None:
    log_at(tmp_path).event("seen", text="x" * 1_000_000)
    assert len(rows(tmp_path)[0]["text"]) == 20_003


def test_a_full_file_is_moved_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    log = log_at(tmp_path, bytes_max=2_000, keep=2)
    for number in range(100):
        log.event("turn", number=number)
    names = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert names == ["reconcile.log", "reconcile.log.1", "reconcile.log.2"]
    kept = [row["number"] for name in reversed(names) for row in rows(tmp_path, name)]
    assert kept == list(range(kept[0], 100))


def write_many(path: Path, writer: int) -> None:
    log = DiskRunLog(path, FixedClock(), bytes_max=4_000, keep=50)
    for number in range(200):
        log.event("turn", writer=writer, number=number)
    assert log.trouble is None


def test_several_processes_lose_no_line_while_it_rotates(tmp_path: Path) -> None:
    path = tmp_path / "logs/reconcile.log"
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=write_many, args=(path, number)) for number in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    found = [
        (row["writer"], row["number"])
        for each in (tmp_path / "logs").iterdir()
        for row in rows(tmp_path, each.name)
    ]
    assert sorted(found) == [(writer, number) for writer in range(3) for number in range(200)]


def test_a_log_that_cannot_be_written_stops_nothing_and_says_so_once(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way", "utf-8")
    log = log_at(tmp_path)
    log.event("one")
    log.event("two")
    assert log.trouble is not None
    assert "reconcile.log" in log.trouble


def test_it_does_not_write_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "precious").touch()
    (tmp_path / "logs/reconcile.log").symlink_to(tmp_path / "precious")
    log = log_at(tmp_path)
    log.event("one")
    assert (tmp_path / "precious").read_bytes() == b""
    assert log.trouble == f"{tmp_path}/logs/reconcile.log is a symbolic link"


def test_a_secret_is_not_cut_before_it_is_recognised(tmp_path: Path) -> None:
    Secret("env:K", root=Path("/"), environment={"K": "canary-93-canary"}).reveal()
    log_at(tmp_path).event("failed", error="x" * 19_990 + "canary-93-canary")
    assert "canary" not in rows(tmp_path)[0]["error"]
