"""Positions and balances in our words."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from core.brokers.ib.contracts import multiplier_of
from core.brokers.ib.figures import figure, price, quantity
from core.brokers.ib.naming import name_of
from core.domain.market import Balance, Instrument
from core.domain.money import ZERO, bounded
from core.domain.position import BrokerPosition

# Sums over all currencies are told under this name.
SUM = "BASE"
AVAILABLE = ("AvailableFunds", "FullAvailableFunds")


def held(rows: Iterable[Any], account: str) -> list[Any]:
    """The account's open positions; of several rows for a contract the last one counts."""
    latest = {row.contract.conId: row for row in rows if row.account == account}
    return [row for row in latest.values() if row.position]


def position_of(row: Any, instrument: Instrument | None, marked: Any) -> BrokerPosition:
    """`marked` is the portfolio's row of the same contract, when there is one.

    The gateway's average cost is money per contract; it contains a future's multiplier, and the
    commissions paid for opening.
    """
    multiplier = instrument.multiplier if instrument else multiplier_of(row.contract)
    cost = price(row.avgCost)
    return BrokerPosition(
        symbol=name_of(row.contract),
        quantity=quantity(row.position),
        average_price=None if cost is None else bounded(cost / multiplier),
        fees_in_average=True,
        mark_price=price(marked.marketPrice) if marked else None,
        unrealized_pnl=figure(marked.unrealizedPNL) if marked else None,
    )


def balances_of(rows: Iterable[Any], account: str) -> tuple[Balance, ...]:
    """Cash in each currency; what may still be used is told in the account's own currency alone."""
    told = {
        (row.tag, row.currency): figure(row.value)
        for row in rows
        if row.account == account and not row.modelCode
    }
    usable = _usable(told)
    return tuple(
        Balance(
            currency=currency,
            total=cash,
            available=usable.get(currency, max(cash, ZERO)),
        )
        for (tag, currency), cash in told.items()
        if tag == "CashBalance" and currency not in ("", SUM) and cash is not None
    )


def _usable(told: Mapping[tuple[str, str], Decimal | None]) -> dict[str, Decimal]:
    return {
        currency: amount
        for wanted in reversed(AVAILABLE)
        for (tag, currency), amount in told.items()
        if tag == wanted and amount is not None
    }
