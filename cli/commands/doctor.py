"""doctor: is everything in order that a run depends on?"""

from cli.desk_work import at_desk
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import AsJson, verb
from cli.screen import Cell, Tone
from core.domain.text import to_row
from core.operate.checking import Verdict, check

_TONES = {Verdict.OK: Tone.GOOD, Verdict.WARN: Tone.WARN, Verdict.FAIL: Tone.BAD}


@verb("trueup doctor", "trueup doctor --account main")
def command(call: Invocation, as_json: AsJson = False) -> int:
    """Configuration, permissions, the book, each broker: ok, warn or fail, with the remedy."""
    warnings = call.effective.warnings
    with call.screen.working("asking brokers"):
        findings = at_desk(
            call, lambda desk: check(desk, desk.accounts(call.options.account), warnings)
        )
    if as_json:
        call.screen.json({"findings": [to_row(finding) for finding in findings]})
    else:
        call.screen.table(
            ["verdict", "what", "found", "remedy"],
            [
                (
                    Cell(finding.verdict.value, _TONES[finding.verdict]),
                    finding.what,
                    finding.told,
                    Cell(finding.remedy, Tone.STRONG),
                )
                for finding in findings
            ],
        )
    failed = [finding.what for finding in findings if finding.verdict is Verdict.FAIL]
    return max((_exit_of(what) for what in failed), default=Exit.DONE)


def _exit_of(what: str) -> Exit:
    """The code that the next run would meet because of it."""
    if what.startswith("account "):
        return Exit.UNAVAILABLE
    return Exit.UNKNOWN if what == "unresolved steps" else Exit.UNVERIFIED
