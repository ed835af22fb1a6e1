"""A row that the broker tells otherwise: what that changes, and what it leaves as it was."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decide.lifecycle.booked import Booked
from core.domain.holding import followed
from core.domain.life import ExitReason, LifeState
from core.domain.order import PositionSide
from core.domain.trade import TradeStatus
from tests.build import book_execution, instrument
from tests.core.decide.lifecycle.test_whatever_the_rows import (
    KEYS,
    KINDS,
    PRICES,
    as_booked,
    batches,
    live,
)
from tests.core.decide.lifecycle.walking import Book, bought, sold

ZERO = Decimal(0)


def told(book: Book, row: int, **otherwise: Any) -> None:
    """Corrects the row of that number, counted from nought."""
    was = book.taken[row]
    figures: dict[str, Any] = {name: Decimal(value) for name, value in otherwise.items()}
    now = replace(was, **figures)
    book.correct(was, now)
    book.taken[row] = now


def test_the_fee_of_an_entry_becomes_known() -> None:
    book = Book()
    book.book(bought(5, 100, order_id="o-1"), bought(5, 100, order_id="o-2"))
    told(book, 0, fee="0.5")
    first, second = book.trades_of(book.life)
    assert first.fees == Decimal("0.5")
    assert first.realized_pnl == book.life.realized_pnl == Decimal("-0.5")
    assert second.fees == 0
    assert book.life.updated_at == book.at


def test_a_fee_is_corrected_by_what_it_differs() -> None:
    book = Book()
    book.book(bought(5, fee="0.5", order_id="o-1"), bought(5, fee="0.1", order_id="o-1"))
    told(book, 1, fee="-0.2")
    (entered,) = book.trades_of(book.life)
    assert entered.fees == Decimal("0.3")
    assert book.life.realized_pnl == Decimal("-0.3")


def test_a_row_without_an_order_is_found_by_its_own_name() -> None:
    book = Book()
    book.book(bought(5), bought(5))
    told(book, 1, fee="0.5")
    assert [each.fees for each in book.trades.values()] == [0, Decimal("0.5")]


def test_the_fee_of_an_exit_becomes_known() -> None:
    book = Book()
    book.book(bought(5, 100), sold(2, 110))
    told(book, 1, fee="0.5")
    (left,) = book.trades_of(book.life)
    assert left.fees == Decimal("0.5")
    assert left.realized_pnl == book.life.realized_pnl == Decimal("19.5")


def test_fees_of_every_fill_of_an_exit_become_known() -> None:
    """Its trades were left by several rows; the later ones do not hide the first."""
    book = Book()
    book.book(bought(2, order_id="o-1"), bought(4, order_id="o-2"))
    book.book(sold(3, 110), sold(2, 110), sold(1, 110))
    for row, fee in ((2, "0.3"), (3, "0.2"), (4, "0.1")):
        told(book, row, fee=fee)
    assert sum(each.fees for each in book.trades.values()) == Decimal("0.6")
    assert book.life.realized_pnl == Decimal("59.4")


def test_an_exit_that_was_sent_for_a_trade_is_corrected_there() -> None:
    book = Book()
    book.book(bought(2), bought(3))
    _, aimed = book.trades.values()
    book.book(sold(3, 110, leaves=aimed.trade_id))
    told(book, 2, fee="0.5")
    assert [each.fees for each in book.trades.values()] == [0, Decimal("0.5")]


def test_a_corrected_entry_price_is_the_trades_and_the_lifes() -> None:
    book = Book()
    book.book(bought(5, 100, order_id="o-1"), bought(5, 110, order_id="o-2"), sold(2, 120))
    assert book.life.realized_pnl == 40
    told(book, 0, price="101")
    first, second = book.trades.values()
    assert (str(first.entry_price), str(second.entry_price)) == ("101", "110")
    assert first.realized_pnl == book.life.realized_pnl == 38
    assert book.life.entry_price == Decimal("105.5")


def test_a_corrected_exit_price_is_the_trades_and_the_lifes() -> None:
    book = Book()
    book.book(bought(5, 100), sold(2, 120), sold(2, 130))
    told(book, 1, price="110")
    (left,) = book.trades.values()
    assert left.exit_price == book.life.exit_price == 120
    assert left.realized_pnl == book.life.realized_pnl == 80


def test_an_inverse_price_is_corrected_as_it_is_averaged() -> None:
    book = Book(instrument=instrument(kind="inverse", multiplier=100))
    book.book(bought(100, 100, order_id="o-1"), bought(100, 125, order_id="o-1"))
    told(book, 1, price="100")
    (entered,) = book.trades.values()
    assert entered.entry_price == book.life.entry_price == 100


def test_an_entry_of_another_size_is_no_exit() -> None:
    """A fee that is taken in kind, and told later, makes a purchase smaller."""
    book = Book()
    book.book(bought(5, 100, order_id="o-1"), bought(5, 110, order_id="o-2"))
    told(book, 0, quantity="4.995")
    first, _ = book.trades.values()
    assert first.quantity == first.open_quantity == Decimal("4.995")
    assert book.life.quantity == book.life.volume == Decimal("9.995")
    assert (first.exit_price, first.exit_time, book.life.exit_time) == (None, None, None)


def test_a_trade_that_was_left_keeps_its_size() -> None:
    book = Book()
    book.book(bought(5, order_id="o-1"), bought(5, order_id="o-2"), sold(5, 110))
    told(book, 0, quantity="4")
    first, _ = book.trades.values()
    assert (first.quantity, first.open_quantity) == (Decimal(5), Decimal(0))
    assert book.life.quantity == 5
    # No trade is corrected to nothing either: that is squared.
    told(book, 1, quantity="0.001")
    book.book(sold(4, 110))
    book = Book()
    book.book(bought(5, order_id="o-1"), sold(4, 110))
    told(book, 0, quantity="4")
    assert book.life.quantity == 1


def test_what_was_bought_and_is_sold_now_is_for_the_position_to_tell() -> None:
    book = Book()
    book.book(bought(5, 100, order_id="o-1"))
    told(book, 0, quantity="-5", fee="1")
    assert book.life.quantity == 5
    assert book.life.realized_pnl == 0


def test_a_row_that_turned_around_is_corrected_on_both_sides() -> None:
    book = Book()
    book.book(bought(5, 100, order_id="o-1"), sold(8, 110, order_id="o-2"))
    told(book, 1, fee="0.8")
    long, short = book.lives.values()
    assert long.realized_pnl == Decimal("49.5")
    assert short.realized_pnl == Decimal("-0.3")
    told(book, 1, price="100")
    long, short = book.lives.values()
    assert long.realized_pnl == Decimal("-0.5")
    assert short.entry_price == 100


def test_a_life_that_is_over_stays_as_it_was_and_its_trade_takes_the_figure() -> None:
    book = Book()
    book.book(bought(5, 100, order_id="o-1"))
    book.book(sold(5, 110, reason=ExitReason.MANUAL), confirmed=True)
    told(book, 1, fee="10")
    told(book, 0, fee="5")
    (left,) = book.trades.values()
    assert (left.status, left.fees) == (TradeStatus.CLOSED, Decimal(15))
    assert left.realized_pnl == 35
    assert left.realized_pnl_pct == 7
    assert book.ended.realized_pnl == 50
    assert book.ended.state is LifeState.CLOSED


def test_one_that_waits_for_its_end_takes_the_figure_too() -> None:
    book = Book()
    book.book(bought(5, 100), sold(5, 110))
    told(book, 1, fee="10")
    assert (book.life.state, book.life.realized_pnl) == (LifeState.CLOSING, Decimal(40))
    assert book.life.realized_pnl_pct == 8


def test_a_row_that_nobody_walked_changes_nothing() -> None:
    book = Book()
    book.book(bought(5, 100, order_id="o-1"))
    before = book.life
    stranger = sold(1, 90, name="stranger")
    assert book.correct(stranger, replace(stranger, fee=Decimal(1))).changed == set()
    assert book.life == before


@pytest.mark.parametrize("row", [0, 1])
def test_a_price_beside_one_that_is_not_known_is_not_known_either(row: int) -> None:
    book = Book()
    book.book(bought(5, None, order_id="o-1"), bought(5, 100, order_id="o-1"))
    told(book, row, price="90")
    assert book.life.entry_price is None


# --- whatever the rows ----------------------------------------------------------------------------


@settings(max_examples=150)
@given(data=st.data(), kind=st.sampled_from(sorted(KINDS.keys() - {"spot", "unknown"})))
def test_what_is_told_later_is_as_if_it_had_been_told_at_once(
    data: st.DataObject, kind: str
) -> None:
    """In what trades have won together; lives that are over may lack what came too late.

    Every row has an order of its own here: which share of one that turned a position around in
    several fills went which way is not known any more.
    """
    book = Book(KEYS[0], KINDS[kind])
    batch = data.draw(batches(PositionSide.BOTH, adopting=False))
    for number, each in enumerate(batch):
        each.rows = [
            replace(row, order_id=row.order_id and f"o-{number}-{place}")
            for place, row in enumerate(each.rows)
        ]
    position = live(book, batch)
    said = [row for told in batch for row in told.rows]
    if position is None:
        return
    for number, was in enumerate(book.taken):
        if data.draw(st.booleans()):
            now = replace(
                was,
                fee=data.draw(st.integers(-99, 99).map(lambda n: Decimal(n) / 1000)),
                price=data.draw(PRICES),
            )
            book.correct(was, now)
            book.taken[number] = now
    end(book, position.quantity, data.draw(PRICES))
    rows = [
        replace(
            row,
            execution_key=f"{number:05}",
            executed_at=now.at,
            quantity=abs(now.quantity),
            price=now.price,
            fee=now.fee,
            fee_currency=None,
        )
        for number, (row, now) in enumerate(zip(said, book.taken, strict=False))
        if now.price is not None
    ]
    last = [
        book_execution(
            "last",
            abs(now.quantity),
            side=side(now),
            price=now.price,
            fee=0,
            executed_at=now.at,
        )
        for now in book.taken[len(said) :]
    ]
    told = followed(book.key, None, [*rows, *last], instrument=book.instrument)
    assert not told.quantity
    won = sum((each.realized_pnl for each in book.trades.values()), ZERO)
    assert abs(won - told.realized_pnl) < Decimal("1e-6")


def side(row: Booked) -> str:
    return "buy" if row.quantity > 0 else "sell"


def end(book: Book, quantity: Decimal, price: Decimal) -> None:
    if quantity:
        row = as_booked(
            book_execution(
                "last",
                abs(quantity),
                side="sell" if quantity > 0 else "buy",
                price=price,
                fee=0,
                executed_at="23:00",
            ),
            -1,
            book,
            book.instrument,
        )
        book.book(row)
