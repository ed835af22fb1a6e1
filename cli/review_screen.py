"""Runs the interactive review and writes down what was said."""

from cli.invocation import Invocation
from cli.review_app import ReviewApp, Said
from core.operate.desk import Desk
from core.operate.matching import settle_match
from core.operate.reviewing import Decisions, check_reviewable, review
from core.operate.staging import staged_plan
from core.plan.codec import StagedPlan


def walk(call: Invocation, desk: Desk) -> StagedPlan:
    """The staged plan as it stands afterwards."""
    staged = staged_plan(desk)
    check_reviewable(desk, staged)
    said = ReviewApp(staged.plan).run()
    if said is None or not said.keep:
        call.screen.note("left without keeping anything")
        return staged
    return keep(desk, said)


def keep(desk: Desk, said: Said) -> StagedPlan:
    """Decisions first: settling a match moves the book on, and this plan with it."""
    staged = review(desk, Decisions(by_id=said.decisions), seal=said.seal)
    for match_id, settlement in said.matches.items():
        settle_match(desk, match_id, settlement)
    return staged
