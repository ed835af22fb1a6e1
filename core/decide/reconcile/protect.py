"""One stop per position: none missing, none too many, each as large as what it protects."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.config.settings import Settings
from core.decide.reconcile.match import Matching
from core.decide.reconcile.orders import OrderDiff
from core.decide.reconcile.replaced import NEVER, name_of
from core.decide.reconcile.stop_changes import (
    cancel_duplicate,
    cancel_orphan,
    covers,
    not_ours,
    renew_stop,
    replace_stop,
    resize,
    uncertain_stop,
)
from core.decide.reconcile.stop_price import asks_for_stop, coverable, first_stop
from core.decide.reconcile.words import owner
from core.domain.market import Instrument
from core.domain.money import ZERO
from core.domain.observation import Observation
from core.domain.order import (
    LIVE,
    STOP_TYPES,
    Allows,
    BookOrder,
    BrokerOrder,
    PositionSide,
    Side,
)
from core.domain.position import BrokerPosition, PositionKey, exit_side
from core.domain.problem import Problem
from core.plan.change import CancelDuplicateStop, CancelOrphanStop, PlaceStop, ResizeStop

# How long a stop lives where the venue ends it by itself; settings say at which age it is renewed.
LIFE = timedelta(days=7)

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
        return coverable(abs(self.position.quantity), self.instrument) if self.position else ZERO


def protect(
    matching: Matching,
    orders: OrderDiff,
    observation: Observation,
    settings: Settings,
    now: datetime,
    unexplained: Collection[PositionKey] = (),
) -> Iterator[Finding]:
    """Goes by what the broker says, and only when it says everything about orders and positions."""
    if not (observation.broker.knows("orders") and observation.broker.knows("positions")):
        return
    in_flight = {step.symbol for step in observation.book.open_steps}
    rest = LIFE - timedelta(days=settings.POSITIONS.plan_order_renewal_days)
    uncertain = {_key(row, observation) for row in orders.unknown if row.order_type in STOP_TYPES}
    for guarded in _guarded(matching, orders, observation):
        if guarded.key.symbol in in_flight or any(map(matching.holds, guarded.stops)):
            continue  # one thing after the other: what is open there may already be the stop
        fitting = [stop for stop in guarded.stops if _fits(stop, guarded)]
        orphans = [stop for stop in guarded.stops if not _fits(stop, guarded)]
        gone = guarded.position is None and guarded.key in unexplained
        if gone and _is_yet_to_be_listed(guarded.key, observation, settings):
            continue  # the venue is slow to list what it has just let us enter
        yield from (_remove_orphan(stop, guarded, matching) for stop in orphans)
        if fitting:
            yield from _keep_one(fitting, guarded, matching, now + rest)
        elif guarded.position and _needs_stop(guarded, settings, observation):
            if guarded.key in uncertain:
                yield uncertain_stop(guarded.key, guarded.wanted)
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
        if position and not coverable(abs(position.quantity), instrument):
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


def _is_yet_to_be_listed(key: PositionKey, observation: Observation, settings: Settings) -> bool:
    grace = timedelta(milliseconds=settings.POSITIONS.close_grace_ms)
    return any(
        life.key == key
        and life.quantity
        and life.gone_since is None
        and life.entry_time is not None
        and observation.broker.taken_at - life.entry_time < grace
        for life in observation.book.lives
    )


def _needs_stop(guarded: Guarded, settings: Settings, observation: Observation) -> bool:
    if not settings.POSITIONS.protect_external_positions and (
        guarded.key in observation.book.foreign or not _is_booked(guarded.key, observation)
    ):
        # What the book has not heard of yet was opened by nobody here.
        return False
    return asks_for_stop(guarded.key.account, guarded.instrument, settings)


def _is_booked(key: PositionKey, observation: Observation) -> bool:
    rows = observation.book.positions
    return any((row.symbol, row.side) == (key.symbol, key.side) and row.quantity for row in rows)


# --- stops that are there -----------------------------------------------------------------------


def _keep_one(
    stops: Sequence[BrokerOrder], guarded: Guarded, matching: Matching, ending_before: datetime
) -> Iterator[Finding]:
    best = _best(stops, guarded.wanted, ending_before)
    going = [stop for stop in stops if stop is not best]
    if mended := _mend(best, guarded, owner(matching.owns(best)), ending_before):
        yield mended
        if isinstance(mended, PlaceStop):
            going.insert(0, best)
    yield from (_remove_duplicate(stop, best, guarded, matching) for stop in going)


def _mend(
    stop: BrokerOrder, guarded: Guarded, whose: str, ending_before: datetime
) -> PlaceStop | ResizeStop | Problem | None:
    """A stop has to be of the right size, and must not end by itself before it is looked at."""
    key, wanted = guarded.key, guarded.wanted
    if covers(stop) != wanted:
        if stop.allows is Allows.NOTHING:
            return not_ours(stop, key, wanted, whose)
        if stop.allows is Allows.CANCEL:
            return replace_stop(stop, key, wanted, whose)
        return resize(stop, key, wanted, whose)
    if _ends(stop, ending_before) and stop.allows is not Allows.NOTHING:
        return renew_stop(stop, key, wanted, whose)
    return None


def _ends(stop: BrokerOrder, before: datetime) -> bool:
    return stop.expires_at is not None and stop.expires_at <= before


def _best(stops: Sequence[BrokerOrder], wanted: Decimal, ending_before: datetime) -> BrokerOrder:
    """The tightest, for a stop never loosens; then the nearest in quantity; of equals what would
    stay anyway, what lasts, or the newest.

    One of the wrong size that nobody here can change is of no use while there are others.
    """
    tightest = _tightest(stops)
    by_id = sorted(stops, key=lambda stop: stop.broker_order_id)
    newest_first = sorted(by_id, key=_created, reverse=True)

    def unfit(stop: BrokerOrder) -> tuple[bool, bool, Decimal, bool, bool]:
        foreign, distance = stop.allows is Allows.NOTHING, abs(covers(stop) - wanted)
        loose = stop.trigger_price not in (None, tightest)
        return foreign and distance != 0, loose, distance, not foreign, _ends(stop, ending_before)

    return min(newest_first, key=unfit)


def _tightest(stops: Sequence[BrokerOrder]) -> Decimal | None:
    triggers = [stop.trigger_price for stop in stops if stop.trigger_price is not None]
    if not triggers:
        return None
    return max(triggers) if stops[0].side is Side.SELL else min(triggers)


def _created(stop: BrokerOrder) -> datetime:
    return stop.created_at or NEVER


def _remove_duplicate(
    stop: BrokerOrder, best: BrokerOrder, guarded: Guarded, matching: Matching
) -> Finding:
    whose = owner(matching.owns(stop))
    if stop.allows is Allows.NOTHING:
        return not_ours(stop, guarded.key, guarded.wanted, whose, stays=best)
    return cancel_duplicate(stop, best, guarded.key, guarded.wanted, whose)


def _remove_orphan(stop: BrokerOrder, guarded: Guarded, matching: Matching) -> Finding:
    whose = owner(matching.owns(stop))
    held = guarded.position.quantity if guarded.position else None
    if stop.allows is Allows.NOTHING:
        return not_ours(stop, guarded.key, Decimal(0), whose)
    return cancel_orphan(stop, guarded.key, held, whose)
