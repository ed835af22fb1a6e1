"""P6: applying 100,000 book-only actions beside a bare executemany of the same rows."""

import json
import sqlite3
from pathlib import Path

from bench.homes import write_snapshot
from bench.measure import TRUEUP, run, timed
from bench.report import Figure

ACTIONS = 100_000
TABLES = ("orders", "order_events", "order_audit", "outbox")


def bulk(scratch: Path) -> list[Figure]:
    home = scratch / "home"
    run([*TRUEUP, "init", str(home)])
    _open_gates(home)
    write_snapshot(home / "data/paper_broker.json", ACTIONS, 0, [])
    trueup = [*TRUEUP, "--home", str(home), "--quiet"]
    run([*trueup, "stage", "--ttl", "2h"])
    plan_id = json.loads((home / "staged/staged_actions.json").read_bytes())["plan_id"]
    whole = run([*trueup, "apply", "--confirm", plan_id]).seconds
    transaction = _transaction_seconds(home)
    bare = _bare(home / "data/orders.db", scratch / "bare.db")
    ratio = transaction / bare
    return [
        Figure(
            name="P6",
            what=f"{ACTIONS:,} book actions, the transaction that books them",
            measured=f"{transaction:.1f} s",
            beside=f"{bare:.1f} s (executemany of the same rows)",
            ratio=f"{ratio:.1f} x",
            aim="<= 3 x",
            reached=ratio <= 3,
        ),
        Figure(
            name="P6",
            what="the whole command: read, back up, look again, book, print",
            measured=f"{whole:.1f} s",
            beside=f"{bare:.1f} s",
            ratio=f"{whole / bare:.1f} x",
            aim="(for scale)",
            reached=True,
        ),
    ]


def _open_gates(home: Path) -> None:
    config = home / "config/local_reconcile.yml"
    text = config.read_text()
    for name, value in (("DRY_RUN", "false"), ("SAFE_MODE", "false"), ("DRY_RUN_CONFIRM", "true")):
        start = text.index(f"\n{name}:") + 1
        text = text[:start] + f"{name}: {value}" + text[text.index("\n", start) :]
    config.write_text(text)


def _transaction_seconds(home: Path) -> float:
    """As the log tells it."""
    for line in (home / "logs/reconcile.log").read_text().splitlines():
        told = json.loads(line)
        if told["event"] == "book_actions_applied":
            return float(told["seconds"])
    raise SystemExit("the log tells of no booking")


def _bare(book: Path, empty: Path) -> float:
    """The same rows into the same tables with nothing around them."""
    source = sqlite3.connect(book)
    schema = [sql for (sql,) in source.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL")]
    rows = {table: source.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
    source.close()
    target = sqlite3.connect(empty, isolation_level=None)
    target.execute("PRAGMA journal_mode = WAL")
    target.execute("PRAGMA synchronous = FULL")
    for sql in schema:
        if "sqlite_sequence" not in sql:
            target.execute(sql)

    def write() -> None:
        target.execute("BEGIN IMMEDIATE")
        for table, those in rows.items():
            if those:
                marks = ",".join("?" * len(those[0]))
                target.executemany(f"INSERT INTO {table} VALUES ({marks})", those)
        target.execute("COMMIT")

    return timed(write)
