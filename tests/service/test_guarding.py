"""The first stop of a position follows its fill at once, whatever else a venue is slow to tell."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.domain.errors import Stale
from core.domain.order import OrderRequest, OrderType, PositionSide, Side
from core.domain.stream import Gap
from core.plan.change import PlaceStop, Risk
from tests.home import HomeUnderTest
from tests.rounds.bybit_round import NAME, BybitRound
from tests.rounds.conftest import AtMexc
from tests.rounds.mexc_round import BTC
from tests.service.records import alerts, market, order, placed, resting, told
from tests.service.running import Running, signal, submit, with_service
from tests.venues.faults import Fault

# What a whole look asks for.
LISTINGS = ("position/list", "order/realtime", "execution/list", "order/history")
GUARDED = "SELECT * FROM journal WHERE kind = 'place_stop' AND plan_id LIKE 'guard-%'"


@pytest.fixture
def no_rounds(bybit: BybitRound) -> None:
    """After the first one, unless something asks for one."""
    bybit.home.set_in("EXECUTION", reconcile_interval="3600")


def hang(bybit: BybitRound) -> None:
    """From now on no look comes to its end."""
    for listing in LISTINGS:
        bybit.always(listing, Fault.HANG)


def stops_of(home: HomeUnderTest) -> list[dict[str, str]]:
    return home.rows("SELECT * FROM orders WHERE order_type = 'stop' AND status = 'open'")


def test_it_stands_although_every_listing_hangs(bybit: BybitRound) -> None:
    entry = resting(49_000)

    async def story(running: Running) -> None:
        await placed(running, entry)
        hang(bybit)
        key = order(bybit.home, entry)["order_id"]
        bybit.do(lambda v: v.exchange.fill(key))
        await running.until(bybit.stops, "its stop")
        bybit.heal()

    with_service(bybit.home, story)
    (stop,) = bybit.stops()
    (entered,) = bybit.trades()
    assert stop.ticket.quantity == entered.filled
    assert len(bybit.home.rows(GUARDED)) == 1
    bybit.home.must("verify")


def test_its_leverage_counts_where_a_flat_account_tells_none(at_mexc: AtMexc) -> None:
    """MEXC tells it with a position: what it told before the entry does not speak of it."""
    mexc = at_mexc()
    mexc.home.set_in("EXECUTION", reconcile_interval="3600")

    async def story(running: Running) -> None:
        await running.ready()
        (watch,) = running.service.watches.values()
        await running.until(lambda: watch.behind is None, "nothing more to look for")
        assert dict((await watch.mode()).leverage) == {}
        await told(running, signal(asset=BTC))
        await running.until(lambda: stops_of(mexc.home), "its stop")

    with_service(mexc.home, story)
    assert is_at_20_times(mexc.home)


def test_no_stop_at_a_guess(at_mexc: AtMexc) -> None:
    """As long as the venue does not list the position, nobody knows what it was borrowed at."""
    mexc = at_mexc()

    async def story(running: Running) -> None:
        await running.ready()
        mexc.always("position/open_positions", Fault.short(0))
        await told(running, signal(asset=BTC))
        await running.until(lambda: lives_in(mexc.home, "open"), "its position is in the book")
        (watch,) = running.service.watches.values()
        entered = datetime.now(UTC)
        await running.until(lambda: watch.looked_at and watch.looked_at > entered, "a look")
        assert not stops_of(mexc.home)
        mexc.heal()
        running.service.rounds.look_again("mx1")
        await running.until(lambda: stops_of(mexc.home), "its stop")

    with_service(mexc.home, story)
    assert is_at_20_times(mexc.home)


def lives_in(home: HomeUnderTest, state: str) -> list[dict[str, str]]:
    return home.rows("SELECT * FROM position_lives WHERE state = ?", state)


def is_at_20_times(home: HomeUnderTest) -> bool:
    """8 % of what was put in is 0.4 % of the price."""
    (entry,) = home.rows("SELECT entry_price FROM position_lives")
    (stop,) = stops_of(home)
    return Decimal(stop["trigger_price"]) / Decimal(entry["entry_price"]) > Decimal("0.995")


@pytest.mark.usefixtures("no_rounds")
def test_a_stream_that_tells_nothing_keeps_no_position_bare(bybit: BybitRound) -> None:
    """It is up and silent: what a market order has done is asked for, not waited for."""

    async def story(running: Running) -> None:
        await running.ready()
        bybit.do(lambda v: v.events.silence())
        await told(running, signal())
        await running.until(bybit.stops, "its stop")

    with_service(bybit.home, story)
    assert len(bybit.stops()) == 1
    bybit.home.must("verify")


def test_what_fills_while_a_look_hangs_is_booked(bybit: BybitRound) -> None:
    """The look that makes good a gap is taken beside the booking, not before it."""
    one, other = resting(49_000), resting(3_000, asset="ETHUSDT")

    async def story(running: Running) -> None:
        await placed(running, one, other)
        hang(bybit)
        running.service.followers[NAME].take(Gap(since=datetime.now(UTC), why="told by a test"))
        for each in (one, other):
            key = order(bybit.home, each)["order_id"]
            bybit.do(lambda v, key=key: v.exchange.fill(key))
            await running.settled(each["signal_id"])
        bybit.heal()

    with_service(bybit.home, story)


def test_an_account_that_hangs_holds_up_no_other(bybit: BybitRound) -> None:
    """Nobody hears of the venue that does not answer; the other account is traded and protected."""
    home = bybit.home
    text = home.config_file.read_text()
    home.config_file.write_text(
        text.replace("ACCOUNTS:\n", "ACCOUNTS:\n  main:\n    broker: paper\n")
    )

    async def story(running: Running) -> None:
        await running.ready()
        hang(bybit)
        running.service.rounds.look_again(NAME)
        submit(home, signal(account="main"))
        await running.until(lambda: stops_of(home), "its stop")
        # Somebody adds to it: its stop has to grow, which only a round sees to.
        market(home).trade("BTCUSDT", Side.BUY, Decimal("0.01"))
        await running.until(lambda: stops_of(home)[0]["quantity"] != "0.005", "its stop has grown")
        bybit.heal()

    with_service(home, story)


# --- only one -------------------------------------------------------------------------------------


def test_two_that_find_it_bare_place_one_stop(bybit: BybitRound) -> None:
    async def story(running: Running) -> None:
        await told(running, signal())
        await running.until(bybit.stops, "its stop")
        with pytest.raises(Stale, match="stands already"):
            await running.service.rounds.round.door.carry_out(
                one_more(bybit), cause="p-late", name="a001"
            )

    with_service(bybit.home, story)
    assert len(bybit.stops()) == 1


def one_more(bybit: BybitRound) -> PlaceStop:
    (stop,) = bybit.stops()
    return PlaceStop(
        account=NAME,
        symbol="BTCUSDT",
        target="BTCUSDT",
        reason="no_stop",
        because="It was bare when it was looked at.",
        risk=Risk.MEDIUM,
        after=OrderRequest(
            symbol="BTCUSDT",
            side=Side.SELL,
            position_side=PositionSide.BOTH,
            type=OrderType.STOP,
            quantity=stop.ticket.quantity,
            trigger_price=stop.trigger.price if stop.trigger else None,
            reduce_only=True,
        ),
    )


# --- what is told ---------------------------------------------------------------------------------

REFUSALS: dict[str, Callable[[], Fault]] = {
    "refused": lambda: Fault.refused(110092, "expect Rising, but trigger_price is below"),
    "nobody knows": lambda: Fault.HANG_AFTER_ACCEPT,
}


@pytest.mark.parametrize("how", REFUSALS)
def test_one_that_does_not_come_about_is_seen_to_by_the_rounds(
    at_bybit: Callable[..., BybitRound], how: str
) -> None:
    bybit = at_bybit(timeout_seconds="0.5", retry="1")

    async def story(running: Running) -> None:
        await running.ready()
        bybit.do(
            lambda v: v.faults.next("order/create", REFUSALS[how](), where={"reduceOnly": "True"})
        )
        await told(running, signal())
        await running.until(lambda: stops_of(bybit.home), "its stop")

    with_service(bybit.home, story)
    assert len(bybit.stops()) == 1
    assert len(alerts(bybit.home, "order_outcome_unknown")) == (how == "nobody knows")
    bybit.home.must("verify")
