"""What an operator types in a round, whatever the venue."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.home import Result
from tests.rounds.venue_home import VenueHome


class Operator:
    """The half of a round that sits at the keyboard."""

    home: VenueHome

    def staged(self) -> str:
        """Staged and reviewed, everything approved."""
        self.home.must("stage", "--quiet")
        self.home.must("review", "--approve", "all", "--seal", "--quiet")
        return self.home.plan_id()

    def apply(self, *, code: int = 0) -> Result:
        return self.home.must("apply", "--confirm", self.staged(), code=code)

    def ledger(self, *, code: int = 0) -> dict[str, Any]:
        """Of an apply: the last action, which is the one at the broker."""
        last: dict[str, Any] = self.applied(code=code)[-1]
        return last

    def applied(self, *, code: int = 0) -> list[dict[str, Any]]:
        """Of an apply: every action with its outcome."""
        document = self.home.json("apply", "--confirm", self.staged(), code=code)
        actions: list[dict[str, Any]] = document["actions"]
        return actions

    def check_true(self) -> None:
        """Broker and book agree, and every position has its one stop."""
        self.home.must("plan", "--detailed-exitcode")
        self.home.must("verify")

    def resume(self, *, code: int = 0) -> dict[str, Any]:
        (step,) = self.home.json("apply", "--resume", code=code)["steps"]
        found: dict[str, Any] = step
        return found

    def let_pass(self, seconds: float) -> None:
        """The open steps were begun so much earlier, as if the operator had waited."""
        for step in self.home.steps():
            begun = datetime.fromisoformat(step["begun_at"]) - timedelta(seconds=seconds)
            text = begun.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            self.home.execute(
                "UPDATE journal SET begun_at = ? WHERE step_id = ?", text, step["step_id"]
            )
