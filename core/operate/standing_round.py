"""One round of one account in a running service: what policy allows is applied, the rest staged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.apply.door import Look
from core.apply.hold import Hold
from core.apply.ledger import Ledger, Outcome
from core.apply.standing import StandingDoor
from core.apply.stepping import Copybook
from core.decide.execution.follow import is_fact
from core.domain.errors import Blocked, NotSent, Stale
from core.domain.observation import Observation
from core.domain.record import StepState
from core.operate.account_watch import AccountWatch
from core.operate.alerting import raise_alert
from core.operate.catching_up import catch_up, in_motion, moved_between
from core.operate.desk import Desk
from core.operate.looking import as_one, look
from core.operate.making_way import in_turn, made_bare
from core.operate.permission import forbidden, may_change
from core.operate.planning import plan_from
from core.operate.reconciling import is_new, stage_if_new
from core.operate.run_status import note_look
from core.operate.setbacks import Setbacks
from core.plan.change import (
    AmendOrder,
    AnyChange,
    CancelOrder,
    CloseRecommendation,
    InitialState,
    PlaceExit,
    PlaceOrder,
    RollDue,
    TakeProfit,
    class_of,
    is_informational,
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
    PlaceExit,
    PlaceOrder,
)
# What became of a step, in the words of a run.
_OUTCOMES = {StepState.DONE: Outcome.DONE, StepState.FAILED: Outcome.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    desk: Desk
    watches: Mapping[str, AccountWatch]
    hold: Hold
    door: StandingDoor
    setbacks: Setbacks
    # Told of every look that a plan was made from.
    told: Callable[[Mapping[str, Observation]], None] = lambda seen: None

    async def see_to(self, account: str) -> Look:
        """Its facts first, then what policy allows; the look in the end shows what is left."""
        caught = await catch_up(self.desk, self.watches[account], self.hold)
        if caught.seen:
            self.told(caught.seen.observations)
        seen = caught.seen or await self.look(account)
        if not may_change(self.desk.gates()):
            return seen
        plan = plan_from(self.desk, [account], seen)
        chosen = [action for action in plan.actions if self._is_allowed(action.change)]
        self.setbacks.expect(account, (action.change for action in chosen))
        if not chosen:
            return seen
        ledger = await self._carry_out(plan, chosen)
        return await self.look(account) if ledger.touched else seen

    async def look(self, account: str) -> Look:
        """Once more when something moved meanwhile that a person would be asked about: it may only
        seem to differ."""
        # Once armed, the lanes see to what signals ask for; until then a person may.
        asks = not may_change(self.desk.gates())
        tries = 0
        while True:
            before = in_motion(self.desk, account)
            seen = await look(self.desk, [account], intents=asks)
            self.told(seen.observations)
            moved = moved_between(before, in_motion(self.desk, account))
            tries += 1
            if tries == _TRIES or not any(map(self._is_asked, _about(seen, moved))):
                return seen

    # --- what is left for a person ------------------------------------------------------------

    def stage(self, left: Mapping[str, Look]) -> Plan:
        plan = plan_from(self.desk, list(left), as_one(left.values()))
        note_look(self.desk, plan)
        if stage_if_new(self.desk, plan) and self._asks_a_person(plan):
            raise_alert(
                self.desk,
                "review_needed",
                f"{plan.plan_id} has {len(plan.actions)} actions and {len(plan.ambiguous)} "
                "matches for a person to decide",
                subject=plan.plan_id,
            )
        return plan

    def is_news(self, left: Mapping[str, Look]) -> bool:
        """Whether it would be staged."""
        return is_new(self.desk, plan_from(self.desk, list(left), as_one(left.values())))

    def _asks_a_person(self, plan: Plan) -> bool:
        """What the service may do itself and did not manage to is told where it failed."""
        return bool(plan.ambiguous) or any(self._is_asked(action.change) for action in plan.actions)

    def _is_asked(self, change: AnyChange) -> bool:
        armed = may_change(self.desk.gates())
        return not (is_informational(change) or (armed and self._is_ours(change)))

    def _is_ours(self, change: AnyChange) -> bool:
        """Facts that came after they were recorded are recorded in a moment."""
        return is_fact(change) or self._is_allowed(change)

    def _is_allowed(self, change: AnyChange) -> bool:
        """Facts were recorded before the plan was made; here it is about the broker."""
        return (
            change.at_broker
            and not isinstance(change, NEVER_BY_POLICY)
            and class_of(change).value in self.desk.settings.EXECUTION.standing_policy
        )

    async def _carry_out(self, plan: Plan, actions: Sequence[Action]) -> Ledger:
        ledger = Ledger(plan_id=plan.plan_id)
        for action in in_turn(actions, self.watches):
            if blocker := ledger.blocker_of(action):
                ledger.note(action, Outcome.SKIPPED, f"depends on {blocker}, which was not done")
                continue
            await self._carry_out_one(plan, action, ledger)
        return ledger

    async def _carry_out_one(self, plan: Plan, action: Action, ledger: Ledger) -> None:
        change = action.change
        try:
            answer = await self.door.carry_out(change, cause=plan.plan_id, name=action.id)
        except (Blocked, Stale, NotSent) as error:
            ledger.note(action, Outcome.NOT_REACHED, error.message)
            return
        outcome = _OUTCOMES.get(answer.state, Outcome.UNKNOWN)
        ledger.note(action, outcome, answer.note)
        bare = outcome is Outcome.FAILED and made_bare(change, ledger)
        self.setbacks.note(change, outcome, answer.note, made_bare=bare)


def _about(seen: Look, symbols: frozenset[str]) -> list[AnyChange]:
    return [change for change in seen.proposal.changes if change.symbol in symbols]


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
        misfit=lambda account: watches[account].wrong_mode,
    )
