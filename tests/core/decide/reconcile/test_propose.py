"""The proposal as a whole: its order, its count, its word about what is not known."""

import random
from dataclasses import replace
from decimal import Decimal

import pytest

from core.config.settings import Account
from core.decide.reconcile.figures import Figures, figures_of
from core.domain.snapshot import Partial, Unavailable
from core.plan.change import RANK
from tests.build import (
    book_execution,
    booked,
    execution,
    observation,
    order,
    position,
    snapshot,
    stop,
    stored,
)
from tests.told import plan, told, told_problems

# An order, a fill, a position and a stop, on both sides alike.
AT_BROKER = [order(filled_quantity=5), execution(), position(), stop()]
IN_BOOK = [booked(AT_BROKER[0]), booked(AT_BROKER[3], "o-s"), book_execution(), stored()]  # type: ignore[arg-type]


def test_two_sides_that_agree_leave_nothing_to_do() -> None:
    seen = plan(AT_BROKER, IN_BOOK, keys={"require_stop": True}, unchanged=100)
    assert (told(seen), seen.unchanged) == ([], 104)


def test_an_empty_account_and_an_empty_book_agree() -> None:
    assert told(plan([], [])) == []


def test_facts_come_before_what_follows_from_them() -> None:
    changed = [
        order("V-2"),
        execution("T-2", 1, broker_order_id=None),
        position(9),
        stop("S-2", 2),
        stop("S-3", 2, symbol="ETHUSDT"),
        order("V-3", symbol="AAVEUSDT"),
    ]
    seen = plan(changed, IN_BOOK, keys={"require_stop": True})
    kinds = [change.kind for change in seen.changes]
    assert kinds == sorted(kinds, key=lambda kind: RANK[kind])
    assert [change.symbol for change in seen.changes[:2]] == ["AAVEUSDT", "BTCUSDT"]


def test_the_order_of_rows_says_nothing() -> None:
    broker = [*AT_BROKER, order("V-2", price=99), order("V-3"), execution("T-2", 2), stop("S-2", 7)]
    book = [*IN_BOOK, booked(order("V-3"), "o-3", price=98)]
    first = plan(broker, book, keys={"require_stop": True})
    for seed in range(5):
        shuffle = random.Random(seed).sample
        again = plan(
            shuffle(broker, len(broker)), shuffle(book, len(book)), keys={"require_stop": True}
        )
        assert again == first


def test_each_part_that_is_not_known_is_named() -> None:
    parts = {
        "orders": Partial("page 2 of 3"),
        "executions": Unavailable("timeout"),
        "balances": Unavailable("no permission"),
    }
    seen = plan([], [], parts=parts)
    assert told_problems(seen) == [
        "! balances_unavailable balances",
        "! executions_unavailable executions",
        "! orders_partial orders",
    ]
    assert seen.problems[2].message == (
        "The broker's orders are known in part only: page 2 of 3. Nothing is concluded from what "
        "is not there."
    )


def test_a_part_that_is_not_spoken_of_is_not_known() -> None:
    silent = replace(snapshot(), parts={})
    assert told_problems(plan(silent, [])) == [
        "! balances_unavailable balances",
        "! executions_unavailable executions",
        "! orders_unavailable orders",
        "! positions_unavailable positions",
    ]


def test_the_same_look_gives_the_same_proposal() -> None:
    assert plan(AT_BROKER, []) == plan(AT_BROKER, [])


def test_figures_of_a_position() -> None:
    assert str(Figures(Decimal(0), Decimal(5))) == "0"
    assert figures_of(None) == Figures()
    assert observation().unchanged == 0


@pytest.mark.parametrize(
    ("configured", "told_mode", "differs"),
    [
        ("any", "hedge", False),
        ("hedge", "hedge", False),
        ("one-way", "hedge", True),
        ("hedge", "one-way", True),
    ],
)
def test_a_venue_in_another_mode_than_configured_is_named(
    configured: str, told_mode: str, differs: bool
) -> None:
    keys = {"ACCOUNTS": {"main": Account(position_mode=configured)}}
    seen = plan([], [], keys=keys, position_mode=told_mode)
    assert told(seen) == (["! position_mode_differs position_mode"] if differs else [])
    silent = {"positions": Unavailable("timeout")}
    unknown = plan([], [], keys=keys, position_mode=told_mode, parts=silent)
    assert told(unknown) == ["! positions_unavailable positions"]
