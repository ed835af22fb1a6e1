"""S&P positions: what was there at start-up, and when to leave."""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.config.settings import Reconcile, Settings
from core.decide.reconcile.words import figure
from core.domain.holding import is_dust
from core.domain.market import ONE, Instrument
from core.domain.observation import Observation
from core.domain.order import OrderRequest, OrderType
from core.domain.position import BrokerPosition, PositionKey, exit_side, signed
from core.domain.problem import Problem
from core.plan.change import CloseRecommendation, InitialState, Risk, RollDue, TakeProfit

Finding = InitialState | CloseRecommendation | TakeProfit | RollDue | Problem
Leave = type[CloseRecommendation] | type[TakeProfit] | type[RollDue]

HUNDRED = Decimal(100)
# A futures contract: the root, the month's letter, one or two digits of the year.
CONTRACT = re.compile(r"([A-Z0-9]+)[FGHJKMNQUVXZ]\d{1,2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason to leave a position; the change that says so, and why."""

    leave: Leave
    reason: str
    why: str


def watch_spy(
    observation: Observation,
    settings: Settings,
    entering: Container[PositionKey],
    now: datetime,
) -> Iterator[Finding]:
    """`entering`: the positions that this plan takes into the book, or moves.

    At most one order per position is recommended, whatever the number of reasons to leave it.
    """
    if not observation.broker.knows("positions"):
        return
    book = observation.book
    held = {(row.symbol, row.side) for row in book.positions if row.quantity}
    in_flight = {step.symbol for step in book.open_steps}
    positions = sorted(observation.broker.positions, key=lambda each: (each.symbol, each.side))
    for position in positions:
        instrument = observation.broker.instruments.get(position.symbol)
        tradable = position.quantity and not is_dust(position.quantity, instrument)
        if not tradable or not is_spy(position.symbol, instrument, settings.RECONCILE):
            continue
        key = PositionKey(observation.account, position.symbol, position.side)
        if (position.symbol, position.side) not in held and key in entering:
            yield _initial_state(key, position)
        gain = gain_pct(position, instrument)
        if gain is None:
            yield _unknown(key, position)
        causes = _causes(position, gain, instrument, settings.RECONCILE, now)
        if causes and position.symbol not in in_flight:
            yield _leave(key, position, causes)


def is_spy(symbol: str, instrument: Instrument | None, settings: Reconcile) -> bool:
    """By its symbol, by what underlies it, or by the root of a futures code."""
    contract = CONTRACT.fullmatch(symbol)
    names = {symbol, instrument.base if instrument else None, contract and contract[1]}
    return not names.isdisjoint(settings.spy_symbols)


def gain_pct(position: BrokerPosition, instrument: Instrument | None) -> Decimal | None:
    """In percent of the entry; below zero is a loss."""
    entry = position.average_price
    if not entry:
        return None
    quantity = signed(position.quantity, position.side)
    if position.mark_price is not None:
        return (position.mark_price - entry) / entry * HUNDRED * (1 if quantity > 0 else -1)
    if position.unrealized_pnl is None:
        return None
    size = instrument.multiplier if instrument else ONE
    return position.unrealized_pnl / (abs(quantity) * entry * size) * HUNDRED


def _causes(
    position: BrokerPosition,
    gain: Decimal | None,
    instrument: Instrument | None,
    settings: Reconcile,
    now: datetime,
) -> list[Cause]:
    """The most pressing first."""
    causes = []
    if gain is not None and -gain > settings.max_unrealized_loss_pct:
        why = f"it loses {_pct(-gain)}, and {figure(settings.max_unrealized_loss_pct)} % is allowed"
        causes.append(Cause(CloseRecommendation, "loss_threshold", why))
    if gain is not None and gain > settings.take_profit_threshold_pct:
        why = f"it gains {_pct(gain)}, and {figure(settings.take_profit_threshold_pct)} % is enough"
        causes.append(Cause(TakeProfit, "profit_threshold", why))
    if instrument and instrument.expiry:
        days = (instrument.expiry.date() - now.date()).days
        if 0 <= days <= settings.roll_days_before_expiry:
            why = f"its contract expires in {days} days, on {instrument.expiry.date()}"
            causes.append(Cause(RollDue, "expires_soon", why))
    return causes


def _leave(key: PositionKey, position: BrokerPosition, causes: list[Cause]) -> Finding:
    first, *others = causes
    also = "".join(f"; also, {cause.why}" for cause in others)
    return first.leave(
        account=key.account,
        symbol=key.symbol,
        target=key.target,
        reason=first.reason,
        because=f"The position of {_held(position)}: {first.why}{also}.",
        risk=Risk.HIGH,
        before=position,
        after=OrderRequest(
            symbol=key.symbol,
            side=exit_side(position.quantity, position.side),
            position_side=position.side,
            type=OrderType.MARKET,
            quantity=abs(position.quantity),
            reduce_only=True,
        ),
    )


def _initial_state(key: PositionKey, position: BrokerPosition) -> InitialState:
    return InitialState(
        account=key.account,
        symbol=key.symbol,
        target=key.target,
        reason="at_start_up",
        because=f"The broker holds {_held(position)}, which the book did not have at start-up.",
        before=position,
    )


def _unknown(key: PositionKey, position: BrokerPosition) -> Problem:
    return Problem(
        "spy_price_unknown",
        key.account,
        key.target,
        f"The position of {_held(position)} cannot be judged: the broker tells neither a mark "
        "price nor an unrealized profit that could be set against an average price.",
    )


def _held(position: BrokerPosition) -> str:
    return f"{figure(position.quantity)} {position.symbol} at {figure(position.average_price)}"


def _pct(value: Decimal) -> str:
    return f"{figure(value.quantize(Decimal('0.01')))} %"
