"""Orders of an intent, as the tests of this folder ask for them."""

from decimal import Decimal
from typing import Any

from core.domain.intent import IntentOrder, Purpose, TradeIntent, intent_name, orders_document
from core.domain.order import OrderType, PositionSide, Side
from tests.build import intent

_WORDS = {"side": Side, "type": OrderType, "position_side": PositionSide, "purpose": Purpose}
_FIGURES = ("quantity", "price", "amount")


def asked(sequence: int = 1, signal_id: str = "sig-1", **given: Any) -> IntentOrder:
    """A limit order to buy 10 at 100, the only one of its intent."""
    values: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "side": "buy",
        "type": "limit",
        "quantity": 10,
        "price": 100,
        "intent_id": intent_name(signal_id, "main", 1),
        "purpose": "open",
        "amount": 1000,
    } | given
    for name, word in _WORDS.items():
        if name in values:
            values[name] = word(values[name])
    for name in _FIGURES:
        values[name] = None if values[name] is None else Decimal(values[name])
    return IntentOrder(**values, sequence=sequence, signal_id=signal_id)


def intent_of(*orders: IntentOrder, **given: Any) -> TradeIntent:
    return intent(orders=orders_document(orders), **given)
