"""Why a signal is refused for an account: the closed list, each with a line for the operator."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "account_disabled": "the account is not enabled",
        "account_unreachable": "the venue does not answer, so nothing can be decided",
        "not_reconciled": "book and venue have not been compared yet since the start",
        "signal_expired": "older than SIGNALS.max_signal_age_seconds, or past its own expiry",
        "confidence_too_low": "the signal's confidence is below EXECUTION.min_confidence",
        "unknown_asset": "the venue has no such instrument",
        "not_tradable": "the instrument has expired",
        "no_price": "neither the signal nor the venue tells a price to reckon with",
        "position_unexplained": "the venue holds what the book cannot explain; a plan says what",
        "entries_halted": "entries stand halted until `trueup risk reset`",
        "cooldown_after_loss": "the last loss in the symbol is too recent",
        "position_exists": "there is a position and EXECUTION.scale_in is off",
        "max_scale_ins_reached": "the position has been added to EXECUTION.max_scale_ins times",
        "no_position_to_sell": "a spot account can only sell what it holds",
        "short_not_allowed": "EXECUTION.allow_short is off",
        "nothing_to_close": "there is no position that the signal could close",
        "below_minimum_quantity": "the amount buys less than the venue's smallest quantity",
        "below_minimum_notional": "the amount is worth less than the venue's smallest order",
        "too_many_parts": "splitting the amount would take more orders than anybody means",
        "insufficient_balance": "the order needs more than the available balance",
        "risk_max_position_size": "the position would exceed RISK.max_position_size",
        "risk_max_exposure": "all positions together would exceed RISK.max_exposure",
        "risk_max_order_size": "the order exceeds RISK.max_order_size",
        "risk_max_order_size_ratio": "the order exceeds RISK.max_order_size_ratio of the balance",
        "risk_max_open_orders": "RISK.max_open_orders are open",
        "risk_max_daily_volume": "the day's volume would exceed RISK.max_daily_volume",
        "risk_max_daily_loss": "the day's loss has reached RISK.max_daily_loss",
    }
)


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    message: str

    def __post_init__(self) -> None:
        if self.code not in REASONS:
            raise ValueError(f"{self.code} is not in the list of reasons")
