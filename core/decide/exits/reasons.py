"""Why an exit is refused: the closed list, each with a line for the operator."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from core.domain.exit import ExitIntent, ExitState
from core.domain.refusal import refusals

EXIT_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "EXIT_COOLDOWN_ACTIVE": "the last exit of the trade for the same cause is too recent",
        "ACCOUNT_DISABLED": "the account is not enabled",
        "ACCOUNT_UNREACHABLE": "the venue does not answer; the trade stays open",
        "TRADE_CLOSED": "nothing of the trade is open any more",
        "NOT_OURS": "opened by hand, and POSITIONS.protect_external_positions is off",
        "WRONG_DIRECTION": "the order would not take away from what is held",
        "EXIT_PENDING": "another exit of the trade is under way",
        "WINDOW_CLOSED": "the account's market is closed, by EXITS.windows",
        "WINDOW_ENDING": "the last minutes before the close belong to stops",
        "PORTFOLIO_FROZEN": "the account is frozen until `trueup risk reset`",
        "NO_PRICE": "a limit needs a price, and the venue tells none",
        "BELOW_MINIMUM": "what is left is smaller than the venue's smallest order",
    }
)


@dataclass(frozen=True, slots=True)
class ExitRefusal:
    code: str
    message: str

    def __post_init__(self) -> None:
        if self.code not in EXIT_REASONS:
            raise ValueError(f"{self.code} is not in the list of reasons")


def refused_for(intent: ExitIntent) -> frozenset[str]:
    """The codes of a refusal; none where it was not refused."""
    if intent.state is not ExitState.REJECTED:
        return frozenset()
    return frozenset(each.code for each in refusals(intent.reasons))
