"""Which state a position is in, by the facts of its orders and of the venue: every step of it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.decide.lifecycle.standing import Facts, follow, is_tighter
from core.domain.life import LIFE_MOVES, LIVING, Life, LifeState, Transition
from core.domain.order import BookOrder
from tests.build import NOON, book_order, clock, life

LATER = clock("12:05")


def stop(order_id: str = "o-stop", trigger: Any = 92, **given: Any) -> BookOrder:
    told = {"order_type": "stop", "side": "sell", "reduce_only": True, "quantity": 5}
    return book_order(order_id, f"V-{order_id}", trigger_price=trigger, **told | given)


def steps(before: Life, facts: Facts) -> list[tuple[str | None, str, str]]:
    _, transitions = follow(before, facts, LATER)
    assert all(each.at == LATER for each in transitions)
    return [(each.from_state, each.to_state, each.reason) for each in transitions]


def after(before: Life, **facts: Any) -> Life:
    return follow(before, Facts(**facts), LATER)[0]


# --- entering -------------------------------------------------------------------------------------

WISH = life(state="queued", quantity=0, volume=0, entry_price=None, entry_time=None)
SENT = replace(WISH, state=LifeState.EXECUTING)


@pytest.mark.parametrize(
    ("before", "facts", "expected"),
    [
        (WISH, Facts(entry_wanted=True), []),
        (WISH, Facts(entry_wanted=True, entry_begun=True), [("executing", "order_sent")]),
        (WISH, Facts(), [("failed", "not_entered")]),
        # Begun and ended before anybody looked: both steps are told.
        (WISH, Facts(entry_begun=True), [("executing", "order_sent"), ("failed", "not_entered")]),
        (WISH, Facts(entry_begun=True, entry_filled=True), [("executing", "order_sent")]),
        (SENT, Facts(entry_wanted=True), []),
        (SENT, Facts(), [("failed", "not_entered")]),
        # It has filled; what it bought is about to be booked.
        (SENT, Facts(entry_filled=True), []),
    ],
)
def test_a_wish_is_sent_or_comes_to_nothing(
    before: Life, facts: Facts, expected: list[tuple[str, str]]
) -> None:
    assert [(to, reason) for _, to, reason in steps(before, facts)] == expected


# --- held -----------------------------------------------------------------------------------------

HELD = life()
TRAILING = life(state="trailing", trail_activated=True, initial_stop_price=92)
CLOSING = life(state="closing")
LEFT = life(state="closing", quantity=0, exit_reason="take_profit")


@pytest.mark.parametrize(
    ("before", "facts", "expected"),
    [
        (HELD, Facts(), []),
        (HELD, Facts(shown=True), []),
        (HELD, Facts(exit_out=True), [("open", "closing", "exit_sent")]),
        (TRAILING, Facts(exit_out=True), [("trailing", "closing", "exit_sent")]),
        (HELD, Facts(shown=False), [("open", "closing", "external")]),
        (TRAILING, Facts(shown=False), [("trailing", "closing", "external")]),
        # An exit of ours is the better explanation.
        (HELD, Facts(exit_out=True, shown=False), [("open", "closing", "exit_sent")]),
        (replace(HELD, trail_activated=True), Facts(), [("open", "trailing", "stop_moved")]),
        (CLOSING, Facts(exit_out=True), []),
        (CLOSING, Facts(exit_filled=True), []),
        (CLOSING, Facts(), [("closing", "open", "close_failed")]),
        (
            replace(TRAILING, state=LifeState.CLOSING),
            Facts(),
            [("closing", "trailing", "close_failed")],
        ),
        (replace(CLOSING, gone_since=NOON), Facts(), []),
        (replace(CLOSING, gone_since=NOON), Facts(shown=False), []),
        (
            replace(CLOSING, gone_since=NOON),
            Facts(shown=True),
            [("closing", "open", "close_failed")],
        ),
        # Nothing is held: over as soon as the venue says so, and not before.
        (LEFT, Facts(), []),
        (LEFT, Facts(shown=True), []),
        (LEFT, Facts(shown=False), [("closing", "closed", "take_profit")]),
        (
            replace(LEFT, exit_reason=None),
            Facts(shown=False),
            [("closing", "closed", "external")],
        ),
    ],
)
def test_a_position_is_left_by_our_exit_or_past_us(
    before: Life, facts: Facts, expected: list[tuple[str, str, str]]
) -> None:
    assert steps(before, facts) == expected


@pytest.mark.parametrize("state", ["closed", "failed"])
def test_what_is_over_takes_no_further_step(state: str) -> None:
    everything = Facts(entry_begun=True, entry_filled=True, exit_out=True)
    assert steps(life(state=state), everything) == []


def test_a_position_that_is_not_shown_is_gone_since_then_and_told_of_once() -> None:
    gone = after(HELD, shown=False)
    assert (gone.state, gone.gone_since, gone.exit_price) == (LifeState.CLOSING, LATER, None)
    assert follow(gone, Facts(shown=False), clock("12:10")) == (gone, [])
    # A look that could not tell says nothing.
    assert follow(gone, Facts(), clock("12:10")) == (gone, [])
    back = after(gone, shown=True)
    assert (back.state, back.gone_since) == (LifeState.OPEN, None)


def test_what_is_not_held_cannot_be_gone() -> None:
    assert after(LEFT, shown=True) == LEFT
    assert after(LEFT, shown=False).gone_since is None


def test_a_leverage_is_taken_over_and_silence_changes_nothing() -> None:
    geared = after(HELD, leverage=Decimal(10))
    assert geared.leverage == 10
    assert geared.updated_at == LATER
    assert follow(geared, Facts(leverage=Decimal(10)), NOON) == (geared, [])
    assert follow(geared, Facts(), NOON) == (geared, [])


# --- its stop -------------------------------------------------------------------------------------


def test_the_first_stop_is_where_the_trail_is_measured_from() -> None:
    guarded = after(HELD, stops=(stop(created_at="11:30"),))
    assert guarded.stop_order_id == "o-stop"
    assert guarded.stop_price == guarded.initial_stop_price == 92
    assert guarded.stop_created_at == clock("11:30")
    assert (guarded.state, guarded.trail_activated) == (LifeState.OPEN, False)


@pytest.mark.parametrize(
    ("direction", "tighter", "looser"), [("long", 95, 90), ("short", 105, 110)]
)
def test_a_stop_that_is_made_tighter_trails_and_one_that_is_not_does_not(
    direction: str, tighter: int, looser: int
) -> None:
    first = 92 if direction == "long" else 108
    guarded = after(life(direction=direction), stops=(stop(trigger=first),))
    moved, told = follow(guarded, Facts(stops=(stop(trigger=tighter),)), LATER)
    assert (moved.state, moved.trail_activated_at) == (LifeState.TRAILING, LATER)
    assert [(each.to_state, each.reason) for each in told] == [("trailing", "stop_moved")]
    assert moved.stop_price == tighter
    assert moved.initial_stop_price == first
    # Somebody loosened it by hand: it trails all the same, and that it did is not told again.
    back = after(moved, stops=(stop(trigger=first),))
    assert (back.state, back.trail_activated_at) == (LifeState.TRAILING, LATER)
    loosened = after(guarded, stops=(stop(trigger=looser),))
    assert (loosened.state, loosened.trail_activated) == (LifeState.OPEN, False)


def test_of_two_stops_for_a_moment_the_tighter_one_counts() -> None:
    guarded = after(HELD, stops=(stop(),))
    both = (stop(), stop("o-next", 95, created_at="11:50"))
    for pair in (both, both[::-1]):
        moved = after(guarded, stops=pair)
        assert moved.stop_order_id == "o-next"
        assert moved.stop_price == 95
        assert moved.stop_created_at == clock("11:50")
    short = life(direction="short")
    assert after(short, stops=(stop("o-1", 108), stop("o-2", 106))).stop_order_id == "o-2"


def test_a_stop_without_a_price_is_a_stop() -> None:
    """A venue's own trailing stop does not always tell where it is."""
    guarded = after(HELD, stops=(stop(trigger=None),))
    assert (guarded.stop_order_id, guarded.stop_price) == ("o-stop", None)
    assert follow(guarded, Facts(stops=(stop(trigger=None),)), NOON) == (guarded, [])
    # One with a price is the tighter one of two, whichever is named first.
    for pair in ((stop("o-1", None), stop("o-2")), (stop("o-2"), stop("o-1", None))):
        assert after(HELD, stops=pair).stop_order_id == "o-2"


