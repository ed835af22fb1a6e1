"""Whatever is bought, sold and adopted: trades add up to lives, and lives to the position.

Rows come in batches, as a look brings them; the book's own arithmetic says what the position is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import groupby, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from core.decide.lifecycle.booked import Booked, livable
from core.domain.execution import BookExecution
from core.domain.holding import followed
from core.domain.life import LIFE_MOVES, Life, LifeState, Transition
from core.domain.market import Instrument
from core.domain.money import decimal_text
from core.domain.order import PositionSide
from core.domain.position import BookPosition, PositionKey
from core.domain.tally import moved, settled_fee
from core.domain.text import from_row, to_row
from core.domain.trade import Trade, TradeStatus
from tests.build import book_execution, clock, instrument
from tests.core.decide.lifecycle.walking import MINUTE, Book

ZERO = Decimal(0)
KINDS: dict[str, Instrument | None] = {
    "unknown": None,
    "linear": instrument(),
    "future": instrument(kind="future", multiplier=50),
    "spot": instrument(kind="spot"),
    "inverse": instrument(kind="inverse", multiplier=100),
}
KEYS = [PositionKey("main", "BTCUSDT", side) for side in PositionSide]


@dataclass(slots=True)
class Told:
    """One batch: rows, whether the venue shows what it holds, and what a person adopts of it."""

    rows: list[BookExecution]
    shows: bool
    adopted: tuple[Decimal, Decimal | None] | None
    # For each row which open trade it is sent to leave, counted around.
    aims: list[int] = field(default_factory=list)


QUANTITIES = st.integers(1, 5000).map(lambda number: Decimal(number) / 1000)
PRICES = st.integers(100, 99_999).map(lambda number: Decimal(number) / 100)


@st.composite
def rows(draw: st.DrawFn, side: PositionSide) -> BookExecution:
    return book_execution(
        draw(st.text("abc", min_size=6, max_size=6)),
        draw(QUANTITIES),
        side=draw(st.sampled_from(["buy", "sell"])),
        position_side=side.value,
        price=draw(PRICES),
        # Less than the smallest quantity, or a fee in kind would turn the row around.
        fee=draw(st.none() | st.integers(-999, 999).map(lambda n: Decimal(n) / 1_000_000)),
        fee_currency=draw(st.sampled_from([None, "USDT", "BTC", "BNB"])),
        order_id=draw(st.sampled_from([None, "o-1", "o-2", "o-3"])),
    )


def batches(side: PositionSide, adopting: bool) -> st.SearchStrategy[list[Told]]:
    adopted = st.tuples(
        st.integers(-3000, 3000).map(lambda number: Decimal(number) / 1000), st.none() | PRICES
    )
    return st.lists(
        st.builds(
            Told,
            st.lists(rows(side), max_size=4),
            st.booleans(),
            st.none() | adopted if adopting else st.none(),
            st.lists(st.integers(-1, 3), min_size=4, max_size=4),
        ),
        min_size=1,
        max_size=5,
    )


def as_booked(row: BookExecution, aim: int, book: Book, kind: Instrument | None) -> Booked:
    still_open = [each for each in book.trades.values() if each.status is TradeStatus.OPEN]
    aimed = still_open[aim % len(still_open)] if still_open and aim >= 0 else None
    return Booked(
        name=row.execution_key,
        quantity=moved(row, kind),
        price=row.price,
        fee=settled_fee(row, kind),
        at=row.executed_at,
        order_id=row.order_id,
        leaves=aimed.trade_id if aimed else None,
    )


def live(book: Book, told: Sequence[Told]) -> BookPosition | None:
    """Everything that is told, and the position that the book ends with; checked on the way."""
    position: BookPosition | None = None
    for batch in told:
        minute = book.rows
        spread = [
            replace(row, execution_key=f"{minute + number:05}", executed_at=later(minute + number))
            for number, row in enumerate(batch.rows, start=1)
        ]
        if spread:
            position = followed(book.key, position, spread, instrument=book.instrument)
        if batch.adopted:
            quantity, average = batch.adopted
            base = position or BookPosition(
                account="main", symbol="BTCUSDT", side=book.key.side, quantity=ZERO
            )
            position = replace(base, quantity=quantity, average_price=average)
        flat = position is None or not position.quantity
        walk = book.book(
            *(
                as_booked(row, aim, book, book.instrument)
                for row, aim in zip(spread, batch.aims, strict=False)
            ),
            position=position,
            square=True,
            confirmed=flat and batch.shows,
        )
        check(book, position)
        # The same once more: nothing is left to be squared.
        assert not squared_again(book, position, walk.confirmed)
    return position


def later(minutes: int) -> datetime:
    return clock("00:00") + minutes * MINUTE


def squared_again(book: Book, position: BookPosition | None, confirmed: bool) -> set[str]:
    again = book.book(position=position, square=True, confirmed=confirmed)
    return again.changed | again.changed_trades


def check(book: Book, position: BookPosition | None) -> None:
    held = [each for each in book.lives.values() if each.quantity]
    assert len(held) <= 1
    trades = [each for one in held for each in book.trades_of(one)]
    together = sum((each.direction.sign * each.open_quantity for each in trades), ZERO)
    assert together == livable(position)
    for each in book.all_lives:
        _check_life(book, each)
    directions = [each.direction for each in book.lives.values()]
    assert len(directions) == len(set(directions))
    for _, steps in groupby(
        sorted(book.transitions, key=lambda each: each.position_id),
        key=lambda each: each.position_id,
    ):
        _check_chain(list(steps))


def _check_life(book: Book, each: Life) -> None:
    trades = book.trades_of(each)
    assert each.quantity == sum((trade.open_quantity for trade in trades), ZERO)
    assert each.volume == sum((trade.quantity for trade in trades), ZERO)
    assert each.realized_pnl == sum((trade.realized_pnl for trade in trades), ZERO)
    assert (each.state is LifeState.CLOSED) <= (each.quantity == 0)
    assert [trade.kind for trade in trades] == ["NEWBUY", *["REBUY"] * (len(trades) - 1)]
    # All of it can be written down and read again, digit by digit.
    assert from_row(Life, to_row(each)) == each
    for trade in trades:
        assert trade.open_quantity >= 0
        assert (trade.status is TradeStatus.CLOSED) == (trade.open_quantity == 0)
        assert from_row(Trade, to_row(trade)) == trade


def _check_chain(steps: Sequence[Transition]) -> None:
    assert steps[0].from_state is None
    for before, after in pairwise(steps):
        assert after.from_state is before.to_state
        assert after.to_state in LIFE_MOVES[before.to_state]


@settings(max_examples=150)
@given(data=st.data(), key=st.sampled_from(KEYS), kind=st.sampled_from(sorted(KINDS)))
def test_the_trades_of_what_lives_add_up_to_the_position(
    data: st.DataObject, key: PositionKey, kind: str
) -> None:
    live(Book(key, KINDS[kind]), data.draw(batches(key.side, adopting=True)))


@settings(max_examples=150)
@given(data=st.data(), kind=st.sampled_from(sorted(KINDS)))
def test_what_lives_have_won_is_what_the_position_has_won(data: st.DataObject, kind: str) -> None:
    """Once all is flat: until then trades are left one by one, and a position at its average."""
    book = Book(KEYS[0], KINDS[kind])
    position = live(book, data.draw(batches(PositionSide.BOTH, adopting=False)))
    if position is None:
        return
    if position.quantity:
        side = "sell" if position.quantity > 0 else "buy"
        last = book_execution(
            "last", abs(position.quantity), price=data.draw(PRICES), side=side, fee=None
        )
        row = as_booked(last, -1, book, book.instrument)
        position = followed(book.key, position, [last], instrument=book.instrument)
        book.book(row, position=position, square=True, confirmed=True)
    assert not position.quantity
    won = sum((each.realized_pnl for each in book.all_lives), ZERO)
    assert abs(won - position.realized_pnl) < Decimal("1e-6"), decimal_text(won)
    # Every price was known, and so is what came of it.
    assert all(each.exit_price is not None for each in book.all_lives if each.volume)
