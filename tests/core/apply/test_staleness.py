"""The door's last look: what moved is named, old to new, and nothing is changed."""

import pytest

from tests.build import clock, execution, instrument, order, position, snapshot, stop
from tests.core.apply.rounds import BOUGHT
from tests.home import HomeUnderTest

DRIFT = snapshot(order("V-1"), order("V-2", price=90), instrument())


@pytest.fixture
def staged(home: HomeUnderTest) -> HomeUnderTest:
    home.tell(DRIFT)
    home.arm()
    home.must("stage", "--quiet")
    return home


def refused(home: HomeUnderTest, code: int) -> str:
    before = home.rows("SELECT * FROM orders")
    result = home.must("apply", "--confirm", home.plan_id(), code=code)
    assert home.rows("SELECT * FROM orders") == before
    return result.err


def test_an_order_that_is_gone_no_longer_differs(staged: HomeUnderTest) -> None:
    staged.tell(snapshot(order("V-2", price=90), instrument()))
    assert "no longer differs" in refused(staged, 5)


def test_each_field_that_moved_is_named(staged: HomeUnderTest) -> None:
    staged.tell(snapshot(order("V-1"), order("V-2", price=91), instrument()))
    assert "after.price: 90 → 91" in refused(staged, 5)


def test_a_book_that_moved_is_named_by_its_serial(staged: HomeUnderTest) -> None:
    (row,) = staged.rows("SELECT serial FROM meta")
    staged.execute("UPDATE meta SET serial = serial + 1")
    assert f"book serial: {row['serial']} → {row['serial'] + 1}" in refused(staged, 5)


def test_a_book_restored_during_the_check_is_another_book(staged: HomeUnderTest) -> None:
    staged.execute("UPDATE meta SET lineage = 'b-other'")
    assert "lineage" in refused(staged, 5)


def test_of_very_many_movements_the_first_are_named(home: HomeUnderTest) -> None:
    many = [order(f"V-{n}", price=100 + n) for n in range(30)]
    home.tell(snapshot(*many, instrument()))
    home.arm()
    home.must("stage", "--quiet")
    home.tell(snapshot(instrument()))
    error = refused(home, 5)
    assert error.count("no longer differs") == 20
    assert "and 10 more" in error


def test_a_broker_read_in_part_is_no_ground_to_act_on(staged: HomeUnderTest) -> None:
    document = staged.account
    document["parts"]["executions"] = {"partial": "one page of two"}
    staged.rewrite_account(document)
    assert "read in part" in refused(staged, 10)


def test_marks_move_by_themselves_and_make_nothing_stale(home: HomeUnderTest) -> None:
    told = (*BOUGHT, execution("T-0", 2, executed_at=clock("10:30")), stop("S-1", 9), instrument())
    home.tell(snapshot(*told, position(9, mark_price=100)))
    home.arm()
    home.stage_and_approve("all")
    home.tell(snapshot(*told, position(9, mark_price=101)))
    home.must("apply", "--confirm", home.plan_id())


def test_a_venue_whose_position_mode_was_switched_meanwhile_is_sent_nothing(
    home: HomeUnderTest,
) -> None:
    """plan: a stop for 5, in one-way mode / venue: in hedge mode by now"""
    home.tell(snapshot(*BOUGHT, position(5), instrument()))
    home.arm()
    told = home.config_file.read_text()
    home.config_file.write_text(told.replace("position_mode: any", "position_mode: one-way"))
    home.stage_and_approve("all")
    home.rewrite_account(home.account | {"position_mode": "hedge"})
    error = refused(home, 7)
    assert "account main: " in error
    assert "ACCOUNTS.main.position_mode" in error
    assert not [row for row in home.broker_orders() if row["type"] == "stop"]
