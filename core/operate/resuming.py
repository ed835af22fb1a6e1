"""apply --resume and resolve: settling steps whose outcome was never learned."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from core.apply.asking import Answer
from core.apply.journal import Journal
from core.apply.resume import Resumption, Settled, reopened
from core.apply.settling import settle
from core.domain.errors import Blocked, Usage
from core.domain.order import OrderStatus
from core.domain.record import Step, StepState
from core.operate.alerting import raise_alert
from core.operate.desk import Desk
from core.operate.run_status import RunState, RunStatus, write_status
from core.operate.trade_log import write_trade_log
from core.plan.change import PlaceStop
from core.plan.codec import action_from_document

# Waiting for the venue's quarantine to pass is worth it up to here; beyond, come back later.
WAIT_SECONDS_MAX = 30.0


async def resume(desk: Desk, tell: Callable[[str], None] = lambda _: None) -> list[Settled]:
    """Asks the broker about every open step; sends nothing. `tell` hears why it takes a while."""
    _check_writable(desk)
    with desk.lock():
        settled = await _ask(desk)
        if await _waited_for_quarantine(desk, settled, tell):
            again = {one.step.step_id: one for one in await _ask(desk)}
            settled = [again.get(one.step.step_id, one) for one in settled]
    if settled:
        write_trade_log(desk)
        _note(desk, settled)
        _alert_unprotected(desk, settled)
    return settled


async def _ask(desk: Desk) -> list[Settled]:
    with desk.book.read() as book:
        steps = book.steps(open_only=True)
    resumption = Resumption(
        book=desk.book,
        brokers={step.account: desk.broker(step.account) for step in steps},
        clock=desk.clock,
        log=desk.log,
    )
    return await resumption.settle_open_steps(steps)


def _check_writable(desk: Desk) -> None:
    gates = desk.gates()
    if gates.safe_mode:
        raise Blocked("SAFE_MODE is on, so nothing can be settled", hint="trueup safe-mode status")
    if gates.dry_run:
        raise Blocked("DRY_RUN is on, so nothing can be settled", hint="set DRY_RUN: false")


async def _waited_for_quarantine(
    desk: Desk, settled: Sequence[Settled], tell: Callable[[str], None]
) -> bool:
    """What is not there yet may be accepted late; whether it was is known once that is over."""
    now = desk.clock.now()
    waits = [
        (one.step.begun_at + desk.broker(one.step.account).capabilities.quarantine - now)
        for one in settled
        if one.state is StepState.UNKNOWN
    ]
    longest = max(waits, default=timedelta()).total_seconds()
    if not 0 < longest <= WAIT_SECONDS_MAX:
        return False
    tell(f"not there yet; asking again in {longest:.0f} s, when a late accept is impossible")
    desk.log.event("waiting_for_quarantine", seconds=longest)
    await desk.clock.sleep(longest)
    return True


def _note(desk: Desk, settled: Sequence[Settled]) -> None:
    still_open = [one for one in settled if one.state is StepState.UNKNOWN]
    write_status(
        desk,
        RunStatus(
            status=RunState.PARTIAL if still_open else RunState.COMPLETED,
            last_run=desk.clock.now(),
            plan_id=settled[0].step.plan_id,
            broker_actions=sum(one.state is StepState.DONE for one in settled),
            error=f"{len(still_open)} steps are still unresolved" if still_open else None,
        ),
    )


def _alert_unprotected(desk: Desk, settled: Sequence[Settled]) -> None:
    for one in settled:
        change = action_from_document(one.step.request).change
        first = isinstance(change, PlaceStop) and change.is_first
        if first and one.state is StepState.FAILED:
            raise_alert(
                desk,
                "position_unprotected",
                f"{one.step.symbol} has no stop: {one.note}",
                account=one.step.account,
                subject=one.step.idempotency_key,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A person's word on one open step."""

    done: bool
    broker_order_id: str | None = None
    note: str = ""


def resolve_step(desk: Desk, name: str, verdict: Verdict) -> Settled:
    """Settles by a person's word what the broker could not tell; the audit says whose word."""
    _check_writable(desk)
    with desk.lock():
        with desk.book.read() as book:
            step = find_step(book.steps(open_only=True), name)
        call = reopened(desk.book, step)
        state = StepState.DONE if verdict.done else StepState.FAILED
        said = "done" if verdict.done else "not done"
        answer = Answer(
            state=state,
            # A placed order is open until the broker tells more; the next plan will ask.
            status=OrderStatus.OPEN if verdict.done else OrderStatus.REJECTED,
            note=f"{said}, says {desk.actor}" + (f": {verdict.note}" if verdict.note else ""),
        )
        settle(
            Journal(desk.book),
            call,
            step,
            answer,
            at=desk.clock.now(),
            by=desk.actor,
            broker_order_id=verdict.broker_order_id,
        )
    write_trade_log(desk)
    return Settled(
        step=step, state=state, note=answer.note, broker_order_id=verdict.broker_order_id
    )


def find_step(steps: Sequence[Step], name: str) -> Step:
    """By action id, step id or key; an action id alone must be unambiguous among the open steps."""
    found = [step for step in steps if name in (step.action_id, step.step_id)]
    if len(found) == 1:
        return found[0]
    if found:
        keys = [step.step_id for step in found]
        raise Usage(
            f"{name} names several open steps: {', '.join(keys)}",
            hint=f"trueup resolve {keys[0]} --as done|not-done",
        )
    raise Usage(f"no open step is called {name!r:.40}", hint="trueup resolve")
