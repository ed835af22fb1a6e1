"""Sentences for whoever reads a plan at night: figures first, no jargon."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from core.domain.money import decimal_text
from core.domain.order import BookOrder, BrokerOrder, OrderStatus
from core.domain.text import plain


def figure(value: Decimal | None) -> str:
    return "an unknown figure" if value is None else decimal_text(value)


def at_price(quantity: Decimal, price: Decimal | None) -> str:
    return f"{decimal_text(quantity)} at {'an unknown price' if price is None else figure(price)}"


def progress(order: BrokerOrder | BookOrder) -> str:
    """How far the order got: its status and its fill."""
    status = "believed gone" if order.status is OrderStatus.ORPHANED_DELETED else order.status
    filled, quantity = figure(order.filled_quantity), figure(order.quantity)
    return f"{status.replace('_', ' ')} with {filled} of {quantity} filled"


def differences(changed: Iterable[str], row: BookOrder, after: BookOrder) -> str:
    """Field by field, what the broker says and what the book has."""
    return ", ".join(
        f"{name.replace('_', ' ')} {_value(getattr(after, name))} instead of "
        f"{_value(getattr(row, name))}"
        for name in changed
    )


def owner(ours: bool) -> str:
    return "our" if ours else "an external"


def _value(value: Any) -> str:
    return "nothing" if value is None else str(plain(value))
