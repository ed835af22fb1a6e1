"""What a signal does to the position that is there.

| aim   | position            | it                                                         |
|-------|---------------------|------------------------------------------------------------|
| open  | none                | opens; a spot account cannot sell what it does not hold    |
| open  | on the signal's side | adds, when scaling in is on                               |
| open  | against it          | reduces it by the amount, at most to nothing; with         |
|       |                     | allow_reverse closes it and opens the other way            |
| close | there               | closes all of it                                           |
| close | none                | nothing to close                                           |

In hedge mode the legs are apart: a buy opens or adds to the long one, a sell to the short one, and
a closing sell works on the long one.
"""

from dataclasses import dataclass
from decimal import Decimal

from core.config.settings import Settings
from core.decide.qualify.reasons import Reason
from core.decide.qualify.situation import Situation
from core.domain.intent import Purpose
from core.domain.money import ZERO, decimal_text
from core.domain.order import PositionSide, Side
from core.domain.position import BookPosition
from core.domain.signal import Aim


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """`held` is what there is to take away from; None where something is opened."""

    purpose: Purpose
    position_side: PositionSide
    held: Decimal | None = None

    @property
    def reduces(self) -> bool:
        return self.held is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    legs: tuple[Leg, ...] = ()
    because: str = ""
    reasons: tuple[Reason, ...] = ()


def course_of(seen: Situation, settings: Settings) -> Course:
    if seen.position_mode == "hedge":
        return _hedge(seen, settings)
    held = _held(seen, PositionSide.BOTH)
    side = seen.signal.signal_type
    against = held * side.sign < 0
    if seen.signal.aim is Aim.CLOSE:
        return _close(seen, abs(held) if against else ZERO, PositionSide.BOTH)
    if against:
        return _against(abs(held), settings)
    if held:
        return _add(seen, settings, PositionSide.BOTH)
    return _open(seen, settings, PositionSide.BOTH)


def _hedge(seen: Situation, settings: Settings) -> Course:
    side = seen.signal.signal_type
    own, other = PositionSide.LONG, PositionSide.SHORT
    if side is Side.SELL:
        own, other = other, own
    if seen.signal.aim is Aim.CLOSE:
        return _close(seen, abs(_held(seen, other)), other)
    if _held(seen, own):
        return _add(seen, settings, own)
    return _open(seen, settings, own)


def _open(seen: Situation, settings: Settings, leg: PositionSide) -> Course:
    if seen.signal.signal_type is Side.SELL:
        if seen.instrument and seen.instrument.kind == "spot":
            return _refused("no_position_to_sell", f"no {seen.symbol} is held")
        if not settings.EXECUTION.allow_short:
            return _refused("short_not_allowed", f"no {seen.symbol} is held, shorts are off")
    opens = "a short" if seen.signal.signal_type is Side.SELL else "a long"
    return Course(
        legs=(Leg(purpose=Purpose.OPEN, position_side=leg),), because=f"It opens {opens}."
    )


def _add(seen: Situation, settings: Settings, leg: PositionSide) -> Course:
    rules = settings.EXECUTION
    if not rules.scale_in:
        return _refused("position_exists", f"there is a position in {seen.symbol}")
    if seen.scale_ins >= rules.max_scale_ins:
        return _refused(
            "max_scale_ins_reached", f"it has been added to {seen.scale_ins} times already"
        )
    return Course(
        legs=(Leg(purpose=Purpose.ADD, position_side=leg),),
        because=f"It adds to the position, for the {_nth(seen.scale_ins + 1)} time.",
    )


def _against(held: Decimal, settings: Settings) -> Course:
    reduce = Leg(purpose=Purpose.REDUCE, position_side=PositionSide.BOTH, held=held)
    if not settings.EXECUTION.allow_reverse:
        return Course(
            legs=(reduce,), because="It goes against the position, so it takes away from it."
        )
    close = Leg(purpose=Purpose.CLOSE, position_side=PositionSide.BOTH, held=held)
    return Course(
        legs=(close, Leg(purpose=Purpose.OPEN, position_side=PositionSide.BOTH)),
        because="It goes against the position: that is closed, then the other way is opened.",
    )


def _close(seen: Situation, held: Decimal, leg: PositionSide) -> Course:
    if not held:
        return _refused("nothing_to_close", f"no {seen.symbol} that a {_word(seen)} would close")
    return Course(
        legs=(Leg(purpose=Purpose.CLOSE, position_side=leg, held=held),),
        because=f"It closes the whole position of {decimal_text(held)}.",
    )


def _held(seen: Situation, side: PositionSide) -> Decimal:
    """Signed in one-way mode. A remainder that the venue does not trade is nothing."""
    rows = [row for row in seen.positions if _is_it(row, seen.symbol, side)]
    return sum((row.quantity for row in rows), ZERO)


def _is_it(row: BookPosition, symbol: str, side: PositionSide) -> bool:
    return row.symbol == symbol and row.side is side and not row.dust


def _refused(code: str, message: str) -> Course:
    return Course(reasons=(Reason(code, message),))


def _word(seen: Situation) -> str:
    return seen.signal.signal_type.value


def _nth(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")
