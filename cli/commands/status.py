"""status: what an operator must know before doing anything."""

from datetime import timedelta

from cli.desk_work import desk_for
from cli.invocation import Invocation
from cli.options import AsJson, verb
from cli.screen import Cell, Screen, Tone
from core.config.gates import Gates
from core.domain.moment import moment_text
from core.domain.text import Row, to_row
from core.operate.reporting import Report, StagedFacts, report


@verb("trueup status", "trueup status --json")
def command(call: Invocation, as_json: AsJson = False) -> int:
    """Gates, last run, staged plan, what is unresolved or unprotected, and what to type next."""
    with desk_for(call) as desk:
        found = report(desk)
    if as_json:
        call.screen.json(_document(found))
    else:
        _show(call.screen, found)
    return 0


def _show(screen: Screen, found: Report) -> None:
    gates = found.gates
    screen.heading("gates")
    screen.pairs(
        [
            ("DRY_RUN", _gate(gates.dry_run, "on", "off", gates, "DRY_RUN")),
            ("SAFE_MODE", _gate(gates.safe_mode, "on", "off", gates, "SAFE_MODE")),
            ("DRY_RUN_CONFIRM", _armed(gates)),
        ],
        indent=2,
    )
    screen.heading("last run")
    last = found.last_run
    told = [("status", last.get("status")), ("at", last.get("last_run") or "never")]
    told += [("plan", last["plan_id"])] if last.get("plan_id") else []
    told += [("error", Cell(last["error"], Tone.BAD))] if last.get("error") else []
    screen.pairs(told, indent=2)
    screen.heading("staged plan")
    screen.pairs(_staged(found.staged), indent=2)
    screen.heading("service")
    screen.pairs(_service(found), indent=2)
    screen.heading("open")
    screen.pairs(
        [
            ("unresolved steps", _count(len(found.open_steps))),
            ("unprotected positions", _count(len(found.unprotected))),
            ("intents waiting", found.intents_waiting),
            ("dead letters", _count(found.dead_letters)),
        ],
        indent=2,
    )
    for halt in found.halts:
        screen.line(
            Cell("! ", Tone.BAD),
            f"entries of {halt.account} stand halted ({halt.kind}): {halt.reason}",
        )
    if found.open_steps:
        screen.heading("unresolved steps")
    for step in found.open_steps:
        screen.line(
            f"    {step.action_id} {step.kind} {step.symbol} of {step.plan_id}: {step.state}"
        )
    if found.unprotected:
        screen.heading("unprotected positions")
    for position in found.unprotected:
        screen.line(
            f"    {position.account} {position.symbol} {position.quantity}: no stop in the book"
        )
    if found.holder:
        screen.line(
            Cell(
                f"the lock is held by `trueup {found.holder.command}` "
                f"(process {found.holder.pid}) since {found.holder.since}",
                Tone.WARN,
            )
        )
    for trouble in found.troubles:
        screen.line(Cell("! ", Tone.BAD), trouble)
    screen.next(found.next_command)


def _gate(value: bool, yes: str, no: str, gates: Gates, name: str) -> Cell:
    source = gates.why.get(name)
    text = f"{yes if value else no}" + (f"  ({source})" if source else "")
    return Cell(text, Tone.WARN if value else Tone.GOOD)


def _armed(gates: Gates) -> Cell:
    match gates.confirm:
        case False:
            return Cell("off: actions are staged, not executed", Tone.GOOD)
        case True:
            return Cell("armed", Tone.WARN)
        case plan_id:
            return Cell(f"armed for {plan_id}", Tone.WARN)


def _staged(staged: StagedFacts | None) -> list[tuple[str, object]]:
    if staged is None:
        return [("none", "")]
    return [
        ("plan", staged.plan_id),
        ("state", staged.state),
        ("age", ago(staged.age)),
        (
            "expires",
            f"in {ago(staged.expires_in)}" if staged.expires_in > timedelta() else "expired",
        ),
        ("pending", _count(staged.pending)),
        ("ambiguous", _count(staged.ambiguous)),
        ("sealed by", staged.sealed_by or "nobody"),
    ]


_MOODS = {"running": Tone.GOOD, "dead": Tone.BAD, "in trouble": Tone.BAD}


def _service(found: Report) -> list[tuple[str, object]]:
    """What it says of itself, and how far that can be believed."""
    told: list[tuple[str, object]] = [
        ("manage", Cell(found.service_state, _MOODS.get(found.service_state, Tone.DIM)))
    ]
    beat = found.service
    if beat is None:
        return told
    told.append(("heartbeat", f"{moment_text(beat.at)}  (process {beat.pid})"))
    if found.service_state in ("stopped", "dead"):
        return told
    told.append(("since", moment_text(beat.since)))
    for name, account in beat.accounts.items():
        told.append((name, _account(account)))
    told += [(name, Cell(why, Tone.BAD)) for name, why in beat.troubles.items()]
    told += [(lane, f"waits: {why}") for lane, why in beat.lanes_waiting.items()]
    return told


def _account(told: Row) -> Cell:
    if told.get("unreachable"):
        return Cell(f"not reachable: {told['unreachable']}", Tone.BAD)
    if not told.get("reconciled"):
        return Cell("not reconciled yet: no trading", Tone.WARN)
    if told.get("behind"):
        return Cell(f"catching up: {told['behind']}", Tone.WARN)
    return Cell("current", Tone.GOOD)


def _count(number: int) -> Cell:
    return Cell(number, Tone.WARN if number else Tone.GOOD)


def ago(span: timedelta) -> str:
    """A span in its two largest units."""
    seconds = max(0, int(span.total_seconds()))
    for unit, size, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit} {seconds % size // part}{smaller}"
    return f"{seconds // 60}m {seconds % 60}s"


def _document(found: Report) -> Row:
    staged = found.staged
    return {
        "gates": {
            "dry_run": found.gates.dry_run,
            "safe_mode": found.gates.safe_mode,
            "dry_run_confirm": found.gates.confirm,
            "why": dict(found.gates.why),
        },
        "last_run": found.last_run,
        "staged": None
        if staged is None
        else {
            "plan_id": staged.plan_id,
            "state": staged.state,
            "age_seconds": int(staged.age.total_seconds()),
            "expires_in_seconds": int(staged.expires_in.total_seconds()),
            "pending": staged.pending,
            "ambiguous": staged.ambiguous,
            "sealed_by": staged.sealed_by,
        },
        "unresolved_steps": [to_row(step) for step in found.open_steps],
        "unprotected_positions": [to_row(position) for position in found.unprotected],
        "service": None
        if found.service is None
        else {
            "state": found.service_state,
            "pid": found.service.pid,
            "since": moment_text(found.service.since),
            "heartbeat": moment_text(found.service.at),
            "accounts": dict(found.service.accounts),
            "troubles": dict(found.service.troubles),
            "lanes_waiting": dict(found.service.lanes_waiting),
            "deliveries_waiting": found.service.deliveries_waiting,
        },
        "halts": [to_row(halt) for halt in found.halts],
        "intents_waiting": found.intents_waiting,
        "dead_letters": found.dead_letters,
        "lock": None if found.holder is None else to_row(found.holder),
        "troubles": list(found.troubles),
        "next": found.next_command,
    }
