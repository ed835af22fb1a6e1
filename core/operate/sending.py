"""intents execute: the queue of qualified entries, by hand, through the same door.

It makes a plan of just their orders and what makes way for them, stages it, and applies it; every
gate, the lock, the backup and the second look are those of any other apply.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from core.apply.ledger import Ledger
from core.domain.errors import Blocked, Usage
from core.domain.intent import IntentState, TradeIntent
from core.domain.moment import moment_text
from core.operate.applying import Selection, apply_staged
from core.operate.desk import Desk
from core.operate.looking import look
from core.operate.planning import plan_from
from core.operate.staging import stage
from core.plan.change import AnyChange, CancelOrder, PlaceOrder
from core.plan.plan import Decision, Plan

ALL = "all"


async def execute_intents(
    desk: Desk,
    accounts: Sequence[str],
    names: Sequence[str],
    *,
    is_meant: Callable[[Plan], bool],
    interrupted: Callable[[], bool],
    ledger: Ledger,
) -> None:
    """`is_meant` is shown the plan and says whether a person wants it carried out."""
    wanted = _chosen(desk, accounts, names)
    seen = await look(desk, accounts)
    changes = [change for change in seen.proposal.changes if _belongs(change, wanted)]
    placed = {change.after.intent_id for change in changes if isinstance(change, PlaceOrder)}
    for intent in wanted:
        if intent.intent_id not in placed and names != [ALL]:
            raise Blocked(_why_not(desk, intent), hint=f"trueup history {intent.intent_id}")
    if not placed:
        raise Blocked("no intent can be carried out right now", hint="trueup intents")
    plan = plan_from(
        desk, accounts, replace(seen, proposal=replace(seen.proposal, changes=tuple(changes)))
    )
    approved = {action.id: (Decision.APPROVE, "intents execute") for action in plan.actions}
    plan = plan.decided(approved)
    stage(desk, plan)
    await apply_staged(
        desk,
        confirmed=None,
        ask=lambda plan_id: plan_id if is_meant(plan) else None,
        selection=Selection(),
        interrupted=interrupted,
        ledger=ledger,
    )


def _chosen(desk: Desk, accounts: Sequence[str], names: Sequence[str]) -> list[TradeIntent]:
    with desk.book.read() as book:
        if names == [ALL]:
            waiting = [
                intent
                for name in accounts
                for intent in book.intents(name, states={IntentState.APPROVED})
            ]
            if not waiting:
                raise Blocked("no intent waits", hint="trueup intents")
            return waiting
        found = []
        for name in names:
            intent = book.intent(name)
            if intent is None:
                raise Usage(f"no intent {name!r:.60}", hint="trueup intents --state APPROVED")
            found.append(intent)
    return found


def _belongs(change: AnyChange, wanted: Sequence[TradeIntent]) -> bool:
    if isinstance(change, PlaceOrder):
        return any(change.after.intent_id == intent.intent_id for intent in wanted)
    if isinstance(change, CancelOrder):
        place = change.account, change.symbol
        return any(place == (intent.account, intent.symbol) for intent in wanted)
    return False


def _why_not(desk: Desk, intent: TradeIntent) -> str:
    """What keeps an intent from being carried out, in the order in which a person would look."""
    now = desk.clock.now()
    if intent.state is not IntentState.APPROVED:
        outcome = f": {intent.outcome}" if intent.outcome else ""
        return f"intent {intent.intent_id} is {intent.state}{outcome}; only a waiting one is sent"
    if intent.expires_at and now > intent.expires_at:
        return f"intent {intent.intent_id} expired at {moment_text(intent.expires_at)}"
    if "simulated" in intent.because:
        return f"intent {intent.intent_id} comes of a warm-up signal and is only simulated"
    with desk.book.read() as book:
        steps = [step for step in book.open_steps(intent.account) if step.symbol == intent.symbol]
        before = [
            other
            for other in book.intents(
                intent.account, symbol=intent.symbol, states={IntentState.APPROVED}
            )
            if other.intent_id != intent.intent_id
        ]
    if steps:
        return f"a call about {intent.symbol} is of unknown outcome: trueup apply --resume"
    if before:
        return f"intent {intent.intent_id} waits behind {before[0].intent_id} of the same symbol"
    return f"intent {intent.intent_id} has been begun already"
