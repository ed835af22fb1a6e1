"""verify: the independent witness on every position and its stop."""

from cli.desk_work import at_desk
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import AsJson, verb
from cli.screen import Cell, Column, Tone
from core.decide.witness import Testimony
from core.domain.text import Row, plain
from core.operate.verifying import Verification, verify


@verb("trueup verify", "trueup verify --account main --json")
def command(call: Invocation, as_json: AsJson = False) -> int:
    """Exactly one reduce-only stop per open position, of its size; three figures that agree."""
    with call.screen.working("reading broker and book"):
        found = at_desk(call, lambda desk: verify(desk, desk.accounts(call.options.account)))
    if as_json:
        call.screen.json(_document(found))
    else:
        _show(call, found)
    if not found.complete:
        return Exit.UNAVAILABLE
    return Exit.DONE if found.holds else Exit.CHANGES


def _show(call: Invocation, found: Verification) -> None:
    call.screen.table(
        [
            "account",
            "position",
            Column("stored", right=True),
            Column("computed", right=True),
            Column("broker", right=True),
            Column("stopped", right=True),
            "finding",
        ],
        [_row(one) for one in found.testimonies],
        empty="no positions" if found.complete else "no position is known",
    )
    if not found.complete:
        call.screen.line(Cell("the broker could only be read in part", Tone.WARN))
        call.screen.next("trueup doctor")
    elif found.holds:
        call.screen.line(Cell("every position agrees and is protected", Tone.GOOD))
    else:
        call.screen.next("trueup plan")


def _row(one: Testimony) -> tuple[object, ...]:
    broker = "?" if one.broker is None else one.broker
    finding = Cell("; ".join(one.findings), Tone.BAD) if one.findings else Cell("ok", Tone.GOOD)
    return (
        one.key.account,
        one.key.target,
        one.stored,
        one.computed,
        broker,
        one.stopped_quantity,
        finding,
    )


def _document(found: Verification) -> Row:
    return {
        "complete": found.complete,
        "holds": found.holds,
        "positions": [
            {
                "account": one.key.account,
                "symbol": one.key.symbol,
                "side": one.key.side.value,
                "stored": plain(one.stored),
                "computed": plain(one.computed),
                "broker": plain(one.broker),
                "stops": list(one.stops),
                "stopped_quantity": plain(one.stopped_quantity),
                "findings": list(one.findings),
            }
            for one in found.testimonies
        ],
    }
