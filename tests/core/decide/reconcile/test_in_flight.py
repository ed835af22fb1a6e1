"""While a call's outcome is open, nothing that depends on it is proposed."""

from typing import Any

import pytest

from core.domain.snapshot import Absent
from tests.build import book_order, execution, open_step, order, position, stored
from tests.told import plan, told

STEP = "! step_unresolved s-1"
SENT = book_order("tu-1", None, client_order_id="tu-1", origin="owned", status="pending")


@pytest.mark.parametrize(
    "step", [open_step(order_id="tu-1"), open_step(idempotency_key="tu-1")], ids=["row", "key"]
)
def test_the_row_of_an_order_in_flight_is_left_alone(step: Any) -> None:
    assert told(plan([], [SENT, step], lookups={"tu-1": Absent()})) == [STEP]


def test_the_problem_names_the_step() -> None:
    (problem,) = plan([], [open_step()]).problems
    assert problem.message == (
        "What became of place_stop for BTCUSDT (step s-1) is not known yet; nothing that depends "
        "on it is proposed until it is settled."
    )


@pytest.mark.parametrize("book", [[], [SENT]], ids=["no row yet", "a row"])
def test_the_order_itself_is_not_taken_for_news(book: list[Any]) -> None:
    step = open_step(idempotency_key="tu-1", order_id="tu-1" if book else None)
    broker = [order("V-1", client_order_id="tu-1"), execution("T-1", 4), position(4)]
    assert told(plan(broker, [*book, step])) == [STEP]


def test_its_executions_wait_even_when_it_is_not_listed() -> None:
    step = open_step(idempotency_key="tu-1")
    broker = [execution("T-1", 4, client_order_id="tu-1"), position(4)]
    assert told(plan(broker, [step])) == [STEP]


def test_a_row_in_flight_is_not_mistaken_for_a_look_alike() -> None:
    step = open_step(idempotency_key="tu-1", symbol="ETHUSDT")
    assert told(plan([order("V-2")], [SENT, step])) == ["+ order external buy 10 open", STEP]


def test_other_symbols_go_on() -> None:
    broker = [position(2, symbol="ETHUSDT")]
    assert told(plan(broker, [open_step()], keys={"require_stop": True})) == [
        "~ position ETHUSDT: nothing → 2 at 100, 2 unexplained",
        "+ stop ETHUSDT sell 2 at 92",
        STEP,
    ]


def test_an_unlisted_position_of_the_symbol_is_not_closed_meanwhile() -> None:
    assert told(plan([], [stored(5), open_step()])) == [STEP]
