"""One holder at a time, across processes; the kernel frees the lock of a dead one."""

import errno
import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.apply.lock import HomeLock
from core.domain.errors import DiskError, Locked
from core.host.disk import DiskFiles

HOLD = """
import sys
from pathlib import Path
from core.apply.lock import HomeLock
from core.host.clock import SystemClock
from core.host.disk import DiskFiles
status = Path(sys.argv[1])
lock = HomeLock(status / "trueup.lock", status / "trueup.lock.json", files=DiskFiles(),
                clock=SystemClock(), command="apply", queue=status / "trueup.lock.queue")
with lock:
    print("held", flush=True)
    sys.stdin.readline()
print("released", flush=True)
"""


class FixedClock:
    def now(self) -> datetime:
        return datetime(2026, 1, 5, 12, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("the lock waits by `pause`")


def lock_in(status: Path, **told: Any) -> HomeLock:
    queue = status / "trueup.lock.queue"
    told = {"files": DiskFiles(), "clock": FixedClock(), "command": "stage", "queue": queue, **told}
    return HomeLock(status / "trueup.lock", status / "trueup.lock.json", **told)


@contextmanager
def another(
    status: Path, program: str = HOLD, says: str = "held"
) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the lock until its stdin gets a line."""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(status)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{says}\n"
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def details(status: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((status / "trueup.lock.json").read_text("utf-8"))
    return told


def test_the_holder_says_who_it_is_while_it_holds(tmp_path: Path) -> None:
    with lock_in(tmp_path):
        assert details(tmp_path) == {
            "pid": os.getpid(),
            "command": "stage",
            "host": os.uname().nodename,
            "since": "2026-01-05T12:00:00Z",
        }
    assert not (tmp_path / "trueup.lock.json").exists()
    assert (tmp_path / "trueup.lock").exists()


def test_it_can_be_taken_again_and_again(tmp_path: Path) -> None:
    lock = lock_in(tmp_path / "status")
    inode = None
    for _ in range(3):
        with lock:
            status = (tmp_path / "status/trueup.lock").stat()
            assert stat.S_IMODE(status.st_mode) == 0o600
            assert inode in (None, status.st_ino)
            inode = status.st_ino


def test_another_process_is_turned_away_and_told_by_whom(tmp_path: Path) -> None:
    with another(tmp_path) as holder:
        with pytest.raises(Locked) as refusal, lock_in(tmp_path):
            pytest.fail("two held the lock")
        assert f"`trueup apply` holds the lock since {details(tmp_path)['since']}" in str(
            refusal.value
        )
        assert f"(process {holder.pid} on " in str(refusal.value)
        assert "--lock-timeout" in str(refusal.value.hint)


def test_a_second_lock_in_one_process_is_turned_away_too(tmp_path: Path) -> None:
    with lock_in(tmp_path), pytest.raises(Locked), lock_in(tmp_path):
        pytest.fail("two held the lock")
    with lock_in(tmp_path):
        pass


def test_opening_and_closing_the_file_elsewhere_does_not_free_it(tmp_path: Path) -> None:
    with lock_in(tmp_path):
        (tmp_path / "trueup.lock").read_bytes()
        with pytest.raises(Locked), lock_in(tmp_path):
            pytest.fail("the lock was lost")


def test_the_lock_of_a_killed_process_is_free_and_its_details_harmless(tmp_path: Path) -> None:
    with another(tmp_path) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait(30)
    assert details(tmp_path)["pid"] == holder.pid
    with lock_in(tmp_path):
        assert details(tmp_path)["pid"] == os.getpid()


def test_waiting_ends_when_the_holder_lets_go(tmp_path: Path) -> None:
    with another(tmp_path) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None

        def pause(seconds: float) -> None:
            assert holder.stdin is not None
            assert holder.stdout is not None
            if holder.poll() is None and not holder.stdin.closed:
                holder.stdin.write("go\n")
                holder.stdin.close()
                assert holder.stdout.readline() == "released\n"

        with lock_in(tmp_path, timeout_seconds=10, pause=pause):
            assert details(tmp_path)["command"] == "stage"


def test_the_holder_knows_whether_somebody_waits(tmp_path: Path) -> None:
    seen: list[bool] = []
    with lock_in(tmp_path) as held:
        assert not held.is_wanted()
        with pytest.raises(Locked):
            lock_in(tmp_path).__enter__()
        assert not held.is_wanted(), "whoever has no patience does not wait"

        def pause(seconds: float) -> None:
            seen.append(held.is_wanted())

        with pytest.raises(Locked):
            lock_in(tmp_path, timeout_seconds=0.1, pause=pause).__enter__()
        assert seen == [True, True]
        assert not held.is_wanted(), "it has given up"


def test_without_a_queue_nobody_can_tell(tmp_path: Path) -> None:
    with lock_in(tmp_path, queue=None) as held:

        def pause(seconds: float) -> None:
            assert not held.is_wanted()

        with pytest.raises(Locked):
            lock_in(tmp_path, queue=None, timeout_seconds=0.1, pause=pause).__enter__()


def test_somebody_who_waited_and_was_killed_does_not_wait(tmp_path: Path) -> None:
    """The kernel lets go of the place in the queue, too; until then each of them counts."""
    with lock_in(tmp_path) as held, waiting(tmp_path) as first, waiting(tmp_path) as second:
        assert held.is_wanted()
        first.kill()
        first.wait()
        assert held.is_wanted()
        second.kill()
        second.wait()
        assert not held.is_wanted()


def waiting(status: Path) -> AbstractContextManager["subprocess.Popen[str]"]:
    """A process that waits for the lock, and says when it begins to."""
    program = HOLD.replace("queue=", "timeout_seconds=600, pause=wait, queue=")
    return another(status, program.replace("lock = ", WAIT + "lock = ", 1), "waiting")


WAIT = """
import time
def wait(seconds):
    print("waiting", flush=True)
    time.sleep(600)
"""


def test_waiting_has_an_end(tmp_path: Path) -> None:
    waited: list[float] = []
    with another(tmp_path), pytest.raises(Locked):
        lock_in(tmp_path, timeout_seconds=1.02, pause=waited.append).__enter__()
    assert sum(waited) == pytest.approx(1.02)


@pytest.mark.parametrize(
    "content", [None, b"", b"junk", b"[]", b'{"pid": 1}', b'{"pid": "x", "command": 1}']
)
def test_unreadable_details_still_turn_away(tmp_path: Path, content: bytes | None) -> None:
    with another(tmp_path):
        (tmp_path / "trueup.lock.json").unlink()
        if content is not None:
            (tmp_path / "trueup.lock.json").write_bytes(content)
        with pytest.raises(Locked, match="it has not said who it is"), lock_in(tmp_path):
            pytest.fail("two held the lock")


def test_details_of_a_dead_process_are_not_believed(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait(30)
    with another(tmp_path):
        told = {**details(tmp_path), "pid": dead.pid}
        (tmp_path / "trueup.lock.json").write_text(json.dumps(told), "utf-8")
        with pytest.raises(Locked, match="it has not said who it is"), lock_in(tmp_path):
            pytest.fail("two held the lock")
        told = {**told, "host": "elsewhere"}
        (tmp_path / "trueup.lock.json").write_text(json.dumps(told), "utf-8")
        with pytest.raises(Locked, match=f"process {dead.pid} on elsewhere"), lock_in(tmp_path):
            pytest.fail("two held the lock")


def test_a_lock_file_deleted_by_hand_lets_no_second_one_in_unseen(tmp_path: Path) -> None:
    """The name must belong to the file that was locked, or the lock keeps nobody out."""
    with another(tmp_path):
        (tmp_path / "trueup.lock").unlink()
        with lock_in(tmp_path), pytest.raises(Locked), lock_in(tmp_path):
            pytest.fail("two held the new lock")


def test_a_child_does_not_inherit_it(tmp_path: Path) -> None:
    lock = lock_in(tmp_path)
    with lock:
        child = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
        )
    with lock_in(tmp_path):
        pass
    child.communicate(timeout=30)


def test_an_error_inside_frees_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inside"), lock_in(tmp_path):
        raise ValueError("inside")
    with lock_in(tmp_path):
        pass


def test_a_lock_that_cannot_say_who_holds_it_is_not_held(tmp_path: Path) -> None:
    (tmp_path / "trueup.lock.json").mkdir()
    with pytest.raises(DiskError), lock_in(tmp_path):
        pytest.fail("entered without details")
    (tmp_path / "trueup.lock.json").rmdir()
    with lock_in(tmp_path):
        pass


def test_entering_twice_is_a_mistake_of_ours(tmp_path: Path) -> None:
    lock = lock_in(tmp_path)
    with lock, pytest.raises(RuntimeError, match="held already"):
        lock.__enter__()


@pytest.mark.parametrize("flaw", ["link", "directory", "no folder"])
def test_a_lock_file_that_is_none_is_refused(tmp_path: Path, flaw: str) -> None:
    status = tmp_path / "status"
    if flaw == "no folder":
        status.write_text("in the way", "utf-8")
    else:
        status.mkdir()
        path = status / "trueup.lock"
        path.symlink_to(tmp_path / "x") if flaw == "link" else path.mkdir()
    with pytest.raises(DiskError, match=r"the lock .*trueup\.lock "), lock_in(status):
        pytest.fail("entered")
    assert not (tmp_path / "x").exists()


def test_a_lock_file_deleted_between_opening_and_locking_is_not_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moment in which somebody's `rm` would let two in."""
    real, path = fcntl.flock, tmp_path / "trueup.lock"
    deleted = []

    def delete_first(descriptor: int, operation: int) -> None:
        if not deleted:
            deleted.append(path.stat().st_ino)
            path.unlink()
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", delete_first)
    with lock_in(tmp_path, timeout_seconds=1, pause=lambda seconds: None):
        assert path.exists()
        with pytest.raises(Locked), lock_in(tmp_path):
            pytest.fail("two held the lock")


def test_a_file_system_without_locks_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(DiskError, match="cannot lock files: No locks available"):
        lock_in(tmp_path).__enter__()


def test_a_holder_of_whom_nothing_can_be_found_out_is_believed(tmp_path: Path) -> None:
    with another(tmp_path):
        told = {**details(tmp_path), "pid": 10**30}
        (tmp_path / "trueup.lock.json").write_text(json.dumps(told), "utf-8")
        with pytest.raises(Locked, match="`trueup apply` holds the lock"), lock_in(tmp_path):
            pytest.fail("two held the lock")
