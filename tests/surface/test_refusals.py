"""Everything that keeps the door shut: a test a reason, the code, the words, what changed."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from core.apply.lock import HomeLock
from core.host.clock import SystemClock
from core.host.disk import DiskFiles
from tests.build import execution, instrument, order, position, snapshot
from tests.home import HomeUnderTest, by_id

DRIFT = snapshot(order("V-1"), order("V-2", price=90))


@pytest.fixture
def staged(home: HomeUnderTest) -> HomeUnderTest:
    """Two new orders, staged, armed; one `apply --confirm` away from the book."""
    home.tell(DRIFT)
    home.arm()
    home.must("stage", "--quiet")
    return home


def refused(home: HomeUnderTest, code: int, *words: str, arguments: tuple[str, ...] = ()) -> str:
    """Applies, expects this exit code and these words, and that nothing at all was changed."""
    book, broker = home.rows("SELECT * FROM orders"), home.account
    result = home.must("apply", *(arguments or ("--confirm", home.plan_id())), code=code)
    assert home.rows("SELECT * FROM orders") == book
    assert home.account == broker
    for word in words:
        assert word in result.err, result.err
    assert "next:" in result.err
    return result.err


def test_without_a_reason_it_opens(staged: HomeUnderTest) -> None:
    staged.must("apply", "--confirm", staged.plan_id())
    assert len(staged.rows("SELECT * FROM orders")) == 2


def test_safe_mode_in_the_file(staged: HomeUnderTest) -> None:
    staged.set(SAFE_MODE="true")
    refused(staged, 7, "SAFE_MODE is on", "config/local_reconcile.yml")


def test_safe_mode_by_the_sentinel(staged: HomeUnderTest) -> None:
    staged.must("safe-mode", "on", "--reason", "odd prices")
    refused(staged, 7, "SAFE_MODE is on", "odd prices")


def test_safe_mode_by_the_environment(
    staged: HomeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUEUP_SAFE_MODE", "true")
    refused(staged, 7, "SAFE_MODE is on", "TRUEUP_SAFE_MODE")


def test_no_variable_lifts_a_safe_mode_of_the_file(
    staged: HomeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged.set(SAFE_MODE="true")
    monkeypatch.setenv("TRUEUP_SAFE_MODE", "false")
    refused(staged, 7, "SAFE_MODE is on")


def test_not_armed(staged: HomeUnderTest) -> None:
    staged.set(DRY_RUN_CONFIRM="false")
    refused(staged, 7, "not armed", "DRY_RUN_CONFIRM")


def test_armed_for_another_plan(staged: HomeUnderTest) -> None:
    staged.set(DRY_RUN_CONFIRM='"p-20260105-000000"')
    refused(staged, 7, "armed for p-20260105-000000")


def test_armed_for_this_plan_needs_no_confirmation(staged: HomeUnderTest) -> None:
    staged.set(DRY_RUN_CONFIRM=f'"{staged.plan_id()}"')
    staged.must("apply", "--no-input")


def test_not_confirmed_and_nobody_to_ask(staged: HomeUnderTest) -> None:
    refused(staged, 7, "not confirmed", staged.plan_id(), arguments=("--no-input",))


def test_confirmed_by_the_wrong_id(staged: HomeUnderTest) -> None:
    refused(staged, 7, "not confirmed", arguments=("--confirm", "p-20260105-abcdef"))


def test_ambiguous_matches_open(home: HomeUnderTest) -> None:
    """book: an open order of unknown id / broker: one that looks the same."""
    home.arm()
    home.must("plan", "--quiet")
    home.execute(
        "INSERT INTO orders (order_id, account, symbol, side, order_type, quantity, price, status,"
        " created_at) VALUES ('o-9', 'main', 'BTCUSDT', 'buy', 'limit', '10', '100', 'open',"
        " '2026-01-05T11:00:00Z')"
    )
    home.tell(snapshot(order("V-1")))
    home.must("stage", "--quiet", code=4)
    assert json.loads((home.root / "logs/ambiguous_matches.json").read_text())["count"] == 1
    refused(home, 4, "ambiguous", "trueup resolve")


def test_an_action_still_pending(home: HomeUnderTest) -> None:
    home.tell(snapshot(position(5), execution("T-1", 5)))
    home.arm()
    home.must("stage", "--quiet")
    error = refused(home, 7, "wait for a decision", "trueup review --approve")
    assert "a00" in error


def test_expired(staged: HomeUnderTest) -> None:
    document = json.loads(staged.staged_file.read_text())
    assert document["expires_at"] > document["generated_at"]
    staged.must("stage", "--ttl", "1s", "--quiet")
    wait_until_expired(staged)
    refused(staged, 5, "expired at", "trueup stage")


def wait_until_expired(home: HomeUnderTest) -> None:
    from core.domain.moment import parse_moment

    until = parse_moment(json.loads(home.staged_file.read_text())["expires_at"])
    clock = SystemClock()
    while clock.now() < until:
        pass


def test_superseded(staged: HomeUnderTest) -> None:
    """An earlier staged file, put back after a later stage."""
    earlier = staged.staged_file.read_bytes()
    staged.must("stage", "--quiet")
    staged.staged_file.write_bytes(earlier)
    refused(staged, 5, "superseded")


def test_the_superseded_file_is_kept_in_the_archive(staged: HomeUnderTest) -> None:
    earlier, plan_id = staged.staged_file.read_bytes(), staged.plan_id()
    staged.must("stage", "--quiet")
    assert (staged.root / "staged/archive" / f"{plan_id}.json").read_bytes() == earlier


def test_used(staged: HomeUnderTest) -> None:
    staged.must("apply", "--confirm", staged.plan_id(), "--quiet")
    refused(staged, 5, "used already")


def test_stale_because_the_broker_moved(staged: HomeUnderTest) -> None:
    """plan: V-2 new and open / broker since: 4 of it filled."""
    filled = order("V-2", price=90, status="partially_filled", filled_quantity=4, average_price=90)
    staged.tell(snapshot(order("V-1"), filled))
    refused(staged, 5, "stale", "filled_quantity: 0 → 4", "status: open → partially_filled")


def test_stale_because_the_book_moved(staged: HomeUnderTest) -> None:
    """Somebody enters V-1 by hand after the plan was made."""
    staged.execute(
        "INSERT INTO orders (order_id, account, broker_order_id, symbol, side, order_type,"
        " quantity, price, status)"
        " VALUES ('o-9', 'main', 'V-1', 'BTCUSDT', 'buy', 'limit', '10', '100', 'open')"
    )
    refused(staged, 5, "no longer differs")


def test_stale_because_the_position_moved(home: HomeUnderTest) -> None:
    """Scenario 7. plan: a stop for 5 / broker since: 8 held."""
    home.tell(snapshot(position(5), execution("T-1", 5), order(status="filled", filled_quantity=5)))
    home.arm()
    home.stage_and_approve("all")
    home.tell(
        snapshot(
            position(8),
            execution("T-1", 5),
            execution("T-2", 3),
            order(status="filled", filled_quantity=8),
        )
    )
    refused(home, 5, "stale", "after.quantity: 5 → 8")
    assert not any(row["reduce_only"] for row in home.broker_orders())


def test_content_changed_by_hand(staged: HomeUnderTest) -> None:
    text = staged.staged_file.read_text()
    staged.staged_file.write_text(text.replace('"quantity": "10"', '"quantity": "11"', 1))
    refused(staged, 6, "was changed after it was staged")


def test_a_forged_digest_does_not_help(staged: HomeUnderTest) -> None:
    from core.plan.codec import content_digest

    document = json.loads(staged.staged_file.read_text())
    document["plan"]["to_insert"][0]["after"]["quantity"] = "11"
    document["content_digest"] = content_digest(document)
    staged.staged_file.write_text(json.dumps(document))
    refused(staged, 6, "the book registered another content")


def test_decisions_edited_by_hand_count_until_they_are_sealed(staged: HomeUnderTest) -> None:
    text = staged.staged_file.read_text()
    staged.staged_file.write_text(text.replace('"decision": "approve"', '"decision": "skip"', 1))
    staged.must("apply", "--confirm", staged.plan_id())
    assert len(staged.rows("SELECT * FROM orders")) == 1


def test_an_edit_after_the_seal(staged: HomeUnderTest) -> None:
    staged.must("review", "--seal", "--quiet")
    text = staged.staged_file.read_text()
    staged.staged_file.write_text(text.replace('"decision": "approve"', '"decision": "skip"', 1))
    refused(staged, 6, "sealed")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"format_version": "2.0"}',
        b'{"a": 1, "a": 2}',
        b"[" * 99_999,
    ],
)
def test_unreadable_staged_file(staged: HomeUnderTest, content: bytes) -> None:
    staged.staged_file.write_bytes(content)
    result = staged.must("apply", "--confirm", "p-20260105-7f3c2a", code=6)
    assert "Traceback" not in result.err
    assert staged.rows("SELECT * FROM orders") == []


def test_nothing_staged(home: HomeUnderTest) -> None:
    home.arm()
    result = home.must("apply", "--confirm", "p-20260105-7f3c2a", code=6)
    assert "nothing is staged" in result.err
    assert "next: trueup stage" in result.err


def test_an_unresolved_step_of_an_earlier_run(home: HomeUnderTest) -> None:
    home.tell(
        snapshot(position(5), execution("T-1", 5), order(status="filled", filled_quantity=5)),
        faults=[{"on": "place", "kind": "lost_reply"}],
    )
    home.arm()
    result = home.must("apply", "--confirm", home.stage_and_approve("all"), code=9)
    assert "unknown" in result.out
    # Trying once more must not send anybody off to stage another plan first.
    told = refused(home, 9, "no known outcome", "used already", "trueup apply --resume")
    assert "trueup stage" not in told
    home.must("stage", "--quiet")
    refused(home, 9, "no known outcome", "trueup apply --resume")


def test_the_backup_failed(staged: HomeUnderTest) -> None:
    for path in (staged.root / "backups").iterdir():
        path.unlink()
    (staged.root / "backups").rmdir()
    (staged.root / "backups").write_text("a file where the folder should be")
    refused(staged, 11, "no backup was made")
    assert "backup_failed" in (staged.root / "logs/alerts.jsonl").read_text()


def test_the_lock_is_held(staged: HomeUnderTest) -> None:
    with locked(staged):
        error = refused(staged, 8, "holds the lock since")
    assert "apply in another window" in error
    staged.must("apply", "--confirm", staged.plan_id())


@contextmanager
def locked(home: HomeUnderTest) -> Iterator[None]:
    lock = HomeLock(
        home.root / "status/trueup.lock",
        home.root / "status/trueup.lock.json",
        files=DiskFiles(),
        clock=SystemClock(),
        command="apply in another window",
    )
    with lock:
        yield


def test_the_broker_is_not_reachable(staged: HomeUnderTest) -> None:
    staged.paper_file.rename(staged.paper_file.with_suffix(".away"))
    result = staged.must("apply", "--confirm", staged.plan_id(), code=10)
    assert "next:" in result.err
    assert staged.rows("SELECT * FROM orders") == []


def test_the_broker_is_only_partly_readable(staged: HomeUnderTest) -> None:
    document = staged.account
    document["parts"]["positions"] = {"unavailable": "the venue answered 503"}
    staged.rewrite_account(document)
    refused(staged, 10, "read in part", "503")


def test_the_book_is_locked_by_another_program(staged: HomeUnderTest) -> None:
    """Scenario 1: nothing is sent before the intent is committed."""
    staged.set_in("DATABASE", busy_timeout_seconds="0.2")
    other = sqlite3.connect(staged.book_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    result = staged.trueup("apply", "--confirm", staged.plan_id())
    other.execute("ROLLBACK")
    other.close()
    assert result.code == 8, result.err
    assert "write lock" in result.err
    assert staged.rows("SELECT * FROM orders") == []


def test_dry_run_simulates_and_changes_nothing(staged: HomeUnderTest) -> None:
    staged.set(DRY_RUN="true")
    result = staged.must("apply")
    assert "simulated" in result.out
    assert staged.rows("SELECT * FROM orders") == []
    assert staged.rows("SELECT * FROM order_audit") == []


def test_several_reasons_are_all_named(staged: HomeUnderTest) -> None:
    staged.set(SAFE_MODE="true", DRY_RUN_CONFIRM="false")
    refused(staged, 7, "SAFE_MODE is on", "also: not armed")


def test_the_door_opens_for_a_protective_order_too(home: HomeUnderTest) -> None:
    bought = order(status="filled", filled_quantity=5)
    home.tell(snapshot(position(5), execution("T-1", 5), bought, instrument()))
    home.adopt_all()
    (placed,) = [row for row in home.broker_orders() if row["reduce_only"]]
    assert placed["client_order_id"].startswith("tu-")
    held = by_id(home.rows("SELECT * FROM orders"), "client_order_id")[placed["client_order_id"]]
    assert (held["status"], held["origin"], held["broker_order_id"]) == (
        "open",
        "owned",
        placed["broker_order_id"],
    )
