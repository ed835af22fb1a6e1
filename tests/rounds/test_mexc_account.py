"""A MEXC account in the configuration, and every command on it.

MEXC counts in contracts and the book in coins: 500 contracts of BTC_USDT are 0.05 BTC.
"""

from decimal import Decimal
from typing import Any

import pytest

from tests.home import by_id
from tests.rounds.conftest import AtMexc
from tests.rounds.mexc_round import BTC, BUY, ETH, NAME, SELL, SOL, MexcRound
from tests.venues.exchange import Leg
from tests.venues.faults import Fault


@pytest.fixture
def busy(mexc: MexcRound) -> MexcRound:
    """BTC long with a stop that is too small, ETH short and naked, SOL bought in part."""
    mexc.trade(BTC, BUY, 500)
    mexc.stop_by_hand(BTC, SELL, 200, "58000")
    mexc.trade(ETH, SELL, 30)
    resting = mexc.trade(SOL, BUY, 20, price="140")
    mexc.do(lambda v: v.exchange.fill(resting, "5"))
    return mexc


def one_stop_each(mexc: MexcRound, **contracts: int) -> None:
    """At the venue: one stop per position, in contracts, and none anywhere else."""
    assert {
        name: [stop.quantity for stop in mexc.stops(f"{name}_USDT")]
        for name in ("BTC", "ETH", "SOL")
    } == {
        name: [Decimal(contracts[name])] if name in contracts else []
        for name in ("BTC", "ETH", "SOL")
    }


# --- one round ------------------------------------------------------------------------------------


def test_a_round_leaves_nothing_to_do_and_one_stop_per_position(busy: MexcRound) -> None:
    home = busy.home
    shown = home.must("plan").out
    assert "buy 0.05 market, filled" in shown
    assert "8 % at leverage 20 is reached at 3012" in shown
    assert "4 broker actions" in shown
    home.must("plan", "--detailed-exitcode", code=3)
    home.must("stage", "--quiet")
    assert "4 actions wait for a decision" in home.must("review").out
    home.must("review", "--approve", "all", "--seal", "--quiet")
    assert "11 done." in home.must("apply", "--confirm", home.plan_id()).out
    busy.check_true()
    one_stop_each(busy, BTC=500, ETH=30, SOL=5)
    # Again, and nothing happens again.
    sent = busy.sent()
    home.must("apply", "--confirm", busy.staged())
    assert busy.sent() == sent
    assert home.json("reconcile")["ended"] == "clean"


def test_the_lists_speak_of_coins_and_never_of_contracts(busy: MexcRound) -> None:
    busy.apply()
    home = busy.home
    held = {row["symbol"]: row["quantity"] for row in home.json("positions")["positions"]}
    assert held == {BTC: "0.05", ETH: "-0.3", SOL: "0.5"}
    traded = by_id(home.json("executions")["executions"], "symbol")
    assert {name: row["quantity"] for name, row in traded.items()} == {
        BTC: "0.05",
        ETH: "0.3",
        SOL: "0.5",
    }
    assert (traded[BTC]["price"], traded[BTC]["fee"]) == ("60000.1", "1.200002")
    (half,) = home.json("orders", "--status", "partially_filled")["orders"]
    assert (half["quantity"], half["filled_quantity"], half["price"]) == ("2", "0.5", "140")
    stops = home.json("orders", "--status", "open")["orders"]
    assert {(row["symbol"], row["side"], row["quantity"], row["origin"]) for row in stops} == {
        (BTC, "sell", "0.05", "owned"),
        (ETH, "buy", "0.3", "owned"),
        (SOL, "sell", "0.5", "owned"),
    }
    told = home.must("history", half["broker_order_id"]).out
    assert "insert_order" in told
    assert "buy 0.5 @ 140" in told
    assert "replaced_stop" in home.must("history", BTC, "--verbose").out
    assert home.json("status")["unprotected_positions"] == []
    assert home.json("resolve") == {"matches": [], "steps": []}


