"""A home whose book is of version 1: the next command copies it, then brings it forward."""

from core.book.schema import SCHEMA_VERSION
from tests.core.book.test_trading_schema import make_old, rows
from tests.home import HomeUnderTest


def test_the_first_command_backs_up_and_then_migrates(home: HomeUnderTest) -> None:
    home.book_file.parent.mkdir(exist_ok=True)
    make_old(home.book_file)
    home.book_file.chmod(0o600)
    before = rows(home.book_file)
    assert home.json("signals")["signals"] == []
    assert rows(home.book_file) == before | {"meta": [(1, "lineage", 0, SCHEMA_VERSION)]}
    (copy,) = home.json("backup", "list")["backups"]
    assert copy["verified"] is True
    # And never again.
    home.must("intents")
    assert len(home.json("backup", "list")["backups"]) == 1
    # Back to the older book, which comes forward once more.
    home.must("restore", copy["file"], "--confirm", copy["file"])
    home.must("orders")
    assert home.rows("SELECT schema_version FROM meta") == [{"schema_version": SCHEMA_VERSION}]
    assert rows(home.book_file)["orders"] == before["orders"]
