"""Stage A, written down: an episode, an exit signal and a pending intent, in one transaction.

Persist first, emit second: the events lie in the same transaction as the rows they tell of. While
the cooldown of the trade and cause runs, the answer is a rejected intent and no published signal.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from core.apply.exit_progress import exit_told
from core.domain.exit import (
    ExitCause,
    ExitIntent,
    ExitSignal,
    ExitSignalState,
    ExitState,
    exit_name,
)
from core.domain.money import decimal_text
from core.domain.record import Event
from core.domain.text import to_row
from core.domain.trade import Trade
from core.operate.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Somebody wants to leave a trade, or a part of it."""

    trade: Trade
    cause: ExitCause
    because: str
    by: str
    price: Decimal | None = None
    quantity: Decimal | None = None


def ask_to_leave(desk: Desk, wish: Wish) -> ExitIntent:
    """The intent that answers it: PENDING, or REJECTED while the cooldown runs."""
    now, trade = desk.clock.now(), wish.trade
    cooldown = desk.settings.EXITS.exit_cooldown_seconds
    with desk.book.write() as book:
        episode, granted = book.next_episode(
            trade.trade_id, wish.cause, at=now, cooldown_seconds=cooldown, price=wish.price
        )
        signal = ExitSignal(
            exit_signal_id=exit_name("x", trade.trade_id, wish.cause, episode.episode),
            trade_id=trade.trade_id,
            position_id=trade.position_id,
            account=trade.account,
            symbol=trade.symbol,
            cause=wish.cause,
            episode=episode.episode,
            price=wish.price,
            quantity=wish.quantity,
            because=wish.because,
            by=wish.by,
            trace_id=trade.trace_id,
            detected_at=now,
        )
        intent = _intent_of(signal, trade)
        book.insert_exit_signal(signal)
        if granted:
            book.insert_exit_intent(intent)
            book.publish_exit_signal(signal.exit_signal_id, now)
            book.insert_events([_published(signal)])
        else:
            left = int((episode.cools_until(cooldown) - now).total_seconds())
            intent = _cooling(intent, left)
            book.insert_exit_intent(intent)
            book.insert_events([exit_told(intent)])
    desk.log.event(
        "exit_asked",
        account=trade.account,
        symbol=trade.symbol,
        trade_id=trade.trade_id,
        exit_intent_id=intent.exit_intent_id,
        cause=wish.cause.value,
        price=decimal_text(wish.price) if wish.price is not None else None,
        because=wish.because,
        state=intent.state.value,
        trace_id=trade.trace_id,
    )
    return intent


def _intent_of(signal: ExitSignal, trade: Trade) -> ExitIntent:
    return ExitIntent(
        exit_intent_id=exit_name("e", trade.trade_id, signal.cause, signal.episode),
        exit_signal_id=signal.exit_signal_id,
        trade_id=trade.trade_id,
        position_id=trade.position_id,
        account=trade.account,
        symbol=trade.symbol,
        position_side=trade.side,
        side=trade.direction.exit_side,
        cause=signal.cause,
        episode=signal.episode,
        trace_id=trade.trace_id,
        created_at=signal.detected_at,
        updated_at=signal.detected_at,
    )


def _cooling(intent: ExitIntent, seconds_left: int) -> ExitIntent:
    reason = {
        "code": "EXIT_COOLDOWN_ACTIVE",
        "message": f"{max(seconds_left, 1)} s of EXITS.exit_cooldown_seconds are left",
    }
    return replace(
        intent,
        state=ExitState.REJECTED,
        reasons={"reasons": [reason]},
        outcome="EXIT_COOLDOWN_ACTIVE",
    )


def _published(signal: ExitSignal) -> Event:
    told = replace(signal, state=ExitSignalState.PUBLISHED, published_at=signal.detected_at)
    return Event(
        event_id=f"{signal.exit_signal_id}:published",
        event_type="exit_signal.published",
        occurred_at=signal.detected_at,
        account=signal.account,
        symbol=signal.symbol,
        trace_id=signal.trace_id,
        correlation_id=signal.position_id,
        payload=to_row(told),
    )
