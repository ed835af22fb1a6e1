"""What bought and sold does to the lives of positions and to their trades.

Rows are walked in the order in which they happened. What goes with a position enters it, as part of
the trade of its order; what goes against it leaves it, first the trade that it was sent for, then
the oldest. Whatever the book's position holds beyond what the rows explain is squared at the end,
so that the trades of a position always add up to it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from core.decide.lifecycle.figures import averaged, pct_of_margin, won_by
from core.domain.life import (
    Direction,
    ExitReason,
    Life,
    LifeState,
    Transition,
    position_name,
)
from core.domain.market import Instrument
from core.domain.money import ZERO, bounded
from core.domain.order import PositionSide
from core.domain.position import BookPosition, PositionKey, signed
from core.domain.trade import Trade, TradeKind, TradeStatus, trade_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the signal of an entry asked for."""

    signal_id: str
    strategy_id: str
    trace_id: str | None = None
    stop_loss_pct: Decimal | None = None
    take_profit_pct: Decimal | None = None
    floor: Decimal | None = None
    ceiling: Decimal | None = None
    quadrant: str | None = None
    bias: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """One row that moved the position by `quantity`, below zero when it sold."""

    name: str
    quantity: Decimal
    price: Decimal | None
    fee: Decimal = ZERO
    at: datetime
    # Why it closes, if it does; nobody's order is `external`.
    reason: ExitReason = ExitReason.EXTERNAL
    order_id: str | None = None
    # The trade that its order was sent to leave.
    leaves: str | None = None
    terms: Terms | None = None
    # signal, plan, external or adopted: how an entry came about.
    source: str = "external"

    def split(self, part: Decimal) -> tuple["Booked", "Booked"]:
        """So much of it, and the rest; the fees of both add up to the fee of all."""
        whole = abs(self.quantity)
        fee = bounded(self.fee * part / whole) if part < whole else self.fee
        return (
            replace(self, quantity=part.copy_sign(self.quantity), fee=fee),
            replace(self, quantity=(whole - part).copy_sign(self.quantity), fee=self.fee - fee),
        )


