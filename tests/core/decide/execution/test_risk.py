"""The limits, each met exactly and by one step, and what counts under them."""

from decimal import Decimal
from typing import Any

import pytest

from core.decide.execution.exposure import exposure
from core.decide.execution.risk import Breach, Entry, available_balance, breaches, unaffordable
from core.decide.execution.splitting import PARTS_MAX
from core.domain.market import Balance
from core.domain.order import PositionSide
from tests.build import book_order, instrument, settings, stored
from tests.core.decide.execution.asking import asked
from tests.core.decide.execution.seen import day, situation, usdt

NONE = {
    "max_position_size": "0",
    "max_exposure": "0",
    "max_order_size": "0",
    "max_order_size_ratio": "0",
}


def found(
    quantity: Any = 10,
    price: Any = 100,
    *,
    market: dict[str, Any] | None = None,
    leg: str = "both",
    orders: int = 1,
    largest: Any = None,
    affordable: bool = False,
    keys: dict[str, Any],
    **given: Any,
) -> list[Breach]:
    seen = situation(market, **_renamed(given))
    assert seen.instrument is not None
    entry = Entry(
        quantity=Decimal(quantity),
        price=Decimal(price),
        position_side=PositionSide(leg),
        orders=orders,
        largest=Decimal(quantity if largest is None else largest),
    )
    rules = settings(**(NONE | keys))
    look = unaffordable if affordable else breaches
    return list(look(entry, seen, seen.instrument, rules))


def _renamed(given: dict[str, Any]) -> dict[str, Any]:
    """`live` are the situation's orders; `orders` counts the entry's."""
    return {("orders" if name == "live" else name): value for name, value in given.items()}


def room(*given: Any, **more: Any) -> Decimal | None:
    """What would fit under the only limit that is exceeded; None when none is."""
    all_of_them = found(*given, **more)
    assert len(all_of_them) < 2
    return all_of_them[0].room if all_of_them else None


def ours(order_id: str = "o-1", **given: Any) -> Any:
    return book_order(order_id, **({"origin": "owned", "reduce_only": False} | given))


def test_zero_is_no_limit() -> None:
    assert found(10**9, keys={"max_open_orders": 0, "max_daily_volume": "0"}) == []


# --- each limit -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("quantity", "fits"), [("10", None), ("10.001", "10")])
def test_the_position(quantity: str, fits: str | None) -> None:
    assert room(quantity, keys={"max_position_size": "10"}) == (Decimal(fits) if fits else None)


@pytest.mark.parametrize(("quantity", "fits"), [("10", None), ("10.001", "10")])
def test_the_exposure(quantity: str, fits: str | None) -> None:
    assert room(quantity, keys={"max_exposure": "1000"}) == (Decimal(fits) if fits else None)


@pytest.mark.parametrize(("largest", "fits"), [("10", None), ("10.001", "10")])
def test_the_largest_order(largest: str, fits: str | None) -> None:
    given: dict[str, Any] = {"largest": largest, "keys": {"max_order_size": "1000"}}
    assert room(50, **given) == (Decimal(fits) if fits else None)


@pytest.mark.parametrize(("quantity", "fits"), [("10", None), ("10.001", "10")])
def test_the_share_of_the_balance(quantity: str, fits: str | None) -> None:
    given: dict[str, Any] = {"balances": usdt(10_000), "keys": {"max_order_size_ratio": "0.1"}}
    assert room(quantity, **given) == (Decimal(fits) if fits else None)
    assert room("1000000", **(given | {"balances": None})) is None


@pytest.mark.parametrize(("orders", "fits"), [(2, None), (3, Decimal(0))])
def test_the_number_of_open_orders(orders: int, fits: Decimal | None) -> None:
    live = (
        ours("o-1"),
        ours("o-2", reduce_only=True),
        ours("o-3", origin="external"),
        ours("o-4", symbol="ETHUSDT"),
    )
    assert room(orders=orders, live=live, keys={"max_open_orders": 4}) == fits


@pytest.mark.parametrize(("volume", "fits"), [("4000", None), ("4000.01", "9.9999")])
def test_the_volume_of_the_day(volume: str, fits: str | None) -> None:
    given: dict[str, Any] = {"day": day(volume), "keys": {"max_daily_volume": "5000"}}
    assert room(**given) == (Decimal(fits) if fits else None)
    assert room(**(given | {"day": day(6000)})) == 0