def test_a_stop_that_is_no_more_leaves_its_price_behind() -> None:
    guarded = after(HELD, stops=(stop(),))
    bare = after(guarded)
    assert bare.stop_order_id is None
    assert bare.stop_price == bare.initial_stop_price == 92


def test_a_stop_that_has_filled_stays_its_stop_until_that_is_booked() -> None:
    guarded = after(HELD, stops=(stop(),))
    assert follow(guarded, Facts(stop_filled=True), NOON) == (guarded, [])


def test_the_same_stop_keeps_the_moment_of_its_creation() -> None:
    guarded = after(HELD, stops=(stop(created_at="11:30"),))
    amended = after(guarded, stops=(stop(trigger=93, created_at=None),))
    assert amended.stop_created_at == clock("11:30")


@pytest.mark.parametrize(
    ("direction", "one", "other", "tighter"),
    [
        ("long", 95, 92, True),
        ("long", 92, 92, False),
        ("short", 105, 108, True),
        ("short", 110, 108, False),
        ("long", 1, None, True),
    ],
)
def test_tighter_is_nearer_to_the_price(
    direction: str, one: int, other: int | None, tighter: bool
) -> None:
    against = None if other is None else Decimal(other)
    assert is_tighter(Decimal(one), against, life(direction=direction)) is tighter


