"""Which state a position is in, told from what the book holds of its orders and figures.

The table of states lies in core/domain/life.py; here is when each step of it is taken.

| in        | and                                                   | becomes   | because        |
|-----------|-------------------------------------------------------|-----------|----------------|
| queued    | its order has been begun                              | executing | order_sent     |
| queued    | nobody wants it any more                              | failed    | not_entered    |
| executing | nobody wants it any more, and nothing filled          | failed    | not_entered    |
| open      | its stop has been made tighter                        | trailing  | stop_moved     |
| open, trailing | an exit of ours for all of it is out             | closing   | exit_sent      |
| open, trailing | the broker does not show it, past its grace      | closing   | external       |
| closing   | something is held, no exit is out, and none has       |           |                |
|           | filled what is not booked yet                         | back      | close_failed   |
| closing   | nothing is held, and the broker says so               | closed    | the exit's     |
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.domain.life import Direction, ExitReason, Life, LifeState, Transition
from core.domain.order import BookOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the book tells of one life's orders, and the broker of the position."""

    # An entry waits or is at the venue; it has been begun; it filled something.
    entry_wanted: bool = False
    entry_begun: bool = False
    entry_filled: bool = False
    # An order of ours that leaves all of it is at the venue.
    exit_out: bool = False
    # One of those has filled, and its executions may be on their way.
    exit_filled: bool = False
    # Those that guard it, the one that is kept first.
    stops: tuple[BookOrder, ...] = ()
    # The stop that guarded it has filled, and its executions may be on their way.
    stop_filled: bool = False
    # Whether the broker shows the position; None where it was not asked, or not long enough ago.
    shown: bool | None = None
    leverage: Decimal | None = None


def follow(life: Life, facts: Facts, at: datetime) -> tuple[Life, list[Transition]]:
    """The life as it stands by these facts; the same facts again change nothing."""
    after = _leveraged(_shown(_guarded(life, facts, at), facts, at), facts)
    transitions: list[Transition] = []
    while step := _next(after, facts):
        to, reason = step
        transitions.append(
            Transition(
                position_id=life.position_id,
                from_state=after.state,
                to_state=to,
                reason=reason,
                at=at,
            )
        )
        after = replace(after, state=to)
    return (replace(after, updated_at=at) if after != life else life), transitions


def _shown(life: Life, facts: Facts, at: datetime) -> Life:
    """Whether the venue still shows what the book holds."""
    if facts.shown is None or not life.quantity:
        return life
    if facts.shown:
        return replace(life, gone_since=None) if life.gone_since else life
    return life if life.gone_since else replace(life, gone_since=at)


def _next(life: Life, facts: Facts) -> tuple[LifeState, str] | None:
    match life.state:
        case LifeState.QUEUED:
            if facts.entry_begun:
                return LifeState.EXECUTING, "order_sent"
            return None if facts.entry_wanted else (LifeState.FAILED, "not_entered")
        case LifeState.EXECUTING:
            alive = facts.entry_wanted or facts.entry_filled
            return None if alive else (LifeState.FAILED, "not_entered")
        case LifeState.OPEN | LifeState.TRAILING:
            if facts.exit_out:
                return LifeState.CLOSING, "exit_sent"
            if life.gone_since:
                return LifeState.CLOSING, ExitReason.EXTERNAL.value
            if life.state is LifeState.OPEN and life.trail_activated:
                return LifeState.TRAILING, "stop_moved"
        case LifeState.CLOSING:
            return _from_closing(life, facts)
    return None


def _from_closing(life: Life, facts: Facts) -> tuple[LifeState, str] | None:
    if not life.quantity:
        over = facts.shown is False
        reason = life.exit_reason or ExitReason.EXTERNAL
        return (LifeState.CLOSED, reason.value) if over else None
    if facts.exit_out or facts.exit_filled or life.gone_since:
        return None
    back = LifeState.TRAILING if life.trail_activated else LifeState.OPEN
    return back, "close_failed"


# --- its stop -------------------------------------------------------------------------------------


def _guarded(life: Life, facts: Facts, at: datetime) -> Life:
    """The stop that guards it, and whether that has followed the profit."""
    stop = _kept(life, facts.stops)
    if stop is None:
        gone = life.stop_order_id and not facts.stop_filled
        return replace(life, stop_order_id=None) if gone else life
    trigger = stop.trigger_price
    first = life.initial_stop_price is None
    followed = life.trail_activated or (
        not first and trigger is not None and is_tighter(trigger, life.initial_stop_price, life)
    )
    same = stop.order_id == life.stop_order_id
    return replace(
        life,
        stop_order_id=stop.order_id,
        stop_price=trigger,
        stop_created_at=life.stop_created_at if same else stop.created_at,
        initial_stop_price=trigger if first else life.initial_stop_price,
        trail_activated=followed,
        trail_activated_at=at if followed and not life.trail_activated else life.trail_activated_at,
    )


def _kept(life: Life, stops: tuple[BookOrder, ...]) -> BookOrder | None:
    """Of several, for the moment in which one takes the place of another: the tightest."""
    if not stops:
        return None
    tightest = stops[0]
    for stop in stops[1:]:
        if stop.trigger_price is not None and is_tighter(
            stop.trigger_price, tightest.trigger_price, life
        ):
            tightest = stop
    return tightest


def is_tighter(one: Decimal, other: Decimal | None, life: Life) -> bool:
    if other is None:
        return True
    return one > other if life.direction is Direction.LONG else one < other


def _leveraged(life: Life, facts: Facts) -> Life:
    told = facts.leverage
    return replace(life, leverage=told) if told and told != life.leverage else life
