"""The order of an exit: one that rests, one that is taken back, one that fills in parts, and two
processes that would both send it."""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest

from core.apply.hold import Hold
from core.decide.exits.waiting import place
from core.domain.errors import Stale
from core.domain.exit import ExitCause, ExitIntent, ExitState
from core.operate.account_watch import AccountWatch
from core.operate.copybook import DiskCopybook
from core.operate.desk import Desk
from core.operate.exit_asking import ask_to_leave
from core.operate.exit_deciding import decide_exit
from core.operate.standing_round import standing_door
from core.ports import Book
from tests.home import HomeUnderTest
from tests.service.process import managed, until
from tests.service.records import REPOSITORY, at_venue, market
from tests.service.running import Running, signal, submit, with_service
from tests.service.test_exit_flows import FLOOR, TARGET, Flow, flow, wish
from tests.service.test_exit_qualification import outside
from tests.service.test_exits import exits, fail_next, left, life, simulate, trade
from tests.service.test_signals_to_orders import stops
from tests.service.test_trailing import quote, ready_at_100

# A fixture of its neighbour.
__all__ = ["flow"]


# --- a limit that rests ---------------------------------------------------------------------------


def rests(flow: Flow, **given: Any) -> None:
    """The target is hit, and while its order is on its way the price falls back: it rests."""
    flow.enter(**TARGET, **given)
    fail_next(flow.home, on="place", kind="price_gap", symbol="BTCUSDT", price="100.2")
    quote(flow.home, "100.6")
    flow.serve_until(lambda: flow.states == ["PLACED"] and limits(flow.home) == ["open"])


def limits(home: HomeUnderTest) -> list[str]:
    return [row["status"] for row in at_venue(home) if row["type"] == "limit"]


def sold(home: HomeUnderTest) -> list[tuple[str, str]]:
    """Everything that ever left a position at the venue but its stops."""
    rows = [row for row in at_venue(home) if row["side"] == "sell"]
    assert all(row["reduce_only"] for row in rows)
    return [(row["type"], row["status"]) for row in rows]


def test_it_fills_when_the_price_comes_back_also_after_a_restart(flow: Flow) -> None:
    rests(flow)
    quote(flow.home, "100.5")
    flow.serve_until(lambda: flow.is_left)
    assert sold(flow.home) == [("limit", "filled")]
    flow.left_once(cause="TARGET_HIT", reason="take_profit")


def test_one_that_does_not_fill_in_time_is_taken_back_and_the_target_still_counts(
    flow: Flow,
) -> None:
    rests(flow)
    flow.serve_for(40)
    assert flow.states == ["PLACED"]
    flow.serve_until(lambda: flow.states == ["CANCELLED"])
    assert flow.outcomes == ["taken back"]
    assert (limits(flow.home), trade(flow.home)["status"]) == (["cancelled"], "OPEN")
    assert (life(flow.home)["state"], len(stops(flow.home))) == ("open", 1)
    # The very price at which it was asked for the first time.
    quote(flow.home, "100.6")
    flow.serve_until(lambda: flow.is_left)
    assert flow.states == ["CANCELLED", "FILLED"]
    assert sold(flow.home) == [("limit", "cancelled"), ("limit", "filled")]


def test_one_that_cannot_wait_takes_it_back_and_goes_to_the_market(flow: Flow) -> None:
    rests(flow, **FLOOR)
    quote(flow.home, "99.4")
    flow.serve_until(lambda: flow.is_left)
    assert [(row["cause"], row["state"]) for row in exits(flow.home)] == [
        ("TARGET_HIT", "CANCELLED"), ("STOP_LOSS", "FILLED"),
    ]  # fmt: skip
    assert sold(flow.home) == [("limit", "cancelled"), ("market", "filled")]
    assert life(flow.home)["exit_reason"] == "stop_loss"
    # First the one went, then the other was sent.
    cancelled, sent = flow.home.rows(
        "select * from journal where kind in ('cancel_order', 'place_exit') order by sequence"
    )[-2:]
    assert (cancelled["kind"], sent["kind"]) == ("cancel_order", "place_exit")
    assert cancelled["settled_at"] <= sent["begun_at"]


def test_a_person_does_not_wait_for_a_limit_either(flow: Flow) -> None:
    rests(flow)
    assert flow.ask(approved=False) is ExitState.PENDING
    flow.serve_until(lambda: flow.is_left)
    assert flow.states == ["CANCELLED", "FILLED"]
    assert life(flow.home)["exit_reason"] == "manual"


def test_what_can_wait_is_not_asked_for_beside_it(flow: Flow) -> None:
    """The holding time is over while the target's order rests."""
    flow.home.set_in("EXITS", max_holding_minutes="1", limit_timeout_seconds="600")
    rests(flow)
    flow.serve_for(120)
    assert flow.states == ["PLACED"]


