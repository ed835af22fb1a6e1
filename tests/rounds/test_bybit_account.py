"""A Bybit account in the configuration, and every command on it."""

import json
from decimal import Decimal

import pytest

from tests.rounds.bybit_round import BUY, NAME, SELL, BybitRound
from tests.rounds.conftest import AtBybit
from tests.venues.exchange import STOP_LOSS, TAKE_PROFIT, Category, Leg, Protection
from tests.venues.faults import Fault


def protect(bybit: BybitRound, symbol: str, *, stop: str, target: str | None = None) -> None:
    """Set on the position itself, as in the browser."""
    wanted = [Protection(stop_kind=STOP_LOSS, price=Decimal(stop))]
    if target:
        wanted.append(Protection(stop_kind=TAKE_PROFIT, price=Decimal(target)))
    bybit.do(lambda v: v.exchange.protect(v.exchange.position(symbol), *wanted))


def busy(bybit: BybitRound) -> None:
    """BTC held with a native stop and target, ETH half bought, SOL short and naked, funding."""
    bybit.trade("BTCUSDT", BUY, "0.02", price="59000")
    bybit.trade("BTCUSDT", BUY, "0.05")
    protect(bybit, "BTCUSDT", stop="55000", target="70000")
    resting = bybit.trade("ETHUSDT", BUY, "2", price="2900")
    bybit.do(lambda v: v.exchange.fill(resting, "0.5"))
    bybit.trade("SOLUSDT", SELL, "10")
    bybit.do(lambda v: v.exchange.charge_funding("BTCUSDT", "0.0001"))


def kinds(document: dict[str, object]) -> dict[str, list[str]]:
    """What a plan proposes, by section."""
    plan = document["plan"]
    assert isinstance(plan, dict)
    return {
        section: [action["kind"] for action in actions]
        for section, actions in plan.items()
        if section != "summary" and actions
    }


# --- one round ------------------------------------------------------------------------------------


def test_a_round_leaves_nothing_to_do_and_one_stop_per_position(bybit: BybitRound) -> None:
    busy(bybit)
    home = bybit.home
    shown = home.must("plan").out
    assert "8 % at leverage 10 is reached at 2876.8" in shown
    assert "2 broker actions" in shown
    home.must("stage", "--quiet")
    assert "next: trueup review --approve a0" in home.must("review").out
    home.must("review", "--approve", "all", "--seal", "--quiet")
    applied = home.must("apply", "--confirm", home.plan_id())
    assert "11 done." in applied.out
    bybit.check_true()
    assert {symbol: len(bybit.stops(symbol)) for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT")} == {
        "BTCUSDT": 1,
        "ETHUSDT": 1,
        "SOLUSDT": 1,
    }
    # Again, and nothing happens again.
    sent = bybit.sent()
    home.must("apply", "--confirm", bybit.staged())
    assert bybit.sent() == sent
    assert home.json("reconcile")["ended"] == "clean"


def test_every_list_shows_the_account(bybit: BybitRound) -> None:
    busy(bybit)
    bybit.apply()
    home = bybit.home
    orders = {row["symbol"]: row for row in home.json("orders", "--status", "open")["orders"]}
    assert {orders[symbol]["origin"] for symbol in ("ETHUSDT", "SOLUSDT")} == {"owned"}
    held = {row["symbol"]: row["quantity"] for row in home.json("positions")["positions"]}
    assert held == {"BTCUSDT": "0.05", "ETHUSDT": "0.5", "SOLUSDT": "-10"}
    executions = home.json("executions")["executions"]
    assert {row["account"] for row in executions} == {NAME}
    assert sorted(row["quantity"] for row in executions) == ["0.05", "0.5", "10"]
    (half,) = home.json("orders", "--status", "partially_filled")["orders"]
    assert (half["quantity"], half["filled_quantity"]) == ("2", "0.5")
    told = home.must("history", half["broker_order_id"]).out
    assert "insert_order" in told
    assert "buy 0.5 @ 2900" in told
    assert home.json("resolve") == {"matches": [], "steps": []}
    assert home.json("status")["next"] == "trueup plan"
    assert home.must("doctor").code == 0


