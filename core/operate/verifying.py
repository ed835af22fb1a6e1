"""verify: asks the independent witness about every position of the chosen accounts."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.decide.witness import Testimony, testify
from core.operate.desk import Desk
from core.operate.looking import look


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    testimonies: tuple[Testimony, ...]
    complete: bool

    @property
    def holds(self) -> bool:
        return not any(testimony.findings for testimony in self.testimonies)


async def verify(desk: Desk, accounts: Sequence[str]) -> Verification:
    seen = await look(desk, accounts, every_position=True)
    testimonies = [t for observation in seen.observations.values() for t in testify(observation)]
    return Verification(testimonies=tuple(testimonies), complete=seen.base.complete)
