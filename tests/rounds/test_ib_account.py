"""An IB account in the configuration, and every command at work on it."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.home import by_id
from tests.rounds.conftest import AtIb
from tests.rounds.ib_round import DU2, TWO, IbRound
from tests.venues.ib import Order, TradingAccount


@pytest.fixture
def busy(ib: IbRound) -> IbRound:
    """broker: 100 SPY and two MES bought today, 50 AAPL of long ago, two orders entered by hand"""
    ib.trade("SPY", "BUY", "100")
    ib.trade("MES", "BUY", "2")
    ib.hold("AAPL", "50", "219.50")
    for limit in ("490", "491"):
        ib.at(lambda it, limit=limit: it.manual_order("SPY", "BUY", 10, limit=limit))
    return ib


@pytest.fixture
def two(at_ib: AtIb) -> IbRound:
    """Two accounts of one login, long and short of the same symbol."""
    ib = at_ib(TWO)
    ib.trade("SPY", "BUY", "100")
    ib.trade("SPY", "SELL", "30", DU2)
    return ib


# --- the commands ---------------------------------------------------------------------------------


def test_a_round_from_snapshot_to_verify(busy: IbRound) -> None:
    """Everything that the operator types on a day, on stocks and futures."""
    home = busy.home
    told = home.json("snapshot")
    assert told["broker"] == "ib"
    assert set(told["parts"].values()) == {"known"}
    assert "+ a001  insert_order" in home.must("plan").out
    home.must("plan", "--detailed-exitcode", code=3)
    home.must("stage")
    assert "wait for a decision" in home.must("review").out
    home.must("review", "--approve", "all")
    assert "done" in home.must("apply", "--confirm", home.plan_id()).out
    busy.check_true()
    for name in ("SPY", "AAPL", "MESZ0"):
        assert len(busy.stops(name)) == 1, name
    assert "reachable through ib" in home.must("doctor").out
    assert home.json("status")["unprotected_positions"] == []
    home.must("reconcile")


def test_the_lists_and_the_history(busy: IbRound) -> None:
    busy.apply()
    home = busy.home
    held = by_id(home.json("positions")["positions"], "symbol")
    assert {name: row["quantity"] for name, row in held.items()} == {
        "SPY": "100",
        "AAPL": "50",
        "MESZ0": "2",
    }
    traded = by_id(home.json("executions")["executions"], "symbol")
    assert (traded["MESZ0"]["price"], traded["MESZ0"]["fee"]) == ("6000.25", "0.45")
    assert traded["SPY"]["fee_currency"] == "USD"
    (stop,) = (each for each in busy.ours() if each.contract.symbol == "SPY")
    rows = by_id(home.json("orders")["orders"])
    ours = rows[str(stop.perm_id)]
    assert (ours["origin"], ours["client_order_id"]) == ("owned", stop.ticket.order_ref)
    for name in (str(stop.perm_id), stop.ticket.order_ref, "SPY"):
        assert stop.ticket.order_ref in home.must("history", name).out


def test_a_saved_snapshot_plans_what_the_gateway_does(busy: IbRound, tmp_path: Path) -> None:
    file = str(tmp_path / "ib.json")
    busy.home.must("snapshot", "--out", file)
    live = busy.home.must("plan").out
    assert "insert_execution  MESZ0" in live
    assert busy.home.must("plan", "--snapshot", file).out == live


def test_a_saved_snapshot_knows_what_its_averages_contain(busy: IbRound, tmp_path: Path) -> None:
    busy.apply()
    file = str(tmp_path / "ib.json")
    busy.home.must("snapshot", "--out", file)
    assert json.loads(Path(file).read_text())["positions"][0]["fees_in_average"] is True
    busy.home.must("plan", "--snapshot", file, "--detailed-exitcode")


# --- futures --------------------------------------------------------------------------------------


def test_a_future_is_told_with_multiplier_expiry_and_tick(ib: IbRound) -> None:
    ib.hold("ES", "-1", "6010.25")
    told = ib.home.json("snapshot")
    (future,) = told["instruments"]
    assert (future["symbol"], future["kind"], future["base"]) == ("ESZ0", "future", "ES")
    assert (future["multiplier"], future["price_tick"]) == ("50", "0.25")
    assert future["expiry"] == "2030-12-20T00:00:00Z"
    (held,) = told["positions"]
    assert (held["quantity"], held["average_price"]) == ("-1", "6010.25")
    ib.apply()
    (stop,) = ib.stops("ESZ0")
    assert (stop.ticket.action, stop.stop) == ("BUY", Decimal("6491"))
    ib.check_true()


def test_profit_of_a_future_counts_its_multiplier_and_each_fee_once(ib: IbRound) -> None:
    """broker: 2 MES bought at 6000.25, sold at 6100 / book: 99.75 points of 5 dollars, less fees"""
    ib.trade("MES", "BUY", "2")
    ib.apply()
    ib.quote("MES", "6100.00", "6100.25")
    ib.trade("MES", "SELL", "2")
    ib.apply()
    (row,) = ib.home.rows("SELECT quantity, realized_pnl FROM positions")
    assert (row["quantity"], Decimal(row["realized_pnl"])) == (
        "0",
        Decimal("997.50") - 2 * Decimal("0.45"),
    )
    ib.check_true()
    assert ib.stops("MESZ0") == []


def test_spy_futures_actions(ib: IbRound) -> None:
    """broker: ES at a loss, MES at a profit, SPY as bought, another ES about to expire"""
    ib.hold("ES", "1", "6200")
    ib.hold("MES", "1", "5800")
    ib.hold("SPY", "10", "500")
    expiring = ib.lists_future_expiring_in(days=5)
    ib.quote(expiring, "6000.00", "6000.25")
    ib.hold(expiring, "1", "6000")
    document = ib.home.json("plan")
    found = {(row["symbol"], row["kind"]): row for row in document["plan"]["spy_futures_actions"]}
    assert {key for key in found if key[1] != "initial_state"} == {
        ("ESZ0", "close_recommendation"),
        ("MESZ0", "take_profit"),
        (expiring, "roll_due"),
    }
    start = {symbol for symbol, kind in found if kind == "initial_state"}
    assert start == {"ESZ0", "MESZ0", "SPY", expiring}
    losing = found["ESZ0", "close_recommendation"]
    assert (losing["decision"], losing["after"]["reduce_only"]) == ("pending", True)
    assert (losing["after"]["side"], losing["after"]["quantity"]) == ("sell", "1")
    assert found["SPY", "initial_state"]["after"] is None


# --- several accounts in one login ----------------------------------------------------------------


def test_two_accounts_of_one_login_are_never_netted(two: IbRound) -> None:
    two.apply()
    held = two.home.rows("SELECT account, symbol, quantity FROM positions ORDER BY account")
    assert [(row["account"], row["quantity"]) for row in held] == [("ib1", "100"), ("ib2", "-30")]
    (long,), (short,) = two.stops("SPY"), two.stops("SPY", DU2)
    assert (long.ticket.action, long.ticket.quantity, long.client_id) == ("SELL", 100, 17)
    assert (short.ticket.action, short.ticket.quantity, short.client_id) == ("BUY", 30, 18)
    two.check_true()


def test_one_account_is_worked_on_and_the_other_is_left_alone(two: IbRound) -> None:
    two.home.must("stage", "--account", "ib2", "--quiet")
    two.home.must("review", "--approve", "all", "--quiet")
    two.home.must("apply", "--confirm", two.home.plan_id(), "--quiet")
    assert (len(two.stops("SPY")), len(two.stops("SPY", DU2))) == (0, 1)
    assert {row["account"] for row in two.home.rows("SELECT account FROM orders")} == {"ib2"}
    two.home.must("plan", "--account", "ib2", "--detailed-exitcode")
    two.home.must("plan", "--account", "ib1", "--detailed-exitcode", code=3)


def test_what_one_account_lacks_says_nothing_about_the_other(two: IbRound) -> None:
    """ib2 is closed elsewhere / ib1 stays as it is"""
    two.apply()
    two.trade("SPY", "BUY", "30", DU2)
    document = two.home.json("plan")
    rows = [row for part in document["plan"].values() if isinstance(part, list) for row in part]
    assert {row["account"] for row in rows} == {"ib2"}
    two.apply()
    two.check_true()
    assert (len(two.stops("SPY")), len(two.stops("SPY", DU2))) == (1, 0)


def test_accounts_that_share_a_client_id_are_warned_of(two: IbRound) -> None:
    two.home.configure("ib2", client_id="17", retry="1")
    checked = two.home.must("config", "check")
    assert "ACCOUNTS.ib1 and ACCOUNTS.ib2 are both client id 17" in checked.err
    planned = two.home.json("plan", code=10)
    assert {row["account"] for row in planned["problems"]} == {"ib2"}
    assert all(
        "client id 17 is in use at 127.0.0.1" in row["message"] for row in planned["problems"]
    )


# --- orders of others -----------------------------------------------------------------------------


def test_orders_entered_by_hand_are_external_and_told_apart(busy: IbRound) -> None:
    """Both have order id 0; the permId tells one from the other."""
    busy.apply()
    by_hand = [order for order in busy.orders() if order.order_id == 0]
    rows = by_id(busy.home.json("orders")["orders"])
    assert len(by_hand) == 2
    for order in by_hand:
        row = rows[str(order.perm_id)]
        assert (row["origin"], row["perm_id"]) == ("external", str(order.perm_id))
        assert (row["status"], row["price"]) == ("open", str(order.limit))
    busy.check_true()
    busy.at(lambda it: it.end(by_hand[0]))
    (change,) = busy.home.json("plan")["plan"]["to_update"]
    assert change["before"]["broker_order_id"] == str(by_hand[0].perm_id)
    assert change["after"]["status"] == "cancelled"


@pytest.mark.parametrize(
    "placed",
    [
        lambda it: it.manual_order("SPY", "SELL", 60, stop="450", tif="GTC"),
        lambda it: it.client_order(99, "SPY", "SELL", 60, stop="450", tif="GTC"),
    ],
    ids=["by hand", "another client"],
)
def test_a_stop_that_we_cannot_change_is_told_with_the_reason(
    ib: IbRound, placed: Callable[[TradingAccount], Order]
) -> None:
    """broker: a stop of the wrong size, not ours / plan: no action, who can change it, and how"""
    theirs = ib.at(placed)
    ib.hold("SPY", "100", "500")
    ib.apply()
    document = ib.home.json("plan")
    assert document["plan"]["broker_actions"] == []
    (problem,) = document["problems"]
    assert (problem["code"], problem["subject"]) == ("stop_not_ours", str(theirs.perm_id))
    assert "the position is 100" in problem["message"].lower()
    assert "Only whoever placed it can change it" in problem["message"]
    (row,) = ib.home.json("orders")["orders"]
    assert (row["origin"], row["status"]) == ("external", "open")
    assert ib.sent() == 0
    ib.at(lambda it: it.end(theirs))
    ib.apply()
    ib.check_true()


def test_all_orders_of_all_clients_are_seen(ib: IbRound) -> None:
    """Ours are one of seventy; a listing of our client id alone would show none of the others."""
    for number in range(70):
        ib.at(
            lambda it, n=number: it.client_order(
                200 + n, "AAPL", "BUY", 1, limit=str(100 + n), tif="GTC", order_ref=f"theirs-{n}"
            )
        )
    ib.naked()
    ib.apply()
    ib.check_true()
    assert ib.home.json("orders", "--page-size", "100")["pagination"]["total_items"] == 71
    assert len(ib.ours()) == 1


# --- fills ----------------------------------------------------------------------------------------


def test_a_partial_fill_is_protected_as_far_as_it_goes(ib: IbRound) -> None:
    """broker: 40 of 100 filled, then the rest / stop: 40, then 100, and never a second one"""
    order = ib.at(
        lambda it: it.client_order(99, "SPY", "BUY", 100, limit="499", tif="GTC", order_ref="x")
    )
    ib.at(lambda it: it.fill(order, 40))
    ib.apply()
    (row,) = ib.home.rows("SELECT * FROM orders WHERE origin = 'external'")
    assert (row["status"], row["filled_quantity"]) == ("partially_filled", "40")
    assert [stop.ticket.quantity for stop in ib.stops("SPY")] == [40]
    ib.check_true()
    ib.at(lambda it: it.fill(order, 60))
    assert ib.kinds() == ["insert_execution", "resize_stop", "update_order"]
    ib.apply()
    assert [stop.ticket.quantity for stop in ib.stops("SPY")] == [100]
    assert len(ib.ours()) == 1
    ib.check_true()


def test_our_own_stop_fills(ib: IbRound) -> None:
    ib.trade("SPY", "BUY", "100")
    ib.apply()
    ib.quote("SPY", "440.00", "440.02")
    assert ib.kinds() == ["insert_execution", "update_order"]
    ib.apply()
    ib.check_true()
    (row,) = ib.home.rows("SELECT quantity FROM positions")
    assert row["quantity"] == "0"
    (stop,) = ib.home.rows("SELECT status FROM orders WHERE origin = 'owned'")
    assert stop["status"] == "filled"


def test_a_corrected_execution_replaces_the_one_it_corrects(ib: IbRound) -> None:
    order = ib.trade("SPY", "BUY", "100")
    ib.apply()
    ib.at(lambda it: it.correct(order.execution_ids[0], price="499.50"))
    assert ib.kinds() == ["update_execution"]
    ib.apply()
    ib.check_true()
    (row,) = ib.home.rows("SELECT price FROM executions")
    assert row["price"] == "499.5"


# --- the average, which contains commissions ------------------------------------------------------


def test_commissions_in_the_average_ask_nobody(ib: IbRound) -> None:
    """broker: three fills, each a dollar; the cost IB tells is never the price that was paid"""
    for action, quantity in (("BUY", "10"), ("BUY", "1"), ("SELL", "5")):
        ib.trade("SPY", action, quantity)
        assert "adopt_position" not in ib.kinds()
        ib.apply()
        ib.check_true()
    (told,) = ib.home.json("snapshot")["positions"]
    assert told["fees_in_average"] is True
    assert Decimal(told["average_price"]) > Decimal("500.1")
    (row,) = ib.home.rows("SELECT average_price, realized_pnl FROM positions")
    assert row["average_price"] == "500.02"
    assert Decimal(row["realized_pnl"]) == -3 + 5 * Decimal("-0.02")


def test_commissions_lower_the_average_of_what_was_sold_short(ib: IbRound) -> None:
    ib.trade("SPY", "SELL", "5")
    ib.apply()
    ib.check_true()
    (told,) = ib.home.json("snapshot")["positions"]
    assert told["average_price"] == "499.8"


def test_an_average_that_no_fee_explains_is_asked_about_once(ib: IbRound) -> None:
    """broker: sold and bought again on a day that IB tells no more of / book: told, then adopted"""
    ib.trade("AAPL", "BUY", "100")
    ib.apply()
    ib.hold("AAPL", "100", "210")
    (change,) = ib.home.json("plan")["plan"]["to_update"]
    assert change["kind"] == "adopt_position"
    assert change["because"].endswith("the quantity is explained, the average price is not.")
    assert change["decision"] == "pending"
    ib.apply()
    ib.check_true()
    ib.trade("AAPL", "BUY", "1")
    assert ib.kinds() == ["insert_execution", "insert_order", "resize_stop"]
    ib.apply()
    ib.check_true()
