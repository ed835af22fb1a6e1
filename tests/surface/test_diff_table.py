"""Every row of the diff table, from the broker's file to the plan's document."""

from datetime import timedelta
from typing import Any

import pytest

from core.domain.snapshot import Partial, Unavailable
from core.host.clock import SystemClock
from tests.build import clock, execution, instrument, order, position, snapshot, stop
from tests.home import HomeUnderTest

BOUGHT = (order(status="filled", filled_quantity=5, quantity=5), execution("T-1", 5))


def plan_of(home: HomeUnderTest, code: int = 0) -> dict[str, Any]:
    document: dict[str, Any] = home.json("plan", code=code)
    return document


def actions(plan: dict[str, Any]) -> list[dict[str, Any]]:
    sections = ("to_insert", "to_update", "to_delete", "broker_actions", "spy_futures_actions")
    return [action for section in sections for action in plan["plan"][section]]


def the_only(plan: dict[str, Any], kind: str) -> dict[str, Any]:
    (action,) = [action for action in actions(plan) if action["kind"] == kind]
    return action


def kinds(plan: dict[str, Any]) -> list[str]:
    return sorted(action["kind"] for action in actions(plan))


def codes(plan: dict[str, Any]) -> list[str]:
    return sorted(problem["code"] for problem in plan["problems"])


def test_same_is_unchanged(home: HomeUnderTest) -> None:
    home.tell(snapshot(order("V-1")))
    home.adopt_all()
    plan = plan_of(home)
    assert kinds(plan) == []
    assert plan["plan"]["summary"]["unchanged"] == 1


def test_a_differing_order_is_updated(home: HomeUnderTest) -> None:
    """book: BTCUSDT 10 open / broker: 4 filled, cancelled / plan: ~ order cancelled, filled 4."""
    home.tell(snapshot(order("V-1")))
    home.adopt_all()
    home.tell(snapshot(order("V-1", status="cancelled", filled_quantity=4, average_price=100)))
    action = the_only(plan_of(home), "update_order")
    assert {"status", "filled_quantity", "average_price"} <= set(action["changed"])
    assert (action["before"]["status"], action["after"]["status"]) == ("open", "cancelled")
    assert (action["before"]["filled_quantity"], action["after"]["filled_quantity"]) == ("0", "4")
    assert (action["class"], action["decision"]) == ("record", "approve")


def test_an_order_the_book_lacks_is_inserted_as_external(home: HomeUnderTest) -> None:
    home.tell(snapshot(order("V-1")))
    action = the_only(plan_of(home), "insert_order")
    assert action["before"] is None
    assert (action["reason"], action["after"]["origin"]) == ("not_in_book", "external")


def test_external_orders_are_only_reported_when_so_configured(home: HomeUnderTest) -> None:
    home.set(AUTO_MANAGE_EXTERNAL_ORDERS="false")
    home.tell(snapshot(order("V-1")))
    plan = plan_of(home)
    assert (kinds(plan), codes(plan)) == ([], ["external_order"])


@pytest.fixture
def with_open_order(home: HomeUnderTest) -> HomeUnderTest:
    """book: V-1 open, and the broker's listing has it no more."""
    home.tell(snapshot(order("V-1")))
    home.adopt_all()
    return home


def test_an_order_conclusively_gone_is_deleted_softly(with_open_order: HomeUnderTest) -> None:
    with_open_order.tell(snapshot())
    action = the_only(plan_of(with_open_order), "delete_order")
    assert (action["reason"], action["after"]["status"]) == ("not_on_broker", "orphaned_deleted")
    assert (action["class"], action["decision"]) == ("erase", "approve")
    with_open_order.must("stage")
    with_open_order.must("apply", "--confirm", with_open_order.plan_id())
    assert with_open_order.rows("SELECT status FROM orders") == [{"status": "orphaned_deleted"}]


def test_an_order_conclusively_gone_is_erased_when_forced(with_open_order: HomeUnderTest) -> None:
    with_open_order.set(FORCE_SYNC_DELETE="true")
    with_open_order.tell(snapshot())
    action = the_only(plan_of(with_open_order), "delete_order")
    assert (action["after"], action["decision"]) == (None, "pending")
    with_open_order.must("apply", "--confirm", with_open_order.stage_and_approve("delete_order"))
    assert with_open_order.rows("SELECT status FROM orders") == []


