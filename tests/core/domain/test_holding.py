"""Positions as rows add up: averages, profit, zero crossings, fees in kind, late rows."""

from decimal import Decimal
from typing import Any

import pytest

from core.domain.execution import BookExecution
from core.domain.holding import (
    fold,
    fold_all,
    followed,
    is_dust,
    key_of,
    mode_of,
    state_of,
)
from core.domain.market import Instrument
from core.domain.observation import ComputedPosition
from core.domain.order import PositionSide
from core.domain.position import PositionKey
from tests.build import adjustment, book_execution, clock, instrument, stored

KEY = PositionKey("main", "BTCUSDT")
LONG = PositionKey("main", "BTCUSDT", PositionSide.LONG)
SHORT = PositionKey("main", "BTCUSDT", PositionSide.SHORT)


def buy(quantity: Any, price: Any, **given: Any) -> BookExecution:
    return _row("buy", quantity, price, **given)


def sell(quantity: Any, price: Any, **given: Any) -> BookExecution:
    return _row("sell", quantity, price, **given)


def _row(side: str, quantity: Any, price: Any, **given: Any) -> BookExecution:
    at = given.pop("at", "11:00")
    name = given.pop("name", f"T-{side}-{quantity}-{price}-{at}")
    return book_execution(name, quantity, price=price, side=side, executed_at=at, **given)


def in_turn(*rows: BookExecution) -> list[BookExecution]:
    """The same rows a minute apart."""
    return [
        book_execution(
            f"T-{minute}",
            row.quantity,
            **{
                name: getattr(row, name)
                for name in (
                    "side",
                    "position_side",
                    "price",
                    "fee",
                    "fee_currency",
                    "symbol",
                    "kind",
                )
            },
            executed_at=f"11:{minute:02}",
        )
        for minute, row in enumerate(rows)
    ]


def sums(*rows: BookExecution, key: PositionKey = KEY, of: Instrument | None = None) -> str:
    """`quantity at average, realized` of rows that follow each other."""
    return said(fold(key, in_turn(*rows), (), of))


def said(held: ComputedPosition) -> str:
    at = "" if held.average_price is None else f" at {held.average_price.normalize():f}"
    return f"{held.quantity.normalize():f}{at}, realized {held.realized_pnl.normalize():f}"


# --- one position in one-way mode -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([buy(5, 100)], "5 at 100, realized 0"),
        ([buy(5, 100), buy(5, 110)], "10 at 105, realized 0"),
        ([buy(1, 100), buy(2, 101)], "3 at 100.666666666667, realized 0"),
        ([buy(5, 100), sell(2, 110)], "3 at 100, realized 20"),
        ([buy(5, 100), sell(5, 90)], "0, realized -50"),
        ([sell(5, 100)], "-5 at 100, realized 0"),
        ([sell(5, 100), sell(5, 90)], "-10 at 95, realized 0"),
        ([sell(5, 100), buy(2, 90)], "-3 at 100, realized 20"),
        ([sell(5, 100), buy(5, 110)], "0, realized -50"),
        ([buy(5, 100), sell(8, 110)], "-3 at 110, realized 50"),
        ([sell(5, 100), buy(8, 90)], "3 at 90, realized 50"),
        ([buy(5, 100), sell(5, 110), buy(2, 120)], "2 at 120, realized 50"),
        ([buy(5, 100), buy(0, 500)], "5 at 100, realized 0"),
        ([], "0, realized 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_buying_and_selling(rows: list[BookExecution], expected: str) -> None:
    assert sums(*rows) == expected


def test_rows_count_in_the_order_in_which_they_happened() -> None:
    first, second = buy(5, 100, at="11:00"), sell(8, 110, at="11:05")
    assert fold(KEY, [second, first]) == fold(KEY, [first, second])


def test_funding_moves_no_position() -> None:
    assert sums(buy(5, 100), buy(5, 1, kind="funding")) == "5 at 100, realized 0"


# --- contracts ------------------------------------------------------------------------------------


def test_profit_counts_the_size_of_a_contract() -> None:
    mes = instrument(kind="future", multiplier=5, base=None, quote="USD")
    assert sums(buy(2, 5000), sell(1, 5010), of=mes) == "1 at 5000, realized 50"


INVERSE = instrument(kind="inverse", base="BTC", quote="USD", multiplier=100)


def test_inverse_contracts_are_worth_their_reciprocal() -> None:
    assert sums(buy(10, 20000), buy(10, 30000), of=INVERSE) == "20 at 24000, realized 0"
    assert sums(buy(10, 20000), sell(10, 25000), of=INVERSE) == "0, realized 0.01"


def test_an_inverse_price_of_zero_has_no_value() -> None:
    assert sums(buy(10, 20000), buy(10, 0), of=INVERSE) == "20, realized 0"
    assert sums(buy(10, 20000), sell(10, 0), of=INVERSE) == "0, realized 0"


# --- fees -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fee", "of", "expected"),
    [
        (("0.1", "USDT"), instrument(), "5 at 100, realized -0.1"),
        (("-0.1", "USDT"), instrument(), "5 at 100, realized 0.1"),
        (("0.1", None), instrument(), "5 at 100, realized -0.1"),
        (("0.1", "BNB"), instrument(), "5 at 100, realized 0"),
        ((None, "USDT"), instrument(), "5 at 100, realized 0"),
        (("0.1", "USDT"), None, "5 at 100, realized -0.1"),
        (("0.1", "BNB"), None, "5 at 100, realized 0"),
        (("0.1", "BTC"), INVERSE, "5 at 100, realized -0.1"),
        (("0.1", "USD"), INVERSE, "5 at 100, realized 0"),
    ],
)
def test_a_fee_lowers_the_profit_told_in_its_currency(
    fee: tuple[Any, Any], of: Instrument | None, expected: str
) -> None:
    assert sums(buy(5, 100, fee=fee[0], fee_currency=fee[1]), of=of) == expected


