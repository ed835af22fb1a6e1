"""What a row that the broker tells otherwise changes of the trade and the life that it moved.

A fee that becomes known, a price that was corrected, an entry that was of another size. A life that
is over stays as it was, and then only its trade takes the figure. Whatever else is told otherwise,
such as the size of an exit, is squared with the position like anything that no row explains.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.decide.lifecycle.booked import Booked, Walk, pct_of_life, pct_of_trade
from core.decide.lifecycle.figures import averaged, won_by
from core.domain.market import Instrument
from core.domain.money import ZERO
from core.domain.trade import Trade, TradeStatus, trade_name


def correct(walk: Walk, was: Booked, now: Booked) -> None:
    """Before anything new is walked; among the trades are those of lives that are over, too."""
    if was.quantity * now.quantity <= 0:
        return
    entered = _entered_by(walk, was)
    if entered and entered.quantity >= abs(was.quantity):
        _enter_anew(walk, entered, was, now)
        return
    now = replace(now, quantity=was.quantity)
    if entered:
        # It turned the position around: this much of it entered, the rest of it left.
        (one, was), (other, now) = was.split(entered.quantity), now.split(entered.quantity)
        _enter_anew(walk, entered, one, other)
    for trade in _left_by(walk, was):
        part = min(abs(was.quantity), trade.quantity - trade.open_quantity)
        if part:
            (one, was), (other, now) = was.split(part), now.split(part)
            _leave_anew(walk, trade, one, other)


def _entered_by(walk: Walk, row: Booked) -> Trade | None:
    """The trade that its order entered with it: one that it began, or that was open then."""
    mine = [
        trade
        for trade in walk.trades.values()
        if trade.direction.sign * row.quantity > 0
        and (
            trade.trade_id == trade_name(trade.position_id, row.name)
            or (row.order_id and trade.order_id == row.order_id and _was_open(trade, row.at))
        )
    ]
    return max(mine, key=lambda trade: trade.entry_time, default=None)


def _was_open(trade: Trade, at: datetime) -> bool:
    over = trade.exit_time if trade.status is TradeStatus.CLOSED else None
    return trade.entry_time <= at and (over is None or at <= over)


def _left_by(walk: Walk, row: Booked) -> list[Trade]:
    """In their turn, as far as it is still known: its aim, what was left then, what was open."""
    held = [
        trade
        for trade in walk.trades.values()
        if trade.direction.sign * row.quantity < 0
        and trade.exit_time is not None
        and trade.entry_time <= row.at <= trade.exit_time
    ]
    return sorted(held, key=lambda each: (each.trade_id != row.leaves, each.exit_time != row.at))


def _enter_anew(walk: Walk, trade: Trade, was: Booked, now: Booked) -> None:
    more = abs(now.quantity) - abs(was.quantity)
    life = walk.lives.get(trade.position_id)
    if life is None or trade.open_quantity + more <= 0 or trade.status is TradeStatus.CLOSED:
        more, now = ZERO, replace(now, quantity=was.quantity)
    closed = trade.direction.sign * (trade.quantity - trade.open_quantity)
    after = replace(
        trade,
        quantity=trade.quantity + more,
        open_quantity=trade.open_quantity + more,
        entry_price=_swapped(trade.quantity, trade.entry_price, was, now, walk.instrument),
    )
    won = [
        won_by(closed, each.entry_price, each.exit_price, walk.instrument)
        for each in (trade, after)
    ]
    changes: dict[str, Any] = {}
    if life:
        changes = {
            "quantity": life.quantity + more,
            "volume": life.volume + more,
            "entry_price": _swapped(life.volume, life.entry_price, was, now, walk.instrument),
        }
    _keep(walk, after, won[1] - won[0] - (now.fee - was.fee), now.fee - was.fee, changes)


def _leave_anew(walk: Walk, trade: Trade, was: Booked, now: Booked) -> None:
    closed = trade.direction.sign * abs(was.quantity)
    left = trade.quantity - trade.open_quantity
    after = replace(trade, exit_price=_swapped(left, trade.exit_price, was, now, walk.instrument))
    won = [won_by(closed, trade.entry_price, each.price, walk.instrument) for each in (was, now)]
    changes: dict[str, Any] = {}
    if life := walk.lives.get(trade.position_id):
        gone = life.volume - life.quantity
        changes = {"exit_price": _swapped(gone, life.exit_price, was, now, walk.instrument)}
    _keep(walk, after, won[1] - won[0] - (now.fee - was.fee), now.fee - was.fee, changes)


def _swapped(
    quantity: Decimal,
    price: Decimal | None,
    was: Booked,
    now: Booked,
    instrument: Instrument | None,
) -> Decimal | None:
    """The average price once a part of it has another price or another size."""
    part = abs(was.quantity)
    if (was.price, was.quantity) == (now.price, now.quantity) or part > quantity:
        return price
    others = averaged(quantity, price, -part, was.price, instrument) if quantity > part else None
    return averaged(quantity - part, others, abs(now.quantity), now.price, instrument)


def _keep(walk: Walk, trade: Trade, won: Decimal, fee: Decimal, changes: dict[str, Any]) -> None:
    """The trade with what it won more, and its life, if that goes on."""
    name, instrument = trade.position_id, walk.instrument
    trade = replace(
        trade, fees=trade.fees + fee, realized_pnl=trade.realized_pnl + won, updated_at=walk.at
    )
    if trade.status is TradeStatus.CLOSED:
        life = walk.lives.get(name) or walk.ended.get(name)
        leverage = life.leverage if life else None
        trade = replace(trade, realized_pnl_pct=pct_of_trade(trade, leverage, instrument))
    walk.keep_trade(trade)
    if life := walk.lives.get(name):
        life = replace(life, realized_pnl=life.realized_pnl + won, **changes)
        if not life.quantity:
            life = replace(life, realized_pnl_pct=pct_of_life(life, instrument))
        walk.keep(life)
