"""Exits at emulated venues: legs of a hedge left apart, and what was won to the last cent."""

from decimal import Decimal

import pytest

from tests.home import HomeUnderTest
from tests.rounds.bybit_round import BUY, SELL, BybitRound
from tests.rounds.mexc_round import BTC, MexcRound
from tests.service.conftest import AtBybit, AtMexc
from tests.service.records import told
from tests.service.running import Running, signal, submit, with_service
from tests.service.test_exits import exits, trade
from tests.venues.exchange import Leg, Order


def moved(bybit: BybitRound, price: str) -> None:
    bybit.do(lambda v: v.exchange.move_quote("BTCUSDT", bid=price, ask=price, last=price))


def balance(venue: BybitRound | MexcRound) -> Decimal:
    """What the venue itself says there is in the account."""
    found: Decimal = venue.venue.do(lambda v: v.exchange.account.balances["USDT"])
    return found


def closed(home: HomeUnderTest, direction: str = "long") -> bool:
    query = "select 1 from position_lives where state = 'closed' and direction = ?"
    return bool(home.rows(query, direction))


def lives(home: HomeUnderTest) -> dict[str, str]:
    """The state of each leg."""
    rows = home.rows("select * from position_lives")
    assert all(row["side"] == row["direction"] for row in rows)
    return {row["direction"]: row["state"] for row in rows}


def entered_and_left(orders: list[Order]) -> list[tuple[str, str, bool]]:
    return [
        (each.ticket.side.value, each.ticket.leg.name, each.ticket.reduce_only)
        for each in orders
        if each.trigger is None
    ]


# --- hedge ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["long", "short"])
def test_the_legs_of_a_hedge_are_left_apart(at_bybit: AtBybit, direction: str) -> None:
    """Each has a limit of its own, and the price reaches one of them."""
    bybit = at_bybit(hedged=True)
    guard = {"effective_floor": 59800, "effective_ceiling": 60200}
    leaves, stays = (Leg.LONG, Leg.SHORT) if direction == "long" else (Leg.SHORT, Leg.LONG)

    async def story(running: Running) -> None:
        await told(running, signal(**guard), signal(signal_type="sell", **guard))
        await running.until(
            lambda: bybit.stops(leg=Leg.LONG) and bybit.stops(leg=Leg.SHORT), "both stops"
        )
        (untouched,) = bybit.stops(leg=stays)
        moved(bybit, "59700" if direction == "long" else "60300")
        await running.until(lambda: closed(bybit.home, direction), "one leg is left")
        await running.until(lambda: not bybit.stops(leg=leaves), "its stop has gone")
        assert [each.order_id for each in bybit.stops(leg=stays)] == [untouched.order_id]

    with_service(bybit.home, story)
    (done,) = exits(bybit.home)
    assert (done["cause"], done["state"], done["position_side"]) == (
        "STOP_LOSS", "FILLED", direction,
    )  # fmt: skip
    left = ("Sell", "LONG", True) if direction == "long" else ("Buy", "SHORT", True)
    assert entered_and_left(bybit.ours())[2:] == [left]
    other = "short" if direction == "long" else "long"
    assert lives(bybit.home) == {direction: "closed", other: "open"}
    bybit.check_true()


# --- profit ---------------------------------------------------------------------------------------


def won(home: HomeUnderTest, side: str) -> tuple[Decimal, Decimal]:
    """By the trade's own prices and by the executions; `side` is the one that left it."""
    row = trade(home)
    rows = home.rows("select * from executions")
    fees = sum((Decimal(each["fee"]) for each in rows), Decimal(0))
    assert Decimal(row["fees"]) == fees > 0
    sign = 1 if side == "sell" else -1
    difference = Decimal(row["exit_price"]) - Decimal(row["entry_price"])
    return sign * difference * Decimal(row["quantity"]) - fees, Decimal(row["realized_pnl"])


def test_what_a_target_wins_at_bybit_is_what_the_account_has_more(bybit: BybitRound) -> None:
    before = balance(bybit)

    async def story(running: Running) -> None:
        submit(bybit.home, signal(amount=3001, take_profit_pct=5))
        await running.until(lambda: bybit.stops(), "the stop")
        moved(bybit, "60400")
        await running.until(lambda: closed(bybit.home), "left")
        await running.until(lambda: not bybit.stops(), "the stop has gone")

    with_service(bybit.home, story)
    (done,) = exits(bybit.home)
    assert (done["cause"], done["order_type"], done["price"]) == ("TARGET_HIT", "limit", "60300.2")
    by_prices, realized = won(bybit.home, "sell")
    assert realized == by_prices == balance(bybit) - before > 0
    (life,) = bybit.home.rows("select * from position_lives")
    assert Decimal(life["realized_pnl"]) == realized
    assert (trade(bybit.home)["exit_reason"], life["exit_reason"]) == ("take_profit",) * 2
    bybit.check_true()


@pytest.mark.parametrize(
    ("way", "limits", "price", "exit_side"),
    [
        ("buy", {"effective_floor": 59900, "effective_ceiling": 70000}, "59850", "sell"),
        ("sell", {"effective_floor": 50000, "effective_ceiling": 60100}, "60150", "buy"),
    ],
)
def test_what_a_stop_loses_at_mexc_counts_the_contracts_at_their_size(
    at_mexc: AtMexc, way: str, limits: dict[str, int], price: str, exit_side: str
) -> None:
    """100 contracts are 0.01 BTC."""
    mexc = at_mexc()
    before = balance(mexc)

    async def story(running: Running) -> None:
        submit(mexc.home, signal(asset=BTC, amount=601, signal_type=way, **limits))
        await running.until(lambda: mexc.stops(), "the stop")
        mexc.move(BTC, price)
        await running.until(lambda: closed(mexc.home, "long" if way == "buy" else "short"), "left")
        await running.until(lambda: not mexc.stops(), "the stop has gone")

    with_service(mexc.home, story)
    (done,) = exits(mexc.home)
    assert (done["cause"], done["state"]) == ("STOP_LOSS", "FILLED")
    assert trade(mexc.home)["quantity"] == "0.01"
    by_prices, realized = won(mexc.home, exit_side)
    assert realized == by_prices == balance(mexc) - before < 0
    mexc.check_true()


def test_a_part_that_a_person_closes_at_bybit_leaves_the_rest_protected(bybit: BybitRound) -> None:
    async def enter(running: Running) -> None:
        submit(bybit.home, signal(amount=3000))
        await running.until(lambda: bybit.stops(), "the stop")

    async def look(running: Running) -> None:
        await running.until(
            lambda: [str(each.quantity) for each in bybit.stops()] == ["0.029"], "resized"
        )

    with_service(bybit.home, enter)
    bybit.home.must("close", "BTCUSDT", "--quantity", "0.0209", "--confirm", "BTCUSDT")
    row = trade(bybit.home)
    assert (row["status"], row["quantity"], row["open_quantity"]) == ("OPEN", "0.049", "0.029")
    with_service(bybit.home, look)
    sent = [each for each in bybit.ours() if each.trigger is None]
    assert [(each.ticket.side, str(each.quantity)) for each in sent] == [
        (BUY, "0.049"), (SELL, "0.02"),
    ]  # fmt: skip
    bybit.check_true()
