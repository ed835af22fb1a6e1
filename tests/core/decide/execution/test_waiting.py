"""Which orders of waiting intents a plan proposes."""

from dataclasses import replace
from typing import Any

import pytest

from core.decide.execution.waiting import waiting_orders
from core.domain.intent import IntentOrder, TradeIntent
from core.plan.change import CancelOrder, PlaceOrder
from tests.build import NOON, book_order, book_view, observation, open_step, settings
from tests.core.decide.execution.asking import asked, intent_of

CLOSE = asked(1, of=2, side="sell", purpose="close", reduce_only=True)
OPEN = asked(2, of=2, side="sell", after_previous=True)


def proposed(*intents: TradeIntent, rows: tuple[Any, ...] = (), **keys: Any) -> list[str]:
    view = replace(book_view(*rows), intents=intents)
    found = waiting_orders(observation(book=view), settings(**keys), NOON)
    return [
        f"cancel {change.target}"
        if isinstance(change, CancelOrder)
        else f"place {change.symbol} {change.after.signal_id}.{change.after.sequence}"
        for change in found
        if isinstance(change, CancelOrder | PlaceOrder)
    ]


def begun(order: IntentOrder, status: str) -> Any:
    return book_order(order.key, side="sell", status=status, signal_id="sig-1", origin="owned")


def test_an_approved_intent_is_proposed() -> None:
    assert proposed(intent_of(asked())) == ["place BTCUSDT sig-1.1"]


@pytest.mark.parametrize("state", ["REJECTED", "PLACED", "FILLED", "FAILED", "CANCELLED"])
def test_any_other_is_not(state: str) -> None:
    assert proposed(intent_of(asked(), state=state)) == []


def test_a_warm_up_signal_that_only_pretends_is_not() -> None:
    assert proposed(intent_of(asked(), because={"simulated": "warm-up"})) == []


@pytest.mark.parametrize(("expires_at", "goes"), [
    (None, True), ("12:00", True), ("11:59:59", False),
])  # fmt: skip
def test_one_that_has_expired_is_not(expires_at: str | None, goes: bool) -> None:
    assert bool(proposed(intent_of(asked(), expires_at=expires_at))) == goes


def test_one_intent_a_symbol_the_first_that_came() -> None:
    first, second = intent_of(asked()), intent_of(asked(signal_id="sig-2"), signal_id="sig-2")
    other = intent_of(
        asked(signal_id="sig-3", symbol="ETHUSDT"), signal_id="sig-3", symbol="ETHUSDT"
    )
    assert proposed(first, second, other) == ["place BTCUSDT sig-1.1", "place ETHUSDT sig-3.1"]


def test_nothing_while_a_call_about_the_symbol_is_unsettled() -> None:
    assert proposed(intent_of(asked()), rows=(open_step(),)) == []


def test_what_makes_way_is_proposed_with_it() -> None:
    row = book_order("o-9", origin="owned", signal_id="sig-0", broker_order_id="V-9")
    mine = book_order("o-8", origin="owned", signal_id="sig-1", broker_order_id="V-8")
    over = book_order("o-7", origin="owned", signal_id="sig-0", status="filled")
    other = book_order("o-6", origin="owned", signal_id="sig-0", symbol="ETHUSDT")
    assert proposed(intent_of(asked()), rows=(row, mine, over, other)) == [
        "cancel o-9",
        "place BTCUSDT sig-1.1",
    ]


def test_all_parts_that_have_not_been_begun() -> None:
    parts = [asked(number, of=3) for number in (1, 2, 3)]
    done = book_order(parts[0].key, signal_id="sig-1", origin="owned", status="open")
    assert proposed(intent_of(*parts), rows=(done,)) == [
        "place BTCUSDT sig-1.2",
        "place BTCUSDT sig-1.3",
    ]


# --- reversals ------------------------------------------------------------------------------------


def test_of_a_reversal_only_the_closing_half_goes_first() -> None:
    assert proposed(intent_of(CLOSE, OPEN)) == ["place BTCUSDT sig-1.1"]


def test_the_opening_half_goes_once_the_closing_one_is_filled() -> None:
    assert proposed(intent_of(CLOSE, OPEN), rows=(begun(CLOSE, "filled"),)) == [
        "place BTCUSDT sig-1.2"
    ]


@pytest.mark.parametrize(
    "status",
    ["pending", "open", "partially_filled", "unknown", "cancelled", "rejected", "expired"],
)
def test_and_never_while_that_has_not_filled(status: str) -> None:
    assert proposed(intent_of(CLOSE, OPEN), rows=(begun(CLOSE, status),)) == []
