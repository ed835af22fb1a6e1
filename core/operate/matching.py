"""resolve: a person's decision on an ambiguous match, kept for every later plan."""

from dataclasses import dataclass

from core.domain.ambiguity import AmbiguousMatch, Choice, MatchDecision
from core.domain.errors import Usage
from core.operate.desk import Desk
from core.operate.staging import staged_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """`order_id` is the candidate chosen when the choice is a match."""

    choice: Choice
    order_id: str | None = None
    note: str = ""


def open_matches(desk: Desk) -> tuple[AmbiguousMatch, ...]:
    """The matches of the staged plan, decided or not."""
    return staged_plan(desk).plan.ambiguous


def decided_ids(desk: Desk) -> frozenset[tuple[str, str]]:
    """(account, broker order id) of every match that a person has decided."""
    with desk.book.read() as book:
        return frozenset(
            (decision.account, decision.broker_order_id)
            for account in desk.settings.ACCOUNTS
            for decision in book.decisions(account)
        )


def settle_match(desk: Desk, match_id: str, settlement: Settlement) -> MatchDecision:
    """Stores who decided what, when and why; the next plan honours it, this one stays closed."""
    match = _find(open_matches(desk), match_id)
    if settlement.choice is Choice.MATCH:
        _check_candidate(match, settlement.order_id)
    decision = MatchDecision(
        account=match.account,
        broker_order_id=match.broker_order.broker_order_id,
        choice=settlement.choice,
        order_id=settlement.order_id,
        by=desk.actor,
        at=desk.clock.now(),
        note=settlement.note,
    )
    with desk.lock(), desk.book.write() as book:
        book.put_decision(decision)
        book.bump_serial()
    desk.log.event(
        "match_decided",
        account=match.account,
        broker_order_id=decision.broker_order_id,
        choice=decision.choice.value,
        by=decision.by,
    )
    return decision


def _find(matches: tuple[AmbiguousMatch, ...], match_id: str) -> AmbiguousMatch:
    for match in matches:
        if match.id == match_id:
            return match
    known = ", ".join(match.id for match in matches) or "none"
    raise Usage(f"no ambiguous match {match_id!r:.40}; open: {known}", hint="trueup resolve")


def _check_candidate(match: AmbiguousMatch, order_id: str | None) -> None:
    known = [candidate.book_order.order_id for candidate in match.candidates]
    if order_id not in known:
        raise Usage(
            f"{order_id} is no candidate of {match.id}; candidates: {', '.join(known)}",
            hint=f"trueup resolve {match.id} --choose {known[0]}" if known else None,
        )
