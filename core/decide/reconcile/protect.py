"""One stop per position: none missing, none too many, each as large as what it protects."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.config.settings import Settings
from core.decide.reconcile.match import Matching
from core.decide.reconcile.orders import OrderDiff
from core.decide.reconcile.replaced import NEVER, name_of
from core.decide.reconcile.stop_price import first_stop
from core.decide.reconcile.words import figure, owner
from core.domain.holding import is_dust
from core.domain.market import Instrument
from core.domain.money import floor_to_step
from core.domain.observation import Observation
from core.domain.order import LIVE, STOP_TYPES, BookOrder, BrokerOrder, PositionSide, Side
from core.domain.position import BrokerPosition, PositionKey, exit_side
from core.domain.problem import Problem
from core.plan.change import CancelDuplicateStop, CancelOrphanStop, PlaceStop, ResizeStop, Risk

Finding = PlaceStop | ResizeStop | CancelDuplicateStop | CancelOrphanStop | Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A position, if there is one worth guarding, and the stops that are meant for it."""

    key: PositionKey
    position: BrokerPosition | None
    instrument: Instrument | None
    stops: tuple[BrokerOrder, ...]

    @property
    def wanted(self) -> Decimal:
        """How much a stop has to cover, in steps that the venue can trade."""
        quantity = abs(self.position.quantity) if self.position else Decimal(0)
        step = self.instrument.quantity_step if self.instrument else None
        return floor_to_step(quantity, step) if step else quantity


def protect(
    matching: Matching, orders: OrderDiff, observation: Observation, settings: Settings
) -> Iterator[Finding]:
    """Goes by what the broker says, and only when it says everything about orders and positions."""
    if not (observation.broker.knows("orders") and observation.broker.knows("positions")):
        return
    in_flight = {step.symbol for step in observation.book.open_steps}
    uncertain = {_key(row, observation) for row in orders.unknown if row.order_type in STOP_TYPES}
    for guarded in _guarded(matching, orders, observation):
        if guarded.key.symbol in in_flight or any(map(matching.holds, guarded.stops)):
            continue  # one thing after the other: what is open there may already be the stop
        fitting = [stop for stop in guarded.stops if _fits(stop, guarded)]
        orphans = (stop for stop in guarded.stops if not _fits(stop, guarded))
        yield from (_cancel_orphan(stop, guarded, matching) for stop in orphans)
        if fitting:
            yield from _keep_one(fitting, guarded, matching)
        elif guarded.position and _needs_stop(guarded, settings):
            if guarded.key in uncertain:
                yield _uncertain(guarded)
            else:
                yield first_stop(
                    guarded.key, guarded.position, guarded.wanted, observation, settings
                )


def _guarded(matching: Matching, orders: OrderDiff, observation: Observation) -> Iterator[Guarded]:
    stops: dict[PositionKey, list[BrokerOrder]] = defaultdict(list)
    confirmed = (order for order, _ in orders.recorded if name_of(order) not in matching.listed)
    for order in (*matching.orders, *confirmed):
        if order.status in LIVE and order.type in STOP_TYPES and order.reduce_only:
            stops[_key(order, observation)].append(order)
    positions = {
        PositionKey(observation.account, each.symbol, each.side): each
        for each in observation.broker.positions
        if each.quantity
    }
    for key in sorted(stops.keys() | positions.keys()):
        instrument = observation.broker.instruments.get(key.symbol)
        position = positions.get(key)
        if position and is_dust(position.quantity, instrument):
            position = None
        yield Guarded(
            key=key, position=position, instrument=instrument, stops=tuple(stops.get(key, ()))
        )


def _key(order: BrokerOrder | BookOrder, observation: Observation) -> PositionKey:
    """Whose stop it is; in hedge mode its side tells the leg where the venue does not."""
    side = order.position_side
    if side is PositionSide.BOTH and observation.broker.position_mode == "hedge":
        side = PositionSide.LONG if order.side is Side.SELL else PositionSide.SHORT
    return PositionKey(observation.account, order.symbol, side)


