"""The copies as they lie there: listing them, and removing those that no rule keeps."""

from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from core.book.copies.shelf import removable
from core.config.settings import Retention
from core.domain.backup import Backup, ListedBackup, Manifest
from core.domain.errors import BackupFailed
from tests.build import NOON
from tests.core.book.copies.shelf import Shelf

EVERYTHING = {"hourly": 24, "daily": 14, "weekly": 8}


def test_the_latest_copy_comes_first_with_what_its_manifest_says(shelf: Shelf) -> None:
    first = shelf.back_up()
    shelf.clock.at += timedelta(minutes=5)
    second = shelf.back_up()
    shelf.clock.at += timedelta(minutes=1)
    listed = shelf.listed()
    assert [copy.name for copy in listed] == [second.name, first.name]
    assert [copy.age for copy in listed] == [timedelta(minutes=1), timedelta(minutes=6)]
    assert [copy.manifest for copy in listed] == [second.manifest, first.manifest]
    assert all(copy.verified for copy in listed)


def test_copies_of_one_second_are_listed_in_the_order_they_were_made(shelf: Shelf) -> None:
    made = [shelf.back_up().name for _ in range(11)]
    assert [copy.name for copy in shelf.listed()] == made[::-1]


def test_without_a_backups_folder_the_list_is_empty(shelf: Shelf) -> None:
    assert shelf.listed() == ()


def test_other_files_in_the_folder_are_no_copies(shelf: Shelf) -> None:
    shelf.back_up()
    for name in (".gitkeep", "notes.txt", "db_backup_yesterday.db", "orders.db"):
        (shelf.backups / name).write_text("mine")
    (shelf.backups / ".scratch-0001").mkdir()
    assert [copy.name for copy in shelf.listed()] == ["db_backup_20260105_120000.db"]


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        ("lose the manifest", "it has no manifest"),
        ("tear the manifest", "the manifest db_backup_20260105_120000.json does not read: "),
        ("link the manifest", "the manifest db_backup_20260105_120000.json is a symbolic link"),
        ("lead the manifest elsewhere", "the manifest db_backup_20260105_120000.json names files"),
        ("another format", "the manifest db_backup_20260105_120000.json has the unknown format"),
        ("lose the file", "its .db is missing"),
        ("cut the file", "its .db has 4096 bytes, the manifest says"),
    ],
)
def test_a_copy_that_is_not_whole_is_listed_with_its_problem(
    shelf: Shelf, spoil: str, problem: str
) -> None:
    backup = shelf.back_up()
    manifest = backup.path.with_suffix(".json")
    match spoil:
        case "lose the manifest":
            manifest.unlink()
        case "tear the manifest":
            manifest.write_bytes(manifest.read_bytes()[:-20])
        case "link the manifest":
            manifest.rename(shelf.root / "real.json")
            manifest.symlink_to(shelf.root / "real.json")
        case "lead the manifest elsewhere":
            manifest.write_text(manifest.read_text().replace(backup.name, "../data/orders.db"))
        case "another format":
            manifest.write_text(manifest.read_text().replace('"1.0"', '"2.0"'))
        case "lose the file":
            backup.path.unlink()
        case "cut the file":
            backup.path.write_bytes(backup.path.read_bytes()[:4096])
    (listed,) = shelf.listed()
    assert listed.problem and listed.problem.startswith(problem)
    assert not listed.verified


def test_a_damaged_book_is_listed_as_what_it_is(shelf: Shelf) -> None:
    shelf.change("UPDATE executions SET order_id = 'nobody'")
    shelf.back_up(damaged=True)
    (listed,) = shelf.listed()
    assert listed.problem and listed.problem.startswith("no verified copy: foreign_key_check")


# --- what is kept -----------------------------------------------------------------------------


def copy(at: datetime, *, verified: bool = True) -> ListedBackup:
    name = f"db_backup_{at:%Y%m%d_%H%M%S}.db"
    manifest = Manifest(
        file=name,
        size=0,
        sha256="",
        taken_at=at,
        tool_version="",
        lineage=None,
        serial=None,
        schema_version=None,
        integrity_check="ok",
        foreign_key_check="ok",
        row_counts={},
        verified=verified,
    )
    return ListedBackup(path=Path(name), age=None, manifest=manifest)


def every(step: timedelta, count: int) -> list[ListedBackup]:
    """Latest first."""
    return [copy(NOON - step * number) for number in range(count)]


def kept(copies: list[ListedBackup], protected: tuple[str, ...] = (), **limits: int) -> list[str]:
    gone = {copy.name for copy in removable(copies, Retention(**(EVERYTHING | limits)), protected)}
    return [copy.name[10:25] for copy in copies if copy.name not in gone]


