"""demo: one night of drift and the morning after, on a paper account in a temporary home."""

import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cli.demo_account import evening, night
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import verb
from cli.screen import Cell, Tone
from core.domain.errors import TrueupError
from core.plan.codec import read_staged


@verb("trueup demo")
def command(call: Invocation) -> int:
    """Drift appears, is planned, staged, reviewed and applied; ends with a clean plan."""
    home = Path(tempfile.mkdtemp(prefix="trueup-demo-"))
    try:
        Story(call, home).tell()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return Exit.DONE


class Story:
    """Types the commands that a user would type, and says why."""

    def __init__(self, call: Invocation, home: Path):
        self._call = call
        self._home = home
        self._account = home / "data" / "paper_broker.json"
        self._config = home / "config" / "local_reconcile.yml"

    def tell(self) -> None:
        self._begin()
        self._evening()
        self._night()
        self._look()
        self._review()
        self._apply()
        self._prove()

    def _begin(self) -> None:
        self._say("A home is a directory. It starts with every gate shut, on a paper account.")
        self._type("init", str(self._home), shown="init")

    def _evening(self) -> None:
        self._say(
            "Evening. Two orders rest at the broker, and the book is told of them. (Configuration:",
            "DRY_RUN: false, SAFE_MODE: false, DRY_RUN_CONFIRM: true.)",
        )
        evening(self._account, datetime.now(UTC))
        self._set(DRY_RUN="false", SAFE_MODE="false", DRY_RUN_CONFIRM="true")
        self._type("stage", "--quiet")
        self._type("apply", "--confirm", self._plan_id(), "--quiet")
        self._type("plan")

    def _night(self) -> None:
        self._say(
            "Night; the bot is down. At the broker one order fills in part and is cancelled, the",
            "other disappears, and somebody places a third one on the web page. Nobody protects",
            "the new position. Before anything is touched, the gates are shut again.",
        )
        night(self._account, datetime.now(UTC))
        self._set(DRY_RUN="true", SAFE_MODE="true", DRY_RUN_CONFIRM="false")

    def _look(self) -> None:
        self._say("Morning. What differs? Looking changes nothing.")
        self._type("plan", "--detailed-exitcode", expect=Exit.CHANGES)
        self._say("The plan as a file that a person can review:")
        self._type("stage", "--quiet")
        self._say("With DRY_RUN on, apply only tells what it would do:")
        self._type("apply")

    def _review(self) -> None:
        self._say(
            "Facts are approved unless somebody objects. Whatever would be sent to the broker",
            "waits for a person. The seal locks the decisions.",
        )
        self._set(DRY_RUN="false", SAFE_MODE="false", DRY_RUN_CONFIRM="true")
        self._type("stage", "--quiet")
        self._type("review", "--approve", "place_stop", "--note", "protect it", "--seal", "--quiet")
        self._say("Without the plan's id the door stays shut:")
        self._type("apply", "--no-input", expect=Exit.BLOCKED)

    def _apply(self) -> None:
        self._say("With it: a verified backup, one more look, then step by step.")
        self._type("apply", "--confirm", self._plan_id())

    def _prove(self) -> None:
        self._say("Broker and book agree again, and every position has exactly one stop:")
        self._type("plan", "--detailed-exitcode")
        self._type("verify")
        self._say("And the stop button, which needs neither lock nor network nor database:")
        self._type("safe-mode", "on", "--reason", "end of the demo")
        self._type("status")
        self._say("That was it. Make a home of your own with `trueup init DIR`.")

    # --- telling ------------------------------------------------------------------------------

    def _say(self, *lines: str) -> None:
        self._call.screen.line()
        for line in lines:
            self._call.screen.line(Cell(f"# {line}", Tone.DIM))

    def _type(self, *arguments: str, shown: str | None = None, expect: int = Exit.DONE) -> None:
        from cli.main import run

        typed = shown or " ".join(_quoted(arguments))
        self._call.screen.line(Cell(f"$ trueup {typed}", Tone.STRONG))
        told = [*arguments] if shown else [*arguments, "--home", str(self._home)]
        code = run([*told, *self._look_alike()])
        if code != expect:
            raise TrueupError(f"the demo broke: `trueup {typed}` ended with {code}, not {expect}")

    def _look_alike(self) -> Sequence[str]:
        options = self._call.options
        return [
            flag
            for flag, given in (("--plain", options.plain), ("--no-color", options.no_color))
            if given
        ]

    def _set(self, **gates: str) -> None:
        """Edits the configuration the way an operator does."""
        lines = self._config.read_text().splitlines()
        for name, value in gates.items():
            lines = [f"{name}: {value}" if line.startswith(f"{name}:") else line for line in lines]
        self._config.write_text("\n".join(lines) + "\n")

    def _plan_id(self) -> str:
        staged = self._home / "staged" / "staged_actions.json"
        return read_staged(staged.read_bytes()).plan.plan_id


def _quoted(arguments: Sequence[str]) -> list[str]:
    return [f"'{each}'" if " " in each else each for each in arguments]