def test_the_snapshot_tells_all_and_a_plan_can_be_made_of_it(busy: MexcRound) -> None:
    home = busy.home
    told = home.json("snapshot")
    assert set(told["parts"].values()) == {"known"}
    assert (told["broker"], told["position_mode"]) == ("mexc", "one-way")
    steps = {row["symbol"]: row["quantity_step"] for row in told["instruments"]}
    assert steps == {BTC: "0.0001", ETH: "0.01", SOL: "0.1"}
    (stop,) = [row for row in told["orders"] if row["type"] == "stop"]
    assert (stop["quantity"], stop["trigger_price"], stop["allows"]) == ("0.02", "58000", "cancel")
    saved = home.root / "saved.json"
    home.must("snapshot", "--out", str(saved), "--quiet")
    assert home.json("plan", "--snapshot", str(saved))["plan"] == home.json("plan")["plan"]


def test_doctor_says_what_mexc_cannot_do(mexc: MexcRound) -> None:
    told = mexc.home.must("doctor").out
    assert f"account {NAME} abilities" in told
    assert "mexc may take an order twice under one key; cannot move every kind of order" in told
    assert "whether it may trade shows with the first order" in told


def test_legs_that_cancel_out_are_two_positions_with_a_stop_each(at_mexc: AtMexc) -> None:
    """broker: BTC 0.03 long and 0.05 short"""
    mexc = at_mexc(hedged=True, position_mode="hedge")
    mexc.trade(BTC, BUY, 300, leg=Leg.LONG)
    mexc.trade(BTC, SELL, 500, leg=Leg.SHORT)
    mexc.apply()
    held = {row["side"]: row["quantity"] for row in mexc.home.json("positions")["positions"]}
    assert held == {"long": "0.03", "short": "0.05"}
    assert [(s.ticket.side, s.quantity) for s in mexc.stops(leg=Leg.LONG)] == [(SELL, 300)]
    assert [(s.ticket.side, s.quantity) for s in mexc.stops(leg=Leg.SHORT)] == [(BUY, 500)]
    mexc.check_true()
    # One leg closes, the other grows: each stop follows its own.
    mexc.trade(BTC, SELL, 300, leg=Leg.LONG)
    mexc.trade(BTC, SELL, 100, leg=Leg.SHORT)
    mexc.apply()
    assert mexc.stops(leg=Leg.LONG) == []
    assert [s.quantity for s in mexc.stops(leg=Leg.SHORT)] == [600]
    mexc.check_true()


# --- stops ----------------------------------------------------------------------------------------


def test_a_stop_is_a_plan_order_and_never_an_order_that_trades_at_once(busy: MexcRound) -> None:
    busy.apply()
    busy.trade(ETH, SELL, 10)
    busy.apply()
    busy.check_true()
    assert busy.requests("order/create") == []
    placed = busy.requests("planorder/place")
    assert len(placed) == 4
    for wanted in placed:
        assert not {"stopLossPrice", "stopLoss", "takeProfitPrice"} & wanted.keys()
        assert wanted["reduceOnly"] is True
        assert wanted["triggerPrice"]
        assert wanted["executeCycle"] == 2
    # Nothing traded but what was done by hand.
    assert len(busy.home.json("executions")["executions"]) == 4


def test_a_stop_follows_its_position_and_the_position_is_never_bare(mexc: MexcRound) -> None:
    """broker: our stop for 0.05, 0.08 held / plan: a new one, then the old one goes"""
    mexc.naked()
    mexc.apply()
    (old,) = mexc.stops()
    mexc.trade(BTC, BUY, 300)
    home = mexc.home
    document = home.json("plan")
    place, cancel = document["plan"]["broker_actions"]
    assert (place["kind"], cancel["kind"]) == ("place_stop", "cancel_duplicate_stop")
    assert (place["reason"], cancel["reason"]) == ("replaces_stop", "replaced_stop")
    assert cancel["depends_on"] == [place["id"]]
    assert (place["after"]["quantity"], place["after"]["trigger_price"]) == (
        "0.08",
        str(old.trigger.price) if old.trigger else None,
    )
    assert f"{old.order_id} is cancelled once that one stands" in home.must("plan").out
    mexc.apply()
    one_stop_each(mexc, BTC=800)
    mexc.check_true()
    order = [each.endpoint for each in mexc.do(lambda v: list(v.requests.seen))]
    assert [each for each in order if each.startswith("planorder/") and "list" not in each] == [
        "planorder/place",
        "planorder/place",
        "planorder/cancel",
    ]


