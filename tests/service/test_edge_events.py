"""Edge cases of the order manager: what is told comes late, twice, in pieces or not at all."""

import asyncio
from decimal import Decimal

from tests.rounds.bybit_round import BUY, SELL, BybitRound
from tests.service.records import (
    alerts,
    begun,
    carried_out,
    held,
    holding,
    logged,
    moves,
    order,
    orders,
    placed,
    reasons,
    resting,
    state,
    told,
    typed,
)
from tests.service.running import Running, signal, submit, with_service
from tests.service.test_story_2_order_state import listening, resting_order


def executions(bybit: BybitRound) -> list[str]:
    rows = bybit.home.rows("SELECT quantity FROM executions ORDER BY executed_at, rowid")
    return [row["quantity"] for row in rows]


def test_edge_05_events_come_in_the_wrong_order(bybit: BybitRound) -> None:
    """Two partial fills and the end, told last one first: the order never goes back."""

    async def story(running: Running) -> None:
        there = await resting_order(bybit, running)
        bybit.do(lambda v: v.events.reverse(3, "order"))
        there.fill("0.001")
        there.fill("0.002")
        there.fill()
        await there.is_("filled")
        await held(running, "0.005")
        await running.until(lambda: bybit.stops(), "its stop")
        assert there.row["filled_quantity"] == "0.005"
        assert moves(bybit.home, there.key) == ["pending", "open", "filled"]

    with_service(bybit.home, story)
    bybit.check_true()


def test_edge_05_events_are_told_twice(bybit: BybitRound) -> None:
    async def story(running: Running) -> None:
        there = await resting_order(bybit, running)
        bybit.do(lambda v: v.events.duplicate(times=20))
        there.fill("0.002")
        there.fill()
        await there.is_("filled")
        await held(running, "0.005")
        await running.until(lambda: bybit.stops(), "its stop")

    with_service(bybit.home, story)
    assert executions(bybit) == ["0.002", "0.003"]
    bybit.check_true()


def test_edge_05_an_event_is_late(bybit: BybitRound) -> None:
    """The fill is told after the cancellation that came after it."""

    async def story(running: Running) -> None:
        there = await resting_order(bybit, running)
        bybit.do(lambda v: v.events.hold("order"))
        bybit.do(lambda v: v.events.hold("execution"))
        there.fill("0.002")
        there.cancel()
        await there.is_("cancelled")
        bybit.do(lambda v: v.events.release())
        await held(running, "0.002")
        await running.until(lambda: bybit.stops(), "a stop for what is held")
        row = there.row
        assert (row["status"], row["filled_quantity"]) == ("cancelled", "0.002")

    with_service(bybit.home, story)
    assert executions(bybit) == ["0.002"]
    bybit.check_true()


def test_edge_06_an_order_fills_in_many_pieces(bybit: BybitRound) -> None:
    """At prices of their own: the average and the fees are those of all of them."""

    async def story(running: Running) -> None:
        there = await resting_order(bybit, running)
        for price in ("59000", "58999", "58998", "58997", "58996"):
            there.fill("0.001", price)
        await there.is_("filled")
        await held(running, "0.005")
        await running.until(
            lambda: [str(each.quantity) for each in bybit.stops()] == ["0.005"], "its one stop"
        )
        assert there.row["average_price"] == "58998"
        assert len(there.executions()) == 5
        (position,) = bybit.home.rows("SELECT * FROM positions")
        assert position["average_price"] == "58998"

    with_service(bybit.home, story)
    bybit.check_true()


def test_edge_08_the_stream_breaks_while_an_order_rests(bybit: BybitRound) -> None:
    """What happened in the gap is looked up as soon as the stream is back."""

    async def story(running: Running) -> None:
        there = await resting_order(bybit, running)
        connected = bybit.do(lambda v: v.requests.count("ws/connect"))
        bybit.do(lambda v: v.events.silence())
        there.fill("0.002")
        bybit.do(lambda v: v.disconnect())
        bybit.do(lambda v: v.events.speak())
        await asyncio.to_thread(bybit.venue.wait, lambda v: v.seen("ws/connect", connected + 1))
        await held(running, "0.002")
        await asyncio.to_thread(bybit.venue.wait, lambda v: v.subscribed("order"))
        there.fill()
        await there.is_("filled")
        await held(running, "0.005")
        await running.until(
            lambda: [str(each.quantity) for each in bybit.stops()] == ["0.005"], "its one stop"
        )

    with_service(bybit.home, story)
    assert len(logged(bybit.home, "stream_gap")) >= 2
    bybit.check_true()