def _fits(stop: BrokerOrder, guarded: Guarded) -> bool:
    position = guarded.position
    return position is not None and stop.side is exit_side(position.quantity, position.side)


def _needs_stop(guarded: Guarded, settings: Settings) -> bool:
    account = settings.ACCOUNTS.get(guarded.key.account)
    own = account.require_stop if account else None
    spot = guarded.instrument is not None and guarded.instrument.kind == "spot"
    return not spot and (settings.POSITIONS.require_stop if own is None else own)


# --- stops that are there -----------------------------------------------------------------------


def _keep_one(
    stops: Sequence[BrokerOrder], guarded: Guarded, matching: Matching
) -> Iterator[Finding]:
    best = _best(stops, guarded.wanted)
    if _covers(best) != guarded.wanted:
        yield _resize(best, guarded, matching)
    for stop in stops:
        if stop is not best:
            yield _cancel_duplicate(stop, best, guarded, matching)


def _best(stops: Sequence[BrokerOrder], wanted: Decimal) -> BrokerOrder:
    """The nearest in quantity; of equals the newest."""
    by_id = sorted(stops, key=lambda stop: stop.broker_order_id)
    newest_first = sorted(by_id, key=_created, reverse=True)
    return min(newest_first, key=lambda stop: abs(_covers(stop) - wanted))


def _created(stop: BrokerOrder) -> datetime:
    return stop.created_at or NEVER


def _covers(stop: BrokerOrder) -> Decimal:
    return stop.quantity - stop.filled_quantity


def _resize(stop: BrokerOrder, guarded: Guarded, matching: Matching) -> ResizeStop:
    return ResizeStop(
        account=guarded.key.account,
        symbol=stop.symbol,
        target=stop.broker_order_id,
        reason="stop_size",
        because=(
            f"The position is {figure(guarded.wanted)}, but {owner(matching.owns(stop))} stop "
            f"{stop.broker_order_id} covers {figure(_covers(stop))}."
        ),
        risk=Risk.MEDIUM,
        before=stop,
        after=replace(stop, quantity=guarded.wanted + stop.filled_quantity),
    )


def _cancel_duplicate(
    stop: BrokerOrder, best: BrokerOrder, guarded: Guarded, matching: Matching
) -> CancelDuplicateStop:
    return CancelDuplicateStop(
        account=guarded.key.account,
        symbol=stop.symbol,
        target=stop.broker_order_id,
        reason="duplicate_stop",
        because=(
            f"The position of {figure(guarded.wanted)} has more than one stop; "
            f"{best.broker_order_id} for {figure(_covers(best))} stays, "
            f"{owner(matching.owns(stop))} stop for {figure(_covers(stop))} goes."
        ),
        risk=Risk.MEDIUM,
        before=stop,
    )


def _cancel_orphan(stop: BrokerOrder, guarded: Guarded, matching: Matching) -> CancelOrphanStop:
    lacking = (
        f"the position it would reduce is on the other side, {figure(guarded.position.quantity)}"
        if guarded.position
        else "there is no position left for it to reduce"
    )
    return CancelOrphanStop(
        account=guarded.key.account,
        symbol=stop.symbol,
        target=stop.broker_order_id,
        reason="orphan_stop",
        because=(
            f"{owner(matching.owns(stop)).capitalize()} reduce-only {stop.side} stop for "
            f"{figure(_covers(stop))} is live, but {lacking}."
        ),
        risk=Risk.MEDIUM,
        before=stop,
    )


def _uncertain(guarded: Guarded) -> Problem:
    return Problem(
        "stop_outcome_unknown",
        guarded.key.account,
        guarded.key.target,
        f"The position of {figure(guarded.wanted)} shows no stop, but what became of one in the "
        "book is not known; placing another could make two.",
    )