def test_a_stop_that_triggers_while_a_limit_rests_ends_both(flow: Flow) -> None:
    """The venue leaves the limit where it is; nothing may fill any more and nothing is sent."""
    flow.home.set_in("EXITS", limit_timeout_seconds="6000")
    rests(flow)
    quote(flow.home, "99.1")
    flow.serve_until(lambda: flow.is_left and limits(flow.home) == ["cancelled"])
    flow.serve_for(60)
    assert flow.states == ["CANCELLED"]
    assert flow.outcomes == ["the trade is closed: stop_loss"]
    assert sold(flow.home) == [("limit", "cancelled")]
    assert (trade(flow.home)["status"], trade(flow.home)["exit_reason"]) == ("CLOSED", "stop_loss")
    assert flow.home.account["positions"] == []
    assert stops(flow.home) == []


def test_a_limit_that_fills_while_it_is_taken_back_was_the_exit(flow: Flow) -> None:
    """The cancel comes too late: the price was there for a moment."""
    rests(flow, **FLOOR)
    fail_next(flow.home, on="cancel", kind="price_gap", symbol="BTCUSDT", price="100.6")
    quote(flow.home, "99.4")
    flow.serve_until(lambda: flow.is_left)
    flow.serve_for(60)
    assert [(row["cause"], row["state"]) for row in exits(flow.home)] == [
        ("TARGET_HIT", "FILLED"), ("STOP_LOSS", "REJECTED"),
    ]  # fmt: skip
    assert exits(flow.home)[1]["outcome"] == "TRADE_CLOSED"
    assert sold(flow.home) == [("limit", "filled")]
    assert life(flow.home)["exit_reason"] == "take_profit"


def test_a_limit_that_the_venue_does_not_let_go_is_asked_for_ever_more_rarely(flow: Flow) -> None:
    """The venue refuses to cancel it; nothing else of the trade is sent meanwhile."""
    rests(flow, **FLOOR)
    fail_next(flow.home, on="cancel", kind="reject", times=1000)
    quote(flow.home, "99.4")
    flow.serve_for(120)
    refused = flow.home.rows("select * from journal where kind = 'cancel_order'")
    assert {row["state"] for row in refused} == {"failed"}
    assert 5 < len(refused) < 15
    assert sold(flow.home) == [("limit", "open")]
    assert len(stops(flow.home)) == 1
    simulate(flow.home, faults=[])
    flow.serve_until(lambda: flow.is_left)
    assert sold(flow.home) == [("limit", "cancelled"), ("market", "filled")]


def test_a_limit_that_filled_in_part_is_taken_back_and_the_rest_is_asked_for(flow: Flow) -> None:
    rests(flow)
    (order,) = [row for row in at_venue(flow.home) if row["type"] == "limit"]
    market(flow.home).fill(order["broker_order_id"], Decimal(2), Decimal("100.5"))
    flow.serve_until(lambda: flow.states == ["CANCELLED"])
    assert (trade(flow.home)["status"], trade(flow.home)["open_quantity"]) == ("OPEN", "3")
    flow.serve_until(lambda: [row["quantity"] for row in stops(flow.home)] == ["3"])
    quote(flow.home, "100.6")
    flow.serve_until(lambda: flow.is_left)
    assert [row["quantity"] for row in exits(flow.home)] == ["5", "3"]
    assert trade(flow.home)["exit_price"] == "100.56"


# --- in parts -------------------------------------------------------------------------------------


def test_a_market_that_takes_a_part_is_asked_for_the_rest(flow: Flow) -> None:
    flow.enter(**FLOOR)
    fail_next(flow.home, on="place", kind="partial", ratio="0.4")
    quote(flow.home, "99.4")
    flow.serve_until(lambda: flow.is_left)
    (done,) = exits(flow.home)
    assert (done["state"], done["tries"], done["quantity"]) == ("FILLED", 2, "3")
    assert [row["filled_quantity"] for row in at_venue(flow.home)] == ["5", "2", "3"]
    assert len({row["client_order_id"] for row in at_venue(flow.home)}) == 3
    assert trade(flow.home)["status"] == "CLOSED"
    assert flow.told[-1] == "intent.filled"


def test_a_part_that_fills_in_parts_is_no_more_than_was_asked_for(flow: Flow) -> None:
    """Two of five, and the market takes one at a time."""
    flow.enter()
    assert flow.ask(quantity=Decimal(2)) is ExitState.APPROVED
    fail_next(flow.home, on="place", kind="partial", ratio="0.5")
    flow.serve_until(lambda: flow.states == ["FILLED"])
    flow.serve_until(lambda: [row["quantity"] for row in stops(flow.home)] == ["3"])
    assert [row["filled_quantity"] for row in at_venue(flow.home)] == ["5", "1", "1"]
    assert (trade(flow.home)["status"], trade(flow.home)["open_quantity"]) == ("OPEN", "3")
    assert life(flow.home)["state"] == "open"