@pytest.mark.parametrize(
    ("of", "held"),
    [
        (instrument(kind="spot"), "0.999"),
        (instrument(kind="linear"), "0.999"),
        (None, "0.999"),
        (instrument(kind="inverse"), "1"),
        (instrument(kind="future"), "1"),
        (instrument(kind="stock"), "1"),
        (instrument(kind="spot", base="XBT"), "1"),
    ],
)
def test_a_fee_in_the_base_currency_is_taken_from_what_was_bought(
    of: Instrument | None, held: str
) -> None:
    row = buy(1, 100, fee="0.001", fee_currency="BTC")
    assert fold(KEY, [row], (), of).quantity == Decimal(held)


def test_selling_all_that_a_fee_left_is_flat() -> None:
    bought = buy(1, 100, fee="0.001", fee_currency="BTC")
    assert sums(bought, sell("0.999", 110), of=instrument()) == "0, realized 9.99"


# --- hedge legs, accounts, symbols ----------------------------------------------------------------


def test_a_short_leg_is_opened_by_selling_and_told_as_a_positive_figure() -> None:
    rows = [sell(5, 100, position_side="short"), buy(2, 90, position_side="short")]
    assert sums(*rows, key=SHORT) == "3 at 100, realized 20"


def test_legs_are_two_positions_also_when_they_cancel_out() -> None:
    rows = [buy(5, 100, position_side="long"), sell(5, 100, position_side="short")]
    both = fold_all(rows)
    assert {key.side: held.quantity for key, held in both.items()} == {
        PositionSide.LONG: Decimal(5),
        PositionSide.SHORT: Decimal(5),
    }


def test_accounts_and_symbols_are_never_netted() -> None:
    rows = [
        buy(5, 100),
        sell(5, 100, account="second"),
        sell(3, 10, symbol="ETHUSDT"),
        buy(9, 1, kind="funding", symbol="XRPUSDT"),
    ]
    assert {
        f"{key.account} {key.symbol}": held.quantity for key, held in fold_all(rows).items()
    } == {
        "main BTCUSDT": Decimal(5),
        "main ETHUSDT": Decimal(-3),
        "second BTCUSDT": Decimal(-5),
    }


@pytest.mark.parametrize(
    "stranger",
    [{"account": "second"}, {"symbol": "ETHUSDT"}, {"position_side": "long"}],
    ids=["account", "symbol", "side"],
)
def test_a_row_of_another_position_is_refused(stranger: dict[str, str]) -> None:
    row = buy(5, 100, **stranger)
    with pytest.raises(ValueError, match="cannot enter the position"):
        fold(KEY, [row])
    with pytest.raises(ValueError, match="cannot enter the position"):
        followed(KEY, None, [row])
    side = stranger.pop("position_side", None)
    foreign = adjustment(**stranger, **({"side": side} if side else {}))
    with pytest.raises(ValueError, match="cannot enter the position"):
        fold(KEY, [], [foreign])


# --- adjustments ----------------------------------------------------------------------------------


def test_an_adjustment_stands_for_what_no_row_explains() -> None:
    held = fold(KEY, [buy(3, 90)], [adjustment(2, average_price=95)])
    assert said(held) == "5 at 95, realized 0"
    assert held.adjustments_left == {"adj-1": Decimal(2)}


def test_an_adjustment_without_an_average_leaves_it_as_it_was() -> None:
    assert said(fold(KEY, [buy(3, 90)], [adjustment(2, average_price=None)])).startswith("5 at 90")
    assert fold(KEY, [], [adjustment(2, average_price=None)]).average_price is None


