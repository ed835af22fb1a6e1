"""From a situation to an intent: the orders of an approval, every reason of a refusal."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config.settings import Settings
from core.decide.qualify.qualify import is_blind, is_simulated, qualify
from core.decide.qualify.reasons import REASONS, Reason
from core.domain.intent import Halt, IntentOrder, IntentState, TradeIntent, orders_of
from core.domain.market import Instrument
from core.domain.money import decimal_text, parse_decimal
from core.domain.order import OrderType
from core.domain.signal import Aim
from core.domain.text import from_row, to_row
from tests.build import NOON, book_order, clock, instrument, quote, settings, stored
from tests.core.decide.execution.seen import day, situation, usdt

FREE = {
    "max_position_size": "0",
    "max_exposure": "0",
    "max_order_size_ratio": "0",
}
CLOSE, MARKET, LIMIT = Aim.CLOSE, OrderType.MARKET, OrderType.LIMIT


def rules(**keys: Any) -> Settings:
    """No limit but those of the test."""
    return settings(**(FREE | keys))


def decided(market: dict[str, Any] | None = None, keys: Any = None, **given: Any) -> TradeIntent:
    return qualify(situation(market, **given), rules(**(keys or {})))


def approved(*arguments: Any, **given: Any) -> list[IntentOrder]:
    intent = decided(*arguments, **given)
    assert intent.state is IntentState.APPROVED, intent.reasons
    assert intent.reasons == {}
    return list(orders_of(intent))


def refused(*arguments: Any, **given: Any) -> list[str]:
    intent = decided(*arguments, **given)
    assert intent.state is IntentState.REJECTED, intent.orders
    assert orders_of(intent) == ()
    rows: Any = intent.reasons["reasons"]
    assert all(each["message"] for each in rows)
    return [each["code"] for each in rows]


def sentences(*arguments: Any, **given: Any) -> str:
    told: Any = decided(*arguments, **given).because["because"]
    return " ".join(told)


# --- an approval ----------------------------------------------------------------------------------


def test_a_limit_order_explained_sentence_by_sentence() -> None:
    intent = decided(trace_id="t-1")
    (order,) = orders_of(intent)
    assert (order.type, order.side, order.quantity, order.price) == (
        LIMIT, "buy", Decimal(10), Decimal("99.5"),
    )  # fmt: skip
    assert (order.time_in_force, order.post_only, order.reduce_only) == ("GTC", True, False)
    assert (order.purpose, order.amount, order.sequence, order.of) == ("open", 1000, 1, 1)
    assert (order.intent_id, order.signal_id, order.trace_id) == (intent.intent_id, "sig-1", "t-1")
    assert intent.because == {
        "because": [
            "It opens a long.",
            "Reckoned with the signal's price of 100.",
            "Limit, because nothing asks for the market.",
            "Limit 99.5: 0.5 of the spread below 100.",
            "1000 buys 10 at 100.",
        ],
        "warnings": [],
    }
    assert (intent.created_at, intent.updated_at, intent.trace_id) == (
        situation().now, situation().now, "t-1",
    )  # fmt: skip


def test_a_market_order_takes_what_is_there() -> None:
    (order,) = approved(confidence="0.95")
    assert (order.type, order.price, order.time_in_force) == (MARKET, None, "IOC")
    assert not order.post_only


def test_the_amount_is_reckoned_with_the_snapshots_price_whatever_the_limit() -> None:
    told = {"price": "50000", "spread": "1.5"}
    for side in ("buy", "sell"):
        (order,) = approved(
            signal_type=side, order_type=LIMIT, market_data_snapshot=told, quote=None
        )
        assert order.quantity == Decimal("0.02")


def test_where_the_venue_has_no_post_only_it_is_not_asked_for() -> None:
    (order,) = approved(takes_post_only=False)
    assert (order.type, order.post_only) == (LIMIT, False)


def test_a_warning_is_kept_with_the_intent() -> None:
    intent = decided(quote=quote(bid=110, ask=111))
    assert intent.because["warnings"] == ["The price moved 11 % since the signal: 100 → 111."]


def test_the_intent_survives_the_book() -> None:
    intent = decided(keys={"enable_order_splitting": True, "max_single_order_size": "300"})
    again = from_row(TradeIntent, to_row(intent))
    assert orders_of(again) == orders_of(intent)
    assert len(orders_of(again)) == 4


@pytest.mark.parametrize(
    ("expires_at", "until"), [(None, "11:05"), ("11:04", "11:04"), ("11:06", "11:05")]
)
def test_it_lives_until_the_earlier_of_two_moments(expires_at: str | None, until: str) -> None:
    assert decided(expires_at=expires_at).expires_at == clock(until)


def test_splitting_shares_the_amount() -> None:
    parts = approved(keys={"enable_order_splitting": True, "max_single_order_size": "300"})
    assert [part.quantity for part in parts] == [Decimal("2.5")] * 4
    assert [part.sequence for part in parts] == [1, 2, 3, 4]
    assert {part.of for part in parts} == {4}
    assert sum(part.amount for part in parts) == 1000
    assert not any(part.after_previous for part in parts)
    assert len({part.key for part in parts}) == 4


def test_an_amount_that_would_need_too_many_orders_is_refused_at_once() -> None:
    keys = {"enable_order_splitting": True, "max_single_order_size": "0.01"}
    assert refused(keys=keys, amount=Decimal("1e19"), balances=None) == ["too_many_parts"]
    shrunk = {**keys, "on_violation": "shrink", "max_single_order_size": "1"}
    assert len(approved(keys=shrunk, amount=10**6, balances=None)) == 100


def test_an_addition_is_worth_less() -> None:
    keys = {"scale_in": True, "scale_in_factor": "0.5"}
    (order,) = approved(keys=keys, positions=(stored(5),), scale_ins=1)
    assert (order.quantity, order.purpose, order.amount) == (Decimal("2.5"), "add", 250)
    assert "Addition 2 is worth 250 of 1000." in sentences(
        keys=keys, positions=(stored(5),), scale_ins=1
    )


# --- getting out ----------------------------------------------------------------------------------

SELL = {"signal_type": "sell", "confidence": "0.95"}
LONG = {"positions": (stored(5),)}


@pytest.mark.parametrize(
    ("amount", "quantity"),
    [(300, "3"), (500, "5"), (10_000, "5"), ("499.9", "4.999")],
)
def test_a_signal_against_the_position_takes_away_what_it_buys(amount: Any, quantity: str) -> None:
    """At most all of it."""
    (order,) = approved(**SELL, **LONG, amount=amount)
    assert (order.quantity, order.reduce_only, order.purpose) == (Decimal(quantity), True, "reduce")


def test_a_remainder_below_the_smallest_worth_goes_along() -> None:
    (order,) = approved({"min_notional": 50}, **SELL, **LONG, amount=451)
    assert order.quantity == 5


def test_what_buys_nothing_takes_nothing_along() -> None:
    """A whole position of 40 must not go for five cents, although 40 cannot be traded alone."""
    held = {"positions": (stored("0.4"),)}
    assert refused({"min_notional": 50}, **SELL, **held, amount="0.05") == [
        "below_minimum_quantity"
    ]


def test_closing_takes_all_of_it_whatever_the_amount() -> None:
    (order,) = approved(**SELL, **LONG, amount=1, aim=CLOSE)
    assert (order.quantity, order.reduce_only, order.purpose) == (5, True, "close")
    assert (order.amount, order.type) == (500, MARKET)


def test_what_only_reduces_may_be_worth_next_to_nothing() -> None:
    held = {"positions": (stored("0.01"),)}
    assert len(approved({"min_notional": 5}, **SELL, **held, aim=CLOSE)) == 1


def test_a_spot_sale_may_not_and_carries_no_flag() -> None:
    spot = {"kind": "spot", "min_notional": 5}
    held = {"positions": (stored("0.01"),)}
    assert refused(spot, **SELL, **held, aim=CLOSE) == ["below_minimum_notional"]
    (order,) = approved(spot, **SELL, **LONG, aim=CLOSE)
    assert not order.reduce_only


def test_a_spot_holding_is_sold_as_far_as_it_is_on_the_step() -> None:
    (order,) = approved({"kind": "spot"}, **SELL, positions=(stored("4.9954321"),), aim=CLOSE)
    assert order.quantity == Decimal("4.995")


@pytest.mark.parametrize("amount", ["0.09", "0.05"])
def test_a_reduction_too_small_to_trade_is_refused(amount: str) -> None:
    assert refused(**SELL, **LONG, amount=amount) == ["below_minimum_quantity"]


def test_a_hedged_leg_is_closed_by_itself() -> None:
    legs = (stored(5, side="long"), stored(3, side="short"))
    hedged = {"positions": legs, "position_mode": "hedge", "aim": CLOSE}
    (order,) = approved(**SELL, **hedged)
    assert (order.position_side, order.quantity, order.reduce_only) == ("long", 5, True)
    (order,) = approved(confidence="0.95", **hedged)
    assert (order.position_side, order.quantity, order.reduce_only) == ("short", 3, True)


NO_ENTRY: dict[str, Any] = {
    "halts": (Halt(halt_id="h-1", account="main", kind="liquidation", reason="x", since=NOON),),
    "unexplained": True,
    "last_loss_at": clock("11:00"),
    "day": day(10**9, -(10**9)),
    "balances": usdt(0),
    "orders": tuple(book_order(f"o-{n}", origin="owned") for n in range(5)),
}
TINY = {
    **dict.fromkeys(("max_position_size", "max_exposure", "max_order_size"), "0.000001"),
    **dict.fromkeys(("max_order_size_ratio", "max_daily_volume", "max_daily_loss"), "0.000001"),
    "max_open_orders": 1,
    "cooldown_after_loss_seconds": 3600,
}


@pytest.mark.parametrize("aim", [CLOSE, Aim.OPEN])
def test_nothing_that_forbids_an_entry_holds_up_an_exit(aim: Aim) -> None:
    (order,) = approved(keys=TINY, **SELL, **LONG, **NO_ENTRY, aim=aim)
    assert order.quantity == 5


# --- without a price ------------------------------------------------------------------------------

BLIND: dict[str, Any] = {"market_data_snapshot": {}, "quote": None}


def test_without_a_price_nothing_can_be_reckoned() -> None:
    assert refused(**BLIND) == ["no_price"]
    assert refused(**BLIND, **LONG, signal_type="sell") == ["no_price"]
    assert refused(**BLIND, **LONG, signal_type="sell", keys={"allow_reverse": True}) == [
        "no_price"
    ]


def test_it_is_only_blind_while_the_venue_may_tell_a_price_in_a_moment() -> None:
    """Another reason stands whatever the price is, and so does a venue that has none."""

    def blind(**given: Any) -> bool:
        seen = situation(**BLIND, **given)
        return is_blind(seen, qualify(seen, rules()))

    assert blind(quote_unread="503")
    assert not decided(quote_unread="503").reasons
    assert not blind()
    assert not blind(quote_unread="503", enabled=False)
    assert not blind(quote_unread="503", **LONG, signal_type="sell", aim=CLOSE)


def test_but_a_whole_position_can_be_closed() -> None:
    (order,) = approved(**BLIND, **LONG, signal_type="sell", aim=CLOSE)
    assert (order.type, order.quantity, order.price, order.amount) == (MARKET, 5, None, 1000)
    assert order.reduce_only
    told = sentences(**BLIND, **LONG, signal_type="sell", aim=CLOSE)
    assert "Market, because no price is known and getting out needs none." in told


def test_unless_the_signal_asks_for_a_limit() -> None:
    given = {**BLIND, **LONG, "signal_type": "sell", "aim": CLOSE, "order_type": LIMIT}
    assert refused(**given) == ["no_price"]


def test_or_there_is_too_little_of_it() -> None:
    held = {"positions": (stored("0.0001"),)}
    assert refused(**BLIND, **held, signal_type="sell", aim=CLOSE) == ["below_minimum_quantity"]


# --- reversals ------------------------------------------------------------------------------------

REVERSE = {"allow_reverse": True}


def test_a_reversal_closes_and_then_opens() -> None:
    close, opening = approved(keys=REVERSE, **SELL, **LONG)
    assert (close.purpose, close.quantity, close.reduce_only) == ("close", 5, True)
    assert (opening.purpose, opening.quantity, opening.reduce_only) == ("open", 10, False)
    assert (close.after_previous, opening.after_previous) == (False, True)
    assert [(each.sequence, each.of) for each in (close, opening)] == [(1, 2), (2, 2)]
    assert {close.side, opening.side} == {"sell"}


def test_the_parts_of_its_opening_half_wait_together() -> None:
    keys = REVERSE | {"enable_order_splitting": True, "max_single_order_size": "500"}
    found = approved(keys=keys, **SELL, **LONG)
    assert [each.after_previous for each in found] == [False, True, False]


def test_what_it_closes_does_not_count_against_what_it_opens() -> None:
    keys = REVERSE | {"max_position_size": "10", "max_exposure": "1000"}
    assert len(approved(keys=keys, **SELL, **LONG)) == 2


@pytest.mark.parametrize(
    ("keys", "given", "why"),
    [
        ({"max_order_size": "500"}, {}, "max_order_size: 1000 would exceed 500"),
        ({}, {"halts": NO_ENTRY["halts"]}, "liquidation: x"),
        ({}, {"amount": "0.05"}, "0 BTCUSDT is below the minimum of 0.001"),
    ],
)
def test_one_that_may_not_open_only_closes(
    keys: dict[str, Any], given: dict[str, Any], why: str
) -> None:
    intent = decided(keys=REVERSE | keys, **SELL, **LONG, **given)
    (order,) = orders_of(intent)
    assert (order.purpose, order.quantity, order.of) == ("close", 5, 1)
    told: Any = intent.because["because"]
    assert told[-1] == f"The other way is not opened: {why}."
    violations: Any = intent.because["violations"]
    assert [each["message"] for each in violations] == [why]


def test_one_that_may_not_close_does_nothing() -> None:
    held = {"positions": (stored("0.0001"),)}
    assert refused(keys=REVERSE, **SELL, **held) == ["below_minimum_quantity"]


# --- minimums and warm-up -------------------------------------------------------------------------


def test_below_the_minimum_is_refused_or_raised() -> None:
    least = {"min_quantity": "0.5", "min_notional": 60}
    assert refused(least, amount=49) == ["below_minimum_quantity"]
    assert refused(least, amount=59, confidence="0.95") == ["below_minimum_notional"]
    (order,) = approved(least, amount=49, confidence="0.95", keys={"adjust_to_minimum": True})
    assert order.quantity == Decimal("0.6")
    told = sentences(least, amount=49, confidence="0.95", keys={"adjust_to_minimum": True})
    assert "Raised to the minimum of 0.6." in told


def test_the_smallest_worth_is_that_of_the_order_itself() -> None:
    """Ten at 100 are worth 1000, but resting at 99.5 the venue counts 995."""
    assert refused({"min_notional": 1000}) == ["below_minimum_notional"]
    assert len(approved({"min_notional": 995})) == 1


WARMUP = {"is_warmup": True, "confidence": "0.95"}


@pytest.mark.parametrize(
    ("rule", "quantity", "pretends"),
    [("simulate", "10", True), ("execute", "10", False), ("minimum_size", "0.001", False)],
)
def test_the_rules_of_warm_up(rule: str, quantity: str, pretends: bool) -> None:
    keys = {"warmup": rule}
    (order,) = approved(keys=keys, **WARMUP)
    assert order.quantity == Decimal(quantity)
    assert is_simulated(situation(**WARMUP), rules(**keys)) == pretends
    assert ("simulated" in decided(keys=keys, **WARMUP).because) == pretends
    assert not is_simulated(situation(), rules(**keys))


def test_the_minimum_size_counts_on_the_way_out_too() -> None:
    keys = {"warmup": "minimum_size"}
    warm = {**WARMUP, "signal_type": "sell"}
    (order,) = approved(keys=keys, **warm, **LONG)
    assert order.quantity == Decimal("0.001")
    (order,) = approved(keys=keys, **warm, positions=(stored("0.001"),))
    assert order.quantity == Decimal("0.001")
    (order,) = approved(keys=keys, **warm, **LONG, aim=CLOSE)
    assert order.quantity == 5


# --- limits ---------------------------------------------------------------------------------------


def test_a_breach_rejects_by_default() -> None:
    assert refused(keys={"max_order_size": "999.99"}) == ["risk_max_order_size"]
    assert len(approved(keys={"max_order_size": "1000"})) == 1


def test_or_shrinks_and_says_so() -> None:
    intent = decided(keys={"max_order_size": "333.33", "on_violation": "shrink"})
    (order,) = orders_of(intent)
    assert (order.quantity, order.amount) == (Decimal("3.333"), Decimal("333.3"))
    told: Any = intent.because["because"]
    assert told[-1] == "Shrunk to 3.333: max_order_size: 1000 would exceed 333.33."
    violations: Any = intent.because["violations"]
    assert [each["code"] for each in violations] == ["risk_max_order_size"]


def test_to_the_smallest_of_several_limits() -> None:
    keys = {"max_order_size": "500", "max_exposure": "300", "on_violation": "shrink"}
    (order,) = approved(keys=keys)
    assert order.quantity == 3


@pytest.mark.parametrize(
    "keys", [{"max_order_size": "0.05"}, {"max_open_orders": 1}, {"max_daily_loss": "1"}]
)
def test_what_cannot_shrink_is_refused(keys: dict[str, Any]) -> None:
    given = {"orders": (book_order(origin="owned", symbol="ETHUSDT"),), "day": day(0, -2)}
    (name,) = keys
    assert refused(keys=keys | {"on_violation": "shrink"}, **given) == [f"risk_{name}"]


def test_shrinking_below_the_smallest_worth_is_no_way_out() -> None:
    keys = {"max_order_size": "100", "on_violation": "shrink"}
    assert refused({"min_notional": 200}, keys=keys) == ["risk_max_order_size"]


# --- refusals -------------------------------------------------------------------------------------


def test_every_reason_at_once() -> None:
    keys = TINY | {"min_confidence": "0.9"}
    given = NO_ENTRY | {
        "enabled": False,
        "unreachable": "timeout",
        "reconciled": False,
        "now": clock("11:05:01"),
        "orders": NO_ENTRY["orders"],
    }
    found = refused({"expiry": clock("11:00"), "min_quantity": 1000}, keys=keys, **given)
    assert found == [
        "account_disabled",
        "account_unreachable",
        "not_reconciled",
        "signal_expired",
        "confidence_too_low",
        "not_tradable",
        "position_unexplained",
        "entries_halted",
        "cooldown_after_loss",
        "below_minimum_quantity",
        "risk_max_position_size",
        "risk_max_exposure",
        "risk_max_order_size",
        "risk_max_order_size_ratio",
        "risk_max_open_orders",
        "risk_max_daily_volume",
        "risk_max_daily_loss",
        "insufficient_balance",
    ]


def test_a_refused_course_is_told_with_the_rest() -> None:
    found = refused(positions=(stored(5),), enabled=False)
    assert found == ["account_disabled", "position_exists"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"enabled": False}, "account_disabled"),
        ({"unreachable": "timeout"}, "account_unreachable"),
        ({"reconciled": False}, "not_reconciled"),
        ({"unexplained": True}, "position_unexplained"),
    ],
)
def test_the_account(given: dict[str, Any], expected: str) -> None:
    assert refused(**given) == [expected]


def test_an_instrument_that_nobody_knows() -> None:
    assert refused(instrument=None) == ["unknown_asset"]
    # A venue that does not answer has said nothing about it.
    assert refused(instrument=None, unreachable="timeout") == ["account_unreachable"]


def test_an_instrument_that_has_expired() -> None:
    assert refused({"expiry": situation().now}) == ["not_tradable"]
    assert len(approved({"expiry": clock("11:00:31")})) == 1


@pytest.mark.parametrize(("now", "late"), [("11:05", False), ("11:05:01", True)])
def test_the_age(now: str, late: bool) -> None:
    given: dict[str, Any] = {"now": clock(now)}
    assert (decided(**given).state is IntentState.REJECTED) == late
    if late:
        assert refused(**given) == ["signal_expired"]


@pytest.mark.parametrize(("confidence", "enough"), [("0.6", True), ("0.5999", False)])
def test_the_confidence(confidence: str, enough: bool) -> None:
    intent = decided(keys={"min_confidence": "0.6"}, confidence=confidence)
    assert (intent.state is IntentState.APPROVED) == enough


@pytest.mark.parametrize(
    ("last_loss_at", "pause", "free"),
    [("10:59:30", 60, True), ("10:59:31", 60, False), ("11:00:29", 0, True), (None, 60, True)],
)
def test_the_pause_after_a_loss(last_loss_at: str | None, pause: int, free: bool) -> None:
    given: dict[str, Any] = {"last_loss_at": clock(last_loss_at) if last_loss_at else None}
    keys = {"cooldown_after_loss_seconds": pause}
    assert (decided(keys=keys, **given).state is IntentState.APPROVED) == free
    if not free:
        assert refused(keys=keys, **given) == ["cooldown_after_loss"]


def test_a_reason_outside_the_list_cannot_be_given() -> None:
    with pytest.raises(ValueError, match="not in the list"):
        Reason("because", "")


def test_the_list_explains_each_in_one_line() -> None:
    assert all(text and "\n" not in text and not text.endswith(".") for text in REASONS.values())


# --- whatever the figures -------------------------------------------------------------------------

PRICES = st.decimals("0.00000001", "99999999", places=8)
AMOUNTS = st.decimals("0.01", "9999999999", places=2)


@st.composite
def markets(draw: st.DrawFn) -> Instrument:
    return instrument(
        kind=draw(st.sampled_from(["linear", "spot", "future", "inverse"])),
        price_tick=draw(st.sampled_from(["0.00000001", "0.1", "0.25", None])),
        quantity_step=draw(st.sampled_from(["0.00000001", "0.001", "1", None])),
        min_quantity=draw(st.sampled_from([None, "0.001", "1"])),
        min_notional=draw(st.sampled_from([None, "5"])),
        multiplier=draw(st.sampled_from(["1", "50", "0.0001"])),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, Settings]:
    price = draw(PRICES)
    held = draw(st.sampled_from([None, "3", "-3", "0.00123456789", "123456"]))
    seen = situation(
        instrument=draw(markets()),
        signal_type=draw(st.sampled_from(["buy", "sell"])),
        amount=draw(AMOUNTS),
        aim=draw(st.sampled_from(Aim)),
        order_type=draw(st.sampled_from([None, LIMIT, MARKET])),
        market_data_snapshot={"price": format(price, "f"), "spread": format(price / 1024, ".8f")},
        quote=None,
        positions=(stored(held),) if held else (),
    )
    keys = draw(
        st.fixed_dictionaries(
            {
                "on_violation": st.sampled_from(["reject", "shrink"]),
                "max_order_size": st.sampled_from(["0", "777.77", "100000"]),
                "max_exposure": st.sampled_from(["0", "5000", "1000000"]),
                "enable_order_splitting": st.booleans(),
                "max_single_order_size": st.sampled_from(["100", "10000"]),
                "allow_reverse": st.booleans(),
                "scale_in": st.booleans(),
                "adjust_to_minimum": st.booleans(),
                "enable_balance_check": st.just(False),
            }
        )
    )
    return seen, rules(**keys)


def _one(seen: Any) -> Fraction:
    size = Fraction(seen.instrument.multiplier)
    price = Fraction(Decimal(seen.signal.market_data_snapshot["price"]))
    return size if seen.instrument.kind == "inverse" else size * price


CHECKS: list[Callable[[Any, Settings, list[IntentOrder]], None]] = []


def check(rule: Callable[[Any, Settings, list[IntentOrder]], None]) -> None:
    CHECKS.append(rule)


@check
def _an_entry_is_never_worth_more_than_its_amount(
    seen: Any, keys: Settings, orders: list[IntentOrder]
) -> None:
    entries = [each for each in orders if each.purpose in ("open", "add")]
    if not keys.EXECUTION.adjust_to_minimum:
        worth = sum((Fraction(each.quantity) for each in entries), Fraction(0)) * _one(seen)
        assert worth <= Fraction(seen.signal.amount)


@check
def _no_limit_is_exceeded(seen: Any, keys: Settings, orders: list[IntentOrder]) -> None:
    entries = [each for each in orders if each.purpose in ("open", "add")]
    most = keys.RISK.max_order_size
    assert not most or all(Fraction(e.quantity) * _one(seen) <= most for e in entries)
    exposed = sum((Fraction(each.quantity) for each in entries), Fraction(0)) * _one(seen)
    assert not keys.RISK.max_exposure or exposed <= keys.RISK.max_exposure


@check
def _what_reduces_never_exceeds_the_position(
    seen: Any, keys: Settings, orders: list[IntentOrder]
) -> None:
    held = sum((abs(row.quantity) for row in seen.positions), Decimal(0))
    out = [each for each in orders if each.purpose in ("reduce", "close")]
    assert sum((each.quantity for each in out), Decimal(0)) <= held
    assert all(each.purpose in ("reduce", "close") for each in orders if each.reduce_only)


@check
def _every_figure_is_on_its_grid_and_can_be_written_down(
    seen: Any, keys: Settings, orders: list[IntentOrder]
) -> None:
    market = seen.instrument
    for each in orders:
        assert each.quantity > 0 and each.quantity >= (market.min_quantity or 0)
        assert not market.quantity_step or not each.quantity % market.quantity_step
        if each.price is not None:
            assert each.price > 0
            assert not market.price_tick or not each.price % market.price_tick
        for figure in (each.quantity, each.price, each.amount):
            assert figure is None or parse_decimal(decimal_text(figure)) == figure


@given(case=cases())
def test_whatever_the_figures(case: tuple[Any, Settings]) -> None:
    seen, keys = case
    intent = qualify(seen, keys)
    orders = list(orders_of(from_row(TradeIntent, to_row(intent))))
    assert orders == list(orders_of(intent))
    assert bool(orders) == (intent.state is IntentState.APPROVED) == (not intent.reasons)
    assert [each.sequence for each in orders] == list(range(1, len(orders) + 1))
    for rule in CHECKS:
        rule(seen, keys, orders)
    assert qualify(replace(seen), keys) == intent
