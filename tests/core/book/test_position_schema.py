"""Since version 3 a book has the lives of positions, and itself holds what must hold of them.

An outsider with the sqlite3 shell is the one who tries here: nothing of this depends on our code.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.book.copies.form import check_form, objects_of, read_objects
from core.book.migrations import MIGRATIONS, bring_forward
from core.book.position_reading import PositionReading
from core.book.position_schema import (
    IS_EXIT_UNDER_WAY,
    IS_LIVING,
    IS_OPEN_EXIT,
    IS_OPEN_TRADE,
    TRIGGERS,
)
from core.book.position_writing import PositionWriting
from core.book.schema import SCHEMA_VERSION
from core.domain.errors import RestoreFailed
from core.domain.exit import EXIT_MOVES, EXIT_OPEN, ExitState
from core.domain.life import LIFE_MOVES, LIVING, LifeState
from core.domain.trade import TradeStatus
from tests.core.book.conftest import Sql
from tests.core.book.copies.hostile import dumped, sound
from tests.core.book.copies.shelf import Shelf
from tests.core.book.test_migrations import book_at

Row = tuple[object, ...]

OLDER = sorted(name for kind, name in objects_of(2) if kind == "table")
NEWER = sorted(
    name
    for kind, name in objects_of(3).keys() - objects_of(2).keys()
    if kind == "table" and not name.startswith("sqlite_")
)
NOON = "2026-01-05T12:00:00Z"


# --- an older book --------------------------------------------------------------------------------


def make_old(path: Path) -> None:
    """A book of version 2 with a row in every table."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        bring_forward(connection, path, lineage=lambda: "lineage", steps=MIGRATIONS[:2])
        connection.execute("PRAGMA foreign_keys = OFF")
        for table in set(OLDER) - {"meta"}:
            _fill(connection, table)


def _fill(connection: sqlite3.Connection, table: str) -> None:
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    marks = ", ".join("?" * len(columns))
    values = [_any_value(table, name, kind) for _, name, kind, *_ in columns]
    connection.execute(f"INSERT INTO {table} VALUES ({marks})", values)


def _any_value(table: str, column: str, kind: str) -> str | int:
    told = {
        ("executions", "order_id"): "orders.order_id's",
        ("position_lives", "direction"): "long",
        ("trades", "direction"): "long",
        ("trades", "kind"): "REBUY",
        ("trades", "status"): "CLOSED",
    }
    return told.get((table, column), 7 if kind == "INTEGER" else f"{table}.{column}'s")


def rows(path: Path, tables: list[str]) -> dict[str, list[Row]]:
    with closing(sqlite3.connect(path)) as connection:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}


def test_a_book_of_version_2_comes_forward_with_all_its_rows(path: Path, sql: Sql) -> None:
    make_old(path)
    before = rows(path, OLDER)
    assert all(len(found) == 1 for found in before.values())
    copied: list[dict[str, list[Row]]] = []
    forward = book_at(path, lambda book: copied.append(rows(book, OLDER)))
    with closing(forward) as book, book.read() as reading:
        assert reading.identity().schema_version == SCHEMA_VERSION
        assert reading.lives() == []
    assert copied == [before]
    assert rows(path, OLDER) == before | {"meta": [(1, "lineage", 0, SCHEMA_VERSION)]}
    assert set(map(len, rows(path, NEWER).values())) == {0}
    assert sql("PRAGMA integrity_check") == [("ok",)]
    with closing(sqlite3.connect(path)) as connection:
        assert read_objects(connection) == objects_of(SCHEMA_VERSION)