def test_what_is_bought_on_top_of_an_unknown_average_stays_unknown() -> None:
    rows = [
        buy(3, 90, at="12:30", recorded_serial=11),
        sell(1, 95, at="12:40", recorded_serial=11),
    ]
    held = fold(KEY, rows, [adjustment(2, average_price=None)])
    assert said(held) == "4, realized 0"


def test_an_adjustment_to_nothing_has_no_average() -> None:
    held = fold(KEY, [buy(3, 90)], [adjustment(-3, average_price=None)])
    assert said(held) == "0, realized 0"


def test_rows_known_before_an_adjustment_add_to_it() -> None:
    row = buy(3, 90, recorded_serial=10)
    assert fold(KEY, [row], [adjustment(2)]).quantity == 5


def test_rows_after_an_adjustment_add_to_it() -> None:
    row = buy(3, 90, at="12:01", recorded_serial=11)
    assert fold(KEY, [row], [adjustment(2)]).quantity == 5


def test_rows_that_were_known_belong_to_an_adjustment_whatever_the_clocks_say() -> None:
    """book: 5 at 100, executed by a clock ahead of ours / adopted: 8 at 104"""
    known = buy(5, 100, at="12:00:01", recorded_serial=10)
    later = buy(8, 106, at="12:00:01", recorded_serial=11)
    each = adjustment(3, average_price=104)
    assert fold(KEY, [known], [each]).average_price == 104
    assert fold(KEY, [known, later], [each]).average_price == 105


@pytest.mark.parametrize(
    ("quantity", "held", "left"),
    [(2, 5, 3), (5, 5, 0), (8, 8, 0)],
    ids=["a part of it", "all of it", "more than it"],
)
def test_late_rows_replace_an_adjustment_before_they_add(
    quantity: int, held: int, left: int
) -> None:
    late = buy(quantity, 98, recorded_serial=11)
    computed = fold(KEY, [late], [adjustment(5)])
    assert (computed.quantity, computed.adjustments_left["adj-1"]) == (held, left)


def test_a_late_row_at_the_very_moment_of_the_adjustment_is_part_of_it() -> None:
    late = buy(5, 98, at="12:00", recorded_serial=11)
    assert said(fold(KEY, [late], [adjustment(5)])) == "5 at 100, realized 0"


def test_a_late_row_to_the_other_side_explains_nothing_of_it() -> None:
    late = sell(2, 98, recorded_serial=11)
    computed = fold(KEY, [late], [adjustment(5)])
    assert (computed.quantity, computed.adjustments_left["adj-1"]) == (3, 5)


def test_the_oldest_adjustment_is_replaced_first() -> None:
    older = adjustment(2, id="adj-1", as_of=clock("11:30"), recorded_serial=5)
    newer = adjustment(3, id="adj-2")
    computed = fold(KEY, [buy(4, 98, recorded_serial=11)], [newer, older])
    assert computed.adjustments_left == {"adj-1": Decimal(0), "adj-2": Decimal(1)}
    assert computed.quantity == 5


def test_a_short_leg_is_adjusted_in_its_own_figures() -> None:
    taken = adjustment(5, side="short")
    late = sell(2, 98, position_side="short", recorded_serial=11)
    computed = fold(SHORT, [late], [taken])
    assert (computed.quantity, computed.adjustments_left["adj-1"]) == (5, 3)


def test_adjustments_alone_make_a_position() -> None:
    (held,) = fold_all([], [adjustment(5)], {"BTCUSDT": instrument()}).values()
    assert said(held) == "5 at 100, realized 0"


# --- what is stored follows -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "fees"),
    [
        ([buy(2, 100, fee=1), buy(2, 100, fee="0.5", at="11:01")], "1.5"),
        ([buy(4, 100, fee=1), sell(1, 100, fee=1, at="11:01")], "0.75"),
        ([buy(4, 100, fee=1), sell(4, 100, fee=1, at="11:01")], "0"),
        ([buy(4, 100, fee=1), sell(6, 100, fee=3, at="11:01")], "3"),
        ([buy(4, 100, fee="-0.25")], "-0.25"),
    ],
)
def test_the_fees_of_opening_what_is_still_open(rows: list[BookExecution], fees: str) -> None:
    assert fold(KEY, rows).fees == Decimal(fees)


def test_a_fee_that_is_not_known_is_not_none_at_all() -> None:
    """Not reported yet, or in a currency that the position is not priced in."""
    unknown = buy(2, 100, fee=None)
    foreign = buy(2, 100, fee=1, fee_currency="EUR")
    assert fold(KEY, [unknown]).fees is None
    assert fold(KEY, [foreign], instrument=instrument()).fees is None
    assert fold(KEY, [unknown, sell(1, 100, at="11:01")]).fees is None
    assert fold(KEY, [unknown, sell(2, 100, at="11:01")]).fees == 0


