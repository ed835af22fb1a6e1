"""An exit from its signal to its end, minute by minute: told as it is written, cooled, filtered,
refused, tried again, left for a restart.

The clock passes only while everybody waits, so a cooldown is over at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from core.domain.errors import Unavailable
from core.domain.exit import ExitCause, ExitState
from core.domain.market import Quote
from core.domain.moment import moment_text
from core.domain.order import Side
from core.domain.snapshot import BrokerSnapshot, Known
from core.domain.snapshot import Unavailable as UnavailablePart
from core.host.clock import SystemClock
from core.operate.account_watch import AccountWatch
from core.operate.desk import Desk
from core.operate.exit_asking import Wish, ask_to_leave
from core.operate.exit_deciding import decide_exit
from core.ports import Book, BookWriting
from tests.crash.power import PowerCut
from tests.home import HomeUnderTest
from tests.service.records import at_venue, logged, market
from tests.service.running import Running, signal, submit
from tests.service.test_exit_qualification import outside
from tests.service.test_exits import exits, fail_next, life, refusing_stops, sides, trade
from tests.service.test_signals_to_orders import stops
from tests.service.test_trailing import quote, ready_at_100
from tests.virtual_time import VirtualLoop, run_to_its_end

PATIENCE = 600.0
# A stop of its own, far above where the venue's stop stands.
FLOOR = {"effective_floor": 99.5, "effective_ceiling": 110, "stop_loss_pct": 50}
# 5 % of the equity at a leverage of 10: the target is 100.5.
TARGET = {"take_profit_pct": 5}

Story = Callable[[Running], Awaitable[None]]


class PassingTime:
    """One time for the service, for the next one, and for whoever types a command in between."""

    def __init__(self) -> None:
        self._start = datetime.now(UTC)
        self._passed = 0.0
        self._loop: VirtualLoop | None = None

    def now(self) -> datetime:
        passed = self._loop.passed if self._loop else self._passed
        return self._start + timedelta(seconds=passed)

    def skip(self, seconds: float) -> None:
        """So much later, while nobody runs."""
        self._passed += seconds

    async def sleep(self, seconds: float) -> None:
        if self._loop:
            await asyncio.sleep(seconds)
        else:
            # A command in a loop of its own: nobody waits for it.
            self.skip(seconds)
            await asyncio.sleep(0)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        self._loop = VirtualLoop()
        self._loop.passed = self._passed
        try:
            return run_to_its_end(work, PowerCut, self._loop)
        finally:
            self._passed, self._loop = self._loop.passed, None


@dataclass(frozen=True, slots=True)
class Flow:
    """A home in which minutes pass in no time."""

    home: HomeUnderTest
    time: PassingTime

    def serve(self, story: Story, arrange: Callable[[Desk], None] = lambda desk: None) -> None:
        """The service runs for as long as the story lasts."""

        async def tell() -> None:
            async with Running(self.home, arrange) as running:
                await running.ready()
                await story(running)

        self.time.run(tell())

    def serve_until(self, is_so: Callable[[], object], **given: Any) -> None:
        self.serve(lambda running: self.until(running, is_so), **given)

    def serve_for(
        self, seconds: float, arrange: Callable[[Desk], None] = lambda desk: None
    ) -> None:
        async def wait(running: Running) -> None:
            await asyncio.sleep(seconds)

        self.serve(wait, arrange)

    async def until(self, running: Running, is_so: Callable[[], object]) -> None:
        end = self.time.now() + timedelta(seconds=PATIENCE)
        while not is_so():
            assert self.time.now() < end, running._state("in ten minutes")
            await asyncio.sleep(0.25)

    def enter(self, **given: Any) -> None:
        """A long of 5 at 100 with its stop; then the service stops."""

        def is_in() -> bool:
            return bool(stops(self.home) and self.home.rows("select * from trades"))

        submit(self.home, signal(amount=500, timestamp=moment_text(self.time.now()), **given))
        self.serve_until(is_in)

    def ask(
        self, cause: ExitCause = ExitCause.MANUAL, *, approved: bool = True, **given: Any
    ) -> ExitState:
        """Another worker asks for the exit, and decides about it."""

        async def tell() -> ExitState:
            desk = outside(self.home)
            try:
                intent = ask_to_leave(desk, wish(self.home, desk, cause, **given))
                if approved:
                    watch = AccountWatch(broker=desk.broker("main"))
                    intent = await decide_exit(desk, watch, intent)
                return intent.state
            finally:
                await desk.close()

        state: ExitState = self.time.run(tell())
        return state

    # --- what there is ----------------------------------------------------------------------------

    @property
    def states(self) -> list[str]:
        """Of every exit, in the order in which they were asked for."""
        return [row["state"] for row in exits(self.home)]

    @property
    def outcomes(self) -> list[str]:
        return [row["outcome"] for row in exits(self.home)]

    @property
    def told(self) -> list[str]:
        query = "select event_type from outbox where event_type like 'exit%' order by sequence"
        return [row["event_type"].removeprefix("exit_") for row in self.home.rows(query)]

    @property
    def is_left(self) -> bool:
        return bool(self.home.rows("select 1 from position_lives where state = 'closed'"))

    def left_once(self, *, cause: str, reason: str) -> None:
        """One entry, one order that left it, no stop any more."""
        assert [row["side"] for row in at_venue(self.home)] == ["buy", "sell"]
        assert [row["cause"] for row in exits(self.home) if row["state"] == "FILLED"] == [cause]
        assert (life(self.home)["state"], life(self.home)["exit_reason"]) == ("closed", reason)
        assert trade(self.home)["status"] == "CLOSED"
        assert stops(self.home) == []


def wish(home: HomeUnderTest, desk: Desk, cause: ExitCause, **given: Any) -> Wish:
    with desk.book.read() as book:
        found = book.trade(trade(home)["trade_id"])
    assert found is not None
    return Wish(trade=found, cause=cause, because="a test", by="tester", **given)


@pytest.fixture
def flow(home: HomeUnderTest) -> Iterator[Flow]:
    """Whoever asks the machine for the time is told this one."""
    ready_at_100(home)
    time = PassingTime()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SystemClock, "now", lambda clock: time.now())
        patch.setattr(SystemClock, "sleep", lambda clock, seconds: time.sleep(seconds))
        yield Flow(home, time)


# --- persisted first, told with it ----------------------------------------------------------------


class Audited:
    """A book that an onlooker reads after each of its commits."""

    def __init__(self, book: Book, look: Callable[[], None]):
        self._book = book
        self._look = look

    def __getattr__(self, name: str) -> Any:
        return getattr(self._book, name)

    def read(self) -> Any:
        return self._book.read()

    @contextmanager
    def write(self) -> Iterator[BookWriting]:
        with self._book.write() as writing:
            yield writing
        self._look()


STATES = "select exit_intent_id, state, tries from exit_intents where state <> 'PENDING'"
EVENTS = """
    select event_id, json_extract(payload, '$.state') as state from outbox
    where event_type like 'exit_intent.%' order by sequence