@dataclass(slots=True, kw_only=True)
class Walk:
    """The lives and trades of one position key while rows are walked."""

    key: PositionKey
    instrument: Instrument | None
    mode: str
    # The broker itself showed this position, so what is flat is over.
    confirmed: bool
    at: datetime
    # Those that go on, and those that ended on the way.
    lives: dict[str, Life] = field(default_factory=dict)
    ended: dict[str, Life] = field(default_factory=dict)
    trades: dict[str, Trade] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    changed_trades: set[str] = field(default_factory=set)
    _born: set[str] = field(default_factory=set)

    # --- walking ------------------------------------------------------------------------------

    def take(self, row: Booked) -> None:
        held = self._held()
        if held and held.direction.sign * row.quantity < 0:
            closing, row = row.split(min(abs(row.quantity), held.quantity))
            self._leave(held, closing)
        if row.quantity and _fits(self.key.side, Direction.of(row.quantity)):
            self._enter(Direction.of(row.quantity), row)

    def square(self, position: BookPosition | None) -> None:
        """Whatever the rows do not explain, as the book's position tells it."""
        held, wanted = self._held(), livable(position)
        has = held.direction.sign * held.quantity if held else ZERO
        if has * wanted < 0:
            # Nobody tells at which price it was left; what is there now has one.
            self._adopt(-has, None)
            has = ZERO
        if has != wanted:
            opens = position is not None and abs(wanted) > abs(has)
            self._adopt(wanted - has, position.average_price if position and opens else None)

    def _adopt(self, quantity: Decimal, price: Decimal | None) -> None:
        name = f"{self.at.isoformat()}:{quantity}"
        told = Booked(
            name=name, quantity=quantity, price=price or None, at=self.at, source="adopted"
        )
        self.take(told)

    def _held(self) -> Life | None:
        return next((life for life in self.lives.values() if life.quantity), None)

    # --- entering -----------------------------------------------------------------------------

    def _enter(self, direction: Direction, row: Booked) -> None:
        life = self._life_for(direction, row)
        if life.state in (LifeState.QUEUED, LifeState.EXECUTING):
            if life.state is LifeState.QUEUED:
                life = self._move(life, LifeState.EXECUTING, "filled", row.at)
            life = self._move(life, LifeState.OPEN, "filled", row.at)
        quantity = abs(row.quantity)
        won = self._enter_trade(life, row)
        self.keep(
            replace(
                life,
                quantity=life.quantity + quantity,
                volume=life.volume + quantity,
                entry_price=averaged(
                    life.quantity, life.entry_price, quantity, row.price, self.instrument
                ),
                entry_time=life.entry_time if life.volume else row.at,
                realized_pnl=life.realized_pnl + won,
            )
        )

    def _life_for(self, direction: Direction, row: Booked) -> Life:
        """The one that lives, unless it is only waiting for its end to be confirmed."""
        life = next((each for each in self.lives.values() if each.direction is direction), None)
        if life and life.state is LifeState.CLOSING and not life.quantity:
            self._move(life, LifeState.CLOSED, life.exit_reason or ExitReason.EXTERNAL, row.at)
            life = None
        if life:
            return life
        terms = row.terms
        born = Life(
            position_id=position_name(
                self.key.account, self.key.symbol, self.key.side, direction, row.name
            ),
            account=self.key.account,
            symbol=self.key.symbol,
            side=self.key.side,
            direction=direction,
            state=LifeState.OPEN,
            mode=self.mode,
            signal_source=row.source,
            signal_id=terms.signal_id if terms else None,
            bot_id=terms.strategy_id if terms else None,
            stop_loss_pct=terms.stop_loss_pct if terms else None,
            take_profit_pct=terms.take_profit_pct if terms else None,
            entry_quadrant=terms.quadrant if terms else None,
            entry_bias=terms.bias if terms else None,
            trace_id=terms.trace_id if terms else None,
            created_at=row.at,
            updated_at=row.at,
        )
        self._born.add(born.position_id)
        self.keep(born)
        self.transitions.append(
            Transition(
                position_id=born.position_id,
                to_state=LifeState.OPEN,
                reason=row.source,
                at=row.at,
            )
        )
        return born

    def _enter_trade(self, life: Life, row: Booked) -> Decimal:
        """What that won or lost at once: its fee, and what was left of the trade before."""
        own = (
            trade
            for trade in self.trades.values()
            if trade.position_id == life.position_id
            and trade.order_id == row.order_id
            and trade.status is TradeStatus.OPEN
        )
        if row.order_id and (trade := next(own, None)):
            return self._grow(trade, row)
        terms = row.terms
        self.keep_trade(
            Trade(
                trade_id=trade_name(life.position_id, row.name),
                position_id=life.position_id,
                account=life.account,
                symbol=life.symbol,
                side=life.side,
                direction=life.direction,
                kind=TradeKind.REBUY if life.volume else TradeKind.NEWBUY,
                order_id=row.order_id,
                signal_id=terms.signal_id if terms else None,
                strategy_id=terms.strategy_id if terms else None,
                trace_id=terms.trace_id if terms else None,
                quantity=abs(row.quantity),
                open_quantity=abs(row.quantity),
                entry_price=row.price,
                entry_time=row.at,
                floor=terms.floor if terms and life.direction is Direction.LONG else None,
                ceiling=terms.ceiling if terms and life.direction is Direction.SHORT else None,
                take_profit_pct=terms.take_profit_pct if terms else None,
                fees=row.fee,
                realized_pnl=-row.fee,
                updated_at=row.at,
            )
        )
        return -row.fee

    def _grow(self, trade: Trade, row: Booked) -> Decimal:
        """One more fill of its order; what was left before was entered at the average of all."""
        quantity, left = abs(row.quantity), trade.quantity - trade.open_quantity
        price = averaged(trade.quantity, trade.entry_price, quantity, row.price, self.instrument)
        before, now = (
            won_by(trade.direction.sign * left, entry, trade.exit_price, self.instrument)
            for entry in (trade.entry_price, price)
        )
        won = now - before - row.fee
        self.keep_trade(
            replace(
                trade,
                quantity=trade.quantity + quantity,
                open_quantity=trade.open_quantity + quantity,
                entry_price=price,
                fees=trade.fees + row.fee,
                realized_pnl=trade.realized_pnl + won,
                updated_at=row.at,
            )
        )
        return won

    # --- leaving ------------------------------------------------------------------------------

    def _leave(self, life: Life, row: Booked) -> None:
        won, rest, quantity = ZERO, row, abs(row.quantity)
        for trade in self._in_turn(life, row.leaves):
            if rest.quantity:
                part, rest = rest.split(min(trade.open_quantity, abs(rest.quantity)))
                won += self._leave_trade(trade, part, life.leverage)
        left = life.volume - life.quantity
        life = replace(
            life,
            quantity=life.quantity - quantity,
            exit_price=averaged(left, life.exit_price, quantity, row.price, self.instrument),
            exit_time=row.at,
            exit_reason=row.reason,
            realized_pnl=life.realized_pnl + won,
        )
        self.keep(life)
        if not life.quantity:
            self._end(life, row)

    def _in_turn(self, life: Life, first: str | None) -> list[Trade]:
        mine = [
            trade
            for trade in self.trades.values()
            if trade.position_id == life.position_id and trade.status is TradeStatus.OPEN
        ]
        return sorted(mine, key=lambda trade: trade.trade_id != first)

    def _leave_trade(self, trade: Trade, row: Booked, leverage: Decimal | None) -> Decimal:
        """What it won, the fee taken off."""
        part, left = abs(row.quantity), trade.quantity - trade.open_quantity
        won = won_by(trade.direction.sign * part, trade.entry_price, row.price, self.instrument)
        after = replace(
            trade,
            open_quantity=trade.open_quantity - part,
            exit_price=averaged(left, trade.exit_price, part, row.price, self.instrument),
            exit_time=row.at,
            exit_reason=row.reason,
            fees=trade.fees + row.fee,
            realized_pnl=trade.realized_pnl + won - row.fee,
            updated_at=row.at,
        )
        if not after.open_quantity:
            pct = pct_of_trade(after, leverage, self.instrument)
            after = replace(after, status=TradeStatus.CLOSED, realized_pnl_pct=pct)
        self.keep_trade(after)
        return won - row.fee

    def _end(self, life: Life, row: Booked) -> None:
        if life.position_id in self._born and life.signal_source != "signal":
            life = replace(life, exit_reason=ExitReason.HISTORICAL)
        life = replace(life, realized_pnl_pct=pct_of_life(life, self.instrument))
        assert life.exit_reason is not None, "it was just left for a reason"
        self.keep(life)
        if self.confirmed:
            self._move(life, LifeState.CLOSED, life.exit_reason, row.at)
        elif life.state is not LifeState.CLOSING:
            self._move(life, LifeState.CLOSING, life.exit_reason, row.at)

    # --- keeping ------------------------------------------------------------------------------

    def _move(self, life: Life, to: LifeState, reason: str, at: datetime) -> Life:
        self.transitions.append(
            Transition(
                position_id=life.position_id,
                from_state=life.state,
                to_state=to,
                reason=str(reason),
                at=at,
            )
        )
        return self.keep(replace(life, state=to))

    def keep(self, life: Life) -> Life:
        life = replace(life, updated_at=self.at)
        if life.state is LifeState.CLOSED:
            self.lives.pop(life.position_id, None)
            self.ended[life.position_id] = life
        else:
            self.lives[life.position_id] = life
        self.changed.add(life.position_id)
        return life

    def keep_trade(self, trade: Trade) -> None:
        self.trades[trade.trade_id] = trade
        self.changed_trades.add(trade.trade_id)


def walked(
    walk: Walk, rows: Iterable[Booked], position: BookPosition | None, *, square: bool = True
) -> Walk:
    for row in rows:
        walk.take(row)
    if square:
        walk.square(position)
    return walk


def pct_of_trade(
    trade: Trade, leverage: Decimal | None, instrument: Instrument | None
) -> Decimal | None:
    won, quantity = trade.realized_pnl, trade.quantity
    return pct_of_margin(won, quantity, trade.entry_price, leverage, instrument)


def pct_of_life(life: Life, instrument: Instrument | None) -> Decimal | None:
    won, volume = life.realized_pnl, life.volume
    return pct_of_margin(won, volume, life.entry_price, life.leverage, instrument)


def livable(position: BookPosition | None) -> Decimal:
    """What of it can be held: a leg of a hedge below zero only tells that rows are missing."""
    if position is None:
        return ZERO
    held = signed(position.quantity, position.side)
    return held if not held or _fits(position.side, Direction.of(held)) else ZERO


def _fits(side: PositionSide, direction: Direction) -> bool:
    return side.value in (PositionSide.BOTH.value, direction.value)
