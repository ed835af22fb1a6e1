"""Stage B: whether an exit may be done now, and with which order.

Every reason against it is told, not only the first. A stop, a trailing stop and a person's wish go
to the market; a target and the end of the holding time ask for a price.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.config.settings import Settings
from core.decide.exits.reasons import ExitRefusal, refused_for
from core.domain.exit import PROTECTIVE, ExitCause, ExitIntent, ExitState
from core.domain.intent import FROZEN, Halt
from core.domain.life import Direction, Life
from core.domain.market import Instrument, Quote
from core.domain.money import ZERO, ceil_to_step, decimal_text, floor_to_step
from core.domain.order import OrderType, Side
from core.domain.trade import Trade, TradeStatus
from core.domain.window import windows_of

_BY_LIMIT = frozenset({ExitCause.TARGET_HIT, ExitCause.TIME_BASED})
# Markets that know no orders which can only reduce.
_NO_REDUCE_ONLY = frozenset({"spot", "stock"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitSituation:
    """Everything that the qualification of one exit may look at."""

    intent: ExitIntent
    # How much was asked for; None means all of the trade.
    asked: Decimal | None
    trade: Trade
    life: Life
    now: datetime
    enabled: bool = True
    unreachable: str | None = None
    instrument: Instrument | None = None
    quote: Quote | None = None
    halts: tuple[Halt, ...] = ()
    # Other exits of the same trade that are under way.
    under_way: tuple[ExitIntent, ...] = ()


def is_market(cause: ExitCause) -> bool:
    return cause not in _BY_LIMIT


def qualify_exit(seen: ExitSituation, settings: Settings) -> ExitIntent:
    """The intent as approved with its order, or as rejected with every reason."""
    quantity = _quantity(seen)
    kind = OrderType.MARKET if is_market(seen.intent.cause) else OrderType.LIMIT
    price = _price(seen) if kind is OrderType.LIMIT else None
    reasons = list(_objections(seen, settings, quantity, kind, price))
    if reasons:
        told = [{"code": each.code, "message": each.message} for each in reasons]
        return replace(
            seen.intent,
            state=ExitState.REJECTED,
            updated_at=seen.now,
            reasons={"reasons": told},
            outcome=", ".join(each.code for each in reasons),
        )
    return replace(
        seen.intent,
        state=ExitState.APPROVED,
        updated_at=seen.now,
        quantity=quantity,
        order_type=kind,
        price=price,
        reduce_only=seen.instrument is None or seen.instrument.kind not in _NO_REDUCE_ONLY,
        because={"because": list(_sentences(seen, quantity, kind, price))},
    )


def is_refused_alike(seen: ExitSituation, settings: Settings) -> bool:
    """Whether an intent that was refused would be refused for the very same reasons now."""
    before = refused_for(seen.intent)
    return bool(before) and before == refused_for(qualify_exit(seen, settings))


def _objections(
    seen: ExitSituation,
    settings: Settings,
    quantity: Decimal,
    kind: OrderType,
    price: Decimal | None,
) -> Iterator[ExitRefusal]:
    intent, trade = seen.intent, seen.trade
    if not seen.enabled:
        yield ExitRefusal("ACCOUNT_DISABLED", f"{intent.account} is not enabled")
    if seen.unreachable:
        yield ExitRefusal("ACCOUNT_UNREACHABLE", seen.unreachable)
    if trade.status is TradeStatus.CLOSED or not seen.life.quantity:
        yield ExitRefusal("TRADE_CLOSED", f"nothing of {trade.trade_id} is open")
    elif _is_too_small(quantity, seen.instrument):
        yield ExitRefusal("BELOW_MINIMUM", f"{decimal_text(trade.open_quantity)} is left of it")
    if _is_foreign(seen, settings):
        yield ExitRefusal("NOT_OURS", "the position was opened by hand and is to be left alone")
    if intent.side is not trade.direction.exit_side or trade.account != intent.account:
        yield ExitRefusal("WRONG_DIRECTION", f"a {intent.side} does not leave a {trade.direction}")
    for other in seen.under_way:
        yield ExitRefusal("EXIT_PENDING", f"{other.exit_intent_id} is {other.state}")
    yield from _window(seen, settings)
    for halt in seen.halts:
        if halt.kind == FROZEN:
            yield ExitRefusal("PORTFOLIO_FROZEN", halt.reason)
    if kind is OrderType.LIMIT and price is None:
        yield ExitRefusal("NO_PRICE", f"the venue tells no price of {intent.symbol}")


def _is_too_small(quantity: Decimal, instrument: Instrument | None) -> bool:
    least = instrument.min_quantity if instrument else None
    return quantity <= ZERO or (least is not None and quantity < least)


def _is_foreign(seen: ExitSituation, settings: Settings) -> bool:
    """A person may leave what a person entered; the program only where it was told to care."""
    by_hand = seen.life.signal_source in ("external", "adopted")
    left_alone = not settings.POSITIONS.protect_external_positions
    return by_hand and left_alone and seen.intent.cause is not ExitCause.MANUAL


def _window(seen: ExitSituation, settings: Settings) -> Iterator[ExitRefusal]:
    """A stop may go at any time of the session, everything else not in its last minutes."""
    windows = windows_of(seen.intent.account, settings.EXITS.windows)
    if not windows:
        return
    ends = [end for window in windows if (end := window.closes_at(seen.now))]
    if not ends:
        yield ExitRefusal("WINDOW_CLOSED", f"no session of {seen.intent.account} goes on now")
        return
    last = timedelta(minutes=settings.EXITS.last_minutes)
    if max(ends) - seen.now <= last and seen.intent.cause not in PROTECTIVE:
        yield ExitRefusal("WINDOW_ENDING", f"the session ends at {max(ends):%H:%M %Z}")


# --- the order ------------------------------------------------------------------------------------


def _quantity(seen: ExitSituation) -> Decimal:
    """What was asked for, at most what is open, in steps that the venue can trade."""
    wanted = min(
        seen.asked if seen.asked is not None else seen.trade.open_quantity,
        seen.trade.open_quantity,
        seen.life.quantity,
    )
    step = seen.instrument.quantity_step if seen.instrument else None
    return floor_to_step(wanted, step) if step else wanted


def _price(seen: ExitSituation) -> Decimal | None:
    """The target itself, or what the market gives now; rounded to where it can be filled."""
    sells = seen.trade.direction is Direction.LONG
    quoted = (seen.quote.bid if sells else seen.quote.ask) if seen.quote else None
    wanted = seen.trade.target if seen.intent.cause is ExitCause.TARGET_HIT else quoted
    tick = seen.instrument.price_tick if seen.instrument else None
    if wanted is None or not tick:
        return wanted
    return floor_to_step(wanted, tick) if sells else ceil_to_step(wanted, tick)


def _sentences(
    seen: ExitSituation, quantity: Decimal, kind: OrderType, price: Decimal | None
) -> Iterator[str]:
    how = "at the market" if kind is OrderType.MARKET else f"at {decimal_text(price or ZERO)}"
    word = "Sells" if seen.intent.side is Side.SELL else "Buys"
    yield f"{word} {decimal_text(quantity)} {how}."
    rest = seen.trade.open_quantity - quantity
    if rest:
        yield f"{decimal_text(rest)} of the trade stays open."