def test_edge_20_orders_that_filled_while_nobody_was_there(bybit: BybitRound) -> None:
    partly, wholly = resting(59_000), resting(2_900, asset="ETHUSDT")

    async def first(running: Running) -> None:
        await placed(running, partly, wholly)

    async def second(running: Running) -> None:
        await running.ready()
        await running.until(lambda: len(bybit.stops("ETHUSDT")) == 1, "the stops")
        await running.until(lambda: len(bybit.stops()) == 1, "the stops")

    with_service(bybit.home, first)
    keys = [order(bybit.home, each)["order_id"] for each in (partly, wholly)]
    bybit.do(lambda v: v.exchange.fill(keys[0], "0.002"))
    bybit.do(lambda v: v.exchange.fill(keys[1]))
    with_service(bybit.home, second)
    assert order(bybit.home, partly)["status"] == "partially_filled"
    assert (state(bybit.home, partly), state(bybit.home, wholly)) == ("PLACED", "FILLED")
    assert holding(bybit.home) == Decimal("0.002")
    bybit.check_true()


def test_edge_21_a_position_whose_history_is_gone_is_for_a_person_to_say(
    bybit: BybitRound,
) -> None:
    """Bybit tells the position and not its executions: nothing is opened on top of it."""
    bybit.trade("BTCUSDT", BUY, "0.05")
    bybit.do(lambda v: v.exchange.register.executions.clear())
    asked, closing, other = (
        signal(),
        signal(signal_type="sell", intent="close"),
        signal(asset="ETHUSDT"),
    )
    carried_out(bybit.home, asked, other)
    assert reasons(bybit.home, asked) == ["position_unexplained"]
    assert state(bybit.home, other) == "FILLED"
    assert alerts(bybit.home, "review_needed") != []
    bybit.apply()
    assert holding(bybit.home) == Decimal("0.05")

    async def afterwards(running: Running) -> None:
        await told(running, closing)
        await held(running, "0")

    with_service(bybit.home, afterwards)
    assert state(bybit.home, closing) == "FILLED"


def test_edge_22_events_of_live_orders_in_a_dry_run(bybit: BybitRound) -> None:
    """Nothing of theirs is written until the dry run is over; then a whole look makes it good."""
    home = bybit.home
    live = resting(59_000)
    pretended = signal(asset="ETHUSDT")

    async def trading(running: Running) -> None:
        await placed(running, live)

    async def rehearsing(running: Running) -> None:
        await listening(bybit, running)
        bybit.do(lambda v: v.exchange.fill(order(home, live)["order_id"], "0.002"))
        await told(running, pretended)
        (row,) = orders(home, pretended)
        assert row["status"] == "dry_run"
        await running.until(
            lambda: running.service.watches["by1"].behind, "the account is known to be behind"
        )
        assert order(home, live)["status"] == "open"
        assert holding(home) == 0
        home.set(DRY_RUN="false")
        await running.until(lambda: order(home, live)["status"] == "partially_filled", "told")
        await held(running, "0.002")
        await running.until(lambda: bybit.stops(), "its stop")

    home.set_in("EXECUTION", reconcile_interval="1")
    with_service(home, trading)
    sent = bybit.sent()
    home.set(DRY_RUN="true")
    with_service(home, rehearsing)
    assert bybit.sent() == sent + 1  # the stop
    assert orders(home, pretended)[0]["status"] == "dry_run"


def test_edge_23_the_stop_follows_a_position_that_is_closed_in_part_by_hand(
    bybit: BybitRound,
) -> None:
    async def story(running: Running) -> None:
        await listening(bybit, running)
        await told(running, signal(amount=600))
        await held(running, "0.009")
        await running.until(lambda: sizes(bybit) == ["0.009"], "its stop")
        bybit.trade("BTCUSDT", SELL, "0.004")
        await held(running, "0.005")
        await running.until(lambda: sizes(bybit) == ["0.005"], "the stop resized")
        bybit.trade("BTCUSDT", SELL, "0.005")
        await held(running, "0")
        await running.until(lambda: sizes(bybit) == [], "no stop left")

    with_service(bybit.home, story)
    assert len(alerts(bybit.home, "manual_exit")) == 1
    bybit.check_true()


def sizes(bybit: BybitRound) -> list[str]:
    return [str(each.quantity) for each in bybit.stops()]


def test_edge_24_a_resynchronisation_while_orders_are_processed(bybit: BybitRound) -> None:
    """Somebody types `reconcile` again and again; every signal is carried out once, in order."""
    pairs = [(signal(), signal(signal_type="sell", intent="close")) for _ in range(6)]
    everything = [each for pair in pairs for each in pair]

    async def synchronising(stop: asyncio.Event) -> int:
        rounds = 0
        while not stop.is_set():
            await typed(bybit.home, "reconcile", "--lock-timeout", "30")
            rounds += 1
        return rounds

    async def story(running: Running) -> None:
        await listening(bybit, running)
        stop = asyncio.Event()
        syncing = asyncio.create_task(synchronising(stop))
        submit(bybit.home, *everything)
        for each in everything:
            await running.settled(each["signal_id"])
        stop.set()
        assert await syncing > 0
        await held(running, "0")

    with_service(bybit.home, story)
    assert [reasons(bybit.home, each) for each in everything] == [[]] * len(everything)
    assert [state(bybit.home, each) for each in everything] == ["FILLED"] * len(everything)
    sides = [each.ticket.side for each in bybit.trades()]
    assert sides == [BUY, SELL] * len(pairs)
    assert begun(bybit.home) == ["place_order"] * len(everything)
