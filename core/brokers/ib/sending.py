"""What placing, amending and cancelling share: sent once, then waited for.

| what came of it | told as |
|---|---|
| a status message, or the new terms | the order |
| an error that says no, and asking shows no effect | Rejected |
| an error that says no, and asking shows the effect | the order: it lives despite the error |
| nothing, a cut, or an error that says neither | OutcomeUnknown |
| nothing could be sent | NotSent |
"""

from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from core.brokers.ib import codes
from core.brokers.ib.codes import Verb
from core.brokers.ib.connection import Connection
from core.brokers.ib.happenings import Happening, Told
from core.brokers.ib.line import Line
from core.domain.errors import NotSent, OutcomeUnknown

T = TypeVar("T")


class Objections:
    """The errors told about one order while something is waited for; mere notices left out."""

    def __init__(self, line: Line, order_id: int):
        self._line = line
        self._order_id = order_id
        self.told: list[Told] = []

    def __enter__(self) -> Self:
        self._line.listeners.append(self._hear)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._line.listeners.remove(self._hear)

    def _hear(self, happening: Happening) -> None:
        match happening:
            case Told(subject=subject, code=code) if subject == self._order_id:
                if not codes.is_notice(code):
                    self.told.append(happening)

    def refusal(self, verb: Verb) -> Told | None:
        return next((each for each in self.told if codes.refuses(verb, each.code)), None)

    def has(self, code: int) -> bool:
        return any(each.code == code for each in self.told)

    def unknown(self, what: str, connection: Connection) -> OutcomeUnknown:
        """For when the wait is over and nothing has been concluded."""
        why = "; ".join([connection.lost or "no answer in time", *map(str, self.told)])
        return OutcomeUnknown(f"{what} may or may not have arrived: {why}")


def sent(send: Callable[[], T]) -> T:
    """The library refuses before it writes anything when its connection is gone."""
    try:
        return send()
    except ConnectionError as error:
        raise NotSent(f"the connection is gone: {error}") from error
