"""Why something was refused, as intents of both ways keep it in the book."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def refusals(document: Mapping[str, object], name: str = "reasons") -> tuple[Refusal, ...]:
    """Those of a stored document; what somebody else has written there and is none is left out."""
    rows = document.get(name)
    return tuple(
        Refusal(row["code"], row["message"])
        for row in (rows if isinstance(rows, list | tuple) else ())
        if isinstance(row, Mapping)
        and isinstance(row.get("code"), str)
        and isinstance(row.get("message"), str)
    )