def test_a_market_that_takes_a_part_each_time_does_not_use_up_the_tries(flow: Flow) -> None:
    flow.home.set_in("EXITS", max_exit_retries="1", retry_base_seconds="0")
    flow.enter(**FLOOR)
    fail_next(flow.home, on="place", kind="partial", ratio="0.5", times=4)
    quote(flow.home, "99.4")
    flow.serve_until(lambda: flow.is_left)
    (done,) = exits(flow.home)
    assert (done["state"], done["tries"]) == ("FILLED", 5)
    assert not flow.home.rows("select * from alerts where type = 'exit_failed'")


# --- several trades of one position ---------------------------------------------------------------


def test_several_trades_are_left_one_by_one_each_at_its_own_floor(flow: Flow) -> None:
    """NEWBUY of 5 at 100 with a floor of 99.5, REBUY of 3 at 100 with a floor of 98.9."""
    flow.home.set_in("EXECUTION", scale_in="true")
    flow.enter(**FLOOR)
    second = FLOOR | {"effective_floor": 98.9}
    submit(flow.home, signal(amount=300, timestamp=flow.time.now().isoformat(), **second))
    flow.serve_until(lambda: [row["quantity"] for row in stops(flow.home)] == ["8"])
    assert [(row["kind"], row["floor"]) for row in trades(flow.home)] == [
        ("NEWBUY", "99.5"), ("REBUY", "98.9"),
    ]  # fmt: skip
    quote(flow.home, "99.4")
    flow.serve_until(lambda: [row["quantity"] for row in stops(flow.home)] == ["3"])
    assert [row["status"] for row in trades(flow.home)] == ["CLOSED", "OPEN"]
    assert (life(flow.home)["state"], life(flow.home)["quantity"]) == ("open", "3")
    quote(flow.home, "98.8")
    flow.serve_until(lambda: flow.is_left)
    flow.serve_until(lambda: not stops(flow.home))
    assert [(row["status"], row["exit_price"]) for row in trades(flow.home)] == [
        ("CLOSED", "99.4"), ("CLOSED", "98.8"),
    ]  # fmt: skip
    assert [row["quantity"] for row in exits(flow.home)] == ["5", "3"]
    # What each of them lost, and the position both.
    lost = [Decimal(row["realized_pnl"]) for row in trades(flow.home)]
    fees = [Decimal(row["fees"]) for row in trades(flow.home)]
    assert lost == [Decimal("-3") - fees[0], Decimal("-3.6") - fees[1]]
    assert Decimal(life(flow.home)["realized_pnl"]) == sum(lost)


def trades(home: HomeUnderTest) -> list[dict[str, Any]]:
    return home.rows("select * from trades order by sequence")


# --- two that would both do it --------------------------------------------------------------------


def at_once(home: HomeUnderTest, work: Any, times: int = 2) -> list[Any]:
    """The same work by so many workers, each with a desk of its own, at the same moment."""
    barrier = Barrier(times, timeout=60)

    def one(number: int) -> Any:
        desk = outside(home)

        async def tell() -> Any:
            try:
                with desk.book.read():
                    barrier.wait()
                return await work(desk, number)
            finally:
                await desk.close()

        return asyncio.run(tell())

    with ThreadPoolExecutor(times) as workers:
        return list(workers.map(one, range(times)))


@pytest.fixture
def held(home: HomeUnderTest) -> HomeUnderTest:
    """A long with its stop; the service has stopped."""
    ready_at_100(home)

    async def enter(running: Running) -> None:
        submit(home, signal(amount=500))
        await running.until(lambda: stops(home), "the stop")

    with_service(home, enter)
    return home


def carried_out(home: HomeUnderTest) -> None:
    async def story(running: Running) -> None:
        await left(running, home)
        await running.until(lambda: not stops(home), "no stop is left")

    with_service(home, story)
    assert [row["side"] for row in at_venue(home)] == ["buy", "sell"]


def test_of_many_that_ask_at_once_one_is_granted(held: HomeUnderTest) -> None:
    async def ask(desk: Desk, number: int) -> ExitState:
        return ask_to_leave(desk, wish(held, desk, ExitCause.MANUAL)).state

    states = at_once(held, ask, times=4)
    assert sorted(states) == ["PENDING", "REJECTED", "REJECTED", "REJECTED"]
    assert sorted(row["episode"] for row in exits(held)) == [1, 2, 3, 4]
    published = "select * from outbox where event_type = 'exit_signal.published'"
    assert len(held.rows(published)) == 1
    carried_out(held)