def test_the_snapshot_tells_all_and_a_plan_can_be_made_of_it(bybit: BybitRound) -> None:
    busy(bybit)
    home = bybit.home
    told = home.json("snapshot")
    assert set(told["parts"].values()) == {"known"}
    assert told["broker"] == "bybit"
    assert sorted(row["type"] for row in told["orders"]) == [
        "limit",
        "limit",
        "market",
        "market",
        "stop",
        "take_profit",
    ]
    # Funding is there, called by its name, and belongs to no order.
    (funding,) = [row for row in told["executions"] if row["kind"] == "funding"]
    assert funding["broker_order_id"] is None
    assert len(told["executions"]) == 4
    saved = home.root / "saved.json"
    home.must("snapshot", "--out", str(saved), "--quiet")
    assert kinds(home.json("plan", "--snapshot", str(saved))) == kinds(home.json("plan"))
    bybit.apply()
    assert {row["kind"] for row in home.json("executions")["executions"]} == {"trade"}


def test_no_file_and_no_word_gives_the_secret_away(bybit: BybitRound) -> None:
    busy(bybit)
    home = bybit.home
    bybit.apply()
    bybit.always("position/list", Fault.refused(10004, "error sign! origin_string[demo-key]"))
    said = [home.trueup(verb) for verb in ("plan", "doctor", "snapshot", "verify", "reconcile")]
    said.append(home.must("config", "show"))
    bybit.heal()
    bybit.apply()
    for secret in (bybit.venue.api_key, bybit.venue.api_secret):
        assert not any(secret in each.out + each.err for each in said)
        assert home.kept_from(secret) == []


# --- stops ----------------------------------------------------------------------------------------


def test_of_two_stops_the_one_that_fits_stays(bybit: BybitRound) -> None:
    """broker: 0.05 held, a conditional stop for 0.05 and another for 0.02 / the small one goes"""
    bybit.naked()
    fits = bybit.stop_by_hand("BTCUSDT", SELL, "0.05", "58000")
    bybit.stop_by_hand("BTCUSDT", SELL, "0.02", "57000")
    assert kinds(bybit.home.json("plan"))["broker_actions"] == ["cancel_duplicate_stop"]
    bybit.apply()
    assert [stop.order_id for stop in bybit.stops()] == [fits]
    bybit.check_true()


def test_a_native_stop_and_a_conditional_one_are_two_stops(bybit: BybitRound) -> None:
    bybit.naked()
    protect(bybit, "BTCUSDT", stop="58000")
    bybit.stop_by_hand("BTCUSDT", SELL, "0.05", "57000")
    bybit.home.must("verify", code=3)
    bybit.apply()
    assert len(bybit.stops()) == 1
    bybit.check_true()


def test_a_stop_follows_the_size_of_its_position(bybit: BybitRound) -> None:
    bybit.naked()
    bybit.apply()
    bybit.trade("BTCUSDT", BUY, "0.03")
    assert kinds(bybit.home.json("plan"))["broker_actions"] == ["resize_stop"]
    bybit.apply()
    assert [stop.quantity for stop in bybit.stops()] == [Decimal("0.08")]
    bybit.check_true()


def test_a_stop_that_fires_closes_the_position_here_too(bybit: BybitRound) -> None:
    bybit.naked()
    bybit.apply()
    bybit.do(lambda v: v.exchange.move_quote("BTCUSDT", bid="59000", ask="59000.1"))
    bybit.apply()
    assert bybit.home.json("positions")["positions"][0]["quantity"] == "0"
    (stop,) = bybit.home.rows("SELECT * FROM orders WHERE order_type = 'stop'")
    assert (stop["origin"], stop["status"]) == ("owned", "filled")
    bybit.check_true()
    assert bybit.stops() == []


def test_a_stop_without_a_position_goes(bybit: BybitRound) -> None:
    bybit.orphaned()
    assert kinds(bybit.home.json("plan"))["broker_actions"] == ["cancel_orphan_stop"]
    bybit.apply()
    assert bybit.stops() == []
    bybit.check_true()


