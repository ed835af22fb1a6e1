"""Where a home is, and where things lie in it."""

from pathlib import Path

import pytest

from core.config.home import Home, discover
from core.config.settings import Settings
from core.domain.errors import Usage


@pytest.fixture
def home(tmp_path: Path) -> Path:
    root = tmp_path / "home"
    (root / "config").mkdir(parents=True)
    (root / "config/local_reconcile.yml").touch()
    (root / "deep/below").mkdir(parents=True)
    return root


def test_the_usual_places_are_those_of_the_default_settings() -> None:
    assert Home.of(Path("/h")) == Home.of(Path("/h"), Settings())


def test_everything_lies_where_the_spec_says() -> None:
    home = Home.of(Path("/h"))
    told = {name: home.shown(getattr(home, name)) for name in Home.__annotations__}
    assert told == {
        "root": ".",
        "config_file": "config/local_reconcile.yml",
        "book": "data/orders.db",
        "spool": "data/spool/signals.jsonl",
        "staged_file": "staged/staged_actions.json",
        "archive_dir": "staged/archive",
        "ambiguous_file": "logs/ambiguous_matches.json",
        "run_log": "logs/reconcile.log",
        "alerts_file": "logs/alerts.jsonl",
        "trades_dir": "logs/trades",
        "status_dir": "status",
        "manage_lock": "status/manage.lock",
        "manage_lock_details": "status/manage.lock.json",
        "heartbeat_file": "status/manage.json",
        "status_file": "status/reconcile_status.json",
        "sentinel": "status/SAFE_MODE",
        "lock": "status/trueup.lock",
        "lock_details": "status/trueup.lock.json",
        "lock_queue": "status/trueup.lock.queue",
        "journal_copy": "status/journal.jsonl",
        "backups_dir": "backups",
    }


def test_paths_are_relative_to_the_home_unless_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/users/me")
    home = Home.of(
        Path("/h"), Settings(LOG_DIR="logs//x/..", BACKUP_DIR="/mnt/b", STATUS_DIR="~/s")
    )
    assert home.run_log == Path("/h/logs/reconcile.log")
    assert home.backups_dir == Path("/mnt/b")
    assert home.sentinel == Path("/users/me/s/SAFE_MODE")
    assert home.shown(home.backups_dir) == "/mnt/b"
    assert home.path("./data/paper_broker.json") == Path("/h/data/paper_broker.json")


def test_the_flag_comes_first_then_the_variable_then_the_nearest_folder(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    (other / "config").mkdir(parents=True)
    (other / "config/local_reconcile.yml").touch()
    monkeypatch.chdir(home / "deep/below")
    assert discover(None, {}) == home
    assert discover(None, {"TRUEUP_HOME": str(other)}) == other
    assert discover("../..", {"TRUEUP_HOME": str(other)}) == home


def test_a_broken_link_still_marks_a_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "config/local_reconcile.yml").unlink()
    (home / "config/local_reconcile.yml").symlink_to("nowhere")
    monkeypatch.chdir(home)
    assert discover(None, {}) == home


def test_no_home_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Usage, match="no trueup home here") as refusal:
        discover(None, {})
    assert "trueup init" in str(refusal.value.hint)


@pytest.mark.parametrize("by_flag", [True, False])
def test_a_named_folder_that_is_no_home_is_refused(tmp_path: Path, by_flag: bool) -> None:
    named = str(tmp_path / "a b")
    with pytest.raises(Usage, match="which is not a trueup home") as refusal:
        discover(named if by_flag else None, {} if by_flag else {"TRUEUP_HOME": named})
    assert refusal.value.hint == f"trueup init '{named}'"
    assert refusal.value.message.startswith("--home" if by_flag else "TRUEUP_HOME")


def test_the_stop_button_trusts_a_named_folder(tmp_path: Path) -> None:
    assert discover(str(tmp_path), {}, unchecked=True) == tmp_path


def test_a_current_directory_that_is_gone_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(Usage, match="no longer exists"):
        discover(None, {})
