"""Backups and restores that are killed, that fail and that run out of disk, at many points each.

The cutting is done in a process of its own, which forks for every point: cutting.py says what has
to hold afterwards. TRUEUP_TEST_CUTS asks for more points than these.
"""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
import sqlite3

import pytest

from core.domain.errors import RestoreFailed
from tests.core.book.copies.shelf import Shelf

ROOT = Path(__file__).parents[4]
POINTS = os.environ.get("TRUEUP_TEST_CUTS", "20")


@pytest.mark.parametrize("how", ["kill", "error", "interrupt", "disk"])
@pytest.mark.parametrize("what", ["backup", "restore", "restore-garbage", "restore-new"])
def test_cut_short_anywhere_it_leaves_the_old_book_or_the_new_one(
    what: str, how: str, tmp_path: Path
) -> None:
    module = "tests.core.book.copies.cutting"
    command = [sys.executable, "-m", module, what, how, str(tmp_path), POINTS]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("ending", [".db", ".sql"])
def test_a_writer_that_keeps_its_lock_keeps_its_book(shelf: Shelf, ending: str) -> None:
    backup = shelf.back_up()
    shelf.add_orders("V-3")
    with closing(sqlite3.connect(shelf.book, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE orders SET trace_id = 'mine'")
        with pytest.raises(RestoreFailed, match="another process holds the database's lock"):
            shelf.restore(backup.path.with_suffix(ending))
        writer.execute("COMMIT")
    assert shelf.ask("SELECT DISTINCT trace_id FROM orders") == [("mine",)]
    assert len(shelf.orders()) == 3


# Each names a step as the module that takes it knows it.
STEPS = [
    "core.book.restore.scratch_database",
    "core.book.restore.create_backup",
    "core.book.copies.placing.fit_pages",
    "core.book.copies.placing.write_over",
    "core.book.copies.placing.keep_aside",
    "core.book.copies.placing.exchange",
    "core.book.restore.integrity_problems",
    "core.book.restore.foreign_key_problems",
    "core.book.restore.differing_tables",
    "core.book.restore.row_counts",
]
