"""Stage A for every open trade of a position: a quote, and whether it is time to leave."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from core.decide.exits.detect import Candidate, detect, is_news
from core.decide.exits.qualify import ExitSituation, is_market, is_refused_alike
from core.decide.lifecycle.trailing import price_at
from core.decide.reconcile.stop_price import asks_for_stop, wanted_stop
from core.domain.exit import EXIT_OPEN, Episode, ExitIntent, ExitState, exit_name
from core.domain.life import Life
from core.domain.market import Quote
from core.domain.order import OrderType
from core.domain.trade import Trade
from core.operate.desk import Desk
from core.operate.exit_asking import Wish, ask_to_leave
from core.operate.fetching import fills_missing
from core.operate.held import Held


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitWatch:
    desk: Desk
    asked: Callable[[ExitIntent], None]

    def look(self, held: Held) -> None:
        settings = self.desk.settings.EXITS
        if held.is_busy or not settings.detect:
            return
        missing = self._missing_stop(held)
        for trade in held.trades:
            trade = self._with_target(trade, held)
            found = detect(
                trade,
                held.life,
                held.price,
                settings,
                self.desk.clock.now(),
                missing_stop=missing,
            )
            if found and self._is_new(trade, found, held):
                self._ask(trade, found)

    def _missing_stop(self, held: Held) -> Decimal | None:
        """Where the stop of a position without one would be; nothing for one that needs none."""
        if held.stops or not self._needs_stop(held):
            return None
        if self._has_just_filled(held.life):
            return None
        return wanted_stop(held.life, held.leverage, held.instrument, self.desk.settings.POSITIONS)

    def _has_just_filled(self, life: Life) -> bool:
        """Its stop has, and what that bought or sold is about to be booked."""
        if life.stop_order_id is None:
            return False
        missing = fills_missing(self.desk, life.account, life.symbol)
        return any(row.order_id == life.stop_order_id for row in missing)

    def _needs_stop(self, held: Held) -> bool:
        positions = self.desk.settings.POSITIONS
        by_hand = held.life.signal_source in ("external", "adopted")
        if by_hand and not positions.protect_external_positions:
            return False
        return asks_for_stop(held.life.account, held.instrument, self.desk.settings)

    def _with_target(self, trade: Trade, held: Held) -> Trade:
        """The price that the signal's take_profit_pct stands for, once the leverage is known."""
        if trade.target is not None or trade.take_profit_pct is None or not trade.entry_price:
            return trade
        target = price_at(
            trade.entry_price,
            trade.take_profit_pct,
            held.leverage,
            held.instrument,
            is_long=held.is_long,
        )
        aimed = replace(trade, target=target, updated_at=self.desk.clock.now())
        with self.desk.book.write() as book:
            fresh = book.trade(trade.trade_id)
            if fresh is not None:
                book.put_trades([replace(fresh, target=target, updated_at=aimed.updated_at)])
        return aimed

    def _is_new(self, trade: Trade, found: Candidate, held: Held) -> bool:
        """Nothing like it is under way, and the price says something new."""
        with self.desk.book.read() as book:
            under_way = book.exit_intents(trade_id=trade.trade_id, states=EXIT_OPEN)
            last = book.episode(trade.trade_id, found.cause)
        urgent = is_market(found.cause)
        if any(not (urgent and _rests(intent)) for intent in under_way):
            return False
        if last and self._is_answered(trade, last, held):
            return False
        return is_news(found, last, self.desk.settings.EXITS, self.desk.clock.now())

    def _is_answered(self, trade: Trade, last: Episode, held: Held) -> bool:
        """The last one was refused, and one more would be refused for the same reasons."""
        name = exit_name("e", trade.trade_id, last.cause, last.episode)
        with self.desk.book.read() as book:
            answer = book.exit_intent(name)
            halts = book.halts(trade.account)
        if answer is None or answer.state is not ExitState.REJECTED:
            return False
        seen = ExitSituation(
            intent=answer,
            asked=None,
            trade=trade,
            life=held.life,
            now=self.desk.clock.now(),
            instrument=held.instrument,
            quote=Quote(symbol=trade.symbol, bid=held.price, ask=held.price),
            halts=tuple(halts),
        )
        return is_refused_alike(seen, self.desk.settings)

    def _ask(self, trade: Trade, found: Candidate) -> None:
        intent = ask_to_leave(
            self.desk,
            Wish(
                trade=trade,
                cause=found.cause,
                because=found.because,
                by="manage",
                price=found.price,
            ),
        )
        if intent.state is ExitState.PENDING:
            self.asked(intent)


def _rests(intent: ExitIntent) -> bool:
    """A limit waits for its price, and makes way for what cannot wait."""
    return intent.state is ExitState.PLACED and intent.order_type is OrderType.LIMIT
