"""Market or limit: what the signal says wins, then how sure, how urgent and how cheap it is."""

from decimal import ROUND_DOWN, Decimal

from core.config.settings import Settings
from core.decide.execution.market import Market
from core.domain.money import decimal_text
from core.domain.order import OrderType
from core.domain.signal import Signal

_SHOWN = Decimal("0.00001")


def order_type(signal: Signal, market: Market, settings: Settings) -> tuple[OrderType, str]:
    """The type, and the sentence that says why."""
    rules = settings.EXECUTION
    if signal.order_type is not None:
        return signal.order_type, f"The signal asks for a {signal.order_type} order."
    if signal.confidence > rules.market_confidence:
        return OrderType.MARKET, (
            f"Market, because the confidence {decimal_text(signal.confidence)} is above "
            f"{decimal_text(rules.market_confidence)}."
        )
    if signal.urgency:
        return OrderType.MARKET, "Market, because the signal is urgent."
    spread = market.spread_pct
    if spread is not None and spread < rules.market_spread_pct:
        shown = decimal_text(spread.quantize(_SHOWN, ROUND_DOWN))
        return OrderType.MARKET, (
            f"Market, because the spread of {shown} % is below "
            f"{decimal_text(rules.market_spread_pct)} %."
        )
    return OrderType.LIMIT, "Limit, because nothing asks for the market."