def test_a_copy_of_version_2_is_restored_as_what_it_was(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.book.parent.mkdir()
    make_old(shelf.book)
    before = rows(shelf.book, OLDER)
    backup = shelf.back_up()
    assert backup.manifest.schema_version == 2
    for ending in (".db", ".sql"):
        shelf.change("DELETE FROM orders")
        report = shelf.restore(backup.path.with_suffix(ending))
        assert report.new
        assert report.new.schema_version == 2
        assert rows(shelf.book, OLDER) | {"meta": before["meta"]} == before


# --- what the database holds by itself ------------------------------------------------------------


@pytest.fixture
def empty() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        bring_forward(connection, Path(":memory:"), lineage=lambda: "none")
        yield connection


def live(connection: sqlite3.Connection, name: str, state: str = "open", **told: object) -> None:
    """A life as an outsider inserts it: `INSERT`, or what `how` says."""
    how = told.pop("how", "INSERT")
    row = {
        "position_id": name,
        "account": "main",
        "symbol": "BTCUSDT",
        "direction": "long",
        "state": state,
        "signal_source": "external",
        "created_at": NOON,
        "updated_at": NOON,
        **told,
    }
    _insert(connection, how, "position_lives", row)


def trade(connection: sqlite3.Connection, name: str, status: str, how: str = "INSERT") -> None:
    row = {
        "trade_id": name,
        "position_id": "p-1",
        "account": "main",
        "symbol": "BTCUSDT",
        "direction": "long",
        "kind": "NEWBUY",
        "status": status,
        "quantity": "5",
        "open_quantity": "5",
        "entry_time": NOON,
        "updated_at": NOON,
    }
    _insert(connection, how, "trades", row)


def leave(connection: sqlite3.Connection, name: str, state: str, **told: object) -> None:
    """An exit intent of trade t-1; each is an episode of its own."""
    how = told.pop("how", "INSERT")
    row = {
        "exit_intent_id": name,
        "exit_signal_id": f"x-{name}",
        "trade_id": "t-1",
        "position_id": "p-1",
        "account": "main",
        "symbol": "BTCUSDT",
        "side": "sell",
        "cause": "MANUAL",
        "episode": int(name.removeprefix("e-")),
        "state": state,
        "created_at": NOON,
        "updated_at": NOON,
        **told,
    }
    _insert(connection, how, "exit_intents", row)


def _insert(
    connection: sqlite3.Connection, how: object, table: str, row: Mapping[str, object]
) -> None:
    marks = ", ".join("?" * len(row))
    statement = f"{how} INTO {table} ({', '.join(row)}) VALUES ({marks})"
    connection.execute(statement, tuple(row.values()))


def everything(connection: sqlite3.Connection) -> list[Row]:
    return [row for table in NEWER for row in connection.execute(f"SELECT * FROM {table}")]


@pytest.mark.parametrize("second", sorted(LIVING))
@pytest.mark.parametrize("how", ["INSERT", "INSERT OR REPLACE"])
def test_a_second_living_position_of_one_direction_is_refused(
    empty: sqlite3.Connection, second: str, how: str
) -> None:
    live(empty, "p-1")
    before = everything(empty)
    with pytest.raises(sqlite3.IntegrityError, match="there is such a position already"):
        live(empty, "p-2", second, how=how)
    assert everything(empty) == before


def test_an_update_cannot_make_a_second_living_position_either(empty: sqlite3.Connection) -> None:
    live(empty, "p-1")
    live(empty, "p-2", symbol="ETHUSDT")
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        empty.execute("UPDATE position_lives SET symbol = 'BTCUSDT'")


def test_other_accounts_symbols_directions_and_what_is_over_are_in_nobodys_way(
    empty: sqlite3.Connection,
) -> None:
    live(empty, "p-1")
    live(empty, "p-2", account="other")
    live(empty, "p-3", symbol="ETHUSDT")
    live(empty, "p-4", direction="short")
    live(empty, "p-5", "closed")
    live(empty, "p-6", "closed")
    live(empty, "p-7", "failed")
    assert empty.execute("SELECT count(*) FROM position_lives").fetchone() == (7,)


def test_one_stop_guards_one_position(empty: sqlite3.Connection) -> None:
    live(empty, "p-1", stop_order_id="o-stop")
    with pytest.raises(sqlite3.IntegrityError, match="stop_order_id"):
        live(empty, "p-2", symbol="ETHUSDT", stop_order_id="o-stop")
    live(empty, "p-3", "closed", stop_order_id="o-stop")


MOVES = [(one, to) for one in LifeState for to in LifeState if one is not to]


@pytest.mark.parametrize(("one", "to"), MOVES)
def test_a_life_takes_the_steps_of_the_table_and_no_other(
    empty: sqlite3.Connection, one: LifeState, to: LifeState
) -> None:
    live(empty, "p-1", one)
    move = "UPDATE position_lives SET state = ?"
    if to in LIFE_MOVES[one]:
        empty.execute(move, (to,))
    else:
        over = not LIFE_MOVES[one]
        told = "stays as it was|skip a state" if over else "a position cannot skip a state"
        with pytest.raises(sqlite3.IntegrityError, match=told):
            empty.execute(move, (to,))


def test_no_life_takes_a_state_that_there_is_not(empty: sqlite3.Connection) -> None:
    live(empty, "p-1")
    with pytest.raises(sqlite3.IntegrityError, match="cannot skip a state"):
        empty.execute("UPDATE position_lives SET state = 'halted'")


@pytest.mark.parametrize("state", ["closed", "failed"])
@pytest.mark.parametrize(
    "change",
    ["realized_pnl = '9'", "state = 'open'", "exit_price = NULL", "position_id = 'p-2'"],
)
def test_what_is_over_stays_as_it_was(empty: sqlite3.Connection, state: str, change: str) -> None:
    live(empty, "p-1", state)
    before = everything(empty)
    with pytest.raises(sqlite3.IntegrityError, match="stays as it was|skip a state"):
        empty.execute(f"UPDATE position_lives SET {change}")
    assert everything(empty) == before


@pytest.mark.parametrize("state", list(LifeState))
def test_no_life_is_deleted(empty: sqlite3.Connection, state: LifeState) -> None:
    live(empty, "p-1", state)
    for statement in ("DELETE FROM position_lives", "DELETE FROM position_lives WHERE sequence=1"):
        with pytest.raises(sqlite3.IntegrityError, match="is never deleted"):
            empty.execute(statement)


@pytest.mark.parametrize("state", list(LifeState))
@pytest.mark.parametrize("same", [{"position_id": "p-1"}, {"position_id": "p-2", "sequence": 1}])
def test_no_life_is_replaced(
    empty: sqlite3.Connection, state: LifeState, same: dict[str, object]
) -> None:
    live(empty, "p-1", state)
    before = everything(empty)
    told = {"name": "p-1", "state": "closed", "realized_pnl": "9", **same}
    with pytest.raises(sqlite3.IntegrityError, match="there is such a position already"):
        live(empty, how="REPLACE", **told)  # type: ignore[arg-type]
    assert everything(empty) == before


def test_what_became_of_a_position_is_only_ever_added_to(empty: sqlite3.Connection) -> None:
    add = (
        "INSERT OR REPLACE INTO position_transitions (id, position_id, to_state, reason, at)"
        " VALUES (?, 'p-1', 'open', 'filled', '2026-01-05T12:00:00Z')"
    )
    empty.execute(add, (1,))
    empty.execute(add, (2,))
    before = everything(empty)
    for statement, told in (
        ("DELETE FROM position_transitions", "never deleted"),
        ("UPDATE position_transitions SET reason = 'manual'", "never rewritten"),
        (add.replace("?", "1"), "never rewritten"),
    ):
        with pytest.raises(sqlite3.IntegrityError, match=told):
            empty.execute(statement)
    assert everything(empty) == before


def test_a_closed_trade_is_never_opened_again(empty: sqlite3.Connection) -> None:
    trade(empty, "t-1", "CLOSED")
    with pytest.raises(sqlite3.IntegrityError, match="never opened again"):
        empty.execute("UPDATE trades SET status = 'OPEN'")
    with pytest.raises(sqlite3.IntegrityError, match="never opened again"):
        trade(empty, "t-1", "OPEN", "REPLACE")
    # A fee may become known afterwards.
    empty.execute("UPDATE trades SET fees = '0.1'")
    assert empty.execute("SELECT status, fees FROM trades").fetchall() == [("CLOSED", "0.1")]


@pytest.mark.parametrize(
    ("column", "value"), [("status", "HALF"), ("kind", "SELL"), ("direction", "both")]
)
def test_a_trade_has_no_words_of_its_own(
    empty: sqlite3.Connection, column: str, value: str
) -> None:
    trade(empty, "t-1", "OPEN")
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        empty.execute(f"UPDATE trades SET {column} = ?", (value,))


@pytest.mark.parametrize("first", ["APPROVED", "PLACED"])
def test_a_second_exit_under_way_for_one_trade_is_refused(
    empty: sqlite3.Connection, first: str
) -> None:
    leave(empty, "e-1", first)
    leave(empty, "e-2", "PENDING")
    leave(empty, "e-3", "PENDING", trade_id="t-2")
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        empty.execute("UPDATE exit_intents SET state='APPROVED' WHERE exit_intent_id='e-2'")
    empty.execute("UPDATE exit_intents SET state='APPROVED' WHERE exit_intent_id='e-3'")
    empty.execute("UPDATE exit_intents SET state='CANCELLED' WHERE exit_intent_id='e-1'")
    empty.execute("UPDATE exit_intents SET state='APPROVED' WHERE exit_intent_id='e-2'")


@pytest.mark.parametrize(
    ("one", "to"), [(one, to) for one in ExitState for to in ExitState if one is not to]
)
def test_an_exit_takes_the_steps_of_its_table_and_no_other(
    empty: sqlite3.Connection, one: ExitState, to: ExitState
) -> None:
    leave(empty, "e-1", one)
    move = "UPDATE exit_intents SET state = ?"
    if to in EXIT_MOVES[one]:
        empty.execute(move, (to,))
    else:
        with pytest.raises(sqlite3.IntegrityError, match="an exit intent cannot skip a state"):
            empty.execute(move, (to,))


@pytest.mark.parametrize("how", ["INSERT OR REPLACE", "INSERT OR IGNORE"])
@pytest.mark.parametrize("name", ["e-1", "e-2"])
def test_an_episode_has_one_exit_and_it_is_not_replaced(
    empty: sqlite3.Connection, name: str, how: str
) -> None:
    leave(empty, "e-1", "FILLED")
    before = everything(empty)
    leave(empty, name, "PENDING", how=how, episode=1)
    assert everything(empty) == before


def test_an_episode_has_one_exit_signal(empty: sqlite3.Connection) -> None:
    signal = {
        "exit_signal_id": "x-1", "trade_id": "t-1", "position_id": "p-1", "account": "main",
        "symbol": "BTCUSDT", "cause": "MANUAL", "episode": 1, "because": "asked", "by": "ana",
        "detected_at": NOON,
    }  # fmt: skip
    quoted = {f'"{name}"': value for name, value in signal.items()}
    _insert(empty, "INSERT", "exit_signals", quoted)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        _insert(empty, "INSERT", "exit_signals", quoted | {'"exit_signal_id"': "x-2"})


# --- copies ---------------------------------------------------------------------------------------


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A book with a row in every new table."""
    shelf = Shelf(tmp_path)
    shelf.add_orders("V-1")
    with closing(sqlite3.connect(shelf.book, isolation_level=None)) as connection:
        for table in NEWER:
            _fill(connection, table)
    return shelf


@pytest.mark.parametrize("ending", [".db", ".sql"])
def test_copies_hold_every_new_row_and_guard_it_as_the_book_did(shelf: Shelf, ending: str) -> None:
    kept = {table: shelf.ask(f"SELECT * FROM {table}") for table in NEWER}
    backup = shelf.back_up()
    assert all(backup.manifest.row_counts[table] == 1 for table in NEWER)
    shelf.change("DELETE FROM trades; DELETE FROM orders; DELETE FROM exit_intents")
    shelf.restore(backup.path.with_suffix(ending))
    assert {table: shelf.ask(f"SELECT * FROM {table}") for table in NEWER} == kept
    assert shelf.orders() == ["V-1"]
    with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
        shelf.change("DELETE FROM position_lives")
    with closing(sqlite3.connect(shelf.book)) as connection:
        assert check_form(connection).schema_version == SCHEMA_VERSION


def test_a_dump_read_by_the_shell_itself_is_the_same_book(shelf: Shelf) -> None:
    script = shelf.back_up().path.with_suffix(".sql").read_text("utf-8")
    mine = shelf.root / "mine.db"
    shelf.change(script, mine)
    assert shelf.content(mine) == shelf.content()
    with closing(sqlite3.connect(mine)) as connection:
        assert read_objects(connection) == objects_of(SCHEMA_VERSION)


FOREIGN = "CREATE TRIGGER mine BEFORE INSERT ON trades BEGIN SELECT raise(ABORT, 'no'); END;"
# By a name of ours, but it does something else.
OTHER_BODY = (
    "CREATE TRIGGER position_lives_kept BEFORE DELETE ON position_lives"
    " BEGIN DELETE FROM orders; END;"
)
ELSEWHERE = OTHER_BODY.replace("ON position_lives", "ON orders")


def with_kept(shelf: Shelf, trigger: str) -> Path:
    """A dump in which another trigger stands in place of ours."""
    (ours,) = (each.strip() for each in TRIGGERS if "TRIGGER position_lives_kept" in each)
    mine = sound(shelf, "mine.sql")
    text = mine.read_text("utf-8")
    assert text.count(f"{ours};") == 1
    mine.write_text(text.replace(f"{ours};", trigger))
    return mine


def test_a_dump_with_a_trigger_of_its_own_is_refused(shelf: Shelf) -> None:
    before = shelf.content()
    with pytest.raises(RestoreFailed, match="CREATE TRIGGER mine is not allowed in a dump"):
        shelf.restore(dumped(shelf, FOREIGN))
    assert shelf.content() == before


@pytest.mark.parametrize("trigger", [OTHER_BODY, ELSEWHERE])
def test_a_dump_with_our_trigger_by_name_only_is_refused(shelf: Shelf, trigger: str) -> None:
    mine = with_kept(shelf, trigger)
    before = shelf.content()
    with pytest.raises(RestoreFailed, match="its trigger position_lives_kept is not as trueup"):
        shelf.restore(mine)
    assert shelf.content() == before


def test_a_dump_that_lacks_a_trigger_is_refused(shelf: Shelf) -> None:
    with pytest.raises(RestoreFailed, match="it lacks the trigger position_lives_kept"):
        shelf.restore(with_kept(shelf, ""))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (FOREIGN, "it has the trigger 'mine'"),
        ("DROP TRIGGER position_lives_kept", "it lacks the trigger position_lives_kept"),
        (
            f"DROP TRIGGER position_lives_kept; {OTHER_BODY}",
            "its trigger position_lives_kept is not as trueup creates it",
        ),
    ],
)
def test_a_database_with_other_triggers_is_refused(shelf: Shelf, script: str, said: str) -> None:
    mine = sound(shelf)
    shelf.change(script, mine)
    with pytest.raises(RestoreFailed, match=said):
        shelf.restore(mine)


def test_an_older_book_may_not_have_the_triggers_of_a_newer_one(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.book.parent.mkdir()
    make_old(shelf.book)
    mine = sound(shelf)
    shelf.change(ELSEWHERE, mine)
    with pytest.raises(RestoreFailed, match="position_lives_kept', which no book has"):
        shelf.restore(mine)


# --- the tables -----------------------------------------------------------------------------------


def words(condition: str) -> set[str]:
    return set(condition.split("'")[1::2])


def test_the_conditions_in_sql_say_what_the_domain_says() -> None:
    assert words(IS_LIVING) == set(LIVING)
    assert words(IS_OPEN_EXIT) == set(EXIT_OPEN)
    assert words(IS_EXIT_UNDER_WAY) == set(EXIT_OPEN) - {"PENDING"}
    assert words(IS_OPEN_TRADE) == {TradeStatus.OPEN}


Ask = Callable[[PositionReading], object]

QUESTIONS: dict[str, tuple[Ask, str]] = {
    "what lives": (lambda book: book.lives(), "USING INDEX position_lives_living"),
    "what lives in an account": (
        lambda book: book.lives("main"),
        "position_lives_living (account=?)",
    ),
    "what lives in a symbol": (
        lambda book: book.lives("main", symbol="BTCUSDT"),
        "position_lives_living (account=? AND symbol=?)",
    ),
    "what has ever lived in a symbol": (
        lambda book: book.lives(symbol="BTCUSDT", over=True),
        "position_lives_by_symbol (symbol=?)",
    ),
    "what became of one": (
        lambda book: book.transitions("p-1"),
        "position_transitions_by_position_id",
    ),
    "open trades": (lambda book: book.open_trades(), "USING INDEX trades_open"),
    "open trades of a symbol": (
        lambda book: book.open_trades("main", "BTCUSDT"),
        "trades_open (account=? AND symbol=?)",
    ),
    "trades of lives": (lambda book: book.trades_of(["p-1"]), "trades_by_position_id"),
    "trades that a row moved": (
        lambda book: book.trades_moved(
            "main", "BTCUSDT", order_id="o-1", leaves="t-1", at=datetime.now(UTC)
        ),
        "MULTI-INDEX OR",
    ),
    "exits under way": (
        lambda book: book.exit_intents(states=EXIT_OPEN),
        "USING INDEX exit_intents_open",
    ),
    "exits under way in a symbol": (
        lambda book: book.exit_intents("main", symbol="BTCUSDT", states=EXIT_OPEN),
        "exit_intents_open (account=? AND symbol=?)",
    ),
    "exits of a trade": (
        lambda book: book.exit_intents(trade_id="t-1"),
        "(trade_id=?)",
    ),
    "the latest exits": (
        lambda book: book.recent_exits("main", "BTCUSDT", 5),
        "exit_intents_by_symbol",
    ),
    "what was noted of an order": (lambda book: book.outcome_of("o-1"), "journal_by_order_id"),
}


def test_old_snapshots_are_found_by_their_age(empty: sqlite3.Connection) -> None:
    said: list[str] = []
    empty.set_trace_callback(said.append)
    PositionWriting(empty, Path(":memory:")).delete_position_snapshots(datetime.now(UTC))
    empty.set_trace_callback(None)
    plan = [row[3] for row in empty.execute(f"EXPLAIN QUERY PLAN {said[-1]}")]
    assert plan == ["SEARCH position_snapshots USING INDEX position_snapshots_by_time (<expr><?)"]


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_question_reads_what_is_long_over(empty: sqlite3.Connection, name: str) -> None:
    ask, index = QUESTIONS[name]
    said: list[str] = []
    empty.set_trace_callback(said.append)
    ask(PositionReading(empty, Path(":memory:")))
    empty.set_trace_callback(None)
    plan = [row[3] for each in said for row in empty.execute(f"EXPLAIN QUERY PLAN {each}")]
    assert any(index in step for step in plan), plan
    scans = [step for step in plan if step.startswith("SCAN") and "json_each" not in step]
    # What is open lies together in an index of its own, and there is little of it.
    assert [step for step in scans if index not in step] == []
