"""The ledger of a run: every action and what became of it."""

from cli.screen import Cell, Column, Screen, Tone
from core.apply.ledger import Entry, Ledger, Outcome
from core.apply.resume import Settled
from core.domain.record import StepState
from core.domain.text import Row, to_row

_TONES = {
    Outcome.DONE: Tone.GOOD,
    Outcome.SIMULATED: Tone.DIM,
    Outcome.SKIPPED: Tone.DIM,
    Outcome.FAILED: Tone.BAD,
    Outcome.UNKNOWN: Tone.WARN,
    Outcome.NOT_REACHED: Tone.WARN,
}
_WORDS = {Outcome.NOT_REACHED: "not reached"}


def show_ledger(screen: Screen, ledger: Ledger) -> None:
    if ledger.simulated:
        screen.line(Cell("simulated: DRY_RUN is on, nothing was changed", Tone.WARN))
    screen.table(
        ["outcome", "id", "action", "account", "symbol", "target", "note"],
        [
            (
                Cell(_WORDS.get(entry.outcome, entry.outcome.value), _TONES[entry.outcome]),
                entry.action_id,
                entry.kind,
                entry.account,
                entry.symbol,
                entry.target,
                Cell(entry.note, Tone.DIM),
            )
            for entry in ledger.sorted()
        ],
        empty="no actions",
    )
    counts = ", ".join(
        f"{count} {_WORDS.get(outcome, outcome.value)}"
        for outcome, count in ledger.counts.items()
        if count
    )
    screen.line(Cell(f"Apply {ledger.plan_id}: {counts or 'nothing to do'}.", Tone.STRONG))
    if ledger.backup_file:
        screen.line(Cell(f"backup: {ledger.backup_file}", Tone.DIM))


_TROUBLE = (Outcome.FAILED, Outcome.UNKNOWN)


def warn_of_trouble(screen: Screen, ledger: Ledger) -> None:
    """What went wrong is said on stderr too, where --quiet does not silence it."""
    for entry in ledger.sorted():
        if entry.outcome in _TROUBLE:
            subject = f"{entry.action_id} {entry.kind} {entry.symbol}"
            screen.warn(f"{subject}: {entry.outcome.value}: {entry.note}")
    if ledger.failed:
        screen.warn("an action failed, so SAFE_MODE is on until a person has looked")
        screen.next("trueup safe-mode status, then trueup plan")
    elif ledger.unknown:
        screen.next("trueup apply --resume")
    elif not (ledger.whole or ledger.simulated):
        screen.next("trueup status")


def ledger_document(ledger: Ledger) -> Row:
    return {
        "plan_id": ledger.plan_id,
        "simulated": ledger.simulated,
        "interrupted": ledger.interrupted,
        "backup_file": ledger.backup_file,
        "counts": {outcome.value: count for outcome, count in ledger.counts.items()},
        "actions": [_entry_row(entry) for entry in ledger.sorted()],
    }


def _entry_row(entry: Entry) -> Row:
    """In the words of the staged file."""
    row = to_row(entry)
    return {
        "id": row.pop("action_id"),
        "kind": row.pop("kind"),
        "class": row.pop("change_class"),
        **row,
    }


_SETTLED = {StepState.DONE: Tone.GOOD, StepState.FAILED: Tone.BAD, StepState.UNKNOWN: Tone.WARN}


def show_settled(screen: Screen, settled: list[Settled]) -> None:
    screen.table(
        ["outcome", "id", "action", "account", "symbol", Column("key"), "what the broker says"],
        [
            (
                Cell(one.state.value, _SETTLED[one.state]),
                one.step.action_id,
                one.step.kind,
                one.step.account,
                one.step.symbol,
                one.step.idempotency_key,
                one.note,
            )
            for one in settled
        ],
        empty="no unresolved steps",
    )


def settled_document(settled: list[Settled]) -> Row:
    return {
        "steps": [
            {
                "step_id": one.step.step_id,
                "plan_id": one.step.plan_id,
                "action_id": one.step.action_id,
                "kind": one.step.kind,
                "account": one.step.account,
                "symbol": one.step.symbol,
                "state": one.state.value,
                "note": one.note,
                "broker_order_id": one.broker_order_id,
                "alike": list(one.alike),
            }
            for one in settled
        ]
    }