@pytest.mark.parametrize(
    ("realized", "fits"), [("-99.99", None), ("-100", Decimal(0)), ("500", None)]
)
def test_the_loss_of_the_day(realized: str, fits: Decimal | None) -> None:
    assert room(day=day(0, realized), keys={"max_daily_loss": "100"}) == fits


@pytest.mark.parametrize(("orders", "fits"), [(PARTS_MAX, None), (PARTS_MAX * 2, Decimal(5))])
def test_the_number_of_parts(orders: int, fits: Decimal | None) -> None:
    assert room(orders=orders, keys={}) == fits


@pytest.mark.parametrize(
    ("available", "leverage", "fits"),
    [("1000", None, None), ("999", None, "9.99"), ("100", "10", None), ("99", "10", "9.9"),
     ("999", "0.5", "9.99")],
)  # fmt: skip
def test_the_balance(available: str, leverage: str | None, fits: str | None) -> None:
    given: dict[str, Any] = {"balances": usdt(available), "leverage": leverage}
    got = room(affordable=True, keys={}, **given)
    assert got == (Decimal(fits) if fits else None)
    assert room(affordable=True, keys={"enable_balance_check": False}, **given) is None


def test_a_spot_account_has_no_leverage_and_an_unread_balance_says_nothing() -> None:
    spot = {"kind": "spot"}
    assert room(affordable=True, keys={}, market=spot, balances=usdt(999), leverage=10) is not None
    assert room(affordable=True, keys={}, balances=None) is None


def test_a_breach_names_limit_and_value() -> None:
    (breach,) = found("10.001", keys={"max_exposure": "1000"})
    assert breach.reason.code == "risk_max_exposure"
    assert breach.reason.message == "max_exposure: 1000.1 would exceed 1000"
    (breach,) = found(affordable=True, keys={}, balances=usdt(1), leverage=3)
    assert breach.reason.message == "it needs 333.333333333333 USDT, available are 1"


# --- what counts ----------------------------------------------------------------------------------


def held_up(**given: Any) -> bool:
    """Whether ten more would exceed a position of ten."""
    return bool(found(10, keys={"max_position_size": "10"}, **given))


def test_positions_and_waiting_entries_count_against_the_size() -> None:
    assert not held_up()
    assert held_up(positions=(stored(1),))
    assert held_up(live=(ours(quantity=1),))
    assert not held_up(live=(ours(quantity=1, filled_quantity=1),))


@pytest.mark.parametrize(
    "row",
    [
        {"symbol": "ETHUSDT"},
        {"origin": "external"},
        {"reduce_only": True},
        {"side": "sell"},
        {"position_side": "short"},
    ],
    ids=str,
)
def test_other_orders_do_not(row: dict[str, Any]) -> None:
    assert not held_up(live=(ours(**row),))


def test_neither_do_other_legs_and_symbols() -> None:
    assert not held_up(positions=(stored(5, symbol="ETHUSDT"),))
    legs = (stored(5, side="long"), stored(3, side="short"))
    assert not held_up(positions=legs)
    (breach,) = found(6, leg="long", positions=legs, keys={"max_position_size": "10"})
    assert breach.room == 5


@pytest.mark.parametrize(("side", "held"), [("sell", 8), ("buy", -8)])
def test_what_a_reversal_closes_first_does_not_count(side: str, held: int) -> None:
    given: dict[str, Any] = {"signal_type": side, "positions": (stored(held, mark_price=100),)}
    assert found(8, keys={"max_position_size": "10", "max_exposure": "1000"}, **given) == []


def worth(price: Any = 100, market: dict[str, Any] | None = None, **given: Any) -> Decimal:
    seen = situation(market, **given)
    assert seen.instrument is not None
    return exposure(seen, seen.instrument, Decimal(price))


def test_a_position_counts_at_its_mark_then_its_average_then_the_signals_price() -> None:
    assert worth(positions=(stored(5, mark_price=110),)) == 550
    assert worth(positions=(stored(5, average_price=90),)) == 450
    assert worth(positions=(stored(5, average_price=None),)) == 500
    assert worth(positions=(stored(-5, symbol="ETHUSDT", mark_price=7),)) == 35
    assert worth(positions=(stored(5, symbol="ETHUSDT", average_price=None),)) == 0


