"""A plan on the screen: what would change, what waits for a person, what is wrong, and the sum."""

from collections.abc import Iterable, Mapping

from cli.screen import Cell, Screen, Tone
from cli.views.changes import essence, sign_of
from core.domain.ambiguity import AmbiguousMatch
from core.domain.problem import Problem
from core.domain.text import plain
from core.plan.change import class_of, is_informational
from core.plan.plan import Action, Decision, Plan

_DECISION_TONES = {
    Decision.APPROVE: Tone.GOOD,
    Decision.PENDING: Tone.WARN,
    Decision.SKIP: Tone.DIM,
    Decision.REJECT: Tone.BAD,
}


def show_plan(screen: Screen, plan: Plan, *, reasons: bool = True) -> None:
    show_actions(screen, plan.actions, reasons=reasons)
    show_matches(screen, plan.ambiguous)
    show_problems(screen, plan.problems)
    if plan.actions or plan.ambiguous or plan.problems:
        screen.line()
    screen.line(Cell(summary_line(plan), Tone.STRONG))


def show_actions(screen: Screen, actions: Iterable[Action], *, reasons: bool = True) -> None:
    """Two lines each: what, and because of what."""
    shown = [(action, _columns(action)) for action in actions]
    widths = [max((len(str(row[at].text)) for _, row in shown), default=0) for at in range(5)]
    account = ""
    for action, row in shown:
        if action.change.account != account:
            account = action.change.account
            screen.heading(f"account {account}")
        sign, tone = sign_of(action.change)
        parts = [Cell(f"{sign} ", tone)]
        for cell, wide in zip(row, widths, strict=True):
            parts.append(Cell(f"{cell.text!s:<{wide}}  ", cell.tone))
        screen.line(*parts, Cell(essence(action.change)))
        if reasons:
            screen.line(" " * (widths[0] + 4), Cell(action.change.because, Tone.DIM))


def _columns(action: Action) -> list[Cell]:
    change = action.change
    decision = "" if is_informational(change) else action.decision.value
    return [
        Cell(action.id),
        Cell(change.kind),
        Cell(change.symbol, Tone.STRONG),
        Cell(class_of(change).value, Tone.DIM),
        Cell(decision, _DECISION_TONES[action.decision]),
    ]


def show_matches(screen: Screen, matches: Iterable[AmbiguousMatch]) -> None:
    for match in matches:
        order = match.broker_order
        what = f"{order.side} {plain(order.quantity)} {order.type}, {order.status}"
        screen.line(
            Cell("? ", Tone.ASK), f"{match.id}  ", Cell(order.symbol, Tone.STRONG),
            f"  broker order {order.broker_order_id}: {what}  ", Cell(match.reason.value, Tone.DIM),
        )  # fmt: skip
        for candidate in match.candidates:
            row = candidate.book_order
            screen.line(
                f"      {plain(candidate.score)}  book order {row.order_id}, {row.status}",
                Cell(f"; differs in {', '.join(candidate.differ) or 'nothing'}", Tone.DIM),
            )


def show_problems(screen: Screen, problems: Iterable[Problem]) -> None:
    for problem in problems:
        where = f"{problem.account} {problem.subject}".strip()
        screen.line(
            Cell("! ", Tone.WARN), Cell(f"{problem.code}  ", Tone.STRONG), f"{where}: ",
            problem.message,
        )  # fmt: skip


def summary_line(plan: Plan) -> str:
    """The closing line; its wording is read by scripts."""
    return summary_text(plan.summary)


def summary_text(summary: Mapping[str, int]) -> str:
    parts = [
        f"{summary['insert']} to insert",
        f"{summary['update']} to update",
        f"{summary['delete']} to delete",
    ]
    if summary["spy_futures"]:
        parts.append(f"{summary['spy_futures']} S&P")
    parts += [
        f"{summary['broker']} broker actions",
        f"{summary['ambiguous']} ambiguous",
        f"{summary['unchanged']} unchanged",
    ]
    return f"Plan: {', '.join(parts)}."
