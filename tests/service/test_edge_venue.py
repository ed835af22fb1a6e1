"""Edge cases of the order manager: a venue that is away, silent, full, or of another mind."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from core.domain.moment import moment_text
from core.domain.order import BrokerOrder, OrderRequest
from core.operate.account_watch import AccountWatch
from core.operate.desk import Desk
from core.ports import Broker
from core.ports.receipt import Receipt
from tests.home import HomeUnderTest
from tests.rounds.bybit_round import BybitRound
from tests.service.conftest import AtBybit
from tests.service.records import (
    alerts,
    at_venue,
    because,
    begun,
    carried_out,
    held,
    holding,
    order,
    placed,
    reasons,
    resting,
    state,
    status,
    told,
)
from tests.service.running import Running, signal, submit, with_service
from tests.service.test_story_2_order_state import listening
from tests.venues.exchange import Category, Leg
from tests.venues.faults import Fault

# Longer than anything that was sent can still be on its way to Bybit.
QUARANTINE = 30


def test_edge_01_bybit_is_away_when_an_order_is_to_be_created(bybit: BybitRound) -> None:
    """Nothing reached it: the same order goes once more, after a pause."""
    bybit.home.set_in("SIGNALS", retry_base_seconds="0.1")
    bybit.fault("order/create", Fault.refused(10006, "Too many visits."))
    asked = signal()
    carried_out(bybit.home, asked)
    assert (begun(bybit.home).count("place_order"), len(bybit.trades())) == (2, 1)
    assert state(bybit.home, asked) == "FILLED"
    assert [row["tries"] for row in bybit.home.rows("SELECT tries FROM trade_intents")] == [2]


def test_edge_01_a_signal_waits_for_a_venue_that_is_down(bybit: BybitRound) -> None:
    """The port is closed; once it is open, the account is looked at before anything is sent."""
    bybit.home.configure("by1", retry="1", timeout_seconds="1")
    asked = signal()

    async def story(running: Running) -> None:
        await running.ready()
        await asyncio.to_thread(bybit.venue.wait, lambda v: v.close_port())
        submit(bybit.home, asked)
        await running.until(lambda: running.service.lanes.waiting, "the lane waits")
        assert state(bybit.home, asked) is None
        await asyncio.to_thread(bybit.venue.wait, lambda v: v.open_port())
        await running.settled(asked["signal_id"])

    with_service(bybit.home, story)
    assert state(bybit.home, asked) == "FILLED"
    assert len(bybit.trades()) == 1


def test_edge_01_and_fails_when_it_has_waited_too_long(bybit: BybitRound) -> None:
    bybit.home.configure("by1", retry="1", timeout_seconds="1")
    bybit.home.set_in("SIGNALS", max_signal_age_seconds="5")
    asked = signal()

    async def story(running: Running) -> None:
        await running.ready()
        asked["timestamp"] = moment_text(datetime.now(UTC))
        await asyncio.to_thread(bybit.venue.wait, lambda v: v.close_port())
        submit(bybit.home, asked)
        await running.settled(asked["signal_id"])

    with_service(bybit.home, story)
    assert set(reasons(bybit.home, asked)) >= {"account_unreachable", "signal_expired"}
    bybit.venue.wait(lambda v: v.open_port())
    assert bybit.sent() == 0


def test_a_price_that_cannot_be_read_is_waited_for(bybit: BybitRound) -> None:
    """The account answers, its quotes do not: that says nothing against the signal."""
    bybit.home.configure("by1", retry="1", timeout_seconds="1")
    asked = signal()

    async def story(running: Running) -> None:
        await running.ready()
        bybit.always("market/tickers", Fault.http(503))
        submit(bybit.home, asked)
        await running.until(lambda: running.service.lanes.waiting, "the lane waits")
        (why,) = running.service.lanes.waiting.values()
        assert "no price" in why
        assert state(bybit.home, asked) is None
        bybit.heal()
        await running.settled(asked["signal_id"])

    with_service(bybit.home, story)
    assert (state(bybit.home, asked), len(bybit.trades())) == ("FILLED", 1)


def test_but_not_for_longer_than_the_signal_is_good(bybit: BybitRound) -> None:
    bybit.home.configure("by1", retry="1", timeout_seconds="1")
    bybit.home.set_in("SIGNALS", max_signal_age_seconds="5")
    asked = signal()

    async def story(running: Running) -> None:
        await running.ready()
        asked["timestamp"] = moment_text(datetime.now(UTC))
        bybit.always("market/tickers", Fault.http(503))
        submit(bybit.home, asked)
        await running.settled(asked["signal_id"])
        bybit.heal()

    with_service(bybit.home, story)
    assert set(reasons(bybit.home, asked)) == {"no_price", "signal_expired"}
    assert bybit.sent() == 0


def test_edge_02_an_order_that_arrived_although_no_answer_came_is_found(
    at_bybit: AtBybit,
) -> None:
    bybit = at_bybit(timeout_seconds="0.4")
    bybit.fault("order/create", Fault.HANG_AFTER_ACCEPT)
    asked = signal()
    carried_out(bybit.home, asked)
    assert (begun(bybit.home).count("place_order"), len(bybit.trades())) == (1, 1)
    assert state(bybit.home, asked) == "FILLED"
    (told_people,) = alerts(bybit.home, "order_outcome_unknown")
    assert "no answer in time" in told_people


def test_edge_02_one_that_never_arrived_is_not_sent_again(at_bybit: AtBybit) -> None:
    """It blocks its own lane until that is certain, and no other."""
    bybit = at_bybit(timeout_seconds="0.4")
    bybit.fault("order/create", Fault.HANG)
    asked, behind = signal(), signal()
    other = signal(asset="ETHUSDT")

    async def story(running: Running) -> None:
        submit(bybit.home, asked)
        await running.until(lambda: bybit.sent(), "sent")
        submit(bybit.home, behind, other)
        await running.settled(other["signal_id"])
        await running.until(
            lambda: "outcome unknown" in running.service.lanes.waiting.get(("by1", "BTCUSDT"), ""),
            "the lane waits",
        )
        assert state(bybit.home, behind) is None
        bybit.let_pass(QUARANTINE)
        await running.settled(asked["signal_id"])
        await running.settled(behind["signal_id"])

    with_service(bybit.home, story)
    assert (state(bybit.home, asked), state(bybit.home, behind)) == ("FAILED", "FILLED")
    assert "not placed" in bybit.home.must("history", asked["signal_id"]).out
    assert [each.ticket.instrument.symbol for each in bybit.trades()] == [
        "ETHUSDT",
        "BTCUSDT",
    ]


def test_edge_03_an_asset_that_is_no_longer_traded(bybit: BybitRound) -> None:
    """It was there when the service started; Bybit takes no order in it any more."""
    asked = signal(market_data_snapshot={"price": 60000, "spread": 1})

    async def story(running: Running) -> None:
        await told(running, signal(), signal(signal_type="sell", intent="close"))
        bybit.do(lambda v: v.exchange.floor.instruments.pop((Category.LINEAR, "BTCUSDT")))
        await told(running, asked)

    with_service(bybit.home, story)
    assert status(bybit.home, asked) == "failed"
    assert "Not supported symbols" in bybit.home.must("history", asked["signal_id"]).out
    assert len(alerts(bybit.home, "signal_failed")) == 1


def test_edge_03_a_contract_that_has_expired(home: HomeUnderTest) -> None:
    document = home.account
    row = next(row for row in document["instruments"] if row["symbol"][:2] == "ES")
    row["expiry"] = "2026-01-05T12:00:00Z"
    home.rewrite_account(document)
    asked = signal(asset=row["symbol"], amount=400_000)
    home.set_in("RISK", max_order_size_ratio="0", max_exposure="0")
    carried_out(home, asked)
    assert "not_tradable" in reasons(home, asked)


def test_edge_07_the_balance_changes_before_the_order_is_sent(home: HomeUnderTest) -> None:
    """Decided with ten thousand; when it goes, there are ten left."""
    home.set(SAFE_MODE="true")
    asked = signal()

    async def story(running: Running) -> None:
        submit(home, asked)
        await running.until(lambda: state(home, asked) == "APPROVED", "decided")
        document = home.account
        document["balances"] = [{"currency": "USDT", "total": "10", "available": "10"}]
        home.rewrite_account(document)
        home.set(SAFE_MODE="false")
        await running.settled(asked["signal_id"])

    with_service(home, story)
    assert at_venue(home) == []
    assert "insufficient_margin" in str(
        home.rows("SELECT reason FROM signals WHERE signal_id = ?", asked["signal_id"])[0]["reason"]
    )
    assert len(alerts(home, "signal_failed")) == 1


class BookThatFails:
    """A broker after whose first order another process holds the book's write lock."""

    def __init__(self, broker: Broker, book_file: Any):
        self._broker = broker
        self._book_file = book_file
        self.other: sqlite3.Connection | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    async def place(self, receipt: Receipt, request: OrderRequest) -> BrokerOrder:
        order = await self._broker.place(receipt, request)
        if self.other is None:
            self.other = sqlite3.connect(self._book_file, isolation_level=None)
            self.other.execute("BEGIN IMMEDIATE")
        return order


