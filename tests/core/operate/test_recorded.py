"""What a record of a position says, when the venue tells more, less, or nothing of it."""

from decimal import Decimal
from typing import Any

import pytest

from core.domain.life import Direction, Life, LifeState
from core.operate.position_records import mark_of, recorded
from tests.build import NOON, instrument, position, quote, snapshot, stored


def row(*broker: Any, held: Any = None, life: Life | None = None, **terms: Any) -> Any:
    told = snapshot(*broker)
    known = instrument(**terms) if terms.pop("known", True) else None
    return recorded(held or stored(5), life, told, known, NOON)


@pytest.mark.parametrize(
    ("given", "mark"),
    [
        ({"bid": 99, "ask": 101, "last": 98}, 98),
        ({"bid": 99, "ask": 101}, 100),
        ({"bid": None, "ask": 101}, 101),
        ({"bid": 99, "ask": None}, 99),
        ({"bid": None, "ask": None}, None),
    ],
)
def test_the_mark_of_a_quote_is_the_last_trade_or_the_middle(given: Any, mark: Any) -> None:
    assert mark_of(quote(**given)) == mark


def test_nobody_quotes_it() -> None:
    assert mark_of(None) is None
    assert (row(position()).mark_price, row(position()).unrealized_pnl) == (None, None)


def test_the_venues_own_mark_comes_before_a_quote() -> None:
    assert row(position(mark_price=103), quote(last=110)).mark_price == 103
    assert row(position(), quote(last=110)).mark_price == 110


def test_profit_is_of_the_quantity_that_the_book_holds() -> None:
    """book: 5 at 100 / broker: 7, told to gain 21 at 103"""
    assert row(position(7, mark_price=103, unrealized_pnl=21)).unrealized_pnl == 15


def test_without_the_terms_of_the_contract_the_venues_own_figure_counts() -> None:
    told = position(5, mark_price=103, unrealized_pnl=750)
    assert row(told, known=False).unrealized_pnl == 750
    assert row(told, held=stored(4), known=False).unrealized_pnl is None


def test_without_an_entry_price_likewise() -> None:
    told = position(5, mark_price=103, unrealized_pnl=7)
    assert row(told, held=stored(5, average_price=None)).unrealized_pnl == 7


def test_an_inverse_price_of_zero_has_no_value() -> None:
    assert row(position(), quote(last=0), kind="inverse").unrealized_pnl is None


def test_a_short_leg_gains_when_the_price_falls() -> None:
    told = position(5, side="short", mark_price=97)
    assert row(told, held=stored(5, side="short")).unrealized_pnl == 15


def test_a_position_without_a_life_is_recorded_as_it_is_stored() -> None:
    without = row(held=stored(5, realized_pnl=3, state="open"))
    assert (without.position_id, without.state, without.realized_pnl) == (None, "open", 3)


def test_a_stop_that_has_gone_is_not_told() -> None:
    life = Life(
        position_id="pos-1",
        account="main",
        symbol="BTCUSDT",
        direction=Direction.LONG,
        state=LifeState.TRAILING,
        quantity=Decimal(5),
        stop_price=Decimal(95),
        signal_source="signal",
        created_at=NOON,
        updated_at=NOON,
    )
    found = row(life=life)
    assert (found.position_id, found.state, found.stop_price) == ("pos-1", "trailing", None)