def test_a_single_query_tells_that_it_ended(with_open_order: HomeUnderTest) -> None:
    """Scenario 24: the listing is short, the order itself is filled."""
    filled = order("V-1", status="filled", filled_quantity=10, average_price=100)
    with_open_order.tell(
        snapshot(filled), faults=[{"on": "snapshot", "kind": "partial", "part": "orders"}]
    )
    plan = plan_of(with_open_order, code=10)
    assert "delete_order" not in kinds(plan)


def test_an_order_nobody_can_answer_for_stays(with_open_order: HomeUnderTest) -> None:
    with_open_order.tell(
        snapshot(), faults=[{"on": "find_order", "kind": "unavailable", "times": 9}]
    )
    plan = plan_of(with_open_order)
    assert (kinds(plan), codes(plan)) == ([], ["order_outcome_unknown"])


def test_an_order_older_than_the_brokers_memory_stays(with_open_order: HomeUnderTest) -> None:
    with_open_order.tell(snapshot(executions_since=clock("11:30")))
    plan = plan_of(with_open_order)
    assert (kinds(plan), codes(plan)) == ([], ["order_outcome_unknown"])


def test_history_is_not_drift(home: HomeUnderTest) -> None:
    home.tell(snapshot(order("V-1", status="cancelled")))
    home.adopt_all()
    home.tell(snapshot())
    assert kinds(plan_of(home)) == []


def test_an_execution_the_book_lacks(home: HomeUnderTest) -> None:
    home.tell(snapshot(*BOUGHT[:1], instrument()))
    home.adopt_all()
    home.tell(snapshot(*BOUGHT, position(5), stop("S-1", 5), instrument()))
    plan = plan_of(home)
    assert the_only(plan, "insert_execution")["after"]["execution_id"] == "T-1"
    assert "adopt_position" not in kinds(plan)


def test_an_execution_of_an_unknown_order_brings_a_stub(home: HomeUnderTest) -> None:
    home.tell(snapshot(execution("T-1", 5), position(5), stop("S-1", 5)))
    plan = plan_of(home)
    (stub,) = [a for a in actions(plan) if a["reason"] == "stub_for_execution"]
    arrived = the_only(plan, "insert_execution")
    assert arrived["depends_on"] == [stub["id"]]
    assert stub["after"]["filled_quantity"] == "5"


def test_a_corrected_execution_replaces(home: HomeUnderTest) -> None:
    home.tell(snapshot(*BOUGHT, position(5), stop("S-1", 5)))
    home.adopt_all()
    corrected = execution("T-1", 4)
    filled = order(status="filled", filled_quantity=4, quantity=5)
    home.tell(snapshot(filled, corrected, position(4), stop("S-1", 4)))
    plan = plan_of(home)
    action = the_only(plan, "update_execution")
    assert (action["before"]["quantity"], action["after"]["quantity"]) == ("5", "4")
    home.must("apply", "--confirm", home.stage_and_approve("all"))
    assert home.rows("SELECT quantity FROM executions") == [{"quantity": "4"}]
    assert home.rows("SELECT quantity FROM positions") == [{"quantity": "4"}]


def test_a_fill_without_its_executions_is_believed_but_named(home: HomeUnderTest) -> None:
    home.tell(snapshot(order("V-1", status="partially_filled", filled_quantity=4)))
    plan = plan_of(home)
    assert codes(plan) == ["executions_incomplete"]
    inserted = the_only(plan, "insert_order")["after"]
    assert (inserted["filled_quantity"], inserted["average_price"]) == ("4", None)
    home.adopt_all()
    assert codes(plan_of(home)) == ["executions_incomplete"]
    assert home.rows("SELECT * FROM executions") == []


def test_an_unexplained_position_waits_for_a_person(home: HomeUnderTest) -> None:
    home.tell(snapshot(position(5), stop("S-1", 5)))
    action = the_only(plan_of(home), "adopt_position")
    assert (action["class"], action["decision"]) == ("correct", "pending")
    assert (action["unexplained"], action["after"]["quantity"]) == ("5", "5")


