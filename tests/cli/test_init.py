"""init writes a home that is private and shut, and never overwrites."""

import json
import stat
from pathlib import Path

import pytest

from core.config.effective import load
from core.config.settings import Settings
from tests.cli.conftest import Trueup, tree

FOLDERS = {
    *("backups", "config", "data", "data/spool", "logs", "logs/trades"),
    *("staged", "staged/archive", "status"),
}
FIRST_FILES = {"config/local_reconcile.yml", "data/paper_broker.json"}


def test_a_new_home(trueup: Trueup, tmp_path: Path) -> None:
    said = trueup("init", "new home")
    assert said.code == 0, said.err
    root = tmp_path / "new home"
    assert set(tree(root)) == FOLDERS | FIRST_FILES
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [root, *root.rglob("*")]}
    assert modes == {0o700, 0o600}
    assert load(root, {}).settings == Settings()
    assert "+ config/local_reconcile.yml\n" in said.out
    assert said.out.endswith(f"next: cd '{root}' && trueup plan\n")


def test_its_paper_account_is_an_account_to_rehearse_on(trueup: Trueup, tmp_path: Path) -> None:
    trueup("init", "h")
    account = json.loads((tmp_path / "h/data/paper_broker.json").read_text("utf-8"))
    assert account["format"] == "trueup.broker-snapshot/1"
    assert account["account"] == "main"
    assert account["quotes"]


def test_here_is_the_default(trueup: Trueup, tmp_path: Path) -> None:
    said = trueup("init")
    assert said.code == 0
    assert (tmp_path / "config/local_reconcile.yml").exists()
    assert said.out.endswith("next: trueup plan\n")


def test_the_home_option_names_the_place_as_well(trueup: Trueup, tmp_path: Path) -> None:
    assert trueup("init", "--home", "h").code == 0
    assert (tmp_path / "h/config/local_reconcile.yml").exists()


def test_nothing_is_ever_overwritten(trueup: Trueup, tmp_path: Path) -> None:
    trueup("init", "h")
    config = tmp_path / "h/config/local_reconcile.yml"
    config.write_text("SAFE_MODE: true\n", "utf-8")
    (tmp_path / "h/data/paper_broker.json").write_text("mine", "utf-8")
    before = tree(tmp_path / "h")
    said = trueup("init", "h")
    assert said.code == 0
    assert tree(tmp_path / "h") == before
    assert "config/local_reconcile.yml  kept as it is" in said.out
    assert "+" not in said.out


def test_what_is_missing_is_added_where_the_configuration_says(
    trueup: Trueup, tmp_path: Path
) -> None:
    (tmp_path / "h/config").mkdir(parents=True)
    text = "LOG_DIR: ./mine\nACCOUNTS:\n  a: {file: ./a.json}\n  b: {broker: ib}\n"
    (tmp_path / "h/config/local_reconcile.yml").write_text(text, "utf-8")
    said = trueup("init", "h", "--json")
    told = json.loads(said.out)
    assert told["kept"] == ["config/local_reconcile.yml"]
    assert {"mine/", "mine/trades/", "a.json"} <= set(told["wrote"])
    assert json.loads((tmp_path / "h/a.json").read_text("utf-8"))["account"] == "a"
    assert not (tmp_path / "h/logs").exists()


def test_a_configuration_that_is_wrong_is_said_and_nothing_is_made(
    trueup: Trueup, tmp_path: Path
) -> None:
    (tmp_path / "h/config").mkdir(parents=True)
    (tmp_path / "h/config/local_reconcile.yml").write_text("LOGDIR: x\n", "utf-8")
    before = tree(tmp_path)
    said = trueup("init", "h")
    assert said.code == 2
    assert "LOG_DIR" in said.err
    assert tree(tmp_path) == before


def test_a_file_is_no_place_for_a_home(trueup: Trueup, tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    said = trueup("init", "f")
    assert said.code == 2
    assert "is a file, not a folder" in said.err


@pytest.mark.parametrize("in_the_way", ["logs", "data"])
def test_a_file_in_the_way_is_named(trueup: Trueup, tmp_path: Path, in_the_way: str) -> None:
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / in_the_way).touch()
    said = trueup("init", "h")
    assert said.code == 1
    assert f"h/{in_the_way}" in said.err
    assert "Traceback" not in said.err