def test_edge_09_the_book_cannot_be_written_after_the_order_was_created(
    home: HomeUnderTest,
) -> None:
    """The journal knows that it was begun: it is asked for by its key, and not sent again."""
    home.set_in("DATABASE", busy_timeout_seconds="0.1")
    asked = signal()
    brokers: list[BookThatFails] = []

    def arrange(desk: Desk) -> None:
        open_broker: Callable[[str], Broker] = desk.open_broker

        def failing(account: str) -> Broker:
            brokers.append(BookThatFails(open_broker(account), home.book_file))
            return brokers[-1]  # type: ignore[return-value]

        desk.open_broker = failing

    async def story(running: Running) -> None:
        submit(home, asked)
        await running.until(lambda: running.service.lanes.waiting, "the lane is in trouble")
        assert len(at_venue(home)) == 1
        (step,) = home.rows("SELECT state FROM journal")
        assert step["state"] == "begun"
        assert brokers[0].other is not None
        with closing(brokers[0].other) as other:
            other.execute("ROLLBACK")
        await running.settled(asked["signal_id"])

    with_service(home, story, arrange)
    assert state(home, asked) == "FILLED"
    assert len(at_venue(home)) == 1


def test_edge_14_a_quantity_below_bybits_minimum(bybit: BybitRound) -> None:
    small = signal(amount=30)
    carried_out(bybit.home, small)
    assert reasons(bybit.home, small) == ["below_minimum_quantity"]
    assert bybit.sent() == 0
    bybit.home.set_in("EXECUTION", adjust_to_minimum="true")
    raised = signal(amount=30)
    carried_out(bybit.home, raised)
    assert order(bybit.home, raised)["quantity"] == "0.001"
    assert "Raised to the minimum of 0.001." in because(bybit.home, raised)


