"""Exits that were approved and not sent: what a plan proposes of them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.decide.exits.waiting import place, waiting_exits
from core.domain.exit import ExitIntent, exit_key
from core.domain.observation import Observation
from core.domain.order import OrderType, Side
from core.plan.change import PlaceExit, Risk
from tests.build import NOON, book_order, book_view, clock, exit_intent, observation, open_step


def approved(episode: int = 1, **given: Any) -> ExitIntent:
    """To sell 5 at the market."""
    values: dict[str, Any] = {"state": "APPROVED", "quantity": 5, "order_type": "market"}
    return exit_intent(episode, **(values | given))


def looked_at(*exits: ExitIntent, book: tuple[Any, ...] = ()) -> Observation:
    return observation(book=replace(book_view(*book), exits=exits))


def proposed(*exits: ExitIntent, book: tuple[Any, ...] = ()) -> list[PlaceExit]:
    return list(waiting_exits(looked_at(*exits, book=book), NOON))


def test_an_approved_exit_is_proposed_as_its_order() -> None:
    (change,) = proposed(approved(because={"because": ["Sells 5 at the market."]}))
    assert (change.kind, change.account, change.symbol, change.target) == (
        "place_exit", "main", "BTCUSDT", "BTCUSDT",
    )  # fmt: skip
    assert (change.reason, change.because) == ("manual", "Sells 5 at the market.")
    assert (change.risk, change.before) == (Risk.MEDIUM, None)
    order = change.after
    assert (order.side, order.type, order.price) == (Side.SELL, OrderType.MARKET, None)
    assert (order.quantity, order.tries) == (Decimal(5), 1)
    assert (order.reduce_only, order.time_in_force) == (True, "IOC")
    assert order.key == exit_key("e-t-1-1", 1)
    assert (order.exit_intent_id, order.trade_id, order.cause) == ("e-t-1-1", "t-1", "MANUAL")


def test_a_leg_is_named_and_its_cause_too() -> None:
    intent = approved(position_side="long", cause="TARGET_HIT", order_type="limit", price=110)
    change = place(intent)
    assert (change.target, change.reason) == ("BTCUSDT/long", "target_hit")
    assert (change.after.position_side, change.after.time_in_force) == ("long", "GTC")


@pytest.mark.parametrize("because", [{}, {"because": []}, {"because": "spoilt"}])
def test_one_that_was_not_explained_is_told_in_figures(because: dict[str, object]) -> None:
    assert place(approved(because=because)).because == "sell 5 BTCUSDT."
    limit = approved(because=because, order_type="limit", price="110.50")
    assert place(limit).because == "sell 5 BTCUSDT at 110.5."


@pytest.mark.parametrize(
    "state", ["PENDING", "REJECTED", "PLACED", "FILLED", "FAILED", "CANCELLED", "SIMULATED"]
)
def test_only_what_is_approved_waits(state: str) -> None:
    assert proposed(approved(state=state)) == []


def test_one_that_pauses_before_its_next_try_does_not() -> None:
    assert proposed(approved(tries=2, not_before=clock("12:00:01"))) == []
    (change,) = proposed(approved(tries=2, not_before=NOON))
    assert change.after.tries == 2


def test_nothing_is_proposed_while_a_call_about_the_symbol_is_open() -> None:
    assert proposed(approved(), book=(open_step(),)) == []
    assert len(proposed(approved(), book=(open_step(symbol="ETHUSDT"),))) == 1


def test_one_whose_order_was_begun_is_not_proposed_again() -> None:
    intent = approved()
    begun = book_order(exit_key(intent.exit_intent_id, 1))
    assert proposed(intent, book=(begun,)) == []
    assert len(proposed(replace(intent, tries=2), book=(begun,))) == 1


def test_several_are_proposed_in_their_order() -> None:
    first, second = approved(1), approved(2, symbol="ETHUSDT")
    assert [change.symbol for change in proposed(first, second)] == ["BTCUSDT", "ETHUSDT"]


def test_what_has_not_been_approved_has_no_order_to_place() -> None:
    with pytest.raises(ValueError, match="e-t-1-1 has not been approved"):
        place(exit_intent())
