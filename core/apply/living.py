"""The lives of positions follow what is booked, in the transaction that books it.

Two things move a life: rows that were bought or sold (`follow_executions`), and orders that were
begun, filled or ended (`follow_orders`). Both read what they need from the open transaction, ask
the pure rules of core/decide/lifecycle, and write what differs, its history and its telling.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import islice

from core.apply.booked_rows import correction_booked, rows_booked, terms_of
from core.apply.life_telling import tell_stop, tell_transitions
from core.decide.lifecycle.booked import Walk, walked
from core.decide.lifecycle.corrected import correct
from core.decide.lifecycle.standing import Facts, follow
from core.domain.execution import MOVING, BookExecution
from core.domain.holding import Correction, key_of, mode_of
from core.domain.intent import ENTERING, IntentState, TradeIntent, orders_of
from core.domain.life import Direction, Life, LifeState, Transition, position_name
from core.domain.market import Instrument
from core.domain.order import STOP_TYPES, BookOrder, Origin, PositionSide
from core.domain.position import BookPosition, PositionKey
from core.ports import BookReading, BookWriting

_SENT = frozenset({IntentState.APPROVED, IntentState.PLACED, IntentState.FILLED})
# How many of the latest exits are looked at for what they have filled.
_LATEST = 5


# --- bought and sold ------------------------------------------------------------------------------


def follow_executions(
    book: BookWriting,
    executions: Sequence[BookExecution],
    positions: Sequence[BookPosition],
    *,
    corrections: Sequence[Correction] = (),
    instruments: Mapping[str, Instrument],
    flat: Collection[PositionKey],
    at: datetime,
) -> None:
    """After these rows and positions were written; `flat` are those the broker showed as such."""
    rows: dict[PositionKey, list[BookExecution]] = defaultdict(list)
    corrected: dict[PositionKey, list[Correction]] = defaultdict(list)
    for row in executions:
        if row.kind in MOVING:
            rows[key_of(row)].append(row)
    for each in corrections:
        corrected[key_of(each[0])].append(each)
    for position in positions:
        key = PositionKey(position.account, position.symbol, position.side)
        instrument = instruments.get(key.symbol)
        walk = _walk(book, key, instrument, confirmed=key in flat, at=at)
        for each in corrected.get(key, ()):
            correct(walk, *correction_booked(book, each, walk, instrument))
        booked = rows_booked(book, rows.get(key, ()), walk, instrument)
        _write(book, walked(walk, booked, position))
    for account, symbol in {(position.account, position.symbol) for position in positions}:
        follow_orders(book, account, symbol, at=at)


def _walk(
    book: BookReading,
    key: PositionKey,
    instrument: Instrument | None,
    *,
    confirmed: bool,
    at: datetime,
) -> Walk:
    lives = {
        life.position_id: life
        for life in book.lives(key.account, symbol=key.symbol)
        if life.side is key.side
    }
    trades = book.trades_of(lives)
    return Walk(
        key=key,
        instrument=instrument,
        mode=mode_of(key.side),
        confirmed=confirmed,
        at=at,
        lives=lives,
        trades={trade.trade_id: trade for trade in trades},
    )


def _write(book: BookWriting, walk: Walk) -> None:
    known = {life.position_id for life in book.lives(walk.key.account, symbol=walk.key.symbol)}
    changed = [walk.lives[name] for name in walk.lives if name in walk.changed]
    ended = [life for name, life in walk.ended.items() if name in walk.changed]
    # What is over gives its place free before another one takes it.
    for life in (*ended, *changed):
        if life.position_id in known:
            _move_on(book, life, walk.transitions)
        else:
            book.insert_lives([life])
    book.put_trades([walk.trades[name] for name in walk.trades if name in walk.changed_trades])
    lives = {**walk.ended, **walk.lives}
    tell_transitions(book, walk.transitions, lives)


def _move_on(book: BookWriting, life: Life, transitions: Sequence[Transition]) -> None:
    """State by state: the book takes no life that skips one, however much happened at once."""
    mine = [each for each in transitions if each.position_id == life.position_id]
    for each in mine[:-1]:
        book.update_lives([replace(life, state=each.to_state)])
    book.update_lives([life])


# --- begun, filled and ended ----------------------------------------------------------------------


def queue_life(book: BookWriting, intent: TradeIntent, at: datetime) -> None:
    """An approved intent that enters wishes for a position, unless there is one."""
    entering = [order for order in orders_of(intent) if order.purpose in ENTERING]
    if intent.state is not IntentState.APPROVED or not entering:
        return
    order = entering[0]
    direction = Direction.LONG if order.side.sign > 0 else Direction.SHORT
    signal = book.signal(intent.signal_id)
    terms = terms_of(signal) if signal else None
    for life in book.lives(intent.account, symbol=intent.symbol):
        if life.direction is direction:
            return
    life = Life(
        position_id=position_name(intent.account, intent.intent_id),
        account=intent.account,
        symbol=intent.symbol,
        side=order.position_side,
        direction=direction,
        state=LifeState.QUEUED,
        mode=mode_of(order.position_side),
        stop_loss_pct=terms.stop_loss_pct if terms else None,
        take_profit_pct=terms.take_profit_pct if terms else None,
        bot_id=terms.strategy_id if terms else None,
        signal_source="signal",
        signal_id=intent.signal_id,
        entry_quadrant=terms.quadrant if terms else None,
        entry_bias=terms.bias if terms else None,
        trace_id=intent.trace_id,
        created_at=at,
        updated_at=at,
    )
    book.insert_lives([life])
    born = Transition(
        position_id=life.position_id, to_state=LifeState.QUEUED, reason="approved", at=at
    )
    tell_transitions(book, [born], {life.position_id: life})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a whole look told of lives, by position id."""

    shown: Mapping[str, bool] = field(default_factory=dict)
    leverage: Mapping[str, Decimal] = field(default_factory=dict)


