"""Mornings that went wrong for others, and what happens here: those that one round can show.

The number is the scenario's. Everything goes through the command line and the paper venue's file.
"""

import asyncio
import json
import sqlite3
from typing import Any

from tests.build import clock, execution, instrument, order, position, snapshot, stop
from tests.crash.power import Power, PowerCut
from tests.crash.test_apply import apply, clock_now, desk_with
from tests.home import HomeUnderTest

BOUGHT = (order(status="filled", filled_quantity=5, quantity=5), execution("T-1", 5))
NAKED = snapshot(*BOUGHT, position(5), instrument())
PROTECTED = snapshot(*BOUGHT, position(5), stop("S-1", 5), instrument())


def placed_by_us(home: HomeUnderTest) -> list[dict[str, Any]]:
    return [row for row in home.broker_orders() if (row["client_order_id"] or "").startswith("tu-")]


def kinds(home: HomeUnderTest, code: int = 0) -> list[str]:
    plan = home.json("plan", code=code)["plan"]
    sections = ("to_insert", "to_update", "to_delete", "broker_actions")
    return sorted(action["kind"] for section in sections for action in plan[section])


def test_01_nothing_is_sent_while_the_book_is_locked(home: HomeUnderTest) -> None:
    home.tell(NAKED)
    home.arm()
    home.set_in("DATABASE", busy_timeout_seconds="0.2")
    plan_id = home.stage_and_approve("all")
    other = sqlite3.connect(home.book_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    home.must("apply", "--confirm", plan_id, code=8)
    other.close()
    assert placed_by_us(home) == []


def test_01_a_crash_after_the_send_is_matched_by_client_id(home: HomeUnderTest) -> None:
    home.tell(NAKED)
    home.arm()
    plan_id = home.stage_and_approve("all")
    probe = Power()
    moments = moments_until(home, probe, plan_id)
    power = Power(moments.index("after placing") + 1)
    home.tell(NAKED)
    reset_book(home)
    plan_id = home.stage_and_approve("all")
    try:
        asyncio.run(apply(desk_with(home, power, clock_now()), plan_id))
        raise AssertionError("the power did not fail")
    except PowerCut:
        pass
    assert len(placed_by_us(home)) == 1
    assert "place_stop" not in kinds(home)
    home.must("apply", "--resume")
    assert len(placed_by_us(home)) == 1
    assert kinds(home) == []


def moments_until(home: HomeUnderTest, power: Power, plan_id: str) -> list[str]:
    asyncio.run(apply(desk_with(home, power, clock_now()), plan_id))
    return power.moments


def reset_book(home: HomeUnderTest) -> None:
    for path in home.book_file.parent.glob("orders.db*"):
        path.unlink()
    (home.root / "status/journal.jsonl").unlink()


def test_02_a_create_that_timed_out_is_unknown_and_never_sent_again(home: HomeUnderTest) -> None:
    home.tell(NAKED, faults=[{"on": "place", "kind": "lost_reply"}])
    home.arm()
    result = home.must("apply", "--confirm", home.stage_and_approve("all"), code=9)
    assert "unknown" in result.out
    assert len(placed_by_us(home)) == 1
    home.must("stage", "--quiet")
    home.must("apply", "--confirm", home.plan_id(), code=9)
    assert len(placed_by_us(home)) == 1
    home.must("apply", "--resume")
    assert (len(placed_by_us(home)), kinds(home)) == (1, [])
    home.must("verify")


def test_02_a_create_that_never_arrived_is_proposed_afresh(home: HomeUnderTest) -> None:
    told = {"quarantine_seconds": 0, "faults": [{"on": "place", "kind": "timeout_before_accept"}]}
    home.tell(NAKED, **told)
    home.arm()
    home.must("apply", "--confirm", home.stage_and_approve("all"), code=9)
    assert placed_by_us(home) == []
    home.must("apply", "--resume")
    assert kinds(home) == ["place_stop"]


def test_04_a_cancelled_order_that_had_filled_is_booked_and_protected(home: HomeUnderTest) -> None:
    """book: V-1 open / broker: cancelled, yet 4 were filled / plan: 4 held, a stop for them."""
    home.tell(snapshot(order("V-1"), instrument()))
    home.adopt_all()
    cancelled = order("V-1", status="cancelled", filled_quantity=4, average_price=100)
    home.tell(snapshot(cancelled, execution("T-1", 4), position(4), instrument()))
    assert kinds(home) == ["insert_execution", "place_stop", "update_order"]
    home.adopt_all()
    assert home.rows("SELECT quantity FROM positions") == [{"quantity": "4"}]
    home.must("verify")


def test_04_a_cancel_that_loses_the_race_against_the_fill_is_told(home: HomeUnderTest) -> None:
    """plan: cancel the second stop / meanwhile it fired / apply: failed, the order is filled."""
    second = stop("S-2", 5, trigger_price=89, created_at=clock("11:30"))
    home.tell(snapshot(*BOUGHT, position(5), stop("S-1", 5), second, instrument()))
    home.arm()
    plan_id = home.stage_and_approve("all")
    document = home.account
    document["simulation"] = {"faults": [{"on": "cancel", "kind": "reject", "code": "too_late"}]}
    home.rewrite_account(document)
    result = home.must("apply", "--confirm", plan_id, code=9)
    assert "too_late" in result.out
    assert home.sentinel.exists()
    assert "reconcile_failed" in (home.root / "logs/alerts.jsonl").read_text()


def test_07_a_position_that_moved_after_the_plan_makes_it_stale(home: HomeUnderTest) -> None:
    home.tell(NAKED)
    home.arm()
    plan_id = home.stage_and_approve("all")
    more = (execution("T-2", 3), position(8))
    home.tell(snapshot(order(status="filled", filled_quantity=8), *BOUGHT[1:], *more, instrument()))
    result = home.must("apply", "--confirm", plan_id, code=5)
    assert "5 → 8" in result.err
    assert placed_by_us(home) == []


def test_14_manual_orders_without_an_order_id_are_two_rows(home: HomeUnderTest) -> None:
    by_hand = [
        order("0", perm_id="1900000000000000001", price=95),
        order("0", perm_id="1900000000000000002", price=96),
    ]
    home.tell(snapshot(*by_hand))
    home.adopt_all()
    rows = home.rows("SELECT perm_id, origin, price FROM orders ORDER BY perm_id")
    assert [(row["perm_id"], row["origin"]) for row in rows] == [
        ("1900000000000000001", "external"),
        ("1900000000000000002", "external"),
    ]
    assert kinds(home) == []


def test_17_five_rounds_over_the_same_state_change_nothing(home: HomeUnderTest) -> None:
    home.tell(PROTECTED)
    home.adopt_all()
    tables = ("orders", "order_events", "executions", "positions", "order_audit", "outbox")

    def contents() -> dict[str, list[dict[str, Any]]]:
        return {table: home.rows(f"SELECT * FROM {table}") for table in tables}

    first = contents()
    for _ in range(5):
        home.must("reconcile", "--quiet")
        assert kinds(home) == []
    assert contents() == first


def test_19_own_and_external_fills_together_make_the_brokers_net(home: HomeUnderTest) -> None:
    ours = order(
        "V-1", client_order_id="tu-00000000000000000000000a", status="filled", filled_quantity=10
    )
    mixed = [
        ours,
        execution("T-1", 10, client_order_id="tu-00000000000000000000000a"),
        execution("T-2", 4, side="sell", broker_order_id="V-7"),
        execution("T-3", 1, side="sell", broker_order_id=None),
    ]
    home.tell(snapshot(*mixed, position(5), stop("S-1", 5), instrument()))
    home.adopt_all()
    assert home.rows("SELECT quantity FROM positions") == [{"quantity": "5"}]
    assert home.rows("SELECT count(*) AS n FROM adjustments") == [{"n": 0}]
    home.must("verify")


def test_20_a_fee_in_the_base_currency_reduces_what_is_held(home: HomeUnderTest) -> None:
    """buy 1, fee 0.001 BTC: the book holds 0.999."""
    bought = order(status="filled", filled_quantity=1, quantity=1)
    fill = execution("T-1", 1, fee="0.001", fee_currency="BTC")
    home.tell(snapshot(bought, fill, position("0.999"), instrument(kind="spot")))
    home.adopt_all()
    assert home.rows("SELECT quantity FROM positions") == [{"quantity": "0.999"}]
    home.must("verify")


def test_20_dust_is_left_alone(home: HomeUnderTest) -> None:
    """A remainder below the minimum quantity: no stop, no retries, no plan."""
    bought = order(status="filled", filled_quantity=1, quantity=1)
    sold = order("V-2", side="sell", status="filled", filled_quantity="0.999", quantity="0.999")
    fills = [
        execution("T-1", 1),
        execution("T-2", "0.999", side="sell", broker_order_id="V-2", executed_at=clock("11:30")),
    ]
    home.tell(snapshot(bought, sold, *fills, position("0.001"), instrument(min_quantity="0.01")))
    home.adopt_all()
    assert home.rows("SELECT quantity, dust FROM positions") == [{"quantity": "0.001", "dust": 1}]
    assert kinds(home) == []
    home.must("verify")


def test_21_another_position_mode_than_configured_stops_before_anything_is_sent(
    home: HomeUnderTest,
) -> None:
    text = home.config_file.read_text()
    start = text.index("ACCOUNTS:")
    account = "{broker: paper, file: ./data/paper_broker.json, position_mode: one-way}"
    home.config_file.write_text(f"{text[:start]}ACCOUNTS:\n  main: {account}\n")
    legs = (position(5, side="long"), execution("T-1", 5, position_side="long"))
    home.tell(snapshot(*legs, instrument(), position_mode="hedge"))
    home.arm()
    plan_id = home.stage_and_approve("all")
    result = home.must("apply", "--confirm", plan_id, code=7)
    assert "hedge" in result.err and "one-way" in result.err
    assert placed_by_us(home) == []
    assert home.account["position_mode"] == "hedge"
    assert home.rows("SELECT * FROM executions") == []


def test_24_absence_from_a_listing_asks_for_the_order_itself(home: HomeUnderTest) -> None:
    """The listing is short of V-1, which is open; nothing is concluded."""
    home.tell(snapshot(order("V-1"), instrument()))
    home.adopt_all()
    document = home.account
    document["parts"]["orders"] = {"partial": "the listing stopped at a page limit"}
    document["orders"] = []
    home.rewrite_account(document)
    assert kinds(home, code=10) == []
    assert home.rows("SELECT status FROM orders") == [{"status": "open"}]


def test_24_ids_of_19_digits_survive(home: HomeUnderTest) -> None:
    long_id = "9007199254740993001"
    home.tell(snapshot(order(long_id, perm_id="1844674407370955161"), instrument()))
    home.adopt_all()
    assert home.rows("SELECT broker_order_id, perm_id FROM orders") == [
        {"broker_order_id": long_id, "perm_id": "1844674407370955161"}
    ]
    staged = json.dumps(home.json("review"))
    assert long_id in staged