def test_of_each_hour_the_latest_copy_is_kept() -> None:
    assert kept(every(timedelta(minutes=20), 9), daily=0, weekly=0) == [
        "20260105_120000",
        "20260105_114000",
        "20260105_104000",
        "20260105_094000",
    ]


def test_twenty_four_hours_fourteen_days_and_eight_weeks() -> None:
    copies = every(timedelta(hours=1), 24 * 100)
    names = kept(copies)
    assert names[:24] == [copy.name[10:25] for copy in copies[:24]]
    days = [f"{NOON - timedelta(days=back):%Y%m%d}" for back in range(1, 14)]
    assert [name[:8] for name in names[24:][:12]] == days[1:]
    # The ends of the weeks before: 2026-01-05 is a Monday.
    assert [name[:8] for name in names[36:]] == [
        f"{datetime(2025, 12, 21) - timedelta(weeks=back):%Y%m%d}" for back in range(5)
    ]
    assert len(names) == 24 + 12 + 5


def test_hours_without_a_copy_do_not_count() -> None:
    copies = every(timedelta(days=3), 5)
    assert len(kept(copies, hourly=4, daily=0, weekly=0)) == 4


def test_the_newest_verified_copy_is_never_removed() -> None:
    assert kept(every(timedelta(hours=1), 3), hourly=0, daily=0, weekly=0) == ["20260105_120000"]


def test_what_is_not_verified_is_left_to_a_person_and_counts_for_nothing() -> None:
    bad = copy(NOON + timedelta(hours=1), verified=False)
    copies = [bad, *every(timedelta(hours=1), 3)]
    assert kept(copies, hourly=1, daily=0, weekly=0) == ["20260105_130000", "20260105_120000"]


@pytest.mark.parametrize("ending", ["", ".db", ".sql", ".json"])
def test_a_copy_that_a_plan_refers_to_is_kept_by_any_of_its_names(ending: str) -> None:
    copies = every(timedelta(hours=1), 5)
    protected = (f"backups/db_backup_20260105_090000{ending}", "nonsense")
    assert kept(copies, protected, hourly=1, daily=0, weekly=0) == [
        "20260105_120000",
        "20260105_090000",
    ]


def test_copies_from_a_clock_that_ran_ahead_are_kept_like_others() -> None:
    ahead = copy(NOON + timedelta(days=365))
    assert len(kept([ahead, *every(timedelta(hours=1), 3)], hourly=2, daily=0, weekly=0)) == 2


# --- on disk ----------------------------------------------------------------------------------


def hourly(shelf: Shelf, count: int) -> list[Backup]:
    made = []
    for _ in range(count):
        made.append(shelf.back_up())
        shelf.clock.at += timedelta(hours=1)
    return made


def test_pruning_removes_all_files_of_a_copy_and_names_it(shelf: Shelf) -> None:
    first, second, third = hourly(shelf, 3)
    assert shelf.prune([first.name], hourly=1, daily=0, weekly=0) == (second.name,)
    assert [copy.name for copy in shelf.listed()] == [third.name, first.name]
    assert len(shelf.files()) == 6
    assert shelf.prune([first.name], hourly=1, daily=0, weekly=0) == ()


def test_pruning_leaves_foreign_files_alone(shelf: Shelf) -> None:
    hourly(shelf, 2)
    mine = ("db_backup_20260105_120000.db.mine", "notes.txt", "db_backup_20250101_000000.sql")
    for name in mine:
        (shelf.backups / name).write_text("mine")
    shelf.prune(hourly=1, daily=0, weekly=0)
    assert set(mine) <= set(shelf.files())


@pytest.mark.parametrize("gone", [(".sql",), (".sql", ".db")])
def test_a_removal_cut_short_is_finished_by_the_next(shelf: Shelf, gone: tuple[str, ...]) -> None:
    old, new = hourly(shelf, 2)
    for ending in gone:
        old.path.with_suffix(ending).unlink()
    assert shelf.listed()[0].name == new.name
    shelf.prune(hourly=1, daily=0, weekly=0)
    assert {name.partition(".")[0] for name in shelf.files()} == {new.path.stem}


def test_a_dump_that_somebody_kept_alone_is_not_removed(shelf: Shelf) -> None:
    old, _ = hourly(shelf, 2)
    old.path.unlink()
    shelf.prune(hourly=1, daily=0, weekly=0)
    assert old.path.with_suffix(".sql").exists()
    assert shelf.verify(old.path.with_suffix(".sql")).good


def test_there_is_nothing_to_prune_without_a_folder(shelf: Shelf) -> None:
    with pytest.raises(BackupFailed, match="the backups could not be pruned: .*does not exist"):
        shelf.prune()


def test_a_manifest_reads_back_as_it_was_written(shelf: Shelf) -> None:
    backup = shelf.back_up()
    written = backup.path.with_suffix(".json").read_bytes()
    assert msgspec.json.decode(written, type=Manifest) == backup.manifest