def test_only_the_unexplained_part_is_adopted(home: HomeUnderTest) -> None:
    """broker: 8 held, executions for 5 / plan: the executions, and 3 unexplained."""
    home.tell(snapshot(*BOUGHT, position(8), stop("S-1", 8), instrument()))
    action = the_only(plan_of(home), "adopt_position")
    assert action["unexplained"] == "3"
    home.adopt_all()
    assert home.rows("SELECT quantity, reason FROM adjustments")[0]["quantity"] == "3"
    assert home.rows("SELECT quantity FROM positions") == [{"quantity": "8"}]
    assert kinds(plan_of(home)) == []


def test_late_rows_replace_the_adjustment(home: HomeUnderTest) -> None:
    """adopted: 5 without rows / later the broker shows the rows / the position stays 5."""
    home.tell(snapshot(position(5), stop("S-1", 5), instrument()))
    home.adopt_all()
    home.tell(snapshot(*BOUGHT, position(5), stop("S-1", 5), instrument()))
    plan = plan_of(home)
    assert "adopt_position" not in kinds(plan)
    home.must("apply", "--confirm", home.stage_and_approve("all"))
    assert home.rows("SELECT quantity FROM positions") == [{"quantity": "5"}]
    assert kinds(plan_of(home)) == []
    home.must("verify")


def test_a_position_closed_elsewhere(home: HomeUnderTest) -> None:
    home.tell(snapshot(position(5), stop("S-1", 5)))
    home.adopt_all()
    home.tell(snapshot(stop("S-1", 5, status="cancelled")))
    action = the_only(plan_of(home), "adopt_position")
    assert (action["reason"], action["after"]["quantity"]) == ("closed_externally", "0")


@pytest.mark.parametrize("part", ["orders", "executions", "positions"])
@pytest.mark.parametrize("state", [Unavailable("503"), Partial("page limit")])
def test_a_part_not_known_proves_no_absence(
    home: HomeUnderTest, part: str, state: Unavailable | Partial
) -> None:
    home.tell(snapshot(*BOUGHT, order("V-2", price=90), position(5), stop("S-1", 5)))
    home.adopt_all()
    home.tell(snapshot(parts={part: state}))
    plan = plan_of(home, code=10)
    assert plan["base"]["complete"] is False
    removed = {"orders": "delete_order", "executions": "", "positions": "adopt_position"}[part]
    assert removed not in kinds(plan)
    assert "cancel_orphan_stop" not in kinds(plan)


def test_funding_is_never_a_fill(home: HomeUnderTest) -> None:
    home.tell(snapshot(execution("F-1", 5, kind="funding", broker_order_id=None)))
    assert kinds(plan_of(home)) == []


def test_an_unknown_fee_is_filled_in_later_without_a_second_execution(home: HomeUnderTest) -> None:
    filled = order(status="filled", filled_quantity=5, quantity=5)
    rows = (filled, position(5), stop("S-1", 5))
    home.tell(snapshot(execution("T-1", 5, fee=None, fee_currency=None), *rows))
    home.adopt_all()
    assert home.rows("SELECT fee FROM executions") == [{"fee": None}]
    home.tell(snapshot(execution("T-1", 5, fee="0.2"), *rows))
    assert the_only(plan_of(home), "update_execution")["changed"] >= ["fee"]
    home.must("apply", "--confirm", home.stage_and_approve("all"))
    assert home.rows("SELECT fee FROM executions") == [{"fee": "0.2"}]


def test_a_rebate_is_kept(home: HomeUnderTest) -> None:
    filled = order(status="filled", filled_quantity=5, quantity=5)
    home.tell(snapshot(filled, execution("T-1", 5, fee="-0.3"), position(5), stop("S-1", 5)))
    home.adopt_all()
    assert home.rows("SELECT fee FROM executions") == [{"fee": "-0.3"}]


