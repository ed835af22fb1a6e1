"""What bought and sold does to lives and trades: entering, leaving, turning around, squaring."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.decide.lifecycle.booked import Booked, Terms, livable
from core.domain.life import Direction, ExitReason, LifeState
from core.domain.money import decimal_text, parse_decimal
from core.domain.order import PositionSide
from core.domain.position import PositionKey
from core.domain.trade import TradeKind, TradeStatus
from tests.build import clock, instrument, life, stored, trade
from tests.core.decide.lifecycle.walking import Book, bought, sold

TERMS = Terms(
    signal_id="sig-1",
    strategy_id="s",
    trace_id="trace",
    stop_loss_pct=Decimal(8),
    take_profit_pct=Decimal(5),
    floor=Decimal(90),
    ceiling=Decimal(110),
    quadrant="Q1",
    bias="up",
)


def states(book: Book) -> list[LifeState]:
    return [each.state for each in book.all_lives]


# --- entering -------------------------------------------------------------------------------------


def test_a_purchase_out_of_nothing_is_a_life_and_its_first_trade() -> None:
    book = Book()
    book.book(bought(5, 100, fee="0.5", order_id="o-1", at=clock("11:00")))
    held = book.life
    assert (held.state, held.direction, held.mode) == (LifeState.OPEN, Direction.LONG, "one-way")
    assert held.quantity == held.volume == 5
    assert held.entry_price == 100
    assert held.entry_time == clock("11:00")
    assert held.realized_pnl == Decimal("-0.5")
    assert held.signal_source == "external"
    (entered,) = book.trades_of(held)
    assert (entered.kind, entered.status) == (TradeKind.NEWBUY, TradeStatus.OPEN)
    assert entered.quantity == entered.open_quantity == 5
    assert entered.entry_price == 100
    assert entered.fees == Decimal("0.5")
    assert entered.realized_pnl == Decimal("-0.5")
    assert entered.order_id == "o-1"
    assert book.told == [">open external"]


def test_an_entry_by_signal_takes_over_what_that_asked_for() -> None:
    book = Book()
    book.book(bought(5, order_id="o-1", terms=TERMS, source="signal"))
    held = book.life
    assert (held.signal_id, held.bot_id, held.trace_id) == ("sig-1", "s", "trace")
    assert (held.entry_quadrant, held.entry_bias) == ("Q1", "up")
    assert held.stop_loss_pct == 8
    assert held.take_profit_pct == 5
    (entered,) = book.trades_of(held)
    assert (entered.signal_id, entered.strategy_id) == ("sig-1", "s")
    assert entered.floor == 90
    assert entered.ceiling is None
    assert entered.take_profit_pct == 5
    assert book.told == [">open signal"]


def test_a_ceiling_guards_a_short() -> None:
    book = Book()
    book.book(sold(5, terms=TERMS, source="signal"))
    (entered,) = book.trades_of(book.life)
    assert (book.life.direction, entered.floor) == (Direction.SHORT, None)
    assert entered.ceiling == 110


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("queued", ["queued>executing filled", "executing>open filled"]),
        ("executing", ["executing>open filled"]),
    ],
)
def test_a_wish_that_fills_is_open(state: str, told: list[str]) -> None:
    wish = life(state=state, quantity=0, volume=0, entry_price=None, entry_time=None)
    book = Book(lives={"p-1": wish})
    book.book(bought(5, 101, terms=TERMS, source="signal"))
    assert book.life.position_id == "p-1"
    assert book.life.entry_price == 101
    assert (book.life.state, book.told) == (LifeState.OPEN, told)


def test_partial_fills_of_one_order_are_one_trade() -> None:
    book = Book()
    book.book(bought(2, 100, fee="0.1", order_id="o-1"))
    book.book(bought(3, 110, fee="0.2", order_id="o-1"))
    (entered,) = book.trades_of(book.life)
    assert entered.quantity == entered.open_quantity == book.life.quantity == 5
    assert entered.entry_price == book.life.entry_price == 106
    assert entered.fees == Decimal("0.3")
    assert book.life.realized_pnl == entered.realized_pnl == Decimal("-0.3")
    assert entered.entry_time == book.life.entry_time


def test_another_order_that_adds_is_a_trade_of_its_own() -> None:
    book = Book()
    book.book(bought(2, 100, order_id="o-1"), bought(3, 110, order_id="o-2"))
    assert [(each.kind, str(each.open_quantity)) for each in book.trades_of(book.life)] == [
        (TradeKind.NEWBUY, "2"),
        (TradeKind.REBUY, "3"),
    ]
    assert book.told == [">open external"]


def test_rows_without_an_order_are_trades_of_their_own() -> None:
    book = Book()
    book.book(bought(2), bought(3))
    assert len(book.trades_of(book.life)) == 2


def test_an_order_that_fills_again_after_its_trade_was_left_is_a_trade_anew() -> None:
    book = Book()
    book.book(bought(2, order_id="o-1"), bought(1, order_id="o-2"), sold(2))
    book.book(bought(2, order_id="o-1"))
    kinds = [(each.order_id, each.status) for each in book.trades_of(book.life)]
    assert kinds == [
        ("o-1", TradeStatus.CLOSED),
        ("o-2", TradeStatus.OPEN),
        ("o-1", TradeStatus.OPEN),
    ]


def test_an_order_that_goes_on_filling_while_its_trade_is_left_has_one_entry_price() -> None:
    """bought 2 at 100, sold 1 at 120, bought 1 more at 130: in all 3 at 110"""
    book = Book()
    book.book(bought(2, 100, order_id="o-1"), sold(1, 120))
    assert book.life.realized_pnl == 20
    book.book(bought(1, 130, order_id="o-1"))
    (entered,) = book.trades.values()
    assert entered.entry_price == 110
    assert book.life.realized_pnl == entered.realized_pnl == 10
    book.book(sold(2, 120))
    assert book.life.realized_pnl == 30


def test_an_entry_price_that_is_not_known_stays_unknown() -> None:
    book = Book()
    book.book(bought(2, None))
    assert book.life.entry_price is None
    book.book(bought(2, 100, order_id="o-1"))
    assert book.life.entry_price is None
    assert book.trades_of(book.life)[1].entry_price == 100


# --- leaving --------------------------------------------------------------------------------------


def test_a_partial_exit_leaves_the_oldest_trades_first() -> None:
    book = Book()
    book.book(bought(2, 100), bought(3, 110), bought(1, 120))
    book.book(sold(4, 130, reason=ExitReason.MANUAL))
    first, second, third = book.trades_of(book.life)
    assert [str(each.open_quantity) for each in (first, second, third)] == ["0", "1", "1"]
    assert (first.status, second.status) == (TradeStatus.CLOSED, TradeStatus.OPEN)
    assert first.realized_pnl == 60
    assert second.realized_pnl == 40
    assert first.exit_price == second.exit_price == 130
    assert (second.exit_reason, third.exit_reason) == (ExitReason.MANUAL, None)
    assert book.life.quantity == 2
    assert book.life.volume == 6
    assert book.life.realized_pnl == 100
    assert book.life.exit_price == 130
    assert book.life.state is LifeState.OPEN
    assert book.told == [">open external"]


def test_the_trade_that_an_exit_was_sent_for_is_left_first() -> None:
    book = Book()
    book.book(bought(2, 100), bought(3, 110))
    _, second = book.trades_of(book.life)
    book.book(sold(4, 130, leaves=second.trade_id))
    first, second = book.trades_of(book.life)
    assert (first.open_quantity, second.open_quantity) == (Decimal(1), Decimal(0))


def test_the_fee_of_an_exit_is_shared_to_the_last_digit() -> None:
    book = Book()
    book.book(bought(1), bought(1), bought(1))
    book.book(sold(3, fee="0.1"))
    fees = [each.fees for each in book.trades.values()]
    # Short enough to be written down, and nothing of it is lost.
    assert [str(fee)[:8] for fee in fees] == ["0.033333"] * 3
    assert all(parse_decimal(decimal_text(fee)) == fee for fee in fees)
    assert sum(fees) == Decimal("0.1")
    assert book.life.realized_pnl == Decimal("-0.1")


def test_several_exits_have_one_average_price() -> None:
    book = Book()
    book.book(bought(4, 100), sold(1, 110), sold(3, 120))
    (left,) = book.trades.values()
    assert left.exit_price == book.life.exit_price == Decimal("117.5")
    assert left.realized_pnl == book.life.realized_pnl == 70


@pytest.mark.parametrize("prices", [(None, 110), (110, None)])
def test_once_a_part_was_left_at_an_unknown_price_the_whole_is_not_known(
    prices: tuple[int | None, int | None],
) -> None:
    book = Book()
    book.book(bought(4, 100), sold(2, prices[0]), sold(2, prices[1]))
    (left,) = book.trades.values()
    assert left.exit_price is book.life.exit_price is None
    # Nothing is claimed of the part that nobody tells of.
    assert book.life.realized_pnl == left.realized_pnl == 20


def test_profit_is_told_in_percent_of_the_margin_once_all_is_left() -> None:
    book = Book(lives={"p-1": life(leverage=10)}, trades={"t-1": trade()})
    book.book(sold(5, 110))
    assert book.life.realized_pnl_pct == 100
    assert book.trades["t-1"].realized_pnl_pct == 100


def test_a_position_is_closing_until_the_venue_says_that_it_is_flat() -> None:
    book = Book()
    book.book(bought(5))
    book.book(sold(5, reason=ExitReason.STOP_LOSS))
    assert (book.life.state, book.life.exit_reason) == (LifeState.CLOSING, ExitReason.STOP_LOSS)
    book = Book()
    book.book(bought(5))
    book.book(sold(5, reason=ExitReason.STOP_LOSS), confirmed=True)
    assert book.lives == {}
    assert book.ended.state is LifeState.CLOSED
    assert book.told == [">open external", "open>closed stop_loss"]


def test_one_that_is_closing_is_closed_when_its_exit_fills() -> None:
    book = Book(lives={"p-1": life(state="closing")}, trades={"t-1": trade()})
    book.book(sold(5, reason=ExitReason.MANUAL))
    assert (book.life.state, book.told) == (LifeState.CLOSING, [])
    book = Book(lives={"p-1": life(state="closing")}, trades={"t-1": trade()})
    book.book(sold(5, reason=ExitReason.MANUAL), confirmed=True)
    assert book.told == ["closing>closed manual"]


def test_what_was_opened_and_closed_before_anybody_heard_is_historical() -> None:
    book = Book()
    book.book(bought(5, 100), sold(5, 110, reason=ExitReason.STOP_LOSS), confirmed=True)
    assert book.ended.exit_reason is ExitReason.HISTORICAL
    assert book.ended.realized_pnl == 50
    # Its trade knows how.
    assert [each.exit_reason for each in book.trades.values()] == [ExitReason.STOP_LOSS]
    assert book.told == [">open external", "open>closed historical"]


def test_a_signals_entry_that_was_left_at_once_is_no_history() -> None:
    book = Book()
    book.book(
        bought(5, terms=TERMS, source="signal"),
        sold(5, reason=ExitReason.STOP_LOSS),
        confirmed=True,
    )
    assert book.ended.exit_reason is ExitReason.STOP_LOSS


# --- turning around -------------------------------------------------------------------------------


def test_a_row_through_zero_ends_one_life_and_begins_another() -> None:
    book = Book()
    book.book(bought(5, 100))
    book.book(sold(8, 110, fee="0.8", order_id="o-2"))
    old, new = book.lives.values()
    assert (old.state, old.direction, new.state, new.direction) == (
        LifeState.CLOSING, Direction.LONG, LifeState.OPEN, Direction.SHORT,
    )  # fmt: skip
    assert old.realized_pnl == Decimal("49.5")
    # Its share of the fee, and no more: it is paid once.
    assert new.realized_pnl == Decimal("-0.3")
    assert new.quantity == 3
    assert new.entry_price == 110
    assert [(each.direction, each.kind) for each in book.trades.values()] == [
        (Direction.LONG, TradeKind.NEWBUY),
        (Direction.SHORT, TradeKind.NEWBUY),
    ]


def test_turning_around_twice_in_one_batch_makes_three_lives() -> None:
    book = Book()
    book.book(bought(5), sold(8), bought(5))
    assert states(book) == [LifeState.CLOSED, LifeState.CLOSING, LifeState.OPEN]
    assert book.told == [
        ">open external",
        "open>closing historical",
        ">open external",
        "open>closing historical",
        "closing>closed historical",
        ">open external",
    ]
    assert len({each.position_id for each in book.all_lives}) == 3


def test_a_new_entry_does_not_wake_one_that_only_waits_for_its_end() -> None:
    left = life(state="closing", quantity=0, exit_reason="take_profit")
    book = Book(lives={"p-1": left})
    book.book(bought(2, 120))
    assert book.ended.position_id == "p-1"
    assert book.told[0] == "closing>closed take_profit"
    assert book.life.volume == 2
    assert book.life.entry_price == 120


def test_an_entry_into_one_whose_exit_is_out_joins_it() -> None:
    book = Book(lives={"p-1": life(state="closing")}, trades={"t-1": trade()})
    book.book(bought(2, order_id="o-2"))
    assert (book.life.position_id, book.life.state) == ("p-1", LifeState.CLOSING)
    assert book.life.quantity == 7


# --- hedges ---------------------------------------------------------------------------------------

LONG = PositionKey("main", "BTCUSDT", PositionSide.LONG)
SHORT = PositionKey("main", "BTCUSDT", PositionSide.SHORT)


def test_a_leg_of_a_hedge_is_entered_and_left_by_its_own_sides() -> None:
    book = Book(SHORT)
    book.book(sold(5, 100), bought(2, 90))
    assert (book.life.direction, book.life.mode) == (Direction.SHORT, "hedge")
    assert book.life.quantity == 3
    assert book.life.realized_pnl == 20


@pytest.mark.parametrize(("key", "row"), [(LONG, sold(3)), (SHORT, bought(3))])
def test_a_leg_does_not_turn_around(key: PositionKey, row: Booked) -> None:
    """A row of its past that nobody told of is missing; there is no short on the long leg."""
    book = Book(key)
    book.book(row, position=stored(-3, side=key.side), square=True)
    assert (book.lives, book.over, book.trades) == ({}, [], {})


def test_a_leg_is_left_down_to_nothing() -> None:
    book = Book(LONG)
    book.book(bought(2))
    book.book(sold(5), position=stored(-3, side="long"), square=True, confirmed=True)
    assert book.ended.quantity == 0
    assert len(book.trades) == 1


@pytest.mark.parametrize(
    ("quantity", "side", "expected"),
    [
        (5, "both", 5),
        (-5, "both", -5),
        (5, "long", 5),
        (-5, "long", 0),
        (5, "short", -5),
        (-5, "short", 0),
        (0, "short", 0),
    ],
)
def test_what_can_be_held_of_a_position(quantity: int, side: str, expected: int) -> None:
    assert livable(stored(quantity, side=side)) == expected
    assert livable(None) == 0


# --- squaring -------------------------------------------------------------------------------------


def test_what_was_there_before_us_is_adopted_at_its_average() -> None:
    book = Book()
    book.book(position=stored(-5, average_price=107), square=True)
    assert (book.life.signal_source, book.life.direction) == ("adopted", Direction.SHORT)
    assert book.life.entry_price == 107
    assert [str(each.open_quantity) for each in book.trades.values()] == ["5"]
    assert book.told == [">open adopted"]
    before = replace(book.life)
    assert book.book(position=stored(-5, average_price=107), square=True).changed == set()
    assert book.life == before


@pytest.mark.parametrize("average", [None, 0])
def test_an_average_that_nobody_tells_is_not_known(average: int | None) -> None:
    book = Book()
    book.book(position=stored(5, average_price=average), square=True)
    assert book.life.entry_price is None


def test_more_than_the_rows_explain_is_one_more_trade() -> None:
    book = Book()
    book.book(bought(5, 100, order_id="o-1"), position=stored(8, average_price=110), square=True)
    assert [(each.kind, each.order_id) for each in book.trades.values()] == [
        (TradeKind.NEWBUY, "o-1"),
        (TradeKind.REBUY, None),
    ]
    assert book.life.quantity == 8


@pytest.mark.parametrize("position", [stored(2), stored(2, average_price=None)])
def test_less_than_the_rows_explain_was_left_at_a_price_that_nobody_tells(position: Any) -> None:
    book = Book()
    book.book(bought(5, 100))
    book.book(position=position, square=True)
    (left,) = book.trades.values()
    assert left.open_quantity == book.life.quantity == 2
    assert (left.exit_price, left.exit_reason) == (None, ExitReason.EXTERNAL)
    assert left.realized_pnl == 0


@pytest.mark.parametrize("position", [None, stored(0, average_price=None)])
def test_all_of_it_gone_without_a_row_is_an_external_end(position: Any) -> None:
    book = Book()
    book.book(bought(5, 100))
    book.book(position=position, square=True, confirmed=True)
    assert (book.ended.exit_reason, book.ended.exit_price) == (ExitReason.EXTERNAL, None)
    assert book.told[-1] == "open>closed external"


def test_turned_around_without_a_row_only_the_new_side_has_a_price() -> None:
    book = Book()
    book.book(bought(5, 100))
    book.book(position=stored(-3, average_price=120), square=True)
    old, new = book.lives.values()
    assert old.exit_price is None
    assert old.realized_pnl == 0
    assert new.entry_price == 120
    assert new.quantity == 3


def test_without_squaring_the_rows_alone_count() -> None:
    book = Book()
    book.book(bought(5), position=stored(8))
    assert book.life.quantity == 5


# --- fees and figures -----------------------------------------------------------------------------


def test_a_contract_counts_by_its_size() -> None:
    book = Book(instrument=instrument(multiplier=10))
    book.book(bought(5, 100), sold(5, 101))
    assert book.life.realized_pnl == 50


def test_an_inverse_contract_wins_coins() -> None:
    book = Book(instrument=instrument(kind="inverse", multiplier=100))
    book.book(bought(100, 100), sold(100, 125))
    assert book.life.realized_pnl == 20


def test_a_row_is_split_and_its_fee_with_it() -> None:
    one, rest = sold(3, fee="0.1").split(Decimal(1))
    assert (one.quantity, rest.quantity) == (Decimal(-1), Decimal(-2))
    assert one.fee + rest.fee == Decimal("0.1")
    whole, nothing = bought(3, fee="0.1").split(Decimal(3))
    assert whole.fee == Decimal("0.1")
    assert not nothing.quantity
    assert not nothing.fee
