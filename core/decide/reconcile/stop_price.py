"""The first stop of a position: whether it wants one, where it goes, when it cannot be placed."""

from decimal import Decimal

from core.config.settings import Settings
from core.config.trading_settings import Positions
from core.decide.reconcile.words import figure
from core.domain.holding import is_dust
from core.domain.life import Life
from core.domain.market import ONE, Instrument
from core.domain.money import ZERO, bounded, ceil_to_step, floor_to_step
from core.domain.observation import Observation
from core.domain.order import OrderRequest, OrderType, Side
from core.domain.position import BookPosition, BrokerPosition, PositionKey, exit_side
from core.domain.problem import Problem
from core.plan.change import PlaceStop, Risk

HUNDRED = Decimal(100)


def asks_for_stop(account: str, instrument: Instrument | None, settings: Settings) -> bool:
    """Whether a position is to be protected at all; what is bought on spot is simply owned."""
    configured = settings.ACCOUNTS.get(account)
    own = configured.require_stop if configured else None
    spot = instrument is not None and instrument.kind == "spot"
    return not spot and (settings.POSITIONS.require_stop if own is None else own)


def coverable(quantity: Decimal, instrument: Instrument | None) -> Decimal:
    """How much of it a stop can cover, in whole steps; nothing of what is too small to trade."""
    step = instrument.quantity_step if instrument else None
    whole = floor_to_step(quantity, step) if step else quantity
    return ZERO if is_dust(whole, instrument) else whole


def first_stop(
    key: PositionKey,
    position: BrokerPosition,
    quantity: Decimal,
    observation: Observation,
    settings: Settings,
) -> PlaceStop | Problem:
    """A stop at the configured loss, unless the price is not known or already beyond it."""
    exit_by = exit_side(position.quantity, position.side)
    life = _life_of(key, exit_by, observation)
    settled = settings.POSITIONS
    trigger = trigger_price(position, exit_by, life, observation, settled)
    if trigger is None:
        return _unknown(key, position)
    price = _exit_price(position, exit_by, observation)
    if price is not None and (price <= trigger if exit_by is Side.SELL else price >= trigger):
        return _crossed(key, quantity, trigger, price)
    return _placed(key, position, quantity, trigger, life, leverage_of(position, settled), settled)


def stop_of_entry(
    life: Life,
    position: BookPosition,
    leverage: Decimal,
    instrument: Instrument | None,
    settings: Settings,
) -> PlaceStop | None:
    """The same for a position that an order of ours has just entered, from what the book knows.

    Its price was met a moment ago, so it is not asked for once more.
    """
    quantity = coverable(life.quantity, instrument)
    trigger = wanted_stop(life, leverage, instrument, settings.POSITIONS)
    wanted = asks_for_stop(life.account, instrument, settings)
    if trigger is None or not wanted or not quantity:
        return None
    return _placed(life.key, position, quantity, trigger, life, leverage, settings.POSITIONS)


def _placed(
    key: PositionKey,
    position: BrokerPosition | BookPosition,
    quantity: Decimal,
    trigger: Decimal,
    life: Life | None,
    leverage: Decimal,
    settings: Positions,
) -> PlaceStop:
    return PlaceStop(
        account=key.account,
        symbol=key.symbol,
        target=key.target,
        reason="no_stop",
        because=(
            f"The position of {figure(quantity)} at {figure(position.average_price)} has no stop; "
            f"{_where(trigger, life, leverage, settings)}."
        ),
        risk=Risk.MEDIUM,
        after=OrderRequest(
            symbol=key.symbol,
            side=exit_side(position.quantity, position.side),
            position_side=position.side,
            type=OrderType.STOP,
            quantity=quantity,
            trigger_price=trigger,
            reduce_only=True,
        ),
    )


def trigger_price(
    position: BrokerPosition,
    exit_by: Side,
    life: Life | None,
    observation: Observation,
    settings: Positions,
) -> Decimal | None:
    """At the loss that was asked for, or where the position's last stop stood when that is tighter:
    a stop never loosens, also when it has to be placed anew."""
    instrument = observation.broker.instruments.get(position.symbol)
    trigger = stop_at(
        position.average_price,
        loss_pct(life, settings),
        leverage_of(position, settings),
        instrument,
        exit_by,
    )
    return _tighter(trigger, life.stop_price if life else None, exit_by)


def wanted_stop(
    life: Life, leverage: Decimal, instrument: Instrument | None, settings: Positions
) -> Decimal | None:
    """The same for a position by its life, as long as nobody asks the broker."""
    exit_by = life.direction.exit_side
    trigger = stop_at(life.entry_price, loss_pct(life, settings), leverage, instrument, exit_by)
    return _tighter(trigger, life.stop_price, exit_by)


def stop_at(
    entry: Decimal | None,
    pct: Decimal,
    leverage: Decimal,
    instrument: Instrument | None,
    exit_by: Side,
) -> Decimal | None:
    """Rounded towards the entry, so that the loss never becomes larger than asked for."""
    if not entry:
        return None
    exact = bounded(entry * (ONE - exit_by.opposite.sign * pct / HUNDRED / leverage))
    tick = instrument.price_tick if instrument else None
    if not tick:
        trigger = exact
    else:
        trigger = (ceil_to_step if exit_by is Side.SELL else floor_to_step)(exact, tick)
    return trigger if trigger > 0 else None


def loss_pct(life: Life | None, settings: Positions) -> Decimal:
    """What the position's signal asked for, or what is configured."""
    return (life.stop_loss_pct if life else None) or settings.initial_stop_pct


def _tighter(one: Decimal | None, other: Decimal | None, exit_by: Side) -> Decimal | None:
    known = [each for each in (one, other) if each is not None]
    if not known:
        return None
    return max(known) if exit_by is Side.SELL else min(known)


def _life_of(key: PositionKey, exit_by: Side, observation: Observation) -> Life | None:
    lives = (life for life in observation.book.lives if life.key == key)
    return next((life for life in lives if life.direction.exit_side is exit_by), None)


def _where(trigger: Decimal, life: Life | None, leverage: Decimal, settings: Positions) -> str:
    if life and life.stop_price == trigger:
        return f"its last one stood at {figure(trigger)}"
    return (
        f"a loss of {figure(loss_pct(life, settings))} % at leverage {figure(leverage)} is "
        f"reached at {figure(trigger)}"
    )


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
        f"where it would be, {figure(trigger)}; placing it now would close at once. A running "
        f"service leaves it, or you do: trueup close {key.symbol}",
    )
