"""Stage B, carried out: the situation of one pending exit is collected, judged and written down."""

from core.apply.exit_progress import write_exit
from core.decide.exits.qualify import ExitSituation, qualify_exit
from core.domain.errors import BrokerError
from core.domain.exit import ExitIntent, ExitState
from core.domain.market import Instrument, Quote
from core.operate.account_watch import AccountWatch
from core.operate.desk import Desk

_UNDER_WAY = frozenset({ExitState.APPROVED, ExitState.PLACED})


async def decide_exit(desk: Desk, watch: AccountWatch, intent: ExitIntent) -> ExitIntent:
    """As it is now in the book; another process may have decided it first."""
    unreachable, instrument, quote = watch.unreachable, None, None
    if not unreachable:
        instrument, quote, unreachable = await _market(watch, intent.symbol)
    decided = qualify_exit(_situation(desk, intent, unreachable, instrument, quote), desk.settings)
    with desk.book.write() as book:
        moved = write_exit(book, decided, from_state=ExitState.PENDING)
    if not moved:
        return _as_it_is(desk, intent)
    desk.log.event(
        "exit_decided",
        account=decided.account,
        symbol=decided.symbol,
        exit_intent_id=decided.exit_intent_id,
        trade_id=decided.trade_id,
        cause=decided.cause.value,
        state=decided.state.value,
        reasons=decided.reasons.get("reasons", []),
        trace_id=decided.trace_id,
    )
    return decided


async def _market(
    watch: AccountWatch, symbol: str
) -> tuple[Instrument | None, Quote | None, str | None]:
    try:
        return await watch.instrument(symbol), await watch.broker.quote(symbol), None
    except BrokerError as error:
        return None, None, error.message


def _situation(
    desk: Desk,
    intent: ExitIntent,
    unreachable: str | None,
    instrument: Instrument | None,
    quote: Quote | None,
) -> ExitSituation:
    with desk.book.read() as book:
        signal, trade = book.exit_signal(intent.exit_signal_id), book.trade(intent.trade_id)
        life = book.life(intent.position_id)
        others = book.exit_intents(trade_id=intent.trade_id, states=_UNDER_WAY)
        halts = book.halts(intent.account)
    assert signal and trade and life, "they are written before the intent"
    return ExitSituation(
        intent=intent,
        asked=signal.quantity,
        trade=trade,
        life=life,
        now=desk.clock.now(),
        enabled=desk.settings.account(intent.account).enabled,
        unreachable=unreachable,
        instrument=instrument,
        quote=quote,
        halts=tuple(halts),
        under_way=tuple(other for other in others if other != intent),
    )


def _as_it_is(desk: Desk, intent: ExitIntent) -> ExitIntent:
    with desk.book.read() as book:
        found = book.exit_intent(intent.exit_intent_id)
    return found or intent