def test_hedge_legs_are_two_positions(home: HomeUnderTest) -> None:
    legs = (position(5, side="long"), position(5, side="short"))
    home.tell(snapshot(*legs, position_mode="hedge"))
    plan = plan_of(home)
    adopted = [a for a in actions(plan) if a["kind"] == "adopt_position"]
    assert [a["after"]["side"] for a in adopted] == ["long", "short"]
    placed = [a["after"] for a in actions(plan) if a["kind"] == "place_stop"]
    assert sorted((a["position_side"], a["side"]) for a in placed) == [
        ("long", "sell"),
        ("short", "buy"),
    ]


def test_two_accounts_are_never_mixed(home: HomeUnderTest) -> None:
    text = home.config_file.read_text()
    assert "ACCOUNTS:" in text
    home.config_file.write_text(
        text[: text.index("ACCOUNTS:")]
        + "ACCOUNTS:\n  main: {broker: paper, file: ./data/paper_broker.json}\n"
        + "  other: {broker: paper, file: ./data/other.json}\n"
    )
    home.tell(snapshot(position(5), stop("S-1", 5)))
    first = home.account
    home.tell(
        snapshot(position(-5), stop("S-1", 5, side="buy", trigger_price=110), account="other")
    )
    home.paper_file.rename(home.root / "data/other.json")
    home.rewrite_account(first)
    plan = plan_of(home)
    adopted = {
        a["account"]: a["after"]["quantity"] for a in actions(plan) if a["kind"] == "adopt_position"
    }
    assert adopted == {"main": "5", "other": "-5"}


def test_volatile_figures_never_make_a_plan(home: HomeUnderTest) -> None:
    home.tell(snapshot(*BOUGHT, position(5, mark_price=101, unrealized_pnl=5), stop("S-1", 5)))
    home.adopt_all()
    home.tell(snapshot(*BOUGHT, position(5, mark_price=150, unrealized_pnl=250), stop("S-1", 5)))
    assert kinds(plan_of(home)) == []


# --- protective actions -----------------------------------------------------------------------


@pytest.fixture
def holding(home: HomeUnderTest) -> HomeUnderTest:
    """book and broker: 5 bought at 100, protected."""
    home.tell(snapshot(*BOUGHT, position(5), stop("S-1", 5), instrument()))
    home.adopt_all()
    return home


def test_a_missing_stop_is_placed(holding: HomeUnderTest) -> None:
    holding.tell(snapshot(*BOUGHT, position(5, leverage=10), instrument()))
    action = the_only(plan_of(holding), "place_stop")
    assert (action["class"], action["decision"], action["before"]) == ("protect", "pending", None)
    after = action["after"]
    assert (after["side"], after["quantity"], after["reduce_only"]) == ("sell", "5", True)
    assert after["trigger_price"] == "99.2"


def test_no_stop_is_asked_for_when_so_configured(holding: HomeUnderTest) -> None:
    holding.set_in("POSITIONS", require_stop="false")
    holding.tell(snapshot(*BOUGHT, position(5), stop("S-1", 5, status="cancelled"), instrument()))
    assert kinds(plan_of(holding)) == ["update_order"]


def test_a_position_opened_by_hand_gets_no_stop_when_so_configured(home: HomeUnderTest) -> None:
    """Ours is whatever an order of ours has traded in since it was last flat."""
    key = "tu-0123456789abcdef01234567"
    mine = order("V-1", client_order_id=key, status="filled", filled_quantity=5, quantity=5)
    theirs = order("V-2", symbol="ETHUSDT", status="filled", filled_quantity=5, quantity=5)
    home.tell(
        snapshot(
            mine,
            theirs,
            execution("T-1", 5),
            execution("T-2", 5, broker_order_id="V-2", symbol="ETHUSDT"),
            position(5),
            position(5, symbol="ETHUSDT"),
        )
    )
    home.arm()
    home.must("apply", "--confirm", home.stage_and_approve(), "--quiet", "--exclude", "place_stop")
    both = [action["symbol"] for action in actions(plan_of(home))]
    assert both == ["BTCUSDT", "ETHUSDT"]
    home.set_in("POSITIONS", protect_external_positions="false")
    assert [action["symbol"] for action in actions(plan_of(home))] == ["BTCUSDT"]


