"""Every command that looks, decides or rounds up: what it says, and the code that it ends with."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.build import clock, execution, instrument, order, position, snapshot, stop
from tests.home import HomeUnderTest

BOUGHT = (order(status="filled", filled_quantity=5, quantity=5), execution("T-1", 5))
NAKED = snapshot(*BOUGHT, position(5), instrument())
PROTECTED = snapshot(*BOUGHT, position(5), stop("S-1", 5), instrument())
TWO_ORDERS = snapshot(order("V-1"), order("V-2", price=90), instrument())


def partly(home: HomeUnderTest, part: str = "positions") -> None:
    document = home.account
    document["parts"][part] = {"partial": "one page of two"}
    home.rewrite_account(document)


def look_alike(home: HomeUnderTest) -> None:
    """book: o-8 and o-9, open, of unknown ids / broker: V-1, which looks like either"""
    home.must("plan", "--quiet")
    for order_id in ("o-8", "o-9"):
        home.execute(
            "INSERT INTO orders (order_id, account, symbol, side, order_type, quantity, price,"
            " status, created_at) VALUES (?, 'main', 'BTCUSDT', 'buy', 'limit', '10', '100',"
            " 'open', '2026-01-05T11:00:00Z')",
            order_id,
        )
    home.tell(snapshot(order("V-1")))


# --- reconcile ------------------------------------------------------------------------------------


def ended(home: HomeUnderTest, code: int = 0) -> str:
    return str(home.json("reconcile", code=code)["ended"])


def test_reconcile_over_agreement_is_clean_twice(home: HomeUnderTest) -> None:
    home.tell(PROTECTED)
    home.adopt_all()
    assert [ended(home), ended(home)] == ["clean", "clean"]


def test_reconcile_of_half_an_answer_leaves_what_was_staged(home: HomeUnderTest) -> None:
    home.tell(TWO_ORDERS)
    assert ended(home) == "staged"
    plan_id = home.plan_id()
    partly(home)
    assert ended(home, code=10) == "incomplete"
    assert home.plan_id() == plan_id
    told = home.must("reconcile", code=10)
    assert "next: trueup doctor" in told.out + told.err
    assert "read in part" in home.must("reconcile", "--quiet", code=10).err


def test_reconcile_stages_once_and_then_awaits_review(home: HomeUnderTest) -> None:
    home.tell(TWO_ORDERS)
    assert ended(home) == "staged"
    plan_id = home.plan_id()
    assert ended(home) == "awaiting_review"
    assert home.plan_id() == plan_id
    home.tell(snapshot(order("V-3", price=80), instrument()))
    assert ended(home) == "staged"
    assert home.plan_id() != plan_id


def test_reconcile_stages_anew_what_cannot_be_read_or_was_altered(home: HomeUnderTest) -> None:
    home.tell(TWO_ORDERS)
    ended(home)
    home.staged_file.write_text("{")
    assert ended(home) == "staged"
    altered = home.staged_file.read_text().replace('"quantity": "10"', '"quantity": "99"')
    home.staged_file.write_text(altered)
    assert ended(home) == "staged"


def test_a_home_that_is_armed_all_the_time_is_not_applied_without_review(
    home: HomeUnderTest,
) -> None:
    home.tell(TWO_ORDERS)
    home.arm()
    assert [ended(home) for _ in range(3)] == ["staged", "awaiting_review", "awaiting_review"]
    assert home.rows("SELECT * FROM orders") == []


def test_reconcile_applies_what_was_reviewed_by_command(home: HomeUnderTest) -> None:
    home.tell(NAKED)
    home.arm()
    assert ended(home) == "staged"
    assert ended(home) == "awaiting_review"  # the stop waits for a decision
    home.must("review", "--approve", "all", "--quiet")
    told = home.json("reconcile")
    assert (told["ended"], {row["outcome"] for row in told["ledger"]["actions"]}) == (
        "applied",
        {"done"},
    )
    home.must("plan", "--detailed-exitcode")


def test_reconcile_applies_what_was_armed_by_its_id(home: HomeUnderTest) -> None:
    home.tell(TWO_ORDERS)
    home.set(DRY_RUN="false", SAFE_MODE="false")
    assert ended(home) == "staged"
    home.set(DRY_RUN_CONFIRM=f'"{home.plan_id()}"')
    assert "the reviewed plan was applied" in "".join(_texts(home, "reconcile"))
    assert len(home.rows("SELECT * FROM orders")) == 2


def test_reconcile_applies_what_was_staged_unarmed_and_armed_since(home: HomeUnderTest) -> None:
    home.tell(TWO_ORDERS)
    home.set(DRY_RUN="false", SAFE_MODE="false")
    assert [ended(home), ended(home)] == ["staged", "awaiting_review"]
    home.set(DRY_RUN_CONFIRM="true")
    assert ended(home) == "applied"


def test_what_was_staged_in_a_dry_run_is_staged_again_once_it_is_not(home: HomeUnderTest) -> None:
    home.tell(TWO_ORDERS)
    assert ended(home) == "staged"
    home.arm()
    assert ended(home) == "staged"


def test_reconcile_with_an_open_question_ends_with_4(home: HomeUnderTest) -> None:
    home.arm()
    look_alike(home)
    assert ended(home, code=4) == "staged"
    assert ended(home, code=4) == "awaiting_review"
    told = home.must("reconcile", code=4)
    assert "agree" not in told.out + told.err
    assert "trueup resolve" in told.out + told.err
    assert "ambiguous" in home.must("reconcile", "--quiet", code=4).err


def _texts(home: HomeUnderTest, *arguments: str, code: int = 0) -> tuple[str, str]:
    result = home.must(*arguments, code=code)
    return result.out, result.err


# --- resolve --------------------------------------------------------------------------------------


@pytest.fixture
def asked(home: HomeUnderTest) -> HomeUnderTest:
    """One match that waits for a person."""
    home.arm()
    look_alike(home)
    home.must("stage", "--quiet", code=4)
    (match,) = home.json("resolve", code=4)["matches"]
    assert match["id"] == "m001"
    return home


def test_resolve_to_a_candidate_is_honoured_by_the_next_plan(asked: HomeUnderTest) -> None:
    told = asked.json("resolve", "m001", "--choose", "o-9", "--note", "id lost")
    assert (told["choice"], told["order_id"], told["note"]) == ("match", "o-9", "id lost")
    plan = asked.json("stage")["plan"]
    (update,) = [row for row in plan["to_update"] if row["target"] == "o-9"]
    assert update["after"]["broker_order_id"] == "V-1"
    assert plan["summary"]["ambiguous"] == 0


def test_resolve_as_a_new_order(asked: HomeUnderTest) -> None:
    asked.must("resolve", "m001", "--insert")
    (inserted,) = asked.json("stage")["plan"]["to_insert"]
    assert inserted["after"]["broker_order_id"] == "V-1"


def test_resolve_by_ignoring(asked: HomeUnderTest) -> None:
    asked.must("resolve", "m001", "--ignore")
    assert asked.json("stage")["plan"]["to_insert"] == []


def test_a_decided_match_is_no_longer_listed(asked: HomeUnderTest) -> None:
    asked.must("resolve", "m001", "--ignore")
    assert asked.json("resolve") == {"matches": [], "steps": []}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("m001", "--choose", "o-7"), "o-7 is no candidate of m001; candidates: o-8, o-9"),
        (("m009", "--ignore"), "no ambiguous match 'm009'; open: m001"),
        (("a001", "--as", "done"), "no open step is called 'a001'"),
        (("a001", "--as", "perhaps"), "--as takes done or not-done"),
        (("m001", "--ignore", "--insert"), "exclude each other"),
        (("m001", "--ignore", "--as", "done"), "a step is settled with --as"),
        (("m001",), "say what became of m001"),
        (("--ignore",), "say which match"),
    ],
)
def test_resolve_refuses_what_it_cannot_keep(
    asked: HomeUnderTest, arguments: tuple[str, ...], told: str
) -> None:
    assert told in asked.must("resolve", *arguments, code=2).err
    assert len(asked.json("resolve", code=4)["matches"]) == 1


def test_a_step_is_settled_as_not_done_by_a_person(home: HomeUnderTest) -> None:
    home.tell(NAKED, faults=[{"on": "place", "kind": "timeout_before_accept"}])
    home.arm()
    home.must("apply", "--confirm", home.stage_and_approve("all"), "--quiet", code=9)
    (step,) = home.json("resolve", code=9)["steps"]
    (settled,) = home.json("resolve", step["action_id"], "--as", "not-done")["steps"]
    assert settled["state"] == "failed"
    home.set(SAFE_MODE="true")
    assert "SAFE_MODE" in home.must("resolve", "a001", "--as", "done", code=7).err
    home.set(SAFE_MODE="false", DRY_RUN="true")
    assert "DRY_RUN" in home.must("apply", "--resume", code=7).err


# --- doctor ---------------------------------------------------------------------------------------


def verdicts(home: HomeUnderTest, code: int = 0) -> dict[str, str]:
    return {row["what"]: row["verdict"] for row in home.json("doctor", code=code)["findings"]}


def test_doctor_finds_a_fresh_home_fit(home: HomeUnderTest) -> None:
    home.tell(PROTECTED)
    told = verdicts(home)
    assert "fail" not in told.values()
    assert (told["gates"], told["account main"]) == ("ok", "ok")


def test_doctor_warns_of_arms_skew_and_loose_files(home: HomeUnderTest) -> None:
    home.tell(PROTECTED, clock_skew_seconds=5)
    home.arm()
    home.config_file.chmod(0o644)
    told = verdicts(home)
    names = ("gates", "permissions", "account main clock")
    assert [told[name] for name in names] == ["warn"] * 3


def test_doctor_fails_on_a_broken_book(home: HomeUnderTest) -> None:
    home.must("plan", "--quiet")
    home.book_file.write_bytes(b"this was a database")
    assert verdicts(home, code=11)["book"] == "fail"
    assert home.json("status")["next"] == "trueup doctor"


def test_doctor_fails_on_half_a_broker(home: HomeUnderTest) -> None:
    home.tell(PROTECTED)
    partly(home)
    assert verdicts(home, code=10)["account main"] == "fail"


@pytest.mark.parametrize("on", ["snapshot", "clock_skew"])
def test_doctor_fails_on_a_silent_broker(home: HomeUnderTest, on: str) -> None:
    home.tell(PROTECTED, faults=[{"on": on, "kind": "unavailable"}])
    assert "fail" in verdicts(home, code=10).values()


def test_doctor_fails_on_steps_of_unknown_outcome(home: HomeUnderTest) -> None:
    home.tell(NAKED, faults=[{"on": "place", "kind": "lost_reply"}])
    home.arm()
    home.must("apply", "--confirm", home.stage_and_approve("all"), "--quiet", code=9)
    assert verdicts(home, code=9)["unresolved steps"] == "fail"


# --- status ---------------------------------------------------------------------------------------


def next_of(home: HomeUnderTest) -> str:
    return str(home.json("status")["next"])


def test_status_says_what_to_type_at_each_turn(home: HomeUnderTest) -> None:
    home.tell(NAKED)
    home.arm()
    assert next_of(home) == "trueup plan"
    home.must("stage", "--quiet")
    assert next_of(home) == "trueup review"
    home.must("review", "--approve", "all", "--seal", "--quiet")
    plan_id = home.plan_id()
    assert next_of(home) == f"trueup apply --confirm {plan_id}"
    home.set(DRY_RUN_CONFIRM="false")
    assert "DRY_RUN_CONFIRM" in next_of(home)
    home.arm()
    home.must("apply", "--confirm", plan_id, "--quiet")
    assert next_of(home) == "trueup plan"
    home.must("safe-mode", "on", "--reason", "odd prices")
    assert next_of(home) == "trueup safe-mode status"


def test_status_asks_for_a_decision_first(home: HomeUnderTest) -> None:
    home.arm()
    look_alike(home)
    home.must("stage", "--quiet", code=4)
    assert next_of(home) == "trueup resolve"


@pytest.mark.parametrize(
    ("statement", "state"),
    [
        ("UPDATE meta SET lineage = 'b-other'", "made from another book"),
        ("DELETE FROM plans", "unknown to the book"),
        ("UPDATE plans SET state = 'superseded'", "superseded"),
    ],
)
def test_status_tells_what_the_staged_plan_is_worth(
    home: HomeUnderTest, statement: str, state: str
) -> None:
    home.tell(TWO_ORDERS)
    home.must("stage", "--quiet")
    assert home.json("status")["staged"]["state"] == "staged"
    home.execute(statement)
    assert home.json("status")["staged"]["state"] == state
    assert next_of(home) == "trueup plan"


def test_apply_refuses_a_plan_that_the_book_has_never_seen(home: HomeUnderTest) -> None:
    home.tell(TWO_ORDERS)
    home.arm()
    home.must("stage", "--quiet")
    home.execute("DELETE FROM plans")
    told = home.must("apply", "--confirm", home.plan_id(), code=6).err
    assert "the book has never seen" in told


def test_status_tells_of_a_tampered_or_unreadable_file(home: HomeUnderTest) -> None:
    home.tell(TWO_ORDERS)
    home.must("stage", "--quiet")
    text = home.staged_file.read_text()
    home.staged_file.write_text(text.replace('"quantity": "10"', '"quantity": "99"'))
    assert home.json("status")["staged"]["state"] == "tampered"
    home.staged_file.write_text("{")
    told = home.must("status")
    assert "staged plan:" in told.out
    home.staged_file.unlink()
    home.staged_file.mkdir()
    assert "cannot be read" in home.must("review", code=6).err


def test_status_names_positions_without_a_stop_in_the_book(home: HomeUnderTest) -> None:
    home.tell(NAKED)
    home.arm()
    home.must("stage", "--quiet")
    home.must("apply", "--confirm", home.plan_id(), "--only", "to_insert", "--quiet")
    assert "no stop in the book" in home.must("status").out


# --- verify ---------------------------------------------------------------------------------------


def test_verify_names_each_difference_and_ends_with_3(home: HomeUnderTest) -> None:
    home.tell(PROTECTED)
    home.adopt_all()
    assert home.json("verify")["holds"] is True
    home.execute("UPDATE positions SET quantity = '4'")
    (told,) = home.json("verify", code=3)["positions"]
    assert told["findings"] == ["stored 4 ≠ computed 5", "stored 4 ≠ broker 5"]
    assert "stored 4 ≠ computed 5" in home.must("verify", code=3).out


def test_a_clean_plan_and_the_witness_agree_about_a_rest_below_the_step(
    home: HomeUnderTest,
) -> None:
    """broker: 5.0005 held, steps of 0.001 / plan: a stop for 5, then nothing"""
    bought = order(status="filled", filled_quantity="5.0005", quantity="5.0005")
    home.tell(snapshot(bought, execution("T-1", "5.0005"), position("5.0005"), instrument()))
    home.adopt_all()
    home.must("plan", "--detailed-exitcode")
    home.must("verify")


def test_verify_of_half_an_answer_ends_with_10(home: HomeUnderTest) -> None:
    home.tell(PROTECTED)
    home.adopt_all()
    partly(home, "orders")
    assert "read in part" in home.must("verify", code=10).out


# --- snapshot and plan ----------------------------------------------------------------------------


def test_a_snapshot_goes_round_into_a_plan_without_a_difference(
    home: HomeUnderTest, tmp_path: Path
) -> None:
    home.tell(PROTECTED)
    home.adopt_all()
    file = tmp_path / "now.json"
    home.must("snapshot", "--out", str(file))
    for more in ((), ("--symbol", "BTCUSDT"), ("--account", "main")):
        home.must("plan", "--snapshot", str(file), "--detailed-exitcode", *more)
    home.tell(snapshot(instrument()))
    home.must("plan", "--detailed-exitcode", code=3)
    home.must("plan", "--snapshot", str(file), "--detailed-exitcode")


def test_a_snapshot_answers_for_orders_only_as_far_as_it_goes(
    home: HomeUnderTest, tmp_path: Path
) -> None:
    """book: V-1 open since 11:00 / file: without it, of all time, of late, of half the orders"""
    home.tell(snapshot(order("V-1"), instrument()))
    home.adopt_all()
    file = tmp_path / "later.json"
    for given, code in (
        ({}, 3),
        ({"executions_since": clock("10:00")}, 3),
        ({"executions_since": clock("11:30")}, 0),
    ):
        home.tell(snapshot(instrument(), **given))
        home.must("snapshot", "--out", str(file))
        home.must("plan", "--snapshot", str(file), "--detailed-exitcode", code=code)
    partly(home, "orders")
    home.must("snapshot", "--out", str(file), code=10)
    home.must("plan", "--snapshot", str(file), "--detailed-exitcode", code=10)


def test_a_snapshot_of_another_account_is_a_usage_error(
    home: HomeUnderTest, tmp_path: Path
) -> None:
    file = tmp_path / "other.json"
    home.tell(TWO_ORDERS)
    home.must("snapshot", "--out", str(file))
    file.write_text(file.read_text().replace('"account": "main"', '"account": "other"'))
    assert "other" in home.must("plan", "--snapshot", str(file), code=2).err
    named = home.must("plan", "--snapshot", str(file), "--account", "main", code=2)
    assert "the snapshot is of account 'other', not 'main'" in named.err
    home.must("plan", "--snapshot", str(tmp_path / "none.json"), code=2)


def test_a_plan_of_one_symbol_speaks_of_no_other(home: HomeUnderTest) -> None:
    home.tell(snapshot(order("V-1"), order("V-2", symbol="ETHUSDT"), instrument()))
    plan = home.json("plan", "--symbol", "ETHUSDT")["plan"]
    assert [row["symbol"] for row in plan["to_insert"]] == ["ETHUSDT"]


# --- lists ----------------------------------------------------------------------------------------


@pytest.fixture
def listed(home: HomeUnderTest) -> HomeUnderTest:
    rows = [order(f"L-{n}", price=100 + n, symbol=s) for n, s in enumerate(("=1+1", "A", "B"))]
    home.tell(snapshot(*rows, *BOUGHT, position(5), instrument()))
    home.adopt_all()
    return home


def prices(home: HomeUnderTest, *arguments: str) -> list[str]:
    return [row["price"] for row in home.json("orders", *arguments)["orders"]]


def test_lists_filter_sort_and_page(listed: HomeUnderTest) -> None:
    limit = ("--status", "open", "--origin", "external")
    assert prices(listed, *limit, "--sort", "symbol", "--asc") == ["100", "101", "102"]
    assert prices(listed, *limit, "--sort", "symbol") == ["102", "101", "100"]
    assert prices(listed, *limit, "--symbol", "A") == ["101"]
    told = listed.json("orders", *limit, "--page-size", "2", "--page", "2")
    assert len(told["orders"]) == 1
    assert told["pagination"] == {
        "page": 2,
        "page_size": 2,
        "total_items": 3,
        "total_pages": 2,
        "has_next": False,
        "has_previous": True,
    }
    assert "page 1 of 2, 3 rows" in listed.must("orders", *limit, "--page-size", "2").out


def test_csv_never_starts_a_formula(listed: HomeUnderTest) -> None:
    lines = listed.must("orders", "--csv").out.splitlines()
    assert lines[0].startswith("order_id,")
    assert any("'=1+1" in line for line in lines)
    assert not any(",=1+1" in line for line in lines)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--sort", "price;DROP TABLE orders"),
        ("--page-size", "0"),
        ("--page-size", "1001"),
        ("--page", "0"),
        ("--since", "yesterday"),
        ("--json", "--csv"),
        ("--account", "nobody' OR '1'='1"),
    ],
)
def test_lists_refuse_what_they_cannot_mean(
    listed: HomeUnderTest, arguments: tuple[str, ...]
) -> None:
    result = listed.trueup("orders", *arguments)
    if arguments[0] == "--account" and result.code == 0:
        assert "L-" not in result.out
    else:
        assert result.code == 2, result.err
    assert len(listed.rows("SELECT * FROM orders")) > 3


def test_history_by_every_kind_of_id(listed: HomeUnderTest) -> None:
    (row,) = listed.rows(
        "SELECT order_id, broker_order_id, client_order_id FROM orders WHERE origin = 'owned'"
    )
    (trade,) = listed.rows("SELECT execution_id FROM executions")
    for name in (*row.values(), trade["execution_id"], "BTCUSDT"):
        assert listed.json("history", name)["history"], name
    assert listed.json("history", "nothing")["history"] == []
    assert "knows nothing called" in listed.must("history", "nothing", code=2).err


# --- review ---------------------------------------------------------------------------------------


@pytest.fixture
def pending(home: HomeUnderTest) -> HomeUnderTest:
    home.tell(NAKED)
    home.arm()
    home.must("stage", "--quiet")
    return home


def decided(home: HomeUnderTest) -> dict[str, str]:
    plan = home.json("review")["plan"]
    return {
        row["id"]: row["decision"]
        for section in ("to_insert", "to_update", "to_delete", "broker_actions")
        for row in plan[section]
    }


@pytest.mark.parametrize("name", ["a003", "place_stop", "broker_actions", "all"])
def test_review_takes_ids_kinds_sections_and_all(pending: HomeUnderTest, name: str) -> None:
    before = decided(pending)
    assert before["a003"] == "pending"
    pending.must("review", "--reject", name, "--note", "not now", "--quiet")
    after = decided(pending)
    assert after["a003"] == "reject"
    changed = {key for key in after if after[key] != before[key]}
    assert changed == (set(before) if name == "all" else {"a003"})


@pytest.mark.parametrize(
    "arguments",
    [
        ("--approve", "a003", "--skip", "place_stop"),
        ("--approve", "a099"),
        ("--approve", "insert_everything"),
    ],
)
def test_review_refuses_contradictions_and_unknown_names(
    pending: HomeUnderTest, arguments: tuple[str, ...]
) -> None:
    before = decided(pending)
    pending.must("review", *arguments, code=2)
    assert decided(pending) == before


def test_a_sealed_plan_takes_no_further_decision(pending: HomeUnderTest) -> None:
    pending.must("review", "--seal", "--quiet")
    told = pending.must("review", "--approve", "all", code=7).err
    assert "it was sealed with actions undecided" in told
    pending.must("apply", "--confirm", pending.plan_id(), code=7)


@pytest.mark.parametrize(
    ("statement", "code"),
    [("UPDATE plans SET state = 'superseded'", 5), ("DELETE FROM plans", 6)],
)
def test_review_of_what_can_no_longer_be_applied(
    pending: HomeUnderTest, statement: str, code: int
) -> None:
    pending.execute(statement)
    pending.must("review", "--approve", "all", code=code)


# --- backups --------------------------------------------------------------------------------------


def test_backups_are_made_listed_verified_and_pruned(home: HomeUnderTest) -> None:
    home.tell(PROTECTED)
    home.adopt_all()
    made = home.json("backup", "create")
    assert made["verified"] is True
    names = [row["file"] for row in home.json("backup", "list")["backups"]]
    assert made["file"] in names
    assert home.json("backup", "verify")["good"] is True
    assert home.json("backup", "verify", made["file"])["good"] is True
    home.must("backup", "prune")
    assert made["file"] in home.must("backup", "list").out
    copy = home.root / "backups" / made["file"]
    copy.chmod(0o600)
    copy.write_bytes(copy.read_bytes()[:-4096])
    told = home.must("backup", "verify", made["file"], code=11)
    assert "must not be restored" in told.out


def test_without_a_backup_there_is_none_to_verify(home: HomeUnderTest) -> None:
    home.must("plan", "--quiet")
    assert "no backups" in home.must("backup", "list").out
    assert "there is no backup yet" in home.must("backup", "verify", code=2).err


def test_restore_wants_the_name_typed(home: HomeUnderTest) -> None:
    home.tell(PROTECTED)
    home.adopt_all()
    name = home.json("backup", "create")["file"]
    home.must("restore", "nothing.db", "--confirm", "nothing.db", code=2)
    home.must("restore", name, "--confirm", "other.db", "--no-input", code=7)
    home.must("restore", name, "--confirm", name)
    assert home.sentinel.exists()
    home.must("verify")


# --- one document ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        "plan", "stage", "review", "status", "verify", "doctor", "reconcile", "snapshot", "resolve",
        "orders", "executions", "positions", "alerts", "history BTCUSDT", "backup create",
        "backup list", "backup prune", "safe-mode status", "config show", "apply",
    ],
)  # fmt: skip
def test_json_is_exactly_one_document_on_stdout(home: HomeUnderTest, arguments: str) -> None:
    home.tell(NAKED)
    home.must("stage", "--quiet")
    result = home.trueup(*arguments.split(), "--json", "--verbose")
    document: Any = json.loads(result.out)
    assert isinstance(document, dict), result.err
    assert "Traceback" not in result.err