class Overtaken:
    """A book in which something else is written just before its first transaction."""

    def __init__(self, book: Book, first: Callable[[], object]):
        self._book = book
        self._first: Callable[[], object] | None = first

    def __getattr__(self, name: str) -> Any:
        return getattr(self._book, name)

    def write(self) -> Any:
        first, self._first = self._first, None
        if first:
            first()
        return self._book.write()


def test_of_two_causes_that_are_decided_at_once_one_is_under_way(held: HomeUnderTest) -> None:
    """Both saw that nothing was under way; the second one wrote first."""
    desk, other = outside(held), outside(held)
    wishes = [wish(held, desk, cause) for cause in (ExitCause.MANUAL, ExitCause.STOP_LOSS)]
    slow, quick = (ask_to_leave(desk, each) for each in wishes)

    async def decide(desk: Desk, intent: ExitIntent) -> ExitState:
        watch = AccountWatch(broker=desk.broker("main"))
        return (await decide_exit(desk, watch, intent)).state

    def overtake() -> None:
        with ThreadPoolExecutor(1) as worker:
            decided = worker.submit(asyncio.run, decide(other, quick)).result()
        assert decided is ExitState.APPROVED

    desk._book = Overtaken(desk.book, overtake)  # type: ignore[assignment]
    assert asyncio.run(decide(desk, slow)) is ExitState.PENDING
    asyncio.run(desk.close())
    asyncio.run(other.close())
    carried_out(held)
    outcomes = {row["cause"]: (row["state"], row["outcome"]) for row in exits(held)}
    assert outcomes["STOP_LOSS"][0] == "FILLED"
    assert outcomes["MANUAL"] == ("REJECTED", "EXIT_PENDING")


def test_of_two_that_send_the_same_exit_one_does(held: HomeUnderTest) -> None:
    """Each believes that it is approved and not sent."""
    simulate(held, latency_ms=200)

    async def approve(desk: Desk, number: int) -> ExitIntent:
        intent = ask_to_leave(desk, wish(held, desk, ExitCause.MANUAL))
        return await decide_exit(desk, AccountWatch(broker=desk.broker("main")), intent)

    (intent,) = at_once(held, approve, times=1)

    async def send(desk: Desk, number: int) -> str:
        hold = Hold(desk.lock, desk.clock)
        watches = {"main": AccountWatch(broker=desk.broker("main"))}
        door = standing_door(desk, watches, hold, DiskCopybook(desk.files, desk.home.journal_copy))
        try:
            answer = await door.carry_out(place(intent), cause=f"worker {number}", name="exit 1")
        except Stale as error:
            return error.message
        return answer.state.value

    answers = sorted(at_once(held, send))
    assert answers[0] == "done"
    assert answers[1].startswith(f"exit {intent.exit_intent_id} is ")
    carried_out(held)
    assert len(held.rows("select * from journal where kind = 'place_exit'")) == 1
    assert len(held.rows("select * from exit_orders")) == 1


def test_two_people_close_it_at_the_same_time(held: HomeUnderTest) -> None:
    """Two processes, and no service: one of them does; the other one cools, or finds nothing."""
    simulate(held, latency_ms=200)

    async def both() -> list[tuple[int | None, str]]:
        return await asyncio.gather(*(closed(held) for _ in range(2)))

    (code, said), (other_code, told) = sorted(asyncio.run(both()))
    assert code == 0 and "FILLED" in said, (said, told)
    assert (other_code == 7 and "EXIT_COOLDOWN_ACTIVE" in told) or other_code == 2, told
    assert [row["side"] for row in at_venue(held)] == ["buy", "sell"]
    assert {row["state"] for row in exits(held)} <= {"FILLED", "REJECTED"}
    assert [row["state"] for row in exits(held)].count("FILLED") == 1
    assert life(held)["state"] == "closed"


async def closed(home: HomeUnderTest) -> tuple[int | None, str]:
    """Typed in a shell of its own."""
    words = ("close", "BTCUSDT", "--confirm", "BTCUSDT", "--no-input", "--home", str(home.root))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", *words,
        cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode, said.decode()


# --- killed ---------------------------------------------------------------------------------------


def test_a_killed_service_leaves_a_resting_exit_that_the_next_one_follows(
    held: HomeUnderTest,
) -> None:
    held.execute("update trades set target = '100.5'")
    fail_next(held, on="place", kind="price_gap", symbol="BTCUSDT", price="100.2")
    quote(held, "100.6")
    with managed(held) as process:
        until(lambda: limits(held) == ["open"], "it rests")
        process.kill()
    assert [row["state"] for row in exits(held)] == ["PLACED"]
    quote(held, "100.5")
    carried_out(held)
    assert sold(held) == [("limit", "filled")]
    assert [(row["state"], row["tries"]) for row in exits(held)] == [("FILLED", 1)]
