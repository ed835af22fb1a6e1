"""One round of reconciliation in a running service: apply what policy allows, stage the rest."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.apply.hold import Hold
from core.apply.ledger import Ledger, Outcome
from core.apply.recording import Recorder
from core.apply.standing import StandingDoor
from core.apply.stepping import Copybook
from core.decide.execution.follow import is_fact
from core.domain.errors import Blocked, NotSent, Stale, Unavailable
from core.domain.record import StepState
from core.domain.snapshot import missing_parts
from core.operate.account_watch import AccountWatch
from core.operate.aftermath import after_facts
from core.operate.alerting import raise_alert
from core.operate.desk import Desk
from core.operate.hearing import may_change
from core.operate.looking import look
from core.operate.planning import plan_from
from core.operate.reconciling import stage_if_new
from core.operate.run_status import note_look
from core.plan.change import (
    AdoptPosition,
    AmendOrder,
    AnyChange,
    CancelOrder,
    CloseRecommendation,
    InitialState,
    PlaceOrder,
    PlaceStop,
    RollDue,
    TakeProfit,
    class_of,
)
from core.plan.plan import Action, Plan

_TRIES = 3

# Recommendations are a person's call, and what signals ask for belongs to their lane.
NEVER_BY_POLICY = (
    CloseRecommendation,
    TakeProfit,
    RollDue,
    InitialState,
    CancelOrder,
    AmendOrder,
    PlaceOrder,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    desk: Desk
    watches: Mapping[str, AccountWatch]
    hold: Hold
    copybook: Copybook

    async def run(self, accounts: Sequence[str]) -> Plan:
        """Facts first, account by account; then one plan over all of them."""
        for name in accounts:
            await catch_up(self.desk, self.watches[name], self.hold)
        plan = await self._plan(accounts)
        chosen = [action for action in plan.actions if self._is_allowed(action.change)]
        if chosen and may_change(self.desk.gates()):
            ledger = await self._carry_out(plan, chosen)
            if ledger.touched:
                plan = await self._plan(accounts)
        if stage_if_new(self.desk, plan) and _asks_a_person(plan):
            raise_alert(
                self.desk,
                "review_needed",
                f"{plan.plan_id} has {len(plan.actions)} actions and {len(plan.ambiguous)} "
                "matches for a person to decide",
                subject=plan.plan_id,
            )
        return plan

    async def _plan(self, accounts: Sequence[str]) -> Plan:
        # Once armed, the lanes see to what signals ask for; until then a person may.
        asks = not may_change(self.desk.gates())
        plan = plan_from(self.desk, accounts, await look(self.desk, accounts, intents=asks))
        note_look(self.desk, plan)
        return plan

    def _is_allowed(self, change: AnyChange) -> bool:
        """Facts were recorded before the plan was made; here it is about the broker."""
        return (
            change.at_broker
            and not isinstance(change, NEVER_BY_POLICY)
            and class_of(change).value in self.desk.settings.EXECUTION.standing_policy
        )

    async def _carry_out(self, plan: Plan, actions: Iterable[Action]) -> Ledger:
        ledger = Ledger(plan_id=plan.plan_id)
        door = standing_door(self.desk, self.watches, self.hold, self.copybook)
        for action in actions:
            if blocker := ledger.blocker_of(action):
                ledger.note(action, Outcome.SKIPPED, f"depends on {blocker}, which was not done")
                continue
            await self._carry_out_one(door, plan, action, ledger)
        return ledger

    async def _carry_out_one(
        self, door: StandingDoor, plan: Plan, action: Action, ledger: Ledger
    ) -> None:
        change = action.change
        try:
            answer = await door.carry_out(change, cause=plan.plan_id, name=action.id)
        except (Blocked, Stale, NotSent) as error:
            ledger.note(action, Outcome.NOT_REACHED, error.message)
            return
        outcome = {
            StepState.DONE: Outcome.DONE,
            StepState.FAILED: Outcome.FAILED,
        }.get(answer.state, Outcome.UNKNOWN)
        ledger.note(action, outcome, answer.note)
        if outcome is Outcome.DONE:
            return
        first = isinstance(change, PlaceStop) and change.is_first
        unprotected = first and outcome is Outcome.FAILED
        raise_alert(
            self.desk,
            "position_unprotected" if unprotected else "order_outcome_unknown",
            f"{change.kind} {change.symbol}: {answer.note}",
            account=change.account,
            subject=change.target,
        )


def _asks_a_person(plan: Plan) -> bool:
    return plan.differs or bool(plan.ambiguous)


def standing_door(
    desk: Desk, watches: Mapping[str, AccountWatch], hold: Hold, copybook: Copybook
) -> StandingDoor:
    return StandingDoor(
        book=desk.book,
        brokers={name: watch.broker for name, watch in watches.items()},
        clock=desk.clock,
        log=desk.log,
        copybook=copybook,
        hold=hold,
        forbidden=lambda: forbidden(desk),
    )


def forbidden(desk: Desk) -> str | None:
    """Why a running service may not change anything right now."""
    gates = desk.gates()
    if gates.safe_mode:
        return "SAFE_MODE is on"
    if gates.dry_run:
        return "DRY_RUN is on"
    if gates.confirm is not True:
        return "not armed: DRY_RUN_CONFIRM is not true"
    return None


async def catch_up(desk: Desk, watch: AccountWatch, hold: Hold) -> bool:
    """A whole look at the account, and its facts into the book; then the book is current.

    True when something was bought or sold that the book did not know of.
    """
    lagged, watch.behind = watch.behind, None
    # From here on somebody else says so when even this look is not enough.
    try:
        return await _catch_up(desk, watch, hold)
    except BaseException:
        watch.behind = watch.behind or lagged or "the last look was not finished"
        raise


async def _catch_up(desk: Desk, watch: AccountWatch, hold: Hold) -> bool:
    for _ in range(_TRIES):
        before = _unsettled_or_held(desk, watch.account)
        seen = await look(desk, [watch.account], intents=False)
        observation = seen.observations[watch.account]
        watch.remember(observation.broker.instruments)
        missing = [f"{part}: {why}" for part, why in missing_parts(observation.broker)]
        watch.unreachable = missing[0] if missing else None
        # What an unsettled call has done is told by its outcome, and may look like a stranger's.
        busy = {step.symbol for step in observation.book.open_steps}
        after = _unsettled_or_held(desk, watch.account)
        watch.unexplained = frozenset(
            change.symbol
            for change in seen.proposal.changes
            if isinstance(change, AdoptPosition)
            # What moved while the venue was being read only seems to differ.
            and (
                before.get(change.symbol) == after.get(change.symbol)
                or change.symbol in watch.unexplained
            )
            and change.symbol not in busy
        )
        facts = [
            change
            for change in seen.proposal.changes
            if is_fact(change) and change.symbol not in busy
        ]
        if not may_change(desk.gates()):
            watch.looked_at = desk.clock.now()
            if facts or missing:
                watch.behind = forbidden(desk)
            watch.reconciled = not missing
            return False
        recorder = Recorder(book=desk.book, clock=desk.clock, by="manage")
        try:
            async with hold:
                batch = recorder.record(observation, facts)
        except Stale:
            continue  # somebody was quicker: look again
        if batch is not None:
            after_facts(desk, observation, batch)
        watch.looked_at = desk.clock.now()
        if missing:
            watch.behind = missing[0]
        watch.reconciled = watch.reconciled or not missing
        return batch is not None and bool(batch.new_executions)
    raise Unavailable(f"the book of {watch.account} never stood still long enough to catch up")


def _unsettled_or_held(desk: Desk, account: str) -> Mapping[str, object]:
    """By symbol what moves there: positions, and calls whose outcome is open."""
    found: dict[str, list[object]] = defaultdict(list)
    with desk.book.read() as book:
        for row in book.positions(account):
            found[row.symbol].append((row.side, row.quantity, row.updated_at))
        for step in book.open_steps(account):
            found[step.symbol].append(step.step_id)
    return found
