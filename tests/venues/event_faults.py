"""Scripted faults of the event stream: duplicated, dropped, reordered, held and delayed events."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

Message = dict[str, Any]
Send = Callable[[str, Message], None]
ANY = "*"


class Mishap(Enum):
    """What may happen to one event on its way."""

    DUPLICATED = auto()
    DROPPED = auto()
    HELD = auto()
    DELAYED = auto()


@dataclass(slots=True)
class _Planned:
    mishap: Mishap
    times: int
    seconds: float = 0


@dataclass(slots=True)
class EventScript:
    """Stands between the exchange's events and the streams, and lets mishaps happen.

    Topics are those of the venue ("order", "push.personal.order"); "*" means any.
    """

    _send: Send
    _planned: dict[str, deque[_Planned]] = field(default_factory=dict)
    _held: list[tuple[str, Message]] = field(default_factory=list)
    _turned: list[tuple[str, Message]] = field(default_factory=list)
    _turn_count: int = 0
    _turn_topic: str = ANY
    _silent: bool = False

    def duplicate(self, topic: str = ANY, times: int = 1) -> None:
        """Send the next events of a topic twice."""
        self._plan(topic, _Planned(Mishap.DUPLICATED, times))

    def drop(self, topic: str = ANY, times: int = 1) -> None:
        """Never send the next events of a topic."""
        self._plan(topic, _Planned(Mishap.DROPPED, times))

    def hold(self, topic: str = ANY, times: int = 1) -> None:
        """Keep the next events of a topic back until `release`."""
        self._plan(topic, _Planned(Mishap.HELD, times))

    def delay(self, seconds: float, topic: str = ANY, times: int = 1) -> None:
        """Send the next events of a topic so much later."""
        self._plan(topic, _Planned(Mishap.DELAYED, times, seconds))

    def reverse(self, count: int = 2, topic: str = ANY) -> None:
        """Send the next `count` events of a topic last one first."""
        self._turn_count, self._turn_topic = count, topic

    def release(self) -> None:
        """Send what was held back, in the order it happened."""
        held, self._held = self._held, []
        for topic, message in held:
            self._send(topic, message)

    def silence(self) -> None:
        """Send nothing more, while the streams stay connected."""
        self._silent = True

    def speak(self) -> None:
        """End a silence; what happened meanwhile stays lost."""
        self._silent = False

    def pass_on(self, topic: str, message: Message) -> None:
        """Send an event, unless a mishap says otherwise."""
        if self._silent:
            return
        if self._turn_count and self._turn_topic in {topic, ANY}:
            self._turn(topic, message)
            return
        planned = self._take(topic)
        if planned is None:
            self._send(topic, message)
        elif planned.mishap is Mishap.DUPLICATED:
            self._send(topic, message)
            self._send(topic, message)
        elif planned.mishap is Mishap.HELD:
            self._held.append((topic, message))
        elif planned.mishap is Mishap.DELAYED:
            loop = asyncio.get_running_loop()
            loop.call_later(planned.seconds, self._send, topic, message)

    def _turn(self, topic: str, message: Message) -> None:
        self._turned.append((topic, message))
        self._turn_count -= 1
        if not self._turn_count:
            turned, self._turned = self._turned, []
            for each in reversed(turned):
                self._send(*each)

    def _take(self, topic: str) -> _Planned | None:
        for key in (topic, ANY):
            plans = self._planned.get(key)
            if plans:
                planned = plans[0]
                planned.times -= 1
                if not planned.times:
                    plans.popleft()
                return planned
        return None

    def _plan(self, topic: str, planned: _Planned) -> None:
        self._planned.setdefault(topic, deque()).append(planned)
