"""How far an intent and its signal have come: every combination of what their orders say."""

from itertools import combinations_with_replacement, product
from typing import Any

import pytest

from core.decide.execution.progress import intent_progress, is_taken, signal_progress
from core.domain.intent import INTENT_MOVES, IntentState
from core.domain.order import LIVE, OrderStatus
from core.domain.signal import REQUEST_MOVES, RequestStatus
from tests.build import book_order, delivery, intent, signal
from tests.core.decide.execution.asking import asked, intent_of

PLACED, FILLED = IntentState.PLACED, IntentState.FILLED
FAILED, CANCELLED = IntentState.FAILED, IntentState.CANCELLED
APPROVED = IntentState.APPROVED

# (status, something of it has filled)
SEEN = [
    (status, filled)
    for status, filled in product(OrderStatus, (False, True))
    if filled or status is not OrderStatus.FILLED
    if not filled or status not in (OrderStatus.REJECTED, OrderStatus.DRY_RUN)
]


def rows(*seen: tuple[OrderStatus, bool]) -> list[Any]:
    return [
        book_order(f"o-{number}", status=status, filled_quantity=3 if filled else 0)
        for number, (status, filled) in enumerate(seen)
    ]


def expected(state: IntentState, seen: tuple[tuple[OrderStatus, bool], ...]) -> IntentState:
    """The table of the module, once more in other words."""
    statuses = {status for status, _ in seen}
    if statuses & LIVE:
        return state
    if any(filled for _, filled in seen):
        return FILLED
    if state is not PLACED:
        return state
    return FAILED if statuses == {OrderStatus.REJECTED} else CANCELLED


@pytest.mark.parametrize("state", [PLACED, FAILED, CANCELLED])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_combination(state: IntentState, count: int) -> None:
    for seen in combinations_with_replacement(SEEN, count):
        to = intent_progress(intent(state=state), rows(*seen))
        assert to is expected(state, seen), seen
        assert to is state or to in INTENT_MOVES[state], seen


@pytest.mark.parametrize("state", ["REJECTED", "FILLED", "SIMULATED"])
def test_what_is_over_stays_over(state: str) -> None:
    for seen in SEEN:
        assert intent_progress(intent(state=state), rows(seen)) == state


@pytest.mark.parametrize("state", list(IntentState))
def test_without_orders_nothing_moves(state: IntentState) -> None:
    assert intent_progress(intent(state=state), []) is state


def test_a_failed_intent_is_not_filled_before_its_last_order_has_ended() -> None:
    """The second part was refused, the first one still rests with a part of it filled."""
    seen = [(OrderStatus.PARTIALLY_FILLED, True), (OrderStatus.REJECTED, False)]
    assert intent_progress(intent(state="FAILED"), rows(*seen)) is FAILED
    seen[0] = (OrderStatus.CANCELLED, True)
    assert intent_progress(intent(state="FAILED"), rows(*seen)) is FILLED


# --- approved -------------------------------------------------------------------------------------

PARTS = (asked(1, of=2), asked(2, of=2))


def taken(*statuses: str | None) -> list[Any]:
    return [
        book_order(part.key, status=status, filled_quantity=10 if status == "filled" else 0)
        for part, status in zip(PARTS, statuses, strict=True)
        if status
    ]


@pytest.mark.parametrize(
    ("statuses", "to"),
    [
        (("open", "open"), PLACED),
        (("filled", "open"), PLACED),
        (("filled", "filled"), FILLED),
        (("cancelled", "expired"), CANCELLED),
        (("filled", "cancelled"), FILLED),
        (("open", None), APPROVED),
        (("filled", None), APPROVED),
        (("filled", "pending"), APPROVED),
        (("filled", "unknown"), APPROVED),
        (("filled", "rejected"), APPROVED),
    ],
)
def test_an_approved_intent_belongs_to_its_lane_until_all_is_taken(
    statuses: tuple[str | None, ...], to: IntentState
) -> None:
    approved = intent_of(*PARTS)
    assert is_taken(approved, taken(*statuses)) == (to is not APPROVED)
    assert intent_progress(approved, taken(*statuses)) is to


def test_an_intent_that_asks_for_nothing_is_never_taken() -> None:
    assert not is_taken(intent(), [])


# --- signals --------------------------------------------------------------------------------------

ACCOUNTS = ("main", "spare", "third")


def came(states: tuple[str | None, ...], **given: Any) -> RequestStatus:
    """A state for each account; None is a delivery that still waits."""
    asked_for = signal(request_status="executing", **given)
    attempt = asked_for.attempt
    deliveries = [
        delivery(account=name, attempt=attempt, state="QUALIFIED" if state else "PENDING")
        for name, state in zip(ACCOUNTS, states, strict=False)
    ]
    intents = [
        intent(account=name, attempt=attempt, state=state)
        for name, state in zip(ACCOUNTS, states, strict=False)
        if state
    ]
    return signal_progress(asked_for, deliveries, intents)


UNDER_WAY = {"APPROVED", "PLACED"}
CAME_TO_NOTHING = {"REJECTED", "FAILED"}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_combination_of_accounts(count: int) -> None:
    for states in product([*map(str, IntentState), None], repeat=count):
        there = {state for state in states if state}
        to = came(states)
        if there & UNDER_WAY or None in states:
            assert to is RequestStatus.EXECUTING, states
        elif there & CAME_TO_NOTHING:
            assert to is RequestStatus.FAILED, states
        else:
            assert to is RequestStatus.DONE, states
        assert to is RequestStatus.EXECUTING or to in REQUEST_MOVES[RequestStatus.EXECUTING]


def test_a_signal_that_nobody_has_answered_stays_where_it_is() -> None:
    assert signal_progress(signal(), [delivery()], []) is RequestStatus.PENDING
    assert signal_progress(signal(), [], []) is RequestStatus.PENDING


def test_only_the_present_attempt_counts() -> None:
    """An account that carried it out before was not sent it again."""
    again = signal(request_status="pending", attempt=2)
    before = [intent(state="FILLED"), intent(account="spare", state="FAILED")]
    waits = [delivery(account="spare", attempt=2)]
    assert signal_progress(again, waits, before) is RequestStatus.PENDING
    now = intent(account="spare", attempt=2, state="FILLED")
    gone = [delivery(account="spare", attempt=2, state="QUALIFIED")]
    assert signal_progress(again, gone, [*before, now]) is RequestStatus.DONE