"""
SIGNALS = "select exit_signal_id from exit_signals where state = 'PUBLISHED'"
PUBLISHED = "select event_id from outbox where event_type = 'exit_signal.published'"


def check_told(home: HomeUnderTest) -> None:
    """Whatever is committed has been told, and nothing else has."""
    last = {}
    for row in home.rows(EVENTS):
        name, _, tries = row["event_id"].split(":")
        last[name] = row["state"], int(tries)
    states = {row["exit_intent_id"]: (row["state"], row["tries"]) for row in home.rows(STATES)}
    assert last == states
    published = [row["exit_signal_id"] for row in home.rows(SIGNALS)]
    assert [row["event_id"].split(":")[0] for row in home.rows(PUBLISHED)] == published


def test_every_step_is_told_in_the_transaction_that_writes_it(flow: Flow) -> None:
    """The venue refuses it once, so the same exit is approved and placed twice."""
    flow.enter(**FLOOR)
    fail_next(flow.home, on="place", kind="reject")
    quote(flow.home, "99.4")
    looks: list[int] = []

    def look() -> None:
        check_told(flow.home)
        looks.append(len(flow.told))

    def audited(desk: Desk) -> None:
        open_book = desk.open_book
        desk.open_book = lambda: Audited(open_book(), look)

    flow.serve_until(lambda: flow.is_left, arrange=audited)
    assert flow.told == [
        "signal.published",
        "intent.approved", "intent.placed",
        "intent.approved", "intent.placed",
        "intent.filled",
    ]  # fmt: skip
    # One at a time: each of them came with a commit of its own.
    assert {after - before for before, after in pairwise(looks)} == {0, 1}
    flow.left_once(cause="STOP_LOSS", reason="stop_loss")


# --- a stop that had followed the profit ----------------------------------------------------------


def test_a_trailing_stop_that_went_missing_is_carried_out_by_hand(flow: Flow) -> None:
    """A person took it back at the venue, which takes no other one; nothing else ends the trade."""
    flow.home.set_in("POSITIONS", emergency_close_after="0")
    flow.enter()
    quote(flow.home, "103")
    flow.serve_until(lambda: [row["trigger_price"] for row in stops(flow.home)] == ["102.7"])
    (stop,) = stops(flow.home)
    market(flow.home).cancel(stop["broker_order_id"])
    quote(flow.home, "102.6")
    flow.serve_until(lambda: flow.is_left, arrange=refusing_stops)
    assert flow.states == ["FILLED"]
    flow.left_once(cause="TRAILING_STOP", reason="trailing_stop")


# --- the cooldown ---------------------------------------------------------------------------------


def test_a_second_exit_is_refused_while_the_first_one_cools_also_after_a_restart(
    flow: Flow,
) -> None:
    """book: an exit that the venue refused for good / the price falls on, again and again"""
    flow.home.set_in("EXITS", max_exit_retries="0")
    flow.enter(**FLOOR)
    fail_next(flow.home, on="place", kind="reject")
    quote(flow.home, "99.4")
    flow.serve_until(lambda: flow.states == ["FAILED"])
    began = flow.time.now()
    quote(flow.home, "98.8")
    flow.serve_until(lambda: len(flow.states) == 2)
    # What the next service knows of it is in the book.
    quote(flow.home, "98.2")
    flow.serve_until(lambda: len(flow.states) == 3)
    assert flow.states == ["FAILED", "REJECTED", "REJECTED"]
    assert flow.outcomes[1:] == ["EXIT_COOLDOWN_ACTIVE"] * 2
    assert flow.told.count("intent.cooldown_rejected") == 2
    assert [row["episode"] for row in exits(flow.home)] == [1, 2, 3]
    unpublished = flow.home.rows("select * from exit_signals where state = 'DETECTED'")
    assert [row["episode"] for row in unpublished] == [2, 3]
    flow.serve_until(lambda: flow.is_left)
    # It led nowhere once, so the pause is twice thirty seconds, and those refused do not extend it.
    assert flow.states[3:] == ["FILLED"]
    assert timedelta(seconds=40) < flow.time.now() - began < timedelta(seconds=75)
    flow.left_once(cause="STOP_LOSS", reason="stop_loss")


def test_it_is_granted_once_the_cooldown_is_over(flow: Flow) -> None:
    flow.enter()
    given: dict[str, Any] = {"cause": ExitCause.TIME_BASED, "approved": False}
    assert flow.ask(**given) is ExitState.PENDING
    flow.time.skip(29)
    assert flow.ask(**given) is ExitState.REJECTED
    flow.time.skip(1)
    assert flow.ask(**given) is ExitState.PENDING
    assert [row["state"] for row in flow.home.rows("select state from exit_signals")] == [
        "PUBLISHED", "DETECTED", "PUBLISHED",
    ]  # fmt: skip


# --- the price filter -----------------------------------------------------------------------------


def test_the_same_price_asks_once_and_a_restart_forgets_nothing(flow: Flow) -> None:
    """It failed and cools for hours; only a price that moved says anything new meanwhile."""
    flow.home.set_in("EXITS", max_exit_retries="0", exit_cooldown_seconds="36000")
    flow.enter(**FLOOR)
    fail_next(flow.home, on="place", kind="reject")
    quote(flow.home, "99.4")
    flow.serve_until(lambda: flow.states == ["FAILED"])
    for price in ("99.4", "99.0", "99.4"):
        quote(flow.home, price)
        flow.serve_for(10)
        assert flow.states == ["FAILED"], price
    quote(flow.home, "98.9")
    flow.serve_until(lambda: len(flow.states) == 2)
    # From there on it is that price which counts.
    quote(flow.home, "99.3")
    flow.serve_for(10)
    assert flow.outcomes[1:] == ["EXIT_COOLDOWN_ACTIVE"]
    assert [row["price"] for row in flow.home.rows("select price from exit_signals")] == [
        "99.4", "98.9",
    ]  # fmt: skip


# --- the venue is out -----------------------------------------------------------------------------


def test_no_quote_at_the_qualification_and_it_is_asked_again(flow: Flow) -> None:
    flow.enter(**FLOOR)
    quote(flow.home, "99.4")

    def out_once(desk: Desk) -> None:
        """It tells the price that an exit is asked for at, and is gone when that is decided."""
        broker = desk.broker("main")
        told = broker.quote

        async def gone(symbol: str) -> Quote:
            if flow.states == ["PENDING"]:
                raise Unavailable("the venue does not answer")
            return await told(symbol)

        broker.quote = gone  # type: ignore[method-assign]

    flow.serve_until(lambda: flow.is_left, arrange=out_once)
    assert flow.states == ["REJECTED", "FILLED"]
    assert flow.outcomes[0] == "ACCOUNT_UNREACHABLE"
    flow.left_once(cause="STOP_LOSS", reason="stop_loss")


def test_a_known_outage_refuses_what_asks_and_the_trade_stays_open(flow: Flow) -> None:
    """book: an exit that waits to be decided / venue: does not tell its positions"""
    flow.home.set_in("EXECUTION", reconcile_interval="5")
    flow.enter(**FLOOR)

    async def story(running: Running) -> None:
        (watch,) = running.service.watches.values()
        market(flow.home).tell("positions", UnavailablePart("closed for maintenance"))
        await flow.until(running, lambda: watch.unreachable)
        quote(flow.home, "99.4")
        desk = outside(flow.home)
        ask_to_leave(desk, wish(flow.home, desk, ExitCause.STOP_LOSS))
        desk.close_book()
        await flow.until(running, lambda: flow.states == ["REJECTED"])
        assert (trade(flow.home)["status"], len(stops(flow.home))) == ("OPEN", 1)
        await asyncio.sleep(60)
        assert flow.outcomes == ["ACCOUNT_UNREACHABLE"], "nothing is asked of who is not there"
        market(flow.home).tell("positions", Known())
        await flow.until(running, lambda: flow.is_left)

    flow.serve(story)
    flow.left_once(cause="STOP_LOSS", reason="stop_loss")


def test_an_outage_at_the_order_is_waited_for_and_then_it_failed_and_is_asked_again(
    flow: Flow,
) -> None:
    flow.home.set_in("EXITS", max_exit_retries="2")
    flow.enter(**FLOOR)
    fail_next(flow.home, on="place", kind="unavailable", times=3)
    quote(flow.home, "99.4")
    flow.serve_until(lambda: flow.states == ["FAILED"])
    (failed,) = exits(flow.home)
    assert failed["tries"] == 3
    assert "unavailable" in failed["outcome"]
    assert (trade(flow.home)["status"], life(flow.home)["state"]) == ("OPEN", "open")
    assert len(stops(flow.home)) == 1
    assert len(flow.home.rows("select * from alerts where type = 'exit_failed'")) == 1
    flow.serve_until(lambda: flow.is_left)
    assert flow.states == ["FAILED", "FILLED"]
    # Three orders of the book never reached the venue.
    assert sides(flow.home) == ["buy", *["sell"] * 4]
    flow.left_once(cause="STOP_LOSS", reason="stop_loss")


# --- refused, and not asked for the same again ----------------------------------------------------


def test_a_frozen_account_is_asked_once_and_again_when_it_is_lifted(flow: Flow) -> None:
    flow.enter(**FLOOR)
    flow.home.must("risk", "freeze", "--account", "main", "--reason", "audit")
    quote(flow.home, "99.4")
    flow.serve_until(lambda: flow.states)
    for price in ("99.4", "98.0"):
        quote(flow.home, price)
        flow.serve_for(120)
    assert (flow.states, flow.outcomes) == (["REJECTED"], ["PORTFOLIO_FROZEN"])
    lift(flow.home)
    flow.serve_until(lambda: flow.is_left)
    assert flow.states == ["REJECTED", "FILLED"]
    flow.left_once(cause="STOP_LOSS", reason="stop_loss")


def lift(home: HomeUnderTest) -> None:
    home.must(
        "risk", "reset", "--account", "main", "--kind", "frozen", "--reason", "done",
        "--confirm", "main",
    )  # fmt: skip


def test_what_is_approved_is_not_sent_once_the_account_is_frozen(flow: Flow) -> None:
    """It pauses before its next try; meanwhile somebody freezes the account."""
    flow.home.set_in("EXITS", retry_base_seconds="20")
    flow.enter(**FLOOR)
    fail_next(flow.home, on="place", kind="reject")
    quote(flow.home, "99.4")
    flow.serve_until(lambda: [row["tries"] for row in exits(flow.home)] == [2])
    flow.home.must("risk", "freeze", "--account", "main", "--reason", "audit")
    flow.serve_for(60)
    assert flow.states[0] == "CANCELLED"
    assert flow.outcomes[0] == "the account is frozen: audit"
    assert [row for row in flow.home.broker_orders() if row["type"] == "market"][1:] == []
    lift(flow.home)
    flow.serve_until(lambda: flow.is_left)
    assert flow.states[-1] == "FILLED"


def test_a_market_that_is_closed_is_waited_for(flow: Flow) -> None:
    """The session begins in an hour, and the price has not moved when it does."""
    flow.enter(**FLOOR)
    opens = flow.time.now() + timedelta(hours=1)
    window = f"main mon-sun {opens:%H:%M}-{opens + timedelta(hours=2):%H:%M} UTC"
    flow.home.set_in("EXITS", windows=f'["{window}"]')
    quote(flow.home, "99.4")
    flow.serve_for(90)
    assert flow.outcomes == ["WINDOW_CLOSED"]
    flow.time.skip(3600)
    flow.serve_until(lambda: flow.is_left)
    assert flow.states == ["REJECTED", "FILLED"]


def test_what_somebody_else_entered_is_asked_about_once_and_left_alone(flow: Flow) -> None:
    """Held for longer than anything of ours may be."""
    flow.home.set_in("EXITS", max_holding_minutes="1")
    flow.home.set_in("POSITIONS", protect_external_positions="false")
    market(flow.home).trade("BTCUSDT", Side.BUY, Decimal(5))
    flow.serve_for(120)
    assert (flow.states, flow.outcomes) == (["REJECTED"], ["NOT_OURS"])
    assert [row["side"] for row in flow.home.broker_orders()] == ["buy"]
    assert trade(flow.home)["status"] == "OPEN"
    flow.home.set_in("POSITIONS", protect_external_positions="true")
    flow.serve_until(lambda: flow.is_left)
    assert flow.states == ["REJECTED", "FILLED"]


def test_an_account_that_is_switched_off_is_left_alone(flow: Flow) -> None:
    flow.enter()
    config = flow.home.config_file
    config.write_text(config.read_text().replace("enabled: true", "enabled: false"))
    assert flow.ask() is ExitState.REJECTED
    assert flow.outcomes == ["ACCOUNT_DISABLED"]
    assert (sides(flow.home), len(stops(flow.home))) == (["buy"], 1)


# --- a restart comes too late ---------------------------------------------------------------------


def test_one_that_lay_too_long_is_cancelled_and_asked_for_afresh(flow: Flow) -> None:
    """The price has not moved, and what was true then is still true."""
    flow.enter(**FLOOR)
    quote(flow.home, "99.4")
    assert flow.ask(ExitCause.STOP_LOSS) is ExitState.APPROVED
    flow.time.skip(3600)
    flow.serve_until(lambda: flow.is_left)
    assert flow.states == ["CANCELLED", "FILLED"]
    assert "older than 300 s" in flow.outcomes[0]
    flow.left_once(cause="STOP_LOSS", reason="stop_loss")


def test_another_try_that_lay_too_long_is_not_sent_either(flow: Flow) -> None:
    """The service was down for an hour in the pause before it, and the price has recovered."""
    flow.home.set_in("EXITS", retry_base_seconds="20")
    flow.enter(**FLOOR)
    fail_next(flow.home, on="place", kind="reject")
    quote(flow.home, "99.4")
    flow.serve_until(lambda: [row["tries"] for row in exits(flow.home)] == [2])
    flow.time.skip(3600)
    quote(flow.home, "100")
    flow.serve_for(60)
    assert flow.states == ["CANCELLED"]
    assert (life(flow.home)["state"], len(stops(flow.home))) == ("open", 1)


# --- gates ----------------------------------------------------------------------------------------


def test_what_a_dry_run_simulated_is_done_once_it_is_off(flow: Flow) -> None:
    flow.enter(**FLOOR)
    quote(flow.home, "99.4")
    assert flow.ask(ExitCause.STOP_LOSS) is ExitState.APPROVED
    flow.home.set(DRY_RUN="true")
    flow.serve_until(lambda: flow.states == ["SIMULATED"])
    assert (sides(flow.home), trade(flow.home)["status"]) == (["buy"], "OPEN")
    assert flow.told[-1] == "intent.simulated"
    assert logged(flow.home, "[DRY-RUN] sell 5 BTCUSDT market")
    flow.home.set(DRY_RUN="false")
    flow.serve_until(lambda: flow.is_left)
    flow.left_once(cause="STOP_LOSS", reason="stop_loss")


def test_not_armed_it_waits_is_proposed_and_a_person_carries_it_out_exactly_once(
    flow: Flow,
) -> None:
    flow.enter()
    assert flow.ask() is ExitState.APPROVED
    flow.home.set(DRY_RUN_CONFIRM="false")
    looks: list[float] = []

    def counted(desk: Desk) -> None:
        broker = desk.broker("main")
        listing = broker.snapshot

        async def count(since: datetime | None = None) -> BrokerSnapshot:
            looks.append(asyncio.get_running_loop().time())
            return await listing(since)

        broker.snapshot = count  # type: ignore[method-assign]

    flow.serve_for(60, counted)
    assert flow.states == ["APPROVED"]
    # At the start, for the gap before it, for its records and validation, and once for the exit.
    assert len(looks) < 10, looks
    (proposed,) = flow.home.json("plan")["plan"]["broker_actions"]
    assert (proposed["kind"], proposed["reason"]) == ("place_exit", "manual")
    # The service has staged it for a person, and told one.
    assert len(flow.home.rows("select * from alerts where type = 'review_needed'")) == 1
    staged = flow.home.plan_id()
    flow.home.must("review", "--approve", "place_exit", "--seal", "--quiet")
    flow.home.must("apply", "--confirm", staged, code=7)
    assert sides(flow.home) == ["buy"], "not armed"
    flow.home.set(DRY_RUN_CONFIRM="true")
    flow.home.must("apply", "--confirm", staged)
    assert flow.states == ["FILLED"]
    flow.home.must("apply", "--confirm", staged, code=5)
    flow.serve_for(60)
    flow.left_once(cause="MANUAL", reason="manual")