def test_an_adopted_average_contains_the_fees_before_it() -> None:
    rows = [buy(2, 100, fee=1), buy(2, 100, fee="0.5", at="13:00", recorded_serial=11)]
    assert fold(KEY, rows, [adjustment(3, average_price=101)]).fees == Decimal("0.5")
    assert fold(KEY, rows, [adjustment(3, average_price=None)]).fees == Decimal("1.5")


def test_the_stored_position_follows_new_rows() -> None:
    before = stored(5, realized_pnl=7, updated_at="10:00", mark_price=101)
    after = followed(KEY, before, [sell(2, 110, at="11:00")])
    assert after == stored(3, realized_pnl=27, updated_at="11:00", mark_price=101)


def test_a_first_row_opens_a_position() -> None:
    assert followed(KEY, None, [buy(5, 100)]) == stored(5, updated_at="11:00")
    assert followed(LONG, None, [buy(5, 100, position_side="long")]).mode == "hedge"


def test_without_rows_it_stays_what_it_is() -> None:
    assert followed(KEY, stored(5), []) == stored(5)
    assert followed(KEY, None, []).updated_at is None


def test_closing_and_reopening_tell_its_state() -> None:
    closed = followed(KEY, stored(5, state="trailing"), [sell(5, 110)])
    assert (closed.state, closed.average_price) == ("closed", None)
    assert followed(KEY, closed, [buy(1, 100)]).state == "open"


def test_a_remainder_below_the_minimum_is_dust() -> None:
    rows = [sell("4.9995", 110)]
    assert followed(KEY, stored(5), rows, instrument=instrument()).dust
    assert not followed(KEY, stored(5), rows).dust


def test_new_rows_from_before_an_adjustment_replace_it() -> None:
    """stored: 5, adopted at noon / a purchase of 3 at 11:00 arrives / stored: still 5"""
    late = buy(3, 98, fee="0.1")
    assert followed(KEY, stored(5), [late], adjustments=[adjustment(5)]).quantity == 5
    spent = {"adj-1": Decimal(1)}
    assert followed(KEY, stored(5), [late], adjustments=[adjustment(5)], left=spent).quantity == 7


def test_a_late_row_of_a_closed_position_costs_its_fee_and_no_more() -> None:
    late = sell(5, 110, fee="0.1")
    after = followed(KEY, stored(0, average_price=None), [late], adjustments=[adjustment(-5)])
    assert (after.quantity, after.average_price, after.realized_pnl) == (0, None, Decimal("-0.1"))


@pytest.mark.parametrize(
    ("held", "before", "after", "expected"),
    [
        (stored(5), buy(5, 100), buy(4, 101), stored(4, average_price=101)),
        (stored(8), buy(3, 100), buy(3, 108), stored(8, average_price=103)),
        (
            stored(3, realized_pnl=20),
            sell(2, 110),
            sell(1, 110),
            stored(4, realized_pnl=10),
        ),
        (
            stored(-2, average_price=110),
            sell(7, 110),
            sell(5, 110),
            stored(0, average_price=None, state="closed"),
        ),
        (
            stored(0, average_price=None, realized_pnl=50),
            sell(5, 110),
            sell(4, 110),
            stored(1, average_price=None, realized_pnl=50),
        ),
        (
            stored(5, realized_pnl="-0.1"),
            buy(5, 100, fee="0.1"),
            buy(5, 100, fee="0.3"),
            stored(5, realized_pnl="-0.3"),
        ),
    ],
    ids=[
        "the opening itself",
        "one of two purchases",
        "a sale of a part",
        "a sale through zero",
        "the sale of all of it",
        "a fee",
    ],
)
def test_a_corrected_row_is_taken_out_and_put_back(
    held: Any, before: BookExecution, after: BookExecution, expected: Any
) -> None:
    assert followed(KEY, held, [], corrections=[(before, after)]) == expected


# --- words ----------------------------------------------------------------------------------------


def test_words_about_a_position() -> None:
    assert key_of(buy(1, 1)) == key_of(adjustment()) == KEY
    assert (mode_of(PositionSide.BOTH), mode_of(PositionSide.SHORT)) == ("one-way", "hedge")
    assert state_of(Decimal(0), "open") == "closed"
    assert state_of(Decimal(1), None) == state_of(Decimal(1), "closed") == "open"
    assert state_of(Decimal(1), "trailing") == "trailing"
    assert not is_dust(Decimal(0), instrument())
    assert not is_dust(Decimal("0.0001"), instrument(min_quantity=None))
