"""Collecting what the qualification of one delivery may look at, from the book and the venue."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from core.decide.qualify.situation import DayFigures, Situation
from core.domain.errors import BrokerError, Unavailable
from core.domain.intent import ENTERING, OPEN, IntentOrder, IntentState, Purpose, orders_of
from core.domain.market import Balance, Instrument, Quote
from core.domain.signal import Delivery
from core.operate.account_watch import AccountWatch
from core.operate.day import day_figures, traded_today
from core.operate.desk import Desk
from core.ports import BookReading


async def situation_of(desk: Desk, watch: AccountWatch, delivery: Delivery) -> Situation:
    """The venue is asked first, so that the book is read at one instant and last."""
    unreachable, instrument = watch.unreachable, None
    traded = await _traded(desk, watch)
    quote: Quote | None = None
    unread: str | None = None
    balances: Sequence[Balance] | None = None
    mode = "one-way"
    try:
        instrument = await watch.instrument(delivery.symbol)
        if instrument is not None:
            quote, unread = await _quote(watch, delivery.symbol)
            mode = (await watch.mode()).position_mode
            if desk.settings.EXECUTION.enable_balance_check:
                balances = await watch.broker.balances()
    except BrokerError as error:
        unreachable = error.message
    now = desk.clock.now()
    account = delivery.account
    with desk.book.read() as book:
        signal = book.signal(delivery.signal_id)
        assert signal is not None, "a delivery is stored together with its signal"
        positions, orders = book.positions(account), book.orders(account, live=True)
        promised = _promised(book, account)
        sent = book.orders(account, order_ids=list(promised)) if promised else []
        return Situation(
            signal=signal,
            account=account,
            now=now,
            enabled=desk.settings.account(account).enabled,
            unreachable=unreachable,
            reconciled=watch.reconciled,
            unexplained=delivery.symbol in watch.unexplained,
            instrument=instrument,
            quote=quote,
            quote_unread=unread,
            balances=None if balances is None else tuple(balances),
            position_mode=mode,
            takes_post_only=watch.broker.capabilities.post_only,
            positions=tuple(positions),
            orders=tuple(orders),
            promised=promised,
            sent=frozenset(row.order_id for row in sent),
            instruments=watch.known(
                {row.symbol for row in positions} | {row.symbol for row in orders}
            ),
            halts=tuple(book.halts(account)),
            scale_ins=_scale_ins(book, account, delivery.symbol),
            day=_day(desk, book, account, traded),
            last_loss_at=_last_loss(desk, book, account, delivery.symbol),
        )


def _day(
    desk: Desk, book: BookReading, account: str, sizes: Mapping[str, Instrument]
) -> DayFigures:
    """Every execution of the day is read for them, so only where a limit asks."""
    risk = desk.settings.RISK
    if not (risk.max_daily_volume or risk.max_daily_loss):
        return DayFigures()
    return day_figures(book, account, desk.clock.now(), sizes)


async def _traded(desk: Desk, watch: AccountWatch) -> Mapping[str, Instrument]:
    """Contract sizes of what was traded today, where the day's volume counts."""
    if not desk.settings.RISK.max_daily_volume:
        return {}
    with desk.book.read() as book:
        symbols = traded_today(book, watch.account, desk.clock.now())
    return await watch.instruments(symbols)


async def _quote(watch: AccountWatch, symbol: str) -> tuple[Quote | None, str | None]:
    """Without one the signal's own snapshot has to do, and the rules say whether it does."""
    try:
        return await watch.broker.quote(symbol), None
    except Unavailable as error:
        return None, error.message
    except BrokerError:
        return None, None


def _promised(book: BookReading, account: str) -> Mapping[str, IntentOrder]:
    """What other lanes have decided counts before the venue or the book shows an order of it."""
    return {
        order.key: order
        for intent in book.intents(account, states=OPEN)
        if "simulated" not in intent.because
        for order in orders_of(intent)
        if order.purpose in ENTERING
    }


def _scale_ins(book: BookReading, account: str, symbol: str) -> int:
    """Additions since the position was last opened from flat."""
    count = 0
    done = {IntentState.PLACED, IntentState.FILLED}
    for intent in book.latest_intents(account, symbol, done):
        purposes = {order.purpose for order in orders_of(intent)}
        if Purpose.OPEN in purposes:
            break
        count += Purpose.ADD in purposes
    return count


def _last_loss(desk: Desk, book: BookReading, account: str, symbol: str) -> datetime | None:
    pause = desk.settings.RISK.cooldown_after_loss_seconds
    if not pause:
        return None
    since = desk.clock.now() - timedelta(seconds=pause)
    return max(
        (
            row.executed_at
            for row in book.executions_since(account, since)
            if row.symbol == symbol and row.realized_pnl is not None and row.realized_pnl < 0
        ),
        default=None,
    )
