"""From proposals to a plan: its name, its times, and the facts it rests on."""

import re
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.problem import Problem
from core.domain.snapshot import BrokerSnapshot
from core.plan.assemble import broker_fingerprint
from core.plan.codec import document_of
from core.plan.proposal import Proposal
from tests.build import NOON, execution, instrument, order, position, quote, snapshot
from tests.core.plan.kinds import EVERYTHING, insert_order, plan_of

# --- the name ---------------------------------------------------------------------------------


def test_a_plan_is_named_by_its_day_and_its_content() -> None:
    assert re.fullmatch(r"p-20260105-[0-9a-f]{6}", plan_of().plan_id)


def test_the_day_is_that_of_utc() -> None:
    late = (NOON + timedelta(hours=11)).astimezone(timezone(timedelta(hours=5)))

    assert late.day == 6
    assert plan_of(generated_at=late).plan_id.startswith("p-20260105-")


def test_the_same_state_makes_the_same_plan() -> None:
    assert plan_of() == plan_of()
    assert document_of(plan_of()) == document_of(plan_of())


@given(st.permutations(EVERYTHING.changes))
def test_the_order_in_which_changes_come_makes_no_other_plan(changes: Any) -> None:
    shuffled = replace(EVERYTHING, changes=tuple(changes))

    assert plan_of(shuffled) == plan_of()


@pytest.mark.parametrize(
    "given",
    [
        {"proposal": Proposal(changes=(insert_order(),))},
        {"proposal": replace(EVERYTHING, unchanged=215)},
        {"accounts": ["alt"]},
        {"generated_at": NOON + timedelta(seconds=1)},
        {"ttl": timedelta(minutes=16)},
        {"tool_version": "1.2.4"},
        {"base": replace(plan_of().base, book_serial=413)},
        {"config": replace(plan_of().config, dry_run=True)},
    ],
    ids=lambda given: next(iter(given)),
)
def test_another_content_has_another_name(given: dict[str, Any]) -> None:
    assert plan_of(**given).plan_id != plan_of().plan_id


def test_a_plan_expires() -> None:
    plan = plan_of(ttl=timedelta(minutes=15))

    assert (plan.generated_at, plan.expires_at) == (NOON, NOON + timedelta(minutes=15))


def test_problems_are_in_order() -> None:
    one, two = Problem("a", "main", "x", "first"), Problem("b", "alt", "x", "second")

    assert plan_of(Proposal(problems=(two, one))).problems == (one, two)


# --- what the broker said ---------------------------------------------------------------------

SEEN = snapshot(
    order("V-1"),
    order("V-2", symbol="ETHUSDT"),
    execution("T-1"),
    execution("T-2"),
    position(5, mark_price=101, unrealized_pnl=5, leverage=10),
    position(3, symbol="ETHUSDT"),
    instrument(),
    quote(),
)


@pytest.mark.parametrize(
    "later",
    [
        replace(SEEN, taken_at=NOON + timedelta(seconds=5)),
        replace(SEEN, orders=SEEN.orders[::-1]),
        replace(SEEN, executions=SEEN.executions[::-1]),
        replace(SEEN, positions=SEEN.positions[::-1]),
        replace(SEEN, quotes={}),
        replace(SEEN, positions=tuple(replace(p, mark_price=None) for p in SEEN.positions)),
        replace(SEEN, positions=tuple(replace(p, unrealized_pnl=None) for p in SEEN.positions)),
    ],
    ids=["moment", "orders", "executions", "positions", "quotes", "marks", "profit"],
)
def test_what_moves_by_itself_leaves_no_print(later: BrokerSnapshot) -> None:
    assert broker_fingerprint([later]) == broker_fingerprint([SEEN])


@pytest.mark.parametrize(
    "other",
    [
        replace(SEEN, account="alt"),
        replace(SEEN, position_mode="hedge"),
        replace(SEEN, orders=SEEN.orders[:1]),
        replace(SEEN, orders=(order("V-1", filled_quantity=1), SEEN.orders[1])),
        replace(SEEN, executions=()),
        replace(SEEN, positions=(replace(SEEN.positions[0], quantity=6), SEEN.positions[1])),
        replace(SEEN, positions=(replace(SEEN.positions[0], leverage=None), SEEN.positions[1])),
    ],
    ids=["account", "mode", "order gone", "fill", "executions", "quantity", "leverage"],
)
def test_what_is_real_does(other: BrokerSnapshot) -> None:
    assert broker_fingerprint([other]) != broker_fingerprint([SEEN])
    assert broker_fingerprint([SEEN, other]) != broker_fingerprint([SEEN])