def test_a_position_that_shrank_gets_a_smaller_stop(mexc: MexcRound) -> None:
    mexc.naked()
    mexc.apply()
    mexc.trade(BTC, SELL, 200)
    mexc.apply()
    one_stop_each(mexc, BTC=300)
    mexc.check_true()


def test_when_the_new_stop_is_refused_the_old_one_stays(mexc: MexcRound) -> None:
    mexc.naked()
    mexc.apply()
    mexc.trade(BTC, BUY, 300)
    mexc.fault("planorder/place", Fault.refused(2011, "Order quantity error"))
    place, cancel = mexc.at_broker(code=9)
    assert (place["outcome"], cancel["outcome"]) == ("failed", "skipped")
    assert cancel["note"] == f"depends on {place['id']}, which was not done"
    one_stop_each(mexc, BTC=500)
    # The position still has its stop, so nobody is called out of bed for a bare one.
    alerts = {row["type"] for row in mexc.home.json("alerts")["alerts"]}
    assert alerts == {"reconcile_failed"}
    mexc.unsafe()
    mexc.apply()
    one_stop_each(mexc, BTC=800)
    mexc.check_true()


def test_leaving_out_the_new_stop_leaves_the_old_one_alone(mexc: MexcRound) -> None:
    mexc.naked()
    mexc.apply()
    mexc.trade(BTC, BUY, 300)
    plan_id = mexc.staged()
    mexc.home.must("apply", "--confirm", plan_id, "--exclude", "place_stop")
    one_stop_each(mexc, BTC=500)
    assert mexc.kinds() == ["place_stop", "cancel_duplicate_stop"]


def test_a_replacement_that_ended_half_way_is_finished_by_the_next_plan(mexc: MexcRound) -> None:
    mexc.naked()
    mexc.apply()
    mexc.trade(BTC, BUY, 300)
    mexc.fault("planorder/cancel", Fault.refused(1002, "Contract not activated"))
    assert [row["outcome"] for row in mexc.at_broker(code=9)] == ["done", "failed"]
    assert len(mexc.stops()) == 2
    mexc.unsafe()
    assert mexc.kinds() == ["cancel_duplicate_stop"]
    mexc.apply()
    one_stop_each(mexc, BTC=800)
    mexc.check_true()


def test_of_two_stops_the_one_that_fits_stays(mexc: MexcRound) -> None:
    mexc.naked()
    mexc.stop_by_hand(BTC, SELL, 200, "57000")
    fits = mexc.stop_by_hand(BTC, SELL, 500, "58000")
    mexc.home.must("stage", "--quiet")
    mexc.home.must("verify", code=3)
    mexc.apply()
    assert [stop.order_id for stop in mexc.stops()] == [fits]
    mexc.check_true()


def test_a_stop_without_a_position_goes(mexc: MexcRound) -> None:
    mexc.orphaned()
    assert mexc.kinds() == ["cancel_orphan_stop"]
    mexc.apply()
    one_stop_each(mexc)
    mexc.check_true()


def test_a_stop_that_fires_closes_the_position_here_too(mexc: MexcRound) -> None:
    """The plan order is told under its own id, with the order that traded for it."""
    mexc.naked()
    mexc.apply()
    mexc.move(BTC, "59000")
    mexc.apply()
    assert mexc.home.json("positions")["positions"][0]["quantity"] == "0"
    (stop,) = mexc.home.rows("SELECT * FROM orders WHERE order_type = 'stop'")
    assert (stop["origin"], stop["status"], stop["filled_quantity"]) == ("owned", "filled", "0.05")
    mexc.check_true()
    assert len(mexc.home.json("executions")["executions"]) == 2


