"""The guide's three steps, its rollback and the README's morning, typed as they are written."""

import re
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.config.strict_yaml import Block, Scalar, parse
from tests.docs.night import night_passes
from tests.docs.pages import GUIDE, README, Fenced, blocks, chapter, code, table
from tests.home import HomeUnderTest, Result, by_id, make_home

PLACEHOLDERS = {"PLAN_ID", "db_backup_YYYYMMDD_HHMMSS"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HomeUnderTest:
    """The operator stands in it, and the night has passed."""
    home = make_home(tmp_path / "home")
    monkeypatch.chdir(home.root)
    night_passes(home)
    return home


def follow(home: HomeUnderTest, text: str) -> list[Result]:
    """Edits the configuration as the YAML blocks say, types what the other blocks say."""
    results = []
    for block in blocks(text, "yaml", "sh"):
        if block.language == "yaml":
            edit(home, block)
        else:
            results += [type_line(home, line) for line in block.lines if line.strip()]
    return results


def edit(home: HomeUnderTest, block: Fenced) -> None:
    told = parse(block.text.encode())
    assert isinstance(told, Block)
    values = {}
    for name, node in told.entries.items():
        assert isinstance(node, Scalar)
        values[name] = node.text
    home.set(**values)


def type_line(home: HomeUnderTest, line: str) -> Result:
    typed, _, remark = line.partition("  #")
    expected = re.fullmatch(r" exit (\d+)", remark)
    words = [filled_in(home, word) for word in shlex.split(typed)]
    match words:
        case ["trueup", *arguments]:
            return home.must(*arguments, code=int(expected[1]) if expected else 0)
        case ["sqlite3", file, statement]:
            with closing(sqlite3.connect(file)) as connection:
                (count,) = connection.execute(statement).fetchone()
            return Result(0, f"{count}\n", "")
    raise AssertionError(f"who types {line!r}?")


def filled_in(home: HomeUnderTest, word: str) -> str:
    """The plan that is staged, the latest backup."""
    if "PLAN_ID" in word:
        word = word.replace("PLAN_ID", home.plan_id())
    if "db_backup_YYYYMMDD_HHMMSS" in word:
        latest = home.json("backup", "list")["backups"][0]["file"].removesuffix(".db")
        word = word.replace("db_backup_YYYYMMDD_HHMMSS", latest)
    return word


def state(home: HomeUnderTest) -> tuple[object, ...]:
    tables = ("orders", "executions", "positions", "order_events")
    return home.broker_orders(), *(home.rows(f"SELECT * FROM {name}") for name in tables)


# --- the three steps ------------------------------------------------------------------------------

STEP_1 = "Step 1: Verify dry run"
STEP_2 = "Step 2: Stage actions (no execution)"
STEP_3 = "Step 3: Execute staged actions"


def test_the_three_steps_to_the_letter(home: HomeUnderTest) -> None:
    """book: BTCUSDT buy 0.01 open / broker: filled, no stop / afterwards: filled, one stop."""
    before = state(home)
    *_, simulated = follow(home, chapter(GUIDE, STEP_1))
    assert "simulated" in simulated.out
    assert state(home) == before

    *_, sealed, refused = follow(home, chapter(GUIDE, STEP_2))
    assert "sealed by" in sealed.out
    assert "not armed" in refused.err
    assert state(home) == before

    follow(home, chapter(GUIDE, STEP_3))
    (row,) = home.rows("SELECT * FROM orders WHERE broker_order_id = 'V-1'")
    assert (row["status"], row["filled_quantity"]) == ("filled", "0.01")
    stops = [each for each in home.broker_orders() if each["type"] == "stop"]
    assert [each["quantity"] for each in stops] == ["0.01"]
    home.must("verify")


def test_the_steps_show_what_the_configuration_file_says(home: HomeUnderTest) -> None:
    """Its head tells the same three steps."""
    head = home.config_file.read_text("utf-8").partition("DRY_RUN: true\n")[0]
    for title in (STEP_1, STEP_2, STEP_3):
        (block,) = blocks(chapter(GUIDE, title), "yaml")
        gates = [line.partition("  #")[0].strip() for line in block.lines]
        assert re.search(r"\s+".join(map(re.escape, gates)), head), title


# --- rollback -------------------------------------------------------------------------------------


def test_the_rollback_to_the_letter(home: HomeUnderTest) -> None:
    """Applied what should not have been; afterwards the gates are shut, and the book answers."""
    home.arm()
    earlier = home.rows("SELECT * FROM orders")
    home.must("apply", "--confirm", home.stage_and_approve("all"), "--quiet")
    assert home.rows("SELECT * FROM orders") != earlier
    rollback = chapter(GUIDE, "Rollback")

    results = follow(home, rollback)

    counts = [int(each.out) for each in results if re.fullmatch(r"\d+\n", each.out)]
    assert counts == [
        len(home.rows(f"SELECT * FROM {name}")) for name in ("orders", "order_events", "executions")
    ]
    assert not home.sentinel.exists()
    gates = home.json("status")["gates"]
    assert (gates["dry_run"], gates["safe_mode"], gates["dry_run_confirm"]) == (True, True, False)
    assert home.trueup("apply").out.startswith("simulated")


def test_after_the_first_restore_the_book_is_the_backup(home: HomeUnderTest) -> None:
    home.arm()
    earlier = home.rows("SELECT * FROM orders")
    home.must("apply", "--confirm", home.stage_and_approve("all"), "--quiet")
    follow(home, chapter(GUIDE, "1. Immediately enable safe mode"))
    restore = blocks(chapter(GUIDE, "2. Restore the book from a backup"), "sh")[:2]
    for block in restore:
        for line in block.lines:
            type_line(home, line)
    assert home.rows("SELECT * FROM orders") == earlier
    assert home.sentinel.exists()


def test_the_stop_of_the_first_screen(home: HomeUnderTest) -> None:
    stop, again = blocks(chapter(GUIDE, "Stop"), "sh")
    for line in stop.lines:
        type_line(home, line)
    assert home.sentinel.exists()
    for line in again.lines:
        type_line(home, f"{line} --confirm off")
    assert not home.sentinel.exists()


def test_an_open_step_is_settled_as_written(home: HomeUnderTest) -> None:
    """The exercise at the end of the paper chapter."""
    home.arm()
    document = home.account
    document["simulation"]["faults"] = [{"on": "place", "kind": "lost_reply"}]
    home.rewrite_account(document)
    home.must("apply", "--confirm", home.stage_and_approve("place_stop"), code=9)
    settle = blocks(chapter(GUIDE, "Unresolved steps"), "sh")[0]
    *_, resumed = [type_line(home, line) for line in settle.lines]
    assert "found at the broker" in resumed.out
    assert by_id(home.rows("SELECT * FROM orders"), "order_type").keys() == {"limit", "stop"}


# --- the README -----------------------------------------------------------------------------------

VOLATILE = (
    (re.compile(r"p-\d{8}-[0-9a-f]{6}"), "p-YYYYMMDD-xxxxxx"),
    (re.compile(r"db_backup_\d{8}_\d{6}(_\d+)?"), "db_backup_YYYYMMDD_HHMMSS"),
)


def steady(text: str) -> list[str]:
    for pattern, word in VOLATILE:
        text = pattern.sub(word, text)
    return text.splitlines()


def test_the_readme_prints_what_the_program_prints(home: HomeUnderTest) -> None:
    home.arm()
    for block in blocks(chapter(README, "A morning"), "console"):
        told: list[str] = []
        for line in block.lines:
            if line.startswith("$ trueup "):
                words = shlex.split(line)[2:]
                staged = home.plan_id() if home.staged_file.exists() else ""
                result = home.trueup(
                    *(staged if re.fullmatch(VOLATILE[0][0], word) else word for word in words)
                )
                told += [line, *result.out.splitlines(), *result.err.splitlines()]
        assert steady("\n".join(told)) == steady(block.text)


def test_placeholders_are_explained() -> None:
    assert "PLAN_ID" in code(chapter(GUIDE, STEP_3))
    assert "db_backup_YYYYMMDD_HHMMSS.db" in table(GUIDE, "Backups and restore")