NOTHING_SEEN = Seen()
Followed = tuple[Life, Life, list[Transition]]


def follow_orders(
    book: BookWriting, account: str, symbol: str, *, at: datetime, seen: Seen = NOTHING_SEEN
) -> None:
    for before, after, transitions in would_follow(book, account, symbol, at=at, seen=seen):
        _move_on(book, after, transitions)
        tell_transitions(book, transitions, {after.position_id: after})
        tell_stop(book, before, after)


def would_follow(
    book: BookReading, account: str, symbol: str, *, at: datetime, seen: Seen = NOTHING_SEEN
) -> Iterator[Followed]:
    """Every life of the symbol that its orders, or what was seen, make another one."""
    lives = book.lives(account, symbol=symbol)
    if not lives:
        return
    live = book.live_orders_in(account, symbol)
    exits = {row.order_id for row in book.exits_of([row.order_id for row in live])}
    intents = book.intents(account, symbol=symbol, states={IntentState.APPROVED})
    for life in lives:
        facts = _facts(book, life, live, exits, intents, seen)
        after, transitions = follow(life, facts, at)
        if after != life or transitions:
            yield life, after, transitions


def _facts(
    book: BookReading,
    life: Life,
    live: Sequence[BookOrder],
    exits: Collection[str],
    intents: Sequence[TradeIntent],
    seen: Seen,
) -> Facts:
    mine = [row for row in live if _speaks_of(row, life)]
    out = [row for row in mine if row.side is life.direction.exit_side]
    guards = [row for row in out if row.order_type in STOP_TYPES and row.reduce_only]
    # One that is merely on its way may never stand; whoever believed in it would loosen it again.
    stops = tuple(row for row in guards if row.broker_order_id)
    leaving = [row for row in out if row not in guards and _leaves(row, exits)]
    entering = [
        row
        for row in mine
        if row.side is life.direction.entry_side and not row.reduce_only and row.signal_id
    ]
    wanted = any(_enters(intent, life.direction) for intent in intents)
    unborn = life.state in (LifeState.QUEUED, LifeState.EXECUTING)
    return Facts(
        entry_wanted=wanted or bool(entering),
        entry_begun=bool(entering) or (unborn and _has_filled(book, life)),
        entry_filled=unborn and _has_filled(book, life),
        exit_out=bool(life.quantity)
        and sum((row.quantity - row.filled_quantity for row in leaving), Decimal(0))
        >= life.quantity,
        exit_filled=life.state is LifeState.CLOSING and _exit_filled(book, life),
        stops=stops if life.quantity else (),
        stop_filled=_stop_filled(book, life),
        shown=seen.shown.get(life.position_id),
        leverage=seen.leverage.get(life.position_id),
    )


def _speaks_of(row: BookOrder, life: Life) -> bool:
    return row.position_side in (PositionSide.BOTH, life.side)


def _leaves(row: BookOrder, exits: Collection[str]) -> bool:
    ours = row.origin is Origin.OWNED
    return row.order_id in exits or (ours and bool(row.reduce_only))


def _enters(intent: TradeIntent, direction: Direction) -> bool:
    return intent.side is direction.entry_side and any(
        order.purpose in ENTERING for order in orders_of(intent)
    )


def _exit_filled(book: BookReading, life: Life) -> bool:
    """What its latest exits have filled is not all booked: that they failed is not said yet."""
    exits = book.recent_exits(life.account, life.symbol, _LATEST)
    intents = list(islice(book.latest_intents(life.account, life.symbol, _SENT), _LATEST))
    sent = [
        *book.orders(life.account, order_ids=[each.key_of(each.tries) for each in exits]),
        *book.orders_of_signals({intent.signal_id for intent in intents}),
    ]
    mine = [
        row for row in sent if row.account == life.account and row.side is life.direction.exit_side
    ]
    return _is_unbooked(book, life.account, mine)


def _stop_filled(book: BookReading, life: Life) -> bool:
    if life.stop_order_id is None:
        return False
    rows = book.orders(life.account, order_ids=[life.stop_order_id])
    return any(row.filled_quantity for row in rows)


def _has_filled(book: BookReading, life: Life) -> bool:
    """An order of its signal that enters has, and what it bought or sold is on its way."""
    assert life.signal_id is not None, "what has not entered yet was wished for by a signal"
    names = {
        replace(order, tries=tries).key
        for intent in book.intents(life.account, signal_id=life.signal_id)
        for order in orders_of(intent)
        if order.purpose in ENTERING and order.side is life.direction.entry_side
        for tries in range(1, intent.tries + 1)
    }
    return _is_unbooked(book, life.account, book.orders(life.account, order_ids=names))


def _is_unbooked(book: BookReading, account: str, orders: Sequence[BookOrder]) -> bool:
    """Whether one of them filled more than what the book has of it."""
    left = {row.broker_order_id: row.filled_quantity for row in orders if row.filled_quantity}
    for row in book.executions_of(account, [name for name in left if name]):
        if row.kind in MOVING:
            left[row.broker_order_id] -= row.quantity
    return any(quantity > 0 for quantity in left.values())
