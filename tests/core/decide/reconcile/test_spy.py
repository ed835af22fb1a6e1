"""S&P positions: what was there at start-up, and when to leave."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.domain.order import OrderRequest, OrderType, Side
from core.domain.snapshot import Partial
from core.plan.change import (
    ChangeClass,
    CloseRecommendation,
    InitialState,
    RollDue,
    TakeProfit,
    class_of,
)
from core.plan.proposal import Proposal
from tests.build import instrument, open_step, position, stored
from tests.told import plan, told

ES = "ESH6"


def es(mark: Any = None, *, quantity: Any = 2, **given: Any) -> Any:
    return position(quantity, **({"symbol": ES, "average_price": 5000, "mark_price": mark} | given))


def contract(expires: str | None = None, **given: Any) -> Any:
    expiry = datetime.fromisoformat(expires).replace(tzinfo=UTC) if expires else None
    values = {"kind": "future", "base": "ES", "quote": "USD", "multiplier": 50, "expiry": expiry}
    return instrument(
        ES, **({"price_tick": "0.25", "quantity_step": 1, "min_quantity": 1} | values | given)
    )


def watch(held: Any, *others: Any, book: tuple[Any, ...] = (), **given: Any) -> Proposal:
    """The book has the position already."""
    row = stored(
        held.quantity, symbol=held.symbol, side=held.side, average_price=held.average_price
    )
    return plan([held, *others], [row, *book], **given)


# --- what was there -------------------------------------------------------------------------------


def test_a_position_that_the_book_did_not_have_is_noted() -> None:
    seen = plan([es(5000)], [])
    assert told(seen) == [
        "~ position ESH6: nothing → 2 at 5000, 2 unexplained",
        "i ESH6 2 at 5000",
    ]
    note = seen.changes[1]
    assert isinstance(note, InitialState)
    assert (note.after, note.reason) == (None, "at_start_up")
    assert note.because == (
        "The broker holds 2 ESH6 at 5000, which the book did not have at start-up."
    )


def test_a_position_that_the_book_has_or_once_had() -> None:
    assert told(watch(es(5000))) == []
    closed = stored(0, symbol=ES, average_price=None)
    assert "i ESH6 2 at 5000" in told(plan([es(5000)], [closed]))


@pytest.mark.parametrize(
    ("symbol", "of", "watched"),
    [
        ("SPY", [], True),
        ("ES", [], True),
        ("ESH6", [], True),
        ("MESZ25", [], True),
        ("ES-MAR", [instrument("ES-MAR", base="ES")], True),
        ("ESTC", [], False),
        ("ESA6", [], False),
        ("YESH6", [], False),
        ("ESH2026", [], False),
        ("BTCUSDT", [instrument()], False),
    ],
)
def test_which_positions_are_watched(symbol: str, of: list[Any], watched: bool) -> None:
    lines = told(plan([position(1, symbol=symbol, mark_price=100), *of], []))
    assert any(line.startswith("i ") for line in lines) is watched


def test_the_watch_list_is_configured() -> None:
    seen = plan([position(1, mark_price=100)], [], keys={"spy_symbols": ["BTCUSDT"]})
    assert told(seen)[-1] == "i BTCUSDT 1 at 100"


# --- when to leave --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "line"),
    [
        (es(4899), "- position ESH6: sell 2, loss_threshold"),
        (es(4900), None),
        (es(5075), None),
        (es(5076), "- position ESH6: sell 2, profit_threshold"),
        (es(5101, quantity=-2), "- position ESH6: buy 2, loss_threshold"),
        (es(4924, quantity=-2), "- position ESH6: buy 2, profit_threshold"),
        (es(5101, side="short"), "- position ESH6/short: buy 2, loss_threshold"),
        (es(unrealized_pnl=-10100), "- position ESH6: sell 2, loss_threshold"),
        (es(unrealized_pnl=-9900), None),
        (es(unrealized_pnl=7600, quantity=-2), "- position ESH6: buy 2, profit_threshold"),
    ],
)
def test_loss_and_gain_are_measured_in_percent_of_the_entry(held: Any, line: str | None) -> None:
    assert told(watch(held, contract())) == ([line] if line else [])


def test_a_recommendation_carries_the_order_that_it_would_place() -> None:
    seen = watch(es(4850), contract())
    change = seen.changes[0]
    assert isinstance(change, CloseRecommendation)
    assert change.before == es(4850)
    assert change.after == OrderRequest(
        symbol=ES,
        side=Side.SELL,
        type=OrderType.MARKET,
        quantity=Decimal(2),
        reduce_only=True,
    )
    assert class_of(change) is ChangeClass.PROTECT
    assert change.because == ("The position of 2 ESH6 at 5000: it loses 3 %, and 2 % is allowed.")


def test_without_an_instrument_a_contract_counts_once() -> None:
    assert told(watch(es(unrealized_pnl=-201))) == ["- position ESH6: sell 2, loss_threshold"]


@pytest.mark.parametrize(
    "held", [es(), es(4000, average_price=None), es(4000, average_price=0)], ids=str
)
def test_what_cannot_be_judged_is_a_problem(held: Any) -> None:
    assert told(watch(held)) == ["! spy_price_unknown ESH6"]


@pytest.mark.parametrize(
    ("expires", "due"),
    [
        ("2026-01-04T23:59", False),
        ("2026-01-05T09:30", True),
        ("2026-01-13T00:00", True),
        ("2026-01-14T00:00", False),
        (None, False),
    ],
)
def test_a_contract_that_expires_soon_is_due(expires: str | None, due: bool) -> None:
    seen = watch(es(5000), contract(expires))
    assert [type(change) for change in seen.changes] == ([RollDue] if due else [])


def test_the_last_day_counts_even_without_a_price() -> None:
    assert told(watch(es(), contract("2026-01-06T00:00"))) == [
        "- position ESH6: sell 2, expires_soon",
        "! spy_price_unknown ESH6",
    ]


def test_at_most_one_order_leaves_a_position() -> None:
    losing = watch(es(4850), contract("2026-01-08T00:00"))
    assert told(losing) == ["- position ESH6: sell 2, loss_threshold"]
    assert losing.changes[0].because == (
        "The position of 2 ESH6 at 5000: it loses 3 %, and 2 % is allowed; also, its contract "
        "expires in 3 days, on 2026-01-08."
    )
    gaining = watch(es(5100), contract("2026-01-08T00:00"))
    assert [type(change) for change in gaining.changes] == [TakeProfit]


def test_nothing_leaves_while_a_call_for_the_symbol_is_in_flight() -> None:
    seen = watch(es(4850), contract(), book=(open_step(symbol=ES),))
    assert told(seen) == ["! step_unresolved s-1"]


def test_flat_dusty_and_partly_told_positions_are_not_watched() -> None:
    assert told(plan([es(4850, quantity=0)], [])) == []
    assert told(plan([es(4850, quantity="0.5"), contract()], [])) == []
    assert plan([es(4850)], [], parts={"positions": Partial("one page")}).changes == ()
