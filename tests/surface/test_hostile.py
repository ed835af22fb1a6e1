"""R6 through the command line: hostile documents end with their code, one message and no change."""

import json
import sqlite3
from pathlib import Path

import pytest

from core.observe.snapshot_document import snapshot_document
from tests.build import order, snapshot
from tests.home import HomeUnderTest

GOOD = json.loads(snapshot_document(snapshot(order("V-1"))))


def with_order(**changes: object) -> bytes:
    return json.dumps({**GOOD, "orders": [{**GOOD["orders"][0], **changes}]}).encode()


SNAPSHOTS = {
    "not json": b"{",
    "empty": b"",
    "another format": json.dumps({**GOOD, "format": "something/9"}).encode(),
    "NaN": with_order(quantity="NaN"),
    "NaN as a number": json.dumps(GOOD).replace('"10"', "NaN", 1).encode(),
    "infinite": json.dumps(GOOD).replace('"10"', "1e999", 1).encode(),
    "huge exponent": with_order(quantity="1e1000000"),
    "full-width digits": with_order(quantity="\uff11\uff12"),
    "underscore": with_order(quantity="1_000"),
    "minus zero": with_order(price="-0"),
    "a number for text": with_order(quantity=10),
    "an id as a number": with_order(broker_order_id=1900000000000000001),
    "unknown side": with_order(side="hold"),
    "5,000 digits": with_order(quantity="9" * 5000),
    "deeply nested": b'{"format": ' + b"[" * 100_000,
    "byte order mark": b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
    "invalid utf-8": json.dumps(GOOD).encode().replace(b"V-1", b"V-\xff"),
    "duplicate key": json.dumps(GOOD).encode().replace(b'{"format"', b'{"format": 1, "format"', 1),
    "known without rows": json.dumps({**GOOD, "orders": None}).encode(),
}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_hostile_snapshot(home: HomeUnderTest, tmp_path: Path, name: str) -> None:
    path = tmp_path / "snapshot.json"
    path.write_bytes(SNAPSHOTS[name])
    result = home.must("plan", "--snapshot", str(path), code=2)
    assert "Traceback" not in result.err
    assert result.err.count("error:") == 1
    assert not (home.root / "status/reconcile_status.json").exists()


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_the_same_as_the_account_of_the_paper_broker(home: HomeUnderTest, name: str) -> None:
    """An account that cannot be read is unavailable, never empty."""
    home.tell(snapshot(order("V-1")))
    home.adopt_all()
    home.paper_file.write_bytes(SNAPSHOTS[name])
    result = home.must("plan", "--detailed-exitcode", code=10)
    assert "Traceback" not in result.err
    assert "0 to delete" in result.out
    assert home.rows("SELECT status FROM orders") == [{"status": "open"}]


@pytest.fixture
def with_backup(home: HomeUnderTest) -> HomeUnderTest:
    home.tell(snapshot(order("V-1")))
    home.adopt_all()
    return home


def hostile_copies(home: HomeUnderTest, folder: Path) -> dict[str, Path]:
    (good,) = (home.root / "backups").glob("db_backup_*.db")
    paths = {name: folder / f"{name}.db" for name in ("trigger", "view", "newer", "cut", "link")}
    for name in ("trigger", "view", "newer"):
        paths[name].write_bytes(good.read_bytes())
    for name, statement in (
        ("trigger", "CREATE TRIGGER evil AFTER INSERT ON orders BEGIN DELETE FROM orders; END"),
        ("view", "CREATE VIEW evil AS SELECT * FROM orders"),
        ("newer", "UPDATE meta SET schema_version = 99"),
    ):
        connection = sqlite3.connect(paths[name])
        with connection:
            connection.execute(statement)
        connection.close()
    paths["cut"].write_bytes(good.read_bytes()[:5000])
    paths["link"].symlink_to(good)
    paths["attach"] = folder / "attach.sql"
    paths["attach"].write_text("ATTACH DATABASE '/tmp/evil.db' AS evil;")
    return paths


@pytest.mark.parametrize("name", ["trigger", "view", "newer", "cut", "link", "attach"])
def test_a_hostile_backup_leaves_the_book_alone(
    with_backup: HomeUnderTest, tmp_path: Path, name: str
) -> None:
    path = hostile_copies(with_backup, tmp_path)[name]
    before = with_backup.rows("SELECT * FROM orders")
    result = with_backup.must("restore", str(path), "--confirm", path.name, code=11)
    assert "Traceback" not in result.err
    assert with_backup.rows("SELECT * FROM orders") == before
    assert with_backup.sentinel.exists()


def test_a_restore_must_be_meant(with_backup: HomeUnderTest) -> None:
    (good,) = (with_backup.root / "backups").glob("db_backup_*.db")
    with_backup.must("restore", good.name, "--no-input", code=7)
    with_backup.must("restore", "no-such.db", "--confirm", "no-such.db", code=2)
    assert not with_backup.sentinel.exists()


def test_a_restore_proves_itself_and_makes_older_plans_stale(with_backup: HomeUnderTest) -> None:
    (good,) = (with_backup.root / "backups").glob("db_backup_*.db")
    with_backup.must("stage", "--quiet")
    report = with_backup.json("restore", good.name, "--confirm", good.name)
    assert report["old_lineage"] != report["new_lineage"]
    assert [action["kind"] for action in report["forgotten"]["actions"]] == ["insert_order"]
    assert with_backup.rows("SELECT * FROM orders") == []
    with_backup.must("safe-mode", "off", "--reason", "looked", "--confirm", "off")
    result = with_backup.must("apply", "--confirm", with_backup.plan_id(), code=5)
    assert "another book" in result.err
    assert with_backup.json("plan")["plan"]["summary"]["insert"] == 1