def test_an_order_that_fills_on_is_followed(bybit: BybitRound) -> None:
    resting = bybit.trade("ETHUSDT", BUY, "2", price="2900")
    bybit.do(lambda v: v.exchange.fill(resting, "0.5"))
    bybit.apply()
    bybit.do(lambda v: v.exchange.fill(resting, "0.7"))
    bybit.apply()
    bybit.check_true()
    (order,) = bybit.home.rows("SELECT * FROM orders WHERE broker_order_id = ?", resting)
    assert (order["status"], order["filled_quantity"]) == ("partially_filled", "1.2")
    assert [stop.quantity for stop in bybit.stops("ETHUSDT")] == [Decimal("1.2")]


# --- hedge mode -----------------------------------------------------------------------------------


def test_legs_that_cancel_out_are_two_positions_with_a_stop_each(at_bybit: AtBybit) -> None:
    """broker: BTC 0.03 long and 0.03 short, net nothing"""
    bybit = at_bybit(hedged=True, position_mode="hedge")
    bybit.trade("BTCUSDT", BUY, "0.03", leg=Leg.LONG)
    bybit.trade("BTCUSDT", SELL, "0.03", leg=Leg.SHORT)
    bybit.apply()
    held = {row["side"]: row["quantity"] for row in bybit.home.json("positions")["positions"]}
    assert held == {"long": "0.03", "short": "0.03"}
    assert [stop.ticket.side for stop in bybit.stops(leg=Leg.LONG)] == [SELL]
    assert [stop.ticket.side for stop in bybit.stops(leg=Leg.SHORT)] == [BUY]
    bybit.check_true()


def test_a_leg_that_closes_takes_only_its_own_stop_along(at_bybit: AtBybit) -> None:
    bybit = at_bybit(hedged=True)
    bybit.trade("BTCUSDT", BUY, "0.03", leg=Leg.LONG)
    bybit.trade("BTCUSDT", SELL, "0.05", leg=Leg.SHORT)
    bybit.apply()
    bybit.trade("BTCUSDT", SELL, "0.03", leg=Leg.LONG)
    bybit.apply()
    assert bybit.stops(leg=Leg.LONG) == []
    assert [stop.quantity for stop in bybit.stops(leg=Leg.SHORT)] == [Decimal("0.05")]
    bybit.check_true()


def test_a_venue_in_another_mode_than_configured_is_sent_nothing(at_bybit: AtBybit) -> None:
    bybit = at_bybit(hedged=True, position_mode="one-way")
    bybit.trade("BTCUSDT", BUY, "0.03", leg=Leg.LONG)
    home = bybit.home
    sentence = "The venue is set to hedge mode, the configuration says one-way."
    assert sentence in home.must("plan").out
    doctor = home.must("doctor", code=10).out
    assert "the venue is set to hedge, the configuration says one-way" in doctor
    assert "set ACCOUNTS.by1.position_mode, or the venue" in doctor
    refused = bybit.apply(code=7)
    assert sentence in refused.err
    assert "next: set the venue's mode, or ACCOUNTS.by1.position_mode" in refused.err
    assert bybit.sent() == 0
    assert home.rows("SELECT * FROM orders") == []
    home.configure(NAME, position_mode="hedge")
    bybit.apply()
    bybit.check_true()


# --- spot -----------------------------------------------------------------------------------------


def test_a_spot_account_holds_coins_and_needs_no_stops(at_bybit: AtBybit) -> None:
    bybit = at_bybit(market="spot")
    bybit.trade("BTCUSDT", BUY, "0.5", category=Category.SPOT)
    bybit.trade("ETHUSDT", BUY, "1", price="2000", category=Category.SPOT)
    # What the contracts of the same name do is another account's business.
    bybit.trade("BTCUSDT", BUY, "0.1")
    bybit.apply()
    bybit.check_true()
    assert bybit.sent() == 0
    # The fee was taken in the coin itself.
    (held,) = bybit.home.json("positions")["positions"]
    assert (held["symbol"], held["quantity"]) == ("BTCUSDT", "0.4995")
    (resting,) = bybit.home.json("orders", "--status", "open")["orders"]
    assert resting["symbol"] == "ETHUSDT"
    assert "no hedge mode" not in bybit.home.must("doctor").out


# --- more than a page -----------------------------------------------------------------------------


