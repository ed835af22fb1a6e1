"""Positions, profit, fees and balances, for every kind of instrument."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.domain.errors import Rejected
from core.domain.order import OrderStatus
from tests.core.brokers.paper.venue import PaperVenue, perpetual, quote

D = Decimal


def flat(last: str, symbol: str = "BTCUSDT") -> dict[str, Any]:
    """A quote without a spread."""
    row: dict[str, Any] = quote(symbol, last, last, last)
    return row


@pytest.fixture
def venue(tmp_path: Path) -> PaperVenue:
    """BTCUSDT at exactly 100, leverage 10."""
    return PaperVenue(
        tmp_path / "paper.json",
        quotes=[flat("100")],
        simulation={"leverage": {"BTCUSDT": "10"}},
    )


async def at(
    venue: PaperVenue, price: str, key: str, side: str, quantity: Any, **given: Any
) -> None:
    await venue.move_price(D(price))
    await venue.place(key, side, quantity, **given)


# --- one-way --------------------------------------------------------------------------------------


async def test_the_entry_is_the_weighted_average_of_what_was_added(venue: PaperVenue) -> None:
    await at(venue, "100", "tu-1", "buy", 1)
    await at(venue, "110", "tu-2", "buy", 3)
    [position] = (await venue.broker.snapshot()).positions
    assert (position.quantity, position.average_price) == (4, D("107.5"))
    assert (position.mark_price, position.unrealized_pnl) == (110, D(10))
    assert position.leverage == 10


async def test_reducing_keeps_the_entry_and_pays_the_profit(venue: PaperVenue) -> None:
    await at(venue, "100", "tu-1", "buy", 4)
    await at(venue, "120", "tu-2", "sell", 1)
    [position] = (await venue.broker.snapshot()).positions
    assert (position.quantity, position.average_price) == (3, 100)
    # 3 at 100 with leverage 10 hold 30.
    assert await venue.has() == (10_020, 9_990)


async def test_through_zero_everything_closes_and_the_rest_opens_anew(venue: PaperVenue) -> None:
    await at(venue, "100", "tu-1", "buy", 2)
    await at(venue, "90", "tu-2", "sell", 5)
    [position] = (await venue.broker.snapshot()).positions
    assert (position.quantity, position.average_price) == (-3, 90)
    assert await venue.has() == (9_980, D(9_980) - 27)


async def test_a_flat_position_is_not_listed_and_its_leverage_is_remembered(
    venue: PaperVenue,
) -> None:
    await at(venue, "100", "tu-1", "sell", 2)
    venue.edit(lambda content: content["positions"][0].update(leverage="5"))
    await at(venue, "90", "tu-2", "buy", 2)
    assert (await venue.broker.snapshot()).positions == ()
    assert await venue.has() == (10_020, 10_020)
    assert (await venue.broker.account_mode()).leverage == {"BTCUSDT": D(5)}


async def test_of_a_position_without_a_known_entry_no_profit_is_claimed(venue: PaperVenue) -> None:
    row = {"symbol": "BTCUSDT", "side": "both", "quantity": "5"}
    venue.edit(lambda content: content["positions"].append(row))
    await at(venue, "100", "tu-1", "buy", 1)
    [position] = (await venue.broker.snapshot()).positions
    assert (position.quantity, position.average_price) == (6, None)
    await at(venue, "150", "tu-2", "sell", 6)
    assert await venue.has() == (10_000, 10_000)


# --- marks ----------------------------------------------------------------------------------------


async def test_a_mark_written_by_hand_stands_until_the_quote_moves(venue: PaperVenue) -> None:
    await at(venue, "100", "tu-1", "buy", 1)
    venue.edit(lambda content: content["positions"][0].update(mark_price="97", unrealized_pnl="-3"))
    [position] = (await venue.broker.snapshot()).positions
    assert (position.mark_price, position.unrealized_pnl) == (97, -3)
    venue.edit(lambda content: content["quotes"][0].update(flat("96")))
    [position] = (await venue.broker.snapshot()).positions
    assert (position.mark_price, position.unrealized_pnl) == (96, -4)


async def test_a_mark_that_is_not_told_is_taken_from_the_quote(venue: PaperVenue) -> None:
    row = {"symbol": "BTCUSDT", "side": "both", "quantity": "-5", "average_price": "90"}
    venue.edit(lambda content: content["positions"].append(row))
    [position] = (await venue.broker.snapshot()).positions
    assert (position.mark_price, position.unrealized_pnl) == (100, -50)


@pytest.mark.parametrize(
    ("told", "mark"),
    [
        ({"last": None, "bid": "98", "ask": "104"}, 101),
        ({"last": None, "bid": None, "ask": "104"}, 104),
        ({"last": None, "bid": None, "ask": None}, None),
    ],
)
async def test_without_a_last_trade_the_mark_is_the_middle_of_what_there_is(
    venue: PaperVenue, told: dict[str, str | None], mark: int | None
) -> None:
    row = {"symbol": "BTCUSDT", "side": "both", "quantity": "1", "average_price": "90"}
    venue.edit(lambda content: content["positions"].append(row))
    venue.edit(lambda content: content["quotes"][0].update(told))
    [position] = (await venue.broker.snapshot()).positions
    assert position.mark_price == mark


# --- hedge ----------------------------------------------------------------------------------------


async def test_the_legs_of_a_hedge_do_not_know_each_other(venue: PaperVenue) -> None:
    await venue.hedge()
    await at(venue, "100", "tu-1", "buy", 3, position_side="long")
    await at(venue, "110", "tu-2", "sell", 2, position_side="short")
    assert await venue.holds(side="long") == 3
    assert await venue.holds(side="short") == 2
    await at(venue, "120", "tu-3", "sell", 1, position_side="long")
    await at(venue, "120", "tu-4", "buy", 2, position_side="short")
    # +20 on one of the long leg, -20 on the short one.
    assert (await venue.has())[0] == 10_000
    assert await venue.holds(side="long") == 2
    assert await venue.holds(side="short") == 0


async def test_a_leg_is_never_sold_below_zero(venue: PaperVenue) -> None:
    await venue.hedge()
    await at(venue, "100", "tu-1", "buy", 3, position_side="long")
    order = await venue.place("tu-2", "sell", 5, position_side="long")
    assert order.quantity == 3
    with pytest.raises(Rejected, match="reduce_only"):
        await venue.place("tu-3", "sell", 1, position_side="long")


# --- fees -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "fee"), [("0.001", "0.2"), ("-0.0002", "-0.04"), (0, "0")])
async def test_a_fee_is_a_share_of_the_notional(
    venue: PaperVenue, rate: str | int, fee: str
) -> None:
    venue.desk.simulate(fee_rate=rate)
    await at(venue, "100", "tu-1", "buy", 2)
    [row] = (await venue.broker.snapshot()).executions
    assert (row.fee, row.fee_currency) == (D(fee), "USDT")
    assert (await venue.has())[0] == 10_000 - D(fee)


# --- spot -----------------------------------------------------------------------------------------

SPOT: dict[str, Any] = {"symbol": "BTC/USDT", "kind": "spot", "min_notional": None, "base": "BTC"}


@pytest.fixture
def spot(venue: PaperVenue) -> PaperVenue:
    def change(content: dict[str, Any]) -> None:
        content["instruments"].append(perpetual(**SPOT))
        content["quotes"].append(flat("100", "BTC/USDT"))

    venue.edit(change)
    return venue


async def test_spot_is_paid_in_full_and_held(spot: PaperVenue) -> None:
    await spot.place("tu-1", "buy", 2, symbol="BTC/USDT")
    assert await spot.has("USDT") == (9_800, 9_800)
    assert await spot.has("BTC") == (2, 2)
    assert await spot.holds("BTC/USDT") == 2
    await spot.place("tu-2", "sell", "0.5", symbol="BTC/USDT")
    assert await spot.has("USDT") == (9_850, 9_850)
    assert await spot.has("BTC") == (D("1.5"), D("1.5"))


async def test_a_fee_in_the_base_currency_is_taken_from_what_was_bought(spot: PaperVenue) -> None:
    spot.desk.simulate(fee_rate="0.001", fee_currency="base")
    await spot.place("tu-1", "buy", 1, symbol="BTC/USDT")
    [row] = (await spot.broker.snapshot()).executions
    assert (row.quantity, row.fee, row.fee_currency) == (1, D("0.001"), "BTC")
    assert await spot.holds("BTC/USDT") == D("0.999")
    assert (await spot.has("BTC"))[0] == D("0.999")
    with pytest.raises(Rejected, match="insufficient_balance"):
        await spot.place("tu-2", "sell", 1, symbol="BTC/USDT")


async def test_resting_spot_orders_hold_what_they_would_pay_with(spot: PaperVenue) -> None:
    await spot.place("tu-1", "buy", 10, symbol="BTC/USDT")
    await spot.place("tu-2", "buy", 20, "limit", price=90, symbol="BTC/USDT")
    await spot.place("tu-3", "sell", 4, "limit", price=110, symbol="BTC/USDT")
    assert await spot.has("USDT") == (9_000, 7_200)
    assert await spot.has("BTC") == (10, 6)
    for key, side, quantity in (("tu-4", "buy", 73), ("tu-5", "sell", 7)):
        with pytest.raises(Rejected, match="insufficient_balance"):
            await spot.place(key, side, quantity, symbol="BTC/USDT")


# --- futures and inverse --------------------------------------------------------------------------


async def test_a_future_counts_with_its_multiplier(tmp_path: Path) -> None:
    venue = PaperVenue(
        tmp_path / "paper.json",
        instruments=[
            perpetual(
                "ESH6", kind="future", base="ES", quote="USD", multiplier="50", price_tick="0.25",
                quantity_step="1", min_quantity="1", expiry="2026-03-20T14:30:00Z",
            )
        ],
        quotes=[flat("6000", "ESH6")],
        balances=[{"currency": "USD", "total": "100000", "available": "100000"}],
        simulation={"leverage": {"ESH6": "10"}, "fee_rate": "0.00001"},
    )  # fmt: skip
    await venue.place("tu-1", "buy", 2, symbol="ESH6")
    # 2 x 50 x 6000 = 600,000: a fee of 6, a margin of 60,000.
    assert await venue.has("USD") == (99_994, 39_994)
    venue.desk.move_quote("ESH6", D("5990"))
    [position] = (await venue.broker.snapshot()).positions
    assert position.unrealized_pnl == -1_000
    with pytest.raises(Rejected, match="insufficient_margin"):
        await venue.place("tu-2", "buy", 2, symbol="ESH6")


async def test_an_inverse_contract_is_settled_in_its_base(tmp_path: Path) -> None:
    venue = PaperVenue(
        tmp_path / "paper.json",
        instruments=[
            perpetual("BTCUSD", kind="inverse", base="BTC", quote="USD", min_notional=None)
        ],
        quotes=[flat("100", "BTCUSD")],
        balances=[{"currency": "BTC", "total": "10", "available": "10"}],
    )
    await venue.place("tu-1", "buy", 100, symbol="BTCUSD")
    assert await venue.has("BTC") == (10, 9)
    venue.desk.move_quote("BTCUSD", D(200))
    await venue.place("tu-2", "buy", 100, symbol="BTCUSD")
    [position] = (await venue.broker.snapshot()).positions
    # 200 contracts for 1.5 BTC.
    assert position.average_price == D("133.333333333333")
    await venue.place("tu-3", "sell", 200, symbol="BTCUSD")
    assert (await venue.has("BTC"))[0] == D("10.5")


# --- margin ---------------------------------------------------------------------------------------


async def test_resting_orders_hold_margin_and_give_it_back(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 10, "limit", price=90)
    assert await venue.has() == (10_000, 9_910)
    await venue.place("tu-2", "sell", 5, "stop", trigger_price=80)
    assert await venue.has() == (10_000, 9_910)
    venue.desk.cancel("V-1")
    assert await venue.has() == (10_000, 10_000)


async def test_closing_needs_no_margin(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 999)
    assert (await venue.has())[1] == 10
    order = await venue.place("tu-2", "sell", 999)
    assert order.status is OrderStatus.FILLED


async def test_when_the_money_is_gone_nothing_is_available_rather_than_less(
    venue: PaperVenue,
) -> None:
    await venue.place("tu-1", "buy", 900)
    venue.edit(lambda content: content["balances"][0].update(total="1000"))
    await venue.place("tu-2", "sell", 1)
    assert await venue.has() == (1_000, 0)


async def test_a_figure_typed_into_available_stands_until_the_venue_writes(
    venue: PaperVenue,
) -> None:
    venue.edit(lambda content: content["balances"][0].update(available="1"))
    assert await venue.has() == (10_000, 1)
    await venue.place("tu-1", "buy", 1)
    assert await venue.has() == (10_000, 9_990)