def test_a_stop_that_ends_soon_is_renewed_before_it_does(mexc: MexcRound) -> None:
    """broker: our plan order, placed six days ago"""
    mexc.naked()
    mexc.apply()
    (old,) = mexc.stops()
    mexc.do(lambda v: setattr(old, "created_ms", old.created_ms - 6 * 86_400_000))
    shown = mexc.home.must("plan").out
    assert f"The venue ends our stop {old.order_id} for 0.05 by itself at" in shown
    assert mexc.kinds() == ["place_stop", "cancel_duplicate_stop"]
    mexc.apply()
    one_stop_each(mexc, BTC=500)
    assert mexc.stops() != [old]
    mexc.check_true()


def test_a_stop_that_lived_too_long_leaves_its_position_bare_and_that_is_said(
    mexc: MexcRound,
) -> None:
    """broker: our plan order expired after its seven days"""
    mexc.naked()
    mexc.apply()
    (old,) = mexc.stops()
    mexc.do(lambda v: setattr(old, "expires_ms", 1))
    home = mexc.home
    told = home.must("verify", code=3).out
    assert "no reduce-only stop" in told
    shown = home.must("plan").out
    assert "status open → expired" in shown
    assert "The position of 0.05 at 60000.1 has no stop" in shown
    assert mexc.kinds() == ["place_stop"]
    mexc.apply()
    mexc.check_true()
    one_stop_each(mexc, BTC=500)
    (row,) = home.rows("SELECT status FROM orders WHERE broker_order_id = ?", old.order_id)
    assert row["status"] == "expired"


# --- more than a page -----------------------------------------------------------------------------


@pytest.fixture
def crowded(mexc: MexcRound) -> MexcRound:
    """130 open orders, 120 stops of one contract, 131 executions: a page holds 100 at most."""

    def crowd(venue: Any) -> None:
        for number in range(130):
            venue.exchange.trade_by_hand(BTC, BUY, 1, price=str(50000 + number))
        for _ in range(131):
            venue.exchange.trade_by_hand(ETH, BUY, 1)

    mexc.do(crowd)
    for number in range(120):
        mexc.stop_by_hand(ETH, SELL, 1, str(2500 + number))
    return mexc


def test_listings_longer_than_a_page_are_read_whole(crowded: MexcRound) -> None:
    """Of 120 stops one becomes the stop, the others go; the venue lists a hundred at a time."""
    home = crowded.home
    counts = home.json("plan")["plan"]["summary"]
    assert (counts["insert"], counts["broker"]) == (130 + 131 + 131 + 120, 121)
    home.must("stage", "--quiet")
    home.must("review", "--approve", "all", "--seal", "--quiet")
    home.must("apply", "--confirm", home.plan_id(), "--quiet")
    crowded.check_true()
    one_stop_each(crowded, ETH=131)
    open_orders = home.json("orders", "--status", "open", "--symbol", BTC)
    assert open_orders["pagination"]["total_items"] == 130
    assert home.json("executions")["pagination"]["total_items"] == 131
    (position,) = home.json("positions")["positions"]
    assert position["quantity"] == "1.31"


@pytest.mark.parametrize("part", ["order/list/open_orders", "planorder/list/orders"])
def test_a_page_that_fails_in_the_middle_removes_nothing(crowded: MexcRound, part: str) -> None:
    """book: everything / broker: the first page"""
    home = crowded.home
    home.must("stage", "--quiet")
    home.must("review", "--skip", "broker_actions", "--quiet")
    home.must("apply", "--confirm", home.plan_id(), "--quiet")
    crowded.do(lambda v: v.faults.next(part, Fault.http(503), times=99, after=1))
    summary = home.json("plan", code=10)["plan"]["summary"]
    assert not any(summary[what] for what in ("insert", "update", "delete", "broker"))
    crowded.heal()
    assert home.json("plan")["base"]["complete"] is True


