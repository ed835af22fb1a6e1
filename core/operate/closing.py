"""close: a person leaves a position, by the way that every exit goes.

Exit signal, exit intent, qualification and the door are the same as for any other exit. Where the
service runs, it carries the exits out; where it does not, they become a plan that is applied here.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from core.apply.door import Look
from core.apply.exit_progress import move_exit
from core.apply.hold import Hold
from core.apply.ledger import Ledger
from core.decide.gates import forbid
from core.domain.errors import Blocked, TrueupError, Usage
from core.domain.exit import EXIT_OPEN, ExitCause, ExitIntent, ExitState
from core.domain.life import Direction
from core.domain.money import decimal_text
from core.domain.order import LIVE
from core.domain.refusal import refusals
from core.domain.trade import Trade
from core.operate.account_watch import AccountWatch
from core.operate.applying import Selection, apply_staged
from core.operate.catching_up import catch_up
from core.operate.desk import Desk
from core.operate.exit_asking import Wish, ask_to_leave
from core.operate.exit_deciding import decide_exit
from core.operate.heartbeat import read_beat, service_state
from core.operate.lives import settle_lives
from core.operate.looking import look
from core.operate.planning import plan_from
from core.operate.staging import stage
from core.plan.change import AnyChange, CancelOrphanStop, PlaceExit
from core.plan.plan import Decision
from core.ports import BookReading

PAUSE_SECONDS = 0.1
# A service in one of these states takes up what is asked for.
_AT_WORK = frozenset({"running", "in trouble"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """What a person wants to leave; no quantity means all of it."""

    account: str | None
    symbol: str
    direction: Direction | None = None
    quantity: Decimal | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Portion:
    """One trade, and how much of it."""

    trade: Trade
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Left:
    """What became of one portion."""

    portion: Portion
    intent: ExitIntent
    trade: Trade


async def close_position(
    desk: Desk,
    wanted: Leave,
    *,
    is_meant: Callable[[Sequence[Portion]], bool],
    interrupted: Callable[[], bool],
    ledger: Ledger,
) -> list[Left]:
    """`is_meant` is shown what would be left and says whether a person wants it."""
    _check_gates(desk)
    account = _account_of(desk, wanted)
    await _catch_lives_up(desk, account)
    portions = portions_of(desk, account, wanted)
    if not is_meant(portions):
        raise Blocked("not confirmed: nothing is closed", hint=f"trueup close {wanted.symbol}")
    because = wanted.why or f"{desk.actor} wants to leave it"
    asked = [(each, _ask(desk, each, because)) for each in portions]
    _refuse(desk, [intent for _, intent in asked])
    if _is_looked_after(desk, account):
        await _let_the_service(desk, asked)
    else:
        await _here(desk, account, [intent for _, intent in asked], interrupted, ledger)
    return [_result(desk, portion, intent) for portion, intent in asked]


# --- before ---------------------------------------------------------------------------------------


def _check_gates(desk: Desk) -> None:
    """Nothing is asked for that could not be sent: an exit must not lie in wait."""
    verdict = forbid(desk.gates(), "the exit")
    if verdict is not None:
        raise Blocked(f"nothing is closed: {verdict.message}", hint=verdict.hint)


def _account_of(desk: Desk, wanted: Leave) -> str:
    names = desk.accounts(wanted.account)
    with desk.book.read() as book:
        holding = [
            name
            for name in names
            if any(row.symbol == wanted.symbol and row.quantity for row in book.positions(name))
        ]
    if not holding:
        raise Usage(f"the book holds no position in {wanted.symbol!r:.40}", hint="trueup positions")
    if len(holding) > 1:
        raise Usage(
            f"{wanted.symbol} is held by {', '.join(holding)}",
            hint=f"trueup close {wanted.symbol} --account {holding[0]}",
        )
    return holding[0]


async def _catch_lives_up(desk: Desk, account: str) -> None:
    """A position that nobody has followed yet has no trade to leave until somebody looked."""
    seen = await look(desk, [account], intents=False)
    settle_lives(desk, seen.observations[account])


def portions_of(desk: Desk, account: str, wanted: Leave) -> list[Portion]:
    """The oldest trades first, until there is enough."""
    with desk.book.read() as book:
        trades = [
            trade
            for trade in book.open_trades(account, wanted.symbol)
            if wanted.direction in (None, trade.direction)
        ]
    if not trades:
        side = f" {wanted.direction}" if wanted.direction else ""
        raise Usage(f"no{side} trade in {wanted.symbol} is open", hint="trueup positions")
    if len({trade.direction for trade in trades}) > 1:
        raise Usage(
            f"{wanted.symbol} is held long and short",
            hint=f"trueup close {wanted.symbol} --side long",
        )
    held = sum((trade.open_quantity for trade in trades), Decimal(0))
    rest = held if wanted.quantity is None else wanted.quantity
    if rest > held:
        raise Usage(f"only {decimal_text(held)} {wanted.symbol} is held", hint="trueup positions")
    portions = []
    for trade in trades:
        part = min(trade.open_quantity, rest)
        if part > 0:
            portions.append(Portion(trade, part))
            rest -= part
    return portions


def _ask(desk: Desk, portion: Portion, because: str) -> ExitIntent:
    whole = portion.quantity == portion.trade.open_quantity
    return ask_to_leave(
        desk,
        Wish(
            trade=portion.trade,
            cause=ExitCause.MANUAL,
            because=because,
            by=desk.actor,
            quantity=None if whole else portion.quantity,
        ),
    )


def _refuse(desk: Desk, intents: Sequence[ExitIntent]) -> None:
    """All of it or nothing: when one may not go, none does."""
    refused = [intent for intent in intents if intent.state is ExitState.REJECTED]
    if not refused:
        return
    for intent in intents:
        _withdraw(desk, intent, "another part of it was refused")
    first, *others = [str(each) for intent in refused for each in refusals(intent.reasons)]
    raise Blocked(
        f"{refused[0].symbol} is not closed: {first}",
        details=others,
        hint=f"trueup history {refused[0].exit_intent_id}",
    )


# --- carrying out ---------------------------------------------------------------------------------


def _is_looked_after(desk: Desk, account: str) -> bool:
    """By a service that is alive: the one of another account would never take it up."""
    beat = read_beat(desk)
    if beat is None or account not in beat.accounts:
        return False
    return service_state(desk, beat) in _AT_WORK


async def _let_the_service(desk: Desk, asked: Sequence[tuple[Portion, ExitIntent]]) -> None:
    """It has been asked; here is only waited for what it does."""
    patience = timedelta(seconds=desk.settings.EXECUTION.order_timeout)
    until = desk.clock.now() + patience
    while desk.clock.now() < until:
        with desk.book.read() as book:
            if all(_is_over(book, portion, intent) for portion, intent in asked):
                return
        await desk.clock.sleep(PAUSE_SECONDS)
        await asyncio.sleep(0)


def _is_over(book: BookReading, portion: Portion, asked: ExitIntent) -> bool:
    """Filled and taken off its trade, or it came to nothing."""
    now, trade = book.exit_intent(asked.exit_intent_id), book.trade(asked.trade_id)
    if now is None or now.state is not ExitState.FILLED:
        return now is None or now.state not in EXIT_OPEN
    left = portion.trade.open_quantity - portion.quantity
    return trade is None or trade.open_quantity <= left


async def _here(
    desk: Desk,
    account: str,
    intents: Sequence[ExitIntent],
    interrupted: Callable[[], bool],
    ledger: Ledger,
) -> None:
    watch = AccountWatch(broker=desk.broker(account))
    try:
        decided = [await decide_exit(desk, watch, intent) for intent in intents]
        _refuse(desk, decided)
        await _send(desk, account, decided, interrupted, ledger)
    finally:
        # Whatever was not sent is not left lying for somebody to send later.
        for intent in intents:
            _withdraw(desk, intent, "not sent")
    await _book(desk, watch)
    for intent in intents:
        _conclude(desk, intent)
    await _take_stops_along(desk, account, intents[0].symbol, interrupted)


async def _send(
    desk: Desk,
    account: str,
    intents: Sequence[ExitIntent],
    interrupted: Callable[[], bool],
    ledger: Ledger,
) -> None:
    names = {intent.exit_intent_id for intent in intents}

    def is_one(change: AnyChange) -> bool:
        return isinstance(change, PlaceExit) and change.after.exit_intent_id in names

    seen = await look(desk, [account])
    if sum(map(is_one, seen.proposal.changes)) < len(names):
        raise Blocked(
            f"a call about {intents[0].symbol} is under way, and its outcome comes first",
            hint="trueup apply --resume",
        )
    await _apply(desk, account, seen, is_one, interrupted, ledger)


async def _take_stops_along(
    desk: Desk, account: str, symbol: str, interrupted: Callable[[], bool]
) -> None:
    """What guarded a position that is gone goes, too; when that fails a plan will say so."""

    def is_orphan(change: AnyChange) -> bool:
        return isinstance(change, CancelOrphanStop) and change.symbol == symbol

    try:
        seen = await look(desk, [account], intents=False)
        if any(map(is_orphan, seen.proposal.changes)):
            await _apply(desk, account, seen, is_orphan, interrupted, Ledger())
    except TrueupError as error:
        desk.log.event("stops_left", level="warning", symbol=symbol, why=error.message)


async def _apply(
    desk: Desk,
    account: str,
    seen: Look,
    is_meant: Callable[[AnyChange], bool],
    interrupted: Callable[[], bool],
    ledger: Ledger,
) -> None:
    """A plan of just these changes, through every gate of an apply."""
    changes = tuple(change for change in seen.proposal.changes if is_meant(change))
    only = replace(seen, proposal=replace(seen.proposal, changes=changes))
    plan = plan_from(desk, [account], only)
    plan = plan.decided({action.id: (Decision.APPROVE, "close") for action in plan.actions})
    stage(desk, plan)
    await apply_staged(
        desk,
        confirmed=plan.plan_id,
        ask=lambda plan_id: plan_id,
        selection=Selection(),
        interrupted=interrupted,
        ledger=ledger,
    )


async def _book(desk: Desk, watch: AccountWatch) -> None:
    """What it bought or sold; the next look books it when this one cannot."""
    try:
        await catch_up(desk, watch, Hold(desk.lock, desk.clock))
    except TrueupError as error:
        desk.log.event("not_booked_yet", level="warning", why=error.message)


def _conclude(desk: Desk, intent: ExitIntent) -> None:
    """An order that came to nothing ends the exit: a person may try once more."""
    with desk.book.write() as book:
        now = book.exit_intent(intent.exit_intent_id)
        if now is None or now.state is not ExitState.PLACED:
            return
        rows = book.orders(now.account, order_ids=[now.key_of(now.tries)])
        if rows and rows[0].status not in LIVE:
            why = book.outcome_of(rows[0].order_id) or f"its order was {rows[0].status}"
            move_exit(book, now, ExitState.FAILED, desk.clock.now(), why)


def _withdraw(desk: Desk, intent: ExitIntent, why: str) -> None:
    with desk.book.write() as book:
        now = book.exit_intent(intent.exit_intent_id)
        if now and now.state in (ExitState.PENDING, ExitState.APPROVED):
            move_exit(book, now, ExitState.CANCELLED, desk.clock.now(), why)


def _result(desk: Desk, portion: Portion, intent: ExitIntent) -> Left:
    with desk.book.read() as book:
        now = book.exit_intent(intent.exit_intent_id)
        trade = book.trade(portion.trade.trade_id)
    return Left(portion, now or intent, trade or portion.trade)
