"""Should this account act on this signal, and with which orders? Decided once, all reasons told."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.config.settings import Settings
from core.decide.execution.direction import Course, course_of
from core.decide.execution.flags import post_only, reduce_only, time_in_force
from core.decide.execution.market import market_of
from core.decide.qualify.admission import entry_objections, expiry_of, objections
from core.decide.qualify.reasons import Reason
from core.decide.qualify.situation import Situation
from core.decide.qualify.sizing import Sized, Sizing, closed_at_any_price, shares_of
from core.domain.intent import (
    IntentOrder,
    IntentState,
    TradeIntent,
    intent_name,
    orders_document,
)
from core.domain.market import Instrument
from core.domain.refusal import refusals


def qualify(seen: Situation, settings: Settings) -> TradeIntent:
    """An intent in any case: approved with its orders, or rejected with every reason at once."""
    draft = _draft(seen, settings)
    signal = seen.signal
    return TradeIntent(
        intent_id=intent_name(signal.signal_id, seen.account, signal.attempt),
        signal_id=signal.signal_id,
        account=seen.account,
        symbol=seen.symbol,
        side=signal.signal_type,
        state=IntentState.REJECTED if draft.reasons else IntentState.APPROVED,
        attempt=signal.attempt,
        reasons=_told("reasons", draft.reasons),
        because={
            "because": list(draft.because),
            "warnings": list(draft.warnings),
            **_told("violations", draft.violations),
            **({"simulated": "warm-up"} if is_simulated(seen, settings) else {}),
        },
        orders=orders_document(() if draft.reasons else draft.orders),
        trace_id=signal.trace_id,
        created_at=seen.now,
        updated_at=seen.now,
        expires_at=expiry_of(signal, settings),
    )


def is_blind(seen: Situation, intent: TradeIntent) -> bool:
    """Only a price is missing, and the venue may tell one in a moment."""
    against = [each.code for each in refusals(intent.reasons)]
    return bool(seen.quote_unread) and against == ["no_price"]


def is_simulated(seen: Situation, settings: Settings) -> bool:
    """Whether a warm-up signal only pretends; a dry run is a gate and asked for at the door."""
    return seen.signal.is_warmup and settings.EXECUTION.warmup == "simulate"


def _told(name: str, reasons: Sequence[Reason]) -> dict[str, list[dict[str, str]]]:
    return {name: [_reason_row(each) for each in reasons]} if reasons else {}


def _reason_row(reason: Reason) -> dict[str, str]:
    return {"code": reason.code, "message": reason.message}


# --- drafting ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    orders: tuple[IntentOrder, ...] = ()
    reasons: tuple[Reason, ...] = ()
    because: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    # Limits that it was made smaller for, or that forbid the half which was dropped.
    violations: tuple[Reason, ...] = ()


def _draft(seen: Situation, settings: Settings) -> _Draft:
    reasons = list(objections(seen, settings))
    instrument = seen.instrument
    if instrument is None:
        return _Draft(reasons=tuple(reasons))
    course = course_of(seen, settings)
    reasons += course.reasons
    market = market_of(seen.signal, seen.quote, settings, seen.now)
    if market is not None:
        sizing = Sizing(seen, settings, instrument, market)
        sized = [sizing.sized(leg) for leg in course.legs]
        told, warnings = [market.because], market.warnings
    else:
        blind = [closed_at_any_price(seen, leg, instrument) for leg in course.legs]
        sized = [each for each in blind if each]
        if len(sized) < max(len(blind), 1):
            reasons.append(Reason("no_price", f"no price of {seen.symbol} is known"))
        told, warnings = [], ()
    kept, against, dropped = _half_of(sized, list(entry_objections(seen, settings)))
    reasons += against
    return _Draft(
        orders=tuple(_orders(seen, settings, instrument, kept)),
        reasons=tuple(reasons),
        because=tuple(_sentences(course, told, kept, dropped)),
        warnings=warnings,
        violations=(*(reason for each in kept for reason in each.shrunk), *dropped),
    )


def _half_of(
    sized: Sequence[Sized], to_entries: Sequence[Reason]
) -> tuple[Sequence[Sized], list[Reason], list[Reason]]:
    """What is left to do, all reasons against it, and those against what was dropped.

    Nothing that forbids an entry may hold up an exit: a reversal that cannot open only closes.
    """
    out = [each for each in sized if each.leg.reduces]
    entries = [each for each in sized if not each.leg.reduces]
    against_exit = [reason for each in out for reason in each.reasons]
    against_entry = [
        *(to_entries if entries else ()),
        *(reason for each in entries for reason in each.reasons),
    ]
    if out and against_entry:
        return out, against_exit, against_entry
    return sized, [*against_entry, *against_exit], []


def _sentences(
    course: Course, market: Sequence[str], sized: Sequence[Sized], dropped: Sequence[Reason]
) -> Iterator[str]:
    if course.because:
        yield course.because
    yield from market
    yield from dict.fromkeys(sentence for each in sized for sentence in each.because)
    if dropped:
        why = "; ".join(reason.message for reason in dropped)
        yield f"The other way is not opened: {why}."


# --- orders -----------------------------------------------------------------------------------


def _orders(
    seen: Situation, settings: Settings, instrument: Instrument, sized: Sequence[Sized]
) -> Iterator[IntentOrder]:
    signal = seen.signal
    count = sum(len(each.parts) for each in sized)
    sequence = 0
    for number, each in enumerate(sized):
        for part, (quantity, share) in enumerate(zip(each.parts, shares_of(each), strict=True)):
            sequence += 1
            yield IntentOrder(
                symbol=seen.symbol,
                side=signal.signal_type,
                position_side=each.leg.position_side,
                type=each.type,
                quantity=quantity,
                price=each.price,
                time_in_force=time_in_force(each.type),
                reduce_only=reduce_only(each.leg, instrument.kind),
                post_only=post_only(each.type, settings, venue_has_it=seen.takes_post_only),
                intent_id=intent_name(signal.signal_id, seen.account, signal.attempt),
                signal_id=signal.signal_id,
                sequence=sequence,
                of=count,
                purpose=each.leg.purpose,
                amount=share,
                after_previous=number > 0 and part == 0,
                trace_id=signal.trace_id,
            )
