"""Executions of the book as rows that lives are walked with: whose order, why, on which terms."""

from collections.abc import Sequence

from core.decide.lifecycle.booked import Booked, Terms, Walk
from core.domain.execution import BookExecution, ExecutionKind
from core.domain.exit import REASON_OF, ExitOf
from core.domain.holding import Correction
from core.domain.life import ExitReason
from core.domain.market import Instrument
from core.domain.order import STOP_TYPES, BookOrder, OrderType, Origin
from core.domain.signal import SignalRecord
from core.domain.tally import moved, settled_fee
from core.ports import BookReading

_TAKE_PROFIT = frozenset({OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})
_CLOSED_BY_VENUE = {
    ExecutionKind.LIQUIDATION: ExitReason.LIQUIDATION,
    ExecutionKind.ADL: ExitReason.LIQUIDATION,
}


def rows_booked(
    book: BookReading, rows: Sequence[BookExecution], walk: Walk, instrument: Instrument | None
) -> list[Booked]:
    if not rows:
        return []
    account = walk.key.account
    names = {row.order_id for row in rows if row.order_id}
    orders = {row.order_id: row for row in book.orders(account, order_ids=names)}
    exits = {row.order_id: row for row in book.exits_of(names)}
    wanted = {row.signal_id for row in orders.values() if row.signal_id}
    signals = {signal.signal_id: signal for signal in book.signals(wanted)} if wanted else {}
    trailing = any(life.trail_activated for life in walk.lives.values())
    booked = []
    for row in sorted(rows, key=lambda row: (row.executed_at, row.execution_key)):
        order = orders.get(row.order_id or "")
        exit_of = exits.get(row.order_id or "")
        signal = signals.get(order.signal_id or "") if order else None
        ours = order is not None and order.origin is Origin.OWNED
        booked.append(
            Booked(
                name=row.execution_key,
                quantity=moved(row, instrument),
                price=row.price,
                fee=settled_fee(row, instrument),
                at=row.executed_at,
                reason=_reason(row, order, exit_of, trailing=trailing),
                order_id=row.order_id,
                leaves=exit_of.trade_id if exit_of else None,
                terms=terms_of(signal) if signal else None,
                source="signal" if signal else "plan" if ours else "external",
            )
        )
    return booked


def correction_booked(
    book: BookReading, correction: Correction, walk: Walk, instrument: Instrument | None
) -> tuple[Booked, Booked]:
    """The row as it was taken and as it is told now; what it moved is brought into the walk."""
    (was,), (now,) = (rows_booked(book, [row], walk, instrument) for row in correction)
    moved_by_it = book.trades_moved(
        walk.key.account, walk.key.symbol, order_id=was.order_id, leaves=was.leaves, at=was.at
    )
    for trade in moved_by_it:
        if trade.side is walk.key.side and trade.trade_id not in walk.trades:
            walk.trades[trade.trade_id] = trade
            life = book.life(trade.position_id)
            assert life is not None, "a trade is written with its life, and no life is ever deleted"
            walk.ended[life.position_id] = life
    return was, now


def _reason(
    row: BookExecution, order: BookOrder | None, exit_of: ExitOf | None, *, trailing: bool
) -> ExitReason:
    """Why a row that closes does so, by the order that it belongs to."""
    if row.kind in _CLOSED_BY_VENUE:
        return _CLOSED_BY_VENUE[row.kind]
    if exit_of is not None:
        return REASON_OF[exit_of.cause]
    if order is None:
        return ExitReason.EXTERNAL
    if order.origin is Origin.LIQUIDATION:
        return ExitReason.LIQUIDATION
    if order.order_type in STOP_TYPES:
        return ExitReason.TRAILING_STOP if trailing else ExitReason.STOP_LOSS
    if order.order_type in _TAKE_PROFIT:
        return ExitReason.TAKE_PROFIT
    if order.origin is not Origin.OWNED:
        return ExitReason.EXTERNAL
    return ExitReason.SIGNAL if order.signal_id else ExitReason.MANUAL


def terms_of(signal: SignalRecord) -> Terms:
    told = signal.metadata
    return Terms(
        signal_id=signal.signal_id,
        strategy_id=signal.strategy_id,
        trace_id=signal.trace_id,
        stop_loss_pct=signal.stop_loss_pct,
        take_profit_pct=signal.take_profit_pct,
        floor=signal.effective_floor,
        ceiling=signal.effective_ceiling,
        quadrant=_word(told.get("entry_quadrant", told.get("quadrant"))),
        bias=_word(told.get("entry_bias", told.get("bias"))),
    )


def _word(value: object) -> str | None:
    return value[:64] if isinstance(value, str) else None