def test_edge_17_the_account_is_switched_to_hedge_mode(
    bybit: BybitRound, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mode is read once and after every look; Bybit's refusal makes it be read again."""
    # No look comes in between.
    monkeypatch.setattr(AccountWatch, "remember", lambda self, instruments: None)
    tiny, early, late = signal(amount=1), signal(), signal()

    async def story(running: Running) -> None:
        await listening(bybit, running)
        await told(running, tiny)
        bybit.do(lambda v: v.exchange.switch_mode(hedged=True))
        await told(running, early, late)
        await running.until(lambda: holding(bybit.home, side="long"), "the long leg")
        await running.until(lambda: bybit.stops(leg=Leg.LONG), "its stop")

    with_service(bybit.home, story)
    assert (state(bybit.home, early), state(bybit.home, late)) == ("FAILED", "FILLED")
    assert "position idx not match position mode" in bybit.home.must("signals").out
    assert {each.ticket.leg for each in bybit.ours()} == {Leg.LONG}
    bybit.check_true()


def test_edge_17_and_back_to_one_way(at_bybit: AtBybit) -> None:
    bybit = at_bybit(hedged=True)
    before, after = signal(), signal()

    async def story(running: Running) -> None:
        await told(running, before, signal(signal_type="sell", intent="close"))
        await running.until(lambda: not any(each.open for each in bybit.ours()), "no stop left")
        await running.until(lambda: not holding(bybit.home, side="long"), "flat")

    async def switched(running: Running) -> None:
        await told(running, after)
        await held(running, "0.004")
        await running.until(lambda: bybit.stops(), "its stop")

    with_service(bybit.home, story)
    bybit.do(lambda v: v.exchange.switch_mode(hedged=False))
    with_service(bybit.home, switched)
    assert holding(bybit.home, side="long") == 0
    bybit.check_true()


def test_edge_18_tries_are_exhausted(bybit: BybitRound) -> None:
    bybit.home.set_in("SIGNALS", attempts="3", retry_base_seconds="0.05")
    bybit.always("order/create", Fault.refused(10006, "Too many visits."))
    asked = signal()
    carried_out(bybit.home, asked)
    assert (bybit.sent(), bybit.ours()) == (3, [])
    assert (state(bybit.home, asked), status(bybit.home, asked)) == ("FAILED", "failed")
    (told_people,) = alerts(bybit.home, "signal_failed")
    assert "Too many visits" in told_people and "after 3 tries" in told_people
    assert begun(bybit.home) == ["place_order"] * 3


def test_edge_18_a_signal_that_failed_may_come_once_more(bybit: BybitRound) -> None:
    """Under its own id; the failed try stays on record as what it was."""
    bybit.home.set_in("SIGNALS", attempts="1")
    bybit.fault("order/create", Fault.refused(10006, "Too many visits."))
    asked = signal()

    async def story(running: Running) -> None:
        await told(running, asked)
        assert status(bybit.home, asked) == "failed"
        submit(bybit.home, asked)
        await running.until(lambda: status(bybit.home, asked) == "done", "done after all")
        submit(bybit.home, asked)
        await running.until(
            lambda: bybit.home.rows("SELECT * FROM outbox WHERE event_type = 'signal.rejected'"),
            "a third one refused",
        )

    with_service(bybit.home, story)
    rows = bybit.home.rows("SELECT attempt, state FROM trade_intents ORDER BY attempt")
    assert [(row["attempt"], row["state"]) for row in rows] == [(1, "FAILED"), (2, "FILLED")]
    assert len(bybit.trades()) == 1


def test_a_post_only_order_that_would_cross_is_refused(home: HomeUnderTest) -> None:
    asked = resting(60_100)
    carried_out(home, asked)
    assert status(home, asked) == "failed"
    assert "post_only_would_cross" in home.must("history", asked["signal_id"]).out
    assert at_venue(home) == []


def test_at_bybit_such_an_order_is_cancelled_on_arrival(bybit: BybitRound) -> None:
    """Bybit answers with success and cancels it: nothing was bought, and the signal says so."""
    asked = resting(60_100)
    carried_out(bybit.home, asked)
    assert state(bybit.home, asked) == "CANCELLED"
    assert [str(each.filled) for each in bybit.ours()] == ["0"]


def test_a_cancel_that_loses_against_the_fill_stops_the_newer_signal(bybit: BybitRound) -> None:
    """Its position is there; what the newer signal was decided upon is not so any more."""
    first, second = resting(59_000), signal()

    async def story(running: Running) -> None:
        await placed(running, first)
        key = order(bybit.home, first)["order_id"]
        bybit.do(lambda v: v.events.silence())
        bybit.do(lambda v: v.exchange.fill(key))
        await told(running, second)
        await held(running, "0.005")

    with_service(bybit.home, story)
    assert state(bybit.home, second) == "FAILED"
    assert len(bybit.trades()) == 1