# --- what cannot be read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "part", "how"),
    [
        ("order/list/open_orders", "orders", "unavailable"),
        ("order/list/history_orders", "orders", "partial"),
        ("planorder/list/orders", "orders", "partial"),
        ("order/list/order_deals", "executions", "unavailable"),
        ("position/open_positions", "positions", "unavailable"),
        ("account/assets", "balances", "unavailable"),
    ],
)
def test_a_part_that_fails_is_named_and_removes_nothing(
    busy: MexcRound, endpoint: str, part: str, how: str
) -> None:
    busy.apply()
    home = busy.home
    busy.always(endpoint, Fault.http(503))
    told = home.must("plan", code=10)
    assert f"! {part}_{how}" in told.out
    assert "HTTP 503" in told.out
    assert "next: trueup doctor" in told.out
    summary = home.json("plan", code=10)["plan"]["summary"]
    assert not any(summary[what] for what in ("insert", "update", "delete", "broker"))
    assert home.json("verify", code=10)["complete"] is False
    snapshot = home.must("snapshot", code=10)
    assert f"the {part} could not be read whole" in snapshot.err
    busy.heal()
    busy.check_true()


def test_without_a_watch_list_what_was_closed_long_ago_is_still_asked_for(mexc: MexcRound) -> None:
    """MEXC lists executions symbol by symbol; orders and positions tell which."""
    mexc.trade(BTC, BUY, 500)
    mexc.trade(BTC, SELL, 500)
    mexc.trade(ETH, BUY, 10)
    told = mexc.home.json("snapshot")
    assert sorted(row["symbol"] for row in told["executions"]) == [BTC, BTC, ETH]
    mexc.apply()
    mexc.check_true()


def test_what_no_recent_order_speaks_of_is_asked_for_when_it_is_watched(mexc: MexcRound) -> None:
    """broker: an order of two months ago fills and is sold again / book: the order, open"""

    def long_ago(venue: Any, order_id: str) -> None:
        order = venue.exchange.order(order_id)
        order.created_ms = order.updated_ms = order.created_ms - 60 * 86_400_000

    home = mexc.home
    bought = mexc.trade(SOL, BUY, 20, price="140")
    sold = mexc.trade(SOL, SELL, 20, price="160")
    mexc.do(lambda v: [long_ago(v, each) for each in (bought, sold)])
    mexc.apply()
    mexc.do(lambda v: [v.exchange.fill(each) for each in (bought, sold)])
    assert home.must("plan").out.count("! executions_incomplete") == 2
    (line,) = [row for row in home.json("doctor")["findings"] if "watch list" in row["what"]]
    assert line["verdict"] == "warn"
    assert "MEXC lists executions symbol by symbol, and symbols is empty" in line["told"]
    assert line["remedy"] == f"name what you trade in ACCOUNTS.{NAME}.symbols"
    home.configure(NAME, symbols=f"[{SOL}]")
    assert "executions_incomplete" not in home.must("plan").out
    mexc.apply()
    mexc.check_true()
    assert len(home.json("executions")["executions"]) == 2


def test_a_symbol_that_is_watched_is_always_asked_for(at_mexc: AtMexc) -> None:
    mexc = at_mexc(symbols=f"[{SOL}]")
    assert mexc.home.json("snapshot")["quotes"][0]["symbol"] == SOL
    assert [row["symbol"] for row in mexc.requests("order/list/order_deals")] == [SOL]


def test_no_file_and_no_word_gives_the_secret_away(busy: MexcRound) -> None:
    home = busy.home
    busy.apply()
    busy.always("account/assets", Fault.refused(602, "Signature verification failed"))
    said = [home.trueup(verb) for verb in ("plan", "doctor", "snapshot", "verify", "reconcile")]
    said.append(home.must("config", "show"))
    for secret in (busy.venue.api_key, busy.venue.api_secret):
        assert not any(secret in each.out + each.err for each in said)
        assert home.kept_from(secret) == []
