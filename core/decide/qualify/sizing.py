"""One leg of a course with its figures: type, price, quantity, parts, and what is against it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from core.config.settings import Settings
from core.decide.execution.direction import Leg
from core.decide.execution.flags import reduce_only
from core.decide.execution.limit_price import limit_price
from core.decide.execution.market import Market
from core.decide.execution.order_type import order_type
from core.decide.execution.quantity import (
    least_quantity,
    notional,
    on_step,
    quantity_of,
    too_few,
    too_small,
)
from core.decide.execution.risk import Breach, Entry, breaches, unaffordable
from core.decide.execution.scaling import amount_of
from core.decide.execution.splitting import count_of, largest_of, parts_of
from core.decide.qualify.reasons import Reason
from core.decide.qualify.situation import Situation
from core.domain.intent import Purpose
from core.domain.market import Instrument
from core.domain.money import ZERO, bounded, decimal_text
from core.domain.order import OrderType


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """A leg with its figures; with reasons, it cannot be."""

    leg: Leg
    type: OrderType
    price: Decimal | None = None
    parts: tuple[Decimal, ...] = ()
    # What all parts are worth together.
    amount: Decimal = ZERO
    reasons: tuple[Reason, ...] = ()
    because: tuple[str, ...] = ()
    # Limits that it was made smaller for.
    shrunk: tuple[Reason, ...] = ()


def closed_at_any_price(seen: Situation, leg: Leg, instrument: Instrument) -> Sized | None:
    """Where no price is known a whole position can still be closed; all else has to be reckoned."""
    if leg.purpose is not Purpose.CLOSE or seen.signal.order_type is OrderType.LIMIT:
        return None
    quantity = on_step(leg.held or ZERO, instrument)
    return Sized(
        leg=leg,
        type=OrderType.MARKET,
        parts=(quantity,),
        amount=seen.signal.amount,
        reasons=tuple(too_few(quantity, instrument)),
        because=("Market, because no price is known and getting out needs none.",),
    )


@dataclass(frozen=True, slots=True)
class Sizing:
    """The market's price tells what an amount buys; the order's own, what is too small."""

    seen: Situation
    settings: Settings
    instrument: Instrument
    market: Market

    def sized(self, leg: Leg) -> Sized:
        signal = self.seen.signal
        kind, why = order_type(signal, self.market, self.settings)
        if kind is OrderType.MARKET:
            base = Sized(leg=leg, type=kind, because=(why,))
        else:
            price, where = limit_price(
                signal.signal_type, self.market, self.instrument, self.settings
            )
            base = Sized(leg=leg, type=kind, price=price, because=(why, where))
        return self._reducing(base) if leg.reduces else self._entering(base)

    def _bought_for(self, amount: Decimal) -> Decimal:
        return quantity_of(amount, self.market.price, self.instrument)

    def _least(self, sized: Sized) -> Decimal:
        return least_quantity(sized.price or self.market.price, self.instrument)

    def _is_least_only(self) -> bool:
        return self.seen.signal.is_warmup and self.settings.EXECUTION.warmup == "minimum_size"

    # --- getting out --------------------------------------------------------------------------

    def _reducing(self, sized: Sized) -> Sized:
        """All of it when the signal closes, or when what the amount leaves could not be traded."""
        instrument, held = self.instrument, sized.leg.held or ZERO
        wanted, least = held, self._least(sized)
        if sized.leg.purpose is Purpose.REDUCE:
            amount = self.seen.signal.amount
            wanted = min(least if self._is_least_only() else self._bought_for(amount), held)
            if not any(too_few(wanted, instrument)) and held - wanted < least:
                wanted = held
        quantity = on_step(wanted, instrument)
        # A venue takes any size that only reduces, whatever its smallest worth.
        small = (
            too_few(quantity, instrument)
            if reduce_only(sized.leg, instrument.kind)
            else too_small(quantity, sized.price or self.market.price, instrument)
        )
        return replace(
            sized,
            parts=(quantity,),
            amount=notional(quantity, self.market.price, instrument),
            reasons=tuple(small),
            because=(*sized.because, f"It takes {decimal_text(quantity)} away."),
        )

    # --- getting in ---------------------------------------------------------------------------

    def _entering(self, sized: Sized) -> Sized:
        amount, scaled = amount_of(
            sized.leg, self.seen.signal.amount, self.seen.scale_ins, self.settings
        )
        quantity = self._bought_for(amount)
        because = [*sized.because, *([scaled] if scaled else [])]
        because.append(
            f"{decimal_text(amount)} buys {decimal_text(quantity)} at "
            f"{decimal_text(self.market.price)}."
        )
        quantity, adjusted = self._at_least(sized, quantity)
        quantity, reasons, shrunk = self._within_limits(sized, quantity)
        if shrunk:
            limits = ", ".join(each.message for each in shrunk)
            adjusted.append(f"Shrunk to {decimal_text(quantity)}: {limits}.")
        parts: Sequence[Decimal] = () if reasons else self._parts(sized, quantity)
        if len(parts) > 1:
            adjusted.append(f"Split into {len(parts)} orders.")
        return replace(
            sized,
            parts=tuple(parts),
            amount=min(amount, notional(quantity, self.market.price, self.instrument)),
            reasons=tuple(reasons),
            because=(*because, *adjusted),
            shrunk=tuple(shrunk),
        )

    def _at_least(self, sized: Sized, quantity: Decimal) -> tuple[Decimal, list[str]]:
        least = self._least(sized)
        if self._is_least_only():
            return least, [f"A warm-up signal trades the minimum of {decimal_text(least)}."]
        if self.settings.EXECUTION.adjust_to_minimum and quantity < least:
            return least, [f"Raised to the minimum of {decimal_text(least)}."]
        return quantity, []

    def _within_limits(
        self, sized: Sized, quantity: Decimal
    ) -> tuple[Decimal, list[Reason], list[Reason]]:
        """The quantity, why it cannot be, and what it was made smaller for."""
        small, found = self._too_small(sized, quantity), self._breaches(sized, quantity)
        told = [each.reason for each in found]
        if small or not found or self.settings.RISK.on_violation == "reject":
            return quantity, [*small, *told], []
        room = on_step(min(each.room for each in found), self.instrument)
        if self._too_small(sized, room) or self._breaches(sized, room):
            return quantity, told, []
        return room, [], told

    def _too_small(self, sized: Sized, quantity: Decimal) -> list[Reason]:
        return list(too_small(quantity, sized.price or self.market.price, self.instrument))

    def _count(self, sized: Sized, quantity: Decimal) -> int:
        return count_of(
            quantity, self.market.price, self._least(sized), self.instrument, self.settings
        )

    def _parts(self, sized: Sized, quantity: Decimal) -> Sequence[Decimal]:
        return parts_of(quantity, self._count(sized, quantity), self.instrument)

    def _breaches(self, sized: Sized, quantity: Decimal) -> list[Breach]:
        count = self._count(sized, quantity)
        entry = Entry(
            quantity=quantity,
            price=self.market.price,
            position_side=sized.leg.position_side,
            orders=count,
            largest=largest_of(quantity, count, self.instrument),
        )
        case = (entry, self.seen, self.instrument, self.settings)
        return [*breaches(*case), *unaffordable(*case)]


def shares_of(sized: Sized) -> tuple[Decimal, ...]:
    """What each part is worth of the whole."""
    whole = sum(sized.parts, ZERO)
    return tuple(bounded(sized.amount * part / whole) if whole else ZERO for part in sized.parts)
