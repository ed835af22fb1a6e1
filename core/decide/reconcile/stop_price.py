"""The first stop of a position: where it goes, and when it cannot be placed."""

from decimal import Decimal

from core.config.settings import Positions, Settings
from core.decide.reconcile.words import figure
from core.domain.market import ONE, Instrument
from core.domain.money import bounded, ceil_to_step, floor_to_step
from core.domain.observation import Observation
from core.domain.order import OrderRequest, OrderType, Side
from core.domain.position import BrokerPosition, PositionKey, exit_side
from core.domain.problem import Problem
from core.plan.change import PlaceStop, Risk

HUNDRED = Decimal(100)


def first_stop(
    key: PositionKey,
    position: BrokerPosition,
    quantity: Decimal,
    observation: Observation,
    settings: Settings,
) -> PlaceStop | Problem:
    """A stop at the configured loss, unless the price is not known or already beyond it."""
    exit_by = exit_side(position.quantity, position.side)
    instrument = observation.broker.instruments.get(key.symbol)
    trigger = trigger_price(position, exit_by, instrument, settings.POSITIONS)
    if trigger is None:
        return _unknown(key, position)
    price = _exit_price(position, exit_by, observation)
    if price is not None and (price <= trigger if exit_by is Side.SELL else price >= trigger):
        return _crossed(key, quantity, trigger, price)
    return PlaceStop(
        account=key.account,
        symbol=key.symbol,
        target=key.target,
        reason="no_stop",
        because=(
            f"The position of {figure(quantity)} at {figure(position.average_price)} has no stop; "
            f"a loss of {figure(settings.POSITIONS.initial_stop_pct)} % at leverage "
            f"{figure(leverage_of(position, settings.POSITIONS))} is reached at {figure(trigger)}."
        ),
        risk=Risk.MEDIUM,
        after=OrderRequest(
            symbol=key.symbol,
            side=exit_by,
            position_side=position.side,
            type=OrderType.STOP,
            quantity=quantity,
            trigger_price=trigger,
            reduce_only=True,
        ),
    )


def trigger_price(
    position: BrokerPosition, exit_by: Side, instrument: Instrument | None, settings: Positions
) -> Decimal | None:
    """Rounded towards the entry, so that the loss never becomes larger than configured."""
    if not position.average_price:
        return None
    distance = settings.initial_stop_pct / HUNDRED / leverage_of(position, settings)
    exact = bounded(position.average_price * (ONE - exit_by.opposite.sign * distance))
    tick = instrument.price_tick if instrument else None
    if not tick:
        trigger = exact
    else:
        trigger = (ceil_to_step if exit_by is Side.SELL else floor_to_step)(exact, tick)
    return trigger if trigger > 0 else None


def leverage_of(position: BrokerPosition, settings: Positions) -> Decimal:
    return position.leverage or settings.default_leverage


def _exit_price(
    position: BrokerPosition, exit_by: Side, observation: Observation
) -> Decimal | None:
    """What leaving the position would fetch now."""
    quote = observation.broker.quotes.get(position.symbol)
    side = (quote.bid if exit_by is Side.SELL else quote.ask) if quote else None
    return side or position.mark_price


def _unknown(key: PositionKey, position: BrokerPosition) -> Problem:
    return Problem(
        "stop_price_unknown",
        key.account,
        key.target,
        f"The position of {figure(abs(position.quantity))} has no stop, and none can be placed: "
        f"its average price is {figure(position.average_price)}, from which no trigger follows.",
    )


def _crossed(key: PositionKey, quantity: Decimal, trigger: Decimal, price: Decimal) -> Problem:
    return Problem(
        "stop_already_crossed",
        key.account,
        key.target,
        f"The position of {figure(quantity)} has no stop, and {figure(price)} is already beyond "
        f"where it would be, {figure(trigger)}; placing it now would close at once.",
    )