def test_hedge_legs_add_up() -> None:
    legs = (stored(5, side="long"), stored(3, side="short"))
    assert worth(positions=legs) == 800


def test_an_entry_that_waits_counts_at_its_own_price() -> None:
    assert worth(orders=(ours(quantity=10, filled_quantity=4, price=50),)) == 300
    assert worth(orders=(ours(order_type="stop", price=None, trigger_price=60),)) == 600
    assert worth(orders=(ours(order_type="market", price=None),)) == 1000


def test_a_market_order_of_another_symbol_is_never_taken_at_this_ones_price() -> None:
    """A thousand coins of a cent on their way must not look like a thousand bitcoin."""
    coins = ours(symbol="DOGEUSDT", order_type="market", price=None, quantity=1000)
    assert worth(50_000, orders=(coins,)) == 0
    held = stored(1, symbol="DOGEUSDT", mark_price="0.01")
    assert worth(50_000, orders=(coins,), positions=(held,)) == Decimal("10.01")


def test_until_it_fills_it_is_worth_what_its_intent_said() -> None:
    meant = asked(signal_id="sig-2", symbol="DOGEUSDT", type="market", price=None, amount=600)
    half = ours(
        meant.key,
        symbol="DOGEUSDT",
        order_type="market",
        price=None,
        quantity=1000,
        filled_quantity=500,
    )
    promised = {meant.key: meant}
    assert worth(orders=(half,), promised=promised, sent=frozenset(promised)) == 300


def test_what_other_lanes_have_decided_counts_before_it_is_sent() -> None:
    meant = asked(signal_id="sig-2", symbol="ETHUSDT", amount=600)
    promised = {meant.key: meant}
    assert worth(promised=promised) == 600
    # Sent and no longer live: it is a position by now, or came to nothing.
    assert worth(promised=promised, sent=frozenset(promised)) == 0
    assert room(10, promised=promised, keys={"max_exposure": 1000}) == 4
    live = (ours("o-1"),)
    assert room(live=live, promised=promised, keys={"max_open_orders": 3}) is None
    assert room(live=live, promised=promised, keys={"max_open_orders": 2}) == 0


def test_contracts_count_at_their_size_in_every_symbol() -> None:
    future = instrument("ESZ6", kind="future", multiplier=50)
    row = stored(2, symbol="ESZ6", mark_price=6000)
    assert worth(positions=(row,), instruments={"ESZ6": future}) == 600_000
    own = stored(2, mark_price=6000)
    assert worth(positions=(own,), market={"kind": "future", "multiplier": 50}) == 600_000


def test_a_spot_account_opens_nothing_by_selling() -> None:
    spot = {"kind": "spot"}
    assert worth(market=spot, orders=(ours(side="sell"),)) == 0
    assert worth(market=spot, orders=(ours(side="buy"),)) == 1000
    known = {"ETHUSDT": instrument("ETHUSDT", kind="spot")}
    assert worth(instruments=known, orders=(ours(side="sell", symbol="ETHUSDT"),)) == 0


# --- inverse contracts ----------------------------------------------------------------------------

INVERSE = {"kind": "inverse", "multiplier": 1, "quantity_step": 1, "quote": "USD"}
COINS = (Balance(currency="BTC", total=Decimal(1), available=Decimal("0.02")),)


def test_an_inverse_contract_is_worth_its_size_and_paid_for_in_its_base() -> None:
    seen = situation(INVERSE, balances=COINS)
    assert seen.instrument is not None
    assert available_balance(seen, seen.instrument, Decimal(50_000)) == 1000
    given: dict[str, Any] = {"market": INVERSE, "balances": COINS, "affordable": True, "keys": {}}
    assert room(1000, 50_000, **given) is None
    assert room(1001, 50_000, **given) == 1000


def test_and_its_position_is_measured_in_base() -> None:
    given: dict[str, Any] = {"market": INVERSE, "keys": {"max_position_size": "0.02"}}
    assert room(1000, 50_000, **given) is None
    assert room(1001, 50_000, **given) == 1000