@pytest.fixture
def crowded(bybit: BybitRound) -> BybitRound:
    """87 open orders and 131 executions: more than a page of each."""

    def crowd(rows: int) -> None:
        bybit.do(lambda v: [v.exchange.trade_by_hand("ETHUSDT", BUY, "0.01") for _ in range(rows)])

    for number in range(87):
        bybit.trade("BTCUSDT", BUY, "0.001", price=str(50000 + number))
    crowd(131)
    return bybit


def test_listings_longer_than_a_page_are_read_whole(crowded: BybitRound) -> None:
    home = crowded.home
    crowded.apply()
    crowded.check_true()
    open_orders = home.json("orders", "--status", "open", "--symbol", "BTCUSDT")
    assert open_orders["pagination"]["total_items"] == 87
    assert home.json("executions")["pagination"]["total_items"] == 131
    (position,) = home.json("positions")["positions"]
    assert position["quantity"] == "1.31"


def test_a_listing_cut_off_at_twenty_removes_nothing(crowded: BybitRound) -> None:
    """The venue shows 20 of 87 and says nothing of it."""
    crowded.apply()
    home = crowded.home
    crowded.trade("SOLUSDT", SELL, "1")
    plan_id = crowded.staged()
    crowded.always("order/realtime", Fault.short(20), settleCoin="USDT")
    told = home.must("plan", code=10)
    assert "orders_partial" in told.out
    assert "broke off after 20 rows" in told.out
    assert "to_delete" not in kinds(home.json("plan", code=10))
    assert "next: trueup doctor" in home.must("reconcile", "--quiet", code=10).err
    refused = home.must("apply", "--confirm", plan_id, code=10)
    assert "the broker could only be read in part, so nothing was changed" in refused.err
    crowded.heal()
    home.must("apply", "--confirm", plan_id)
    crowded.check_true()


@pytest.mark.parametrize("part", ["order/realtime", "order/history", "execution/list"])
def test_a_page_that_fails_in_the_middle_removes_nothing(crowded: BybitRound, part: str) -> None:
    crowded.apply()
    crowded.do(lambda v: v.faults.next(part, Fault.http(503), times=99, after=1))
    assert kinds(crowded.home.json("plan", code=10)) == {}
    crowded.heal()
    crowded.check_true()


# --- what cannot be read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "part"),
    [
        ("order/realtime", "orders"),
        ("execution/list", "executions"),
        ("position/list", "positions"),
        ("account/wallet-balance", "balances"),
    ],
)
def test_a_part_that_fails_is_named_and_removes_nothing(
    bybit: BybitRound, endpoint: str, part: str
) -> None:
    busy(bybit)
    bybit.apply()
    home = bybit.home
    bybit.always(endpoint, Fault.http(503))
    told = home.must("plan", code=10)
    assert f"! {part}_unavailable" in told.out
    assert "HTTP 503" in told.out
    assert "next: trueup doctor" in told.out
    assert kinds(home.json("plan", code=10)) == {}
    assert home.json("verify", code=10)["complete"] is False
    doctor = home.must("doctor", code=10).out
    (line,) = [each for each in doctor.splitlines() if "cannot be read whole" in each]
    assert part in line
    assert "HTTP 503" in line
    snapshot = home.must("snapshot", code=10)
    assert f"the {part} could not be read whole" in snapshot.err
    assert "unavailable" in json.loads(snapshot.out)["parts"][part]
    bybit.heal()
    bybit.check_true()


def test_a_plan_whose_world_can_no_longer_be_read_is_not_applied(bybit: BybitRound) -> None:
    bybit.naked()
    plan_id = bybit.staged()
    bybit.always("position/list", Fault.http(503))
    refused = bybit.home.must("apply", "--confirm", plan_id, code=10)
    assert "The broker's positions could not be read" in refused.err
    assert "next: trueup doctor" in refused.err
    assert bybit.sent() == 0
    assert bybit.home.rows("SELECT * FROM orders") == []
    bybit.heal()
    bybit.home.must("apply", "--confirm", plan_id)
    bybit.check_true()


def test_verify_calls_nothing_empty_that_it_could_not_read(bybit: BybitRound) -> None:
    bybit.always("*", Fault.http(503))
    told = bybit.home.must("verify", code=10).out
    assert "no positions" not in told
    assert "no position is known" in told