def test_a_second_stop_is_cancelled(holding: HomeUnderTest) -> None:
    newer = stop("S-2", 4, created_at=clock("11:30"))
    holding.tell(snapshot(*BOUGHT, position(5), stop("S-1", 5), newer, instrument()))
    action = the_only(plan_of(holding), "cancel_duplicate_stop")
    assert action["before"]["broker_order_id"] == "S-2"
    assert action["decision"] == "pending"


def test_a_stop_of_the_wrong_size_is_resized(holding: HomeUnderTest) -> None:
    holding.tell(snapshot(*BOUGHT, position(5), stop("S-1", 3), instrument()))
    action = the_only(plan_of(holding), "resize_stop")
    assert (action["before"]["quantity"], action["after"]["quantity"]) == ("3", "5")


def test_a_stop_without_a_position_is_cancelled(holding: HomeUnderTest) -> None:
    """Scenario 8, as far as a single round goes."""
    holding.tell(snapshot(*BOUGHT, stop("S-1", 5), instrument()))
    assert the_only(plan_of(holding), "cancel_orphan_stop")["target"] == "S-1"


def test_an_own_order_left_open_too_long_is_stale(home: HomeUnderTest) -> None:
    ours = order("V-1", client_order_id="tu-000000000000000000000001", created_at=clock("09:00"))
    external = order("V-2", created_at=clock("09:00"))
    home.tell(snapshot(ours, external))
    action = the_only(plan_of(home), "cancel_stale_order")
    assert (action["target"], action["class"], action["decision"]) == ("V-1", "trade", "pending")


# --- S&P positions ----------------------------------------------------------------------------


def spy(home: HomeUnderTest, **given: Any) -> dict[str, Any]:
    home.tell(snapshot(position(2, symbol="ES", **given), instrument("ES", kind="future")))
    return plan_of(home)


def test_an_sp_position_found_at_start_up(home: HomeUnderTest) -> None:
    action = the_only(spy(home, mark_price=100), "initial_state")
    assert action["after"] is None
    assert action["before"]["quantity"] == "2"


def test_a_losing_sp_position_is_recommended_for_closing(home: HomeUnderTest) -> None:
    action = the_only(spy(home, mark_price=97), "close_recommendation")
    assert action["decision"] == "pending"
    after = action["after"]
    assert (after["side"], after["quantity"], after["reduce_only"]) == ("sell", "2", True)


def test_a_winning_sp_position_is_recommended_for_taking_profit(home: HomeUnderTest) -> None:
    assert the_only(spy(home, mark_price=102), "take_profit")["after"]["side"] == "sell"


def test_an_expiring_contract_is_due_for_rolling(home: HomeUnderTest) -> None:
    soon = instrument("ES", kind="future", expiry=SystemClock().now() + timedelta(days=5))
    home.tell(snapshot(position(2, symbol="ES", mark_price=100), soon))
    assert the_only(plan_of(home), "roll_due")["target"] == "ES"


# --- in general -------------------------------------------------------------------------------


def test_the_same_book_and_snapshot_give_the_same_actions_and_ids(home: HomeUnderTest) -> None:
    home.tell(snapshot(*BOUGHT, order("V-2", price=90), position(5), instrument()))
    first, second = plan_of(home), plan_of(home)
    assert first["plan"] == second["plan"]


def test_planning_writes_nothing_but_status_and_log(home: HomeUnderTest) -> None:
    home.tell(snapshot(*BOUGHT, position(5)))
    home.must("plan", "--quiet")
    before = {path: path.stat().st_mtime_ns for path in home.root.rglob("*") if path.is_file()}
    home.must("plan", "--quiet")
    after = {path: path.stat().st_mtime_ns for path in home.root.rglob("*") if path.is_file()}
    changed = {path.name for path in after if before.get(path) != after[path]}
    assert changed <= {"reconcile_status.json", "reconcile.log", "orders.db-shm", "orders.db-wal"}


def test_exit_codes_for_cron(home: HomeUnderTest) -> None:
    home.tell(snapshot())
    assert home.trueup("plan", "--detailed-exitcode", "--quiet").code == 0
    home.tell(snapshot(order("V-1")))
    result = home.trueup("plan", "--detailed-exitcode", "--quiet")
    assert (result.code, result.out) == (3, "")
    assert home.trueup("plan", "--quiet").code == 0