# --- whatever the facts ---------------------------------------------------------------------------

BOOLEANS = st.booleans()
FACTS = st.builds(
    Facts,
    entry_wanted=BOOLEANS,
    entry_begun=BOOLEANS,
    entry_filled=BOOLEANS,
    exit_out=BOOLEANS,
    exit_filled=BOOLEANS,
    stop_filled=BOOLEANS,
    stops=st.lists(
        st.builds(stop, st.sampled_from(["o-1", "o-2"]), st.sampled_from([None, 91, 92, 95])),
        max_size=2,
    ).map(tuple),
    shown=st.none() | BOOLEANS,
    leverage=st.none() | st.sampled_from([Decimal(1), Decimal(10)]),
)
LIVES = st.builds(
    life,
    state=st.sampled_from(sorted(LIVING)),
    quantity=st.sampled_from([0, 5]),
    direction=st.sampled_from(["long", "short"]),
    trail_activated=BOOLEANS,
    initial_stop_price=st.sampled_from([None, 92]),
    stop_order_id=st.sampled_from([None, "o-1"]),
    gone_since=st.sampled_from([None, NOON]),
    exit_reason=st.sampled_from([None, "manual"]),
)


def is_a_chain(before: Life, transitions: list[Transition], final: Life) -> bool:
    at = before.state
    for each in transitions:
        if each.from_state is not at or each.to_state not in LIFE_MOVES[at]:
            return False
        at = each.to_state
    return at is final.state


@given(LIVES, FACTS)
def test_steps_follow_the_table_and_the_same_facts_again_change_nothing(
    before: Life, facts: Facts
) -> None:
    found, transitions = follow(before, facts, LATER)
    assert is_a_chain(before, transitions, found)
    assert follow(found, facts, clock("12:10")) == (found, [])
