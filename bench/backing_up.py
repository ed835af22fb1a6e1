"""P7: a verified backup of a 1 GiB book beside the sqlite3 shell's .backup."""

import shutil
import sqlite3
import subprocess
from pathlib import Path

from bench.homes import make_home
from bench.measure import TRUEUP, run, timed
from bench.report import Figure

BYTES = 1024**3


def verified(scratch: Path) -> list[Figure]:
    home = scratch / "home"
    make_home(home, orders=100_000, executions=0)
    book = home / "data/orders.db"
    _grow(book)
    took = run([*TRUEUP, "--home", str(home), "backup", "create", "--quiet"]).seconds
    beside = timed(lambda: _shell_backup(book, scratch / "shell.db"))
    ratio = took / beside
    return [
        Figure(
            name="P7",
            what=f"verified backup of a book of {book.stat().st_size / BYTES:.2f} GiB",
            measured=f"{took:.1f} s",
            beside=f"{beside:.1f} s (.backup)",
            ratio=f"{ratio:.1f} x",
            aim="<= 3 x",
            reached=ratio <= 3,
        )
    ]


def _grow(book: Path) -> None:
    """Events of every size until the file is a gibibyte."""
    connection = sqlite3.connect(book)
    while book.stat().st_size < BYTES:
        with connection:
            connection.execute(
                "INSERT INTO order_events (order_id, account, event_type, details, source,"
                " occurred_at, recorded_at) SELECT order_id, account, 'note',"
                " json_object('text', hex(randomblob(400))), 'bench', created_at, created_at"
                " FROM orders"
            )
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _shell_backup(book: Path, target: Path) -> None:
    shell = shutil.which("sqlite3")
    if shell is not None:
        subprocess.run([shell, str(book), f".backup {target}"], check=True)
        return
    source, copy = sqlite3.connect(book), sqlite3.connect(target)
    source.backup(copy)
    copy.close()
    source.close()
