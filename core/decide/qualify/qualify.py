"""Should this account act on this signal, and with which orders? Decided once, all reasons told."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from core.config.settings import Settings
from core.decide.execution.direction import Course, Leg, course_of
from core.decide.execution.flags import post_only, reduce_only, time_in_force
from core.decide.execution.limit_price import limit_price
from core.decide.execution.market import Market, market_of
from core.decide.execution.order_type import order_type
from core.decide.execution.quantity import (
    least_quantity,
    notional,
    on_step,
    quantity_of,
    too_small,
)
from core.decide.execution.risk import Breach, Entry, breaches, unaffordable
from core.decide.execution.scaling import amount_of
from core.decide.execution.splitting import parts_of
from core.decide.qualify.admission import entry_objections, expiry_of, objections
from core.decide.qualify.reasons import Reason
from core.decide.qualify.situation import Situation
from core.domain.intent import (
    IntentOrder,
    IntentState,
    Purpose,
    TradeIntent,
    intent_name,
    orders_document,
)
from core.domain.market import Instrument
from core.domain.money import ZERO, bounded, decimal_text
from core.domain.order import OrderType


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
        reasons={"reasons": [_reason_row(each) for each in draft.reasons]} if draft.reasons else {},
        because={
            "because": list(draft.because),
            "warnings": list(draft.warnings),
            **(
                {"violations": [_reason_row(each) for each in draft.shrunk]} if draft.shrunk else {}
            ),
            **({"simulated": "warm-up"} if is_simulated(seen, settings) else {}),
        },
        orders=orders_document(() if draft.reasons else draft.orders),
        trace_id=signal.trace_id,
        created_at=seen.now,
        updated_at=seen.now,
        expires_at=expiry_of(signal, settings),
    )


def is_simulated(seen: Situation, settings: Settings) -> bool:
    """Whether a warm-up signal only pretends; a dry run is a gate and asked for at the door."""
    return seen.signal.is_warmup and settings.EXECUTION.warmup == "simulate"


def _reason_row(reason: Reason) -> dict[str, str]:
    return {"code": reason.code, "message": reason.message}


# --- drafting ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    orders: tuple[IntentOrder, ...] = ()
    reasons: tuple[Reason, ...] = ()
    because: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    # Limits that it was made smaller for.
    shrunk: tuple[Reason, ...] = ()


def _draft(seen: Situation, settings: Settings) -> _Draft:
    reasons = list(objections(seen, settings))
    instrument = seen.instrument
    if instrument is None:
        return _Draft(reasons=tuple(reasons))
    market = market_of(seen.signal, seen.quote, settings, seen.now)
    course = course_of(seen, settings)
    reasons += course.reasons
    if any(not leg.reduces for leg in course.legs):
        reasons += entry_objections(seen, settings)
    if market is None:
        reasons.append(Reason("no_price", f"no price of {seen.symbol} is known"))
        return _Draft(reasons=tuple(reasons))
    drafting = _Drafting(seen, settings, instrument, market)
    sized = [drafting.sized(leg) for leg in course.legs]
    reasons += [reason for each in sized for reason in each.reasons]
    return _Draft(
        orders=drafting.orders(sized),
        reasons=tuple(reasons),
        because=tuple(drafting.sentences(course, sized)),
        warnings=market.warnings,
        shrunk=tuple(reason for each in sized for reason in each.shrunk),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sized:
    """A leg with its figures; with reasons, it cannot be."""

    leg: Leg
    type: OrderType
    price: Decimal | None
    reckoned: Decimal
    parts: tuple[Decimal, ...] = ()
    amount: Decimal = ZERO
    reasons: tuple[Reason, ...] = ()
    because: tuple[str, ...] = ()
    shrunk: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class _Drafting:
    seen: Situation
    settings: Settings
    instrument: Instrument
    market: Market

    def sized(self, leg: Leg) -> _Sized:
        signal = self.seen.signal
        kind, why = order_type(signal, self.market, self.settings)
        because, price = [why], None
        if kind is OrderType.LIMIT:
            price, where = limit_price(
                signal.signal_type, self.market, self.instrument, self.settings
            )
            because.append(where)
        reckoned = price or self.market.price
        base = _Sized(leg=leg, type=kind, price=price, reckoned=reckoned, because=tuple(because))
        return self._reducing(base) if leg.reduces else self._entering(base)

    # --- getting out --------------------------------------------------------------------------

    def _reducing(self, sized: _Sized) -> _Sized:
        """All of it when the signal closes, or when what the amount leaves could not be traded."""
        held = sized.leg.held or ZERO
        wanted = held
        if sized.leg.purpose is Purpose.REDUCE:
            amount = self.seen.signal.amount
            wanted = min(quantity_of(amount, sized.reckoned, self.instrument), held)
            rest = held - wanted
            if rest and rest < least_quantity(sized.reckoned, self.instrument):
                wanted = held
        quantity = on_step(wanted, self.instrument)
        # A venue takes any size that closes a position, whatever its smallest worth.
        least = self.instrument.min_quantity or ZERO
        reasons = (
            ()
            if quantity > ZERO and quantity >= least
            else tuple(too_small(quantity, sized.reckoned, self.instrument))
        )
        return replace(
            sized,
            parts=(quantity,),
            amount=notional(quantity, sized.reckoned, self.instrument),
            reasons=reasons,
            because=(*sized.because, f"It takes {decimal_text(quantity)} away."),
        )

    # --- getting in ---------------------------------------------------------------------------

    def _entering(self, sized: _Sized) -> _Sized:
        signal, instrument = self.seen.signal, self.instrument
        amount, scaled = amount_of(sized.leg, signal.amount, self.seen.scale_ins, self.settings)
        because = [*sized.because, *([scaled] if scaled else [])]
        quantity = quantity_of(amount, sized.reckoned, instrument)
        because.append(
            f"{decimal_text(amount)} buys {decimal_text(quantity)} at "
            f"{decimal_text(sized.reckoned)}."
        )
        quantity, adjusted = self._at_least(quantity, sized.reckoned)
        because += adjusted
        reasons = list(too_small(quantity, sized.reckoned, instrument))
        shrunk: list[Reason] = []
        if not reasons:
            quantity, reasons, shrunk = self._within_limits(sized, quantity)
        if shrunk:
            limits = ", ".join(each.message for each in shrunk)
            because.append(f"Shrunk to {decimal_text(quantity)}: {limits}.")
        parts = parts_of(quantity, sized.reckoned, instrument, self.settings)
        if len(parts) > 1:
            because.append(f"Split into {len(parts)} orders.")
        worth = notional(quantity, sized.reckoned, instrument)
        return replace(
            sized,
            parts=parts,
            amount=min(amount, worth) if worth else amount,
            reasons=tuple(reasons),
            because=tuple(because),
            shrunk=tuple(shrunk),
        )

    def _at_least(self, quantity: Decimal, price: Decimal) -> tuple[Decimal, list[str]]:
        least = least_quantity(price, self.instrument)
        rules, signal = self.settings.EXECUTION, self.seen.signal
        if signal.is_warmup and rules.warmup == "minimum_size":
            return least, [f"A warm-up signal trades the minimum of {decimal_text(least)}."]
        if rules.adjust_to_minimum and quantity < least:
            return least, [f"Raised to the minimum of {decimal_text(least)}."]
        return quantity, []

    def _within_limits(
        self, sized: _Sized, quantity: Decimal
    ) -> tuple[Decimal, list[Reason], list[Reason]]:
        """The quantity, why it cannot be, and what it was made smaller for."""
        found = self._breaches(sized, quantity)
        told = [each.reason for each in found]
        if not found or self.settings.RISK.on_violation == "reject":
            return quantity, told, []
        room = on_step(min(each.room for each in found), self.instrument)
        still = list(too_small(room, sized.reckoned, self.instrument))
        if still or self._breaches(sized, room):
            return quantity, told, []
        return room, [], told

    def _breaches(self, sized: _Sized, quantity: Decimal) -> list[Breach]:
        parts = parts_of(quantity, sized.reckoned, self.instrument, self.settings)
        entry = Entry(
            quantity=quantity,
            price=sized.reckoned,
            position_side=sized.leg.position_side,
            orders=len(parts),
            largest=max(parts),
        )
        case = (entry, self.seen, self.instrument, self.settings)
        return [*breaches(*case), *unaffordable(*case)]

    # --- orders -------------------------------------------------------------------------------

    def orders(self, sized: Sequence[_Sized]) -> tuple[IntentOrder, ...]:
        count = sum(len(each.parts) for each in sized)
        return tuple(self._orders(sized, count))

    def _orders(self, sized: Sequence[_Sized], count: int) -> Iterator[IntentOrder]:
        sequence = 0
        for number, each in enumerate(sized):
            for part, quantity in enumerate(each.parts):
                sequence += 1
                waits = number > 0 and part == 0
                yield self._order(each, quantity, sequence, count, after_previous=waits)

    def _order(
        self, sized: _Sized, quantity: Decimal, sequence: int, count: int, *, after_previous: bool
    ) -> IntentOrder:
        signal = self.seen.signal
        whole = sum(sized.parts, ZERO)
        share = bounded(sized.amount * quantity / whole) if whole else ZERO
        return IntentOrder(
            symbol=self.seen.symbol,
            side=signal.signal_type,
            position_side=sized.leg.position_side,
            type=sized.type,
            quantity=quantity,
            price=sized.price,
            time_in_force=time_in_force(sized.type),
            reduce_only=reduce_only(sized.leg, self.instrument.kind),
            post_only=post_only(sized.type, self.settings),
            intent_id=intent_name(signal.signal_id, self.seen.account, signal.attempt),
            signal_id=signal.signal_id,
            sequence=sequence,
            of=count,
            purpose=sized.leg.purpose,
            amount=share,
            after_previous=after_previous,
            trace_id=signal.trace_id,
        )

    def sentences(self, course: Course, sized: Sequence[_Sized]) -> Iterator[str]:
        if course.because:
            yield course.because
        yield self.market.because
        told: dict[str, None] = {}
        for each in sized:
            told |= dict.fromkeys(each.because)
        yield from told
