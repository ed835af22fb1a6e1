"""What became of a life, in its history and in the outbox; written with what it tells of."""

from collections.abc import Mapping, Sequence

from core.domain.life import Life, LifeState, Transition
from core.domain.record import Event
from core.domain.text import plain, to_row
from core.ports import BookWriting


def tell_transitions(
    book: BookWriting, transitions: Sequence[Transition], lives: Mapping[str, Life]
) -> None:
    if not transitions:
        return
    counted: dict[str, int] = {}
    events = []
    for each in transitions:
        name = each.position_id
        if name not in counted:
            counted[name] = len(book.transitions(name))
        counted[name] += 1
        life = lives[name]
        events.append(_event(life, f"{name}:{counted[name]}", "position.state_changed", each))
        if each.to_state is LifeState.CLOSED:
            events.append(_event(life, f"{name}:closed", "position.closed", each))
    book.insert_transitions(transitions)
    book.insert_events(events)


def _event(life: Life, event_id: str, kind: str, moved_to: Transition) -> Event:
    return Event(
        event_id=event_id,
        event_type=kind,
        occurred_at=moved_to.at,
        account=life.account,
        symbol=life.symbol,
        trace_id=life.trace_id,
        correlation_id=life.position_id,
        payload={
            **to_row(life),
            "from_state": moved_to.from_state.value if moved_to.from_state else None,
            "state": moved_to.to_state.value,
            "reason": moved_to.reason,
        },
    )


def tell_stop(book: BookWriting, before: Life, after: Life) -> None:
    if after.stop_order_id and (before.stop_order_id, before.stop_price) != (
        after.stop_order_id,
        after.stop_price,
    ):
        price = plain(after.stop_price)
        book.insert_events([_stop_event(before, after, f"stop:{after.stop_order_id}:{price}")])
    if after.trail_activated and not before.trail_activated:
        book.insert_events([_stop_event(before, after, "trail")])


def _stop_event(before: Life, after: Life, name: str) -> Event:
    kind = "position.trail_activated" if name == "trail" else "position.stop_updated"
    return Event(
        event_id=f"{after.position_id}:{name}:{plain(after.updated_at)}",
        event_type=kind,
        occurred_at=after.updated_at,
        account=after.account,
        symbol=after.symbol,
        trace_id=after.trace_id,
        correlation_id=after.position_id,
        payload={**to_row(after), "stop_was": plain(before.stop_price)},
    )
