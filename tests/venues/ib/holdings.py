"""What one managed account owns: positions, cash, and the values the broker derives from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from .contracts import Contract
from .market import Market

ZERO = Decimal(0)
CENT = Decimal("0.01")
CURRENCY = "USD"


@dataclass(slots=True, kw_only=True)
class Position:
    """A signed quantity and the average price per unit, before the contract's multiplier."""

    contract: Contract
    quantity: Decimal = ZERO
    average_price: Decimal = ZERO
    realized: Decimal = ZERO
    commissions: Decimal = ZERO
    """What was paid for opening the part that is still open."""

    @property
    def average_cost(self) -> Decimal:
        """The broker's average cost: with commissions, and for futures with the multiplier."""
        paid = self.average_price * self.contract.money_per_point
        return paid + self.commissions / self.quantity if self.quantity else paid

    def trade(self, signed_quantity: Decimal, price: Decimal) -> Decimal | None:
        """Book a fill and return what it realized, None if it only opened."""
        before, after = self.quantity, self.quantity + signed_quantity
        closed = ZERO
        if before * signed_quantity < 0:
            closed = min(abs(before), abs(signed_quantity)).copy_sign(before)
        realized = (price - self.average_price) * closed * self.contract.money_per_point
        if before * after <= 0:
            # Flat, or turned around: what is left was bought at this price.
            self.average_price, self.commissions = price if after else ZERO, ZERO
        elif abs(after) < abs(before):
            self.commissions *= after / before
        elif abs(after) > abs(before):
            self.average_price = (self.average_price * before + price * signed_quantity) / after
        self.quantity = after
        self.realized += realized
        return realized if closed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountValue:
    """One tagged value; an empty currency for those that are not money."""

    tag: str
    value: str
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Marked:
    """A position with the price it is valued at."""

    position: Position
    price: Decimal

    @property
    def worth(self) -> Decimal:
        return self.position.quantity * self.price * self.position.contract.money_per_point

    @property
    def profit(self) -> Decimal:
        return self.worth - self.position.quantity * self.position.average_cost


class Holdings:
    """One account's positions and cash."""

    def __init__(self, account: str, cash: Decimal) -> None:
        self.account = account
        self.cash = cash
        self._positions: dict[int, Position] = {}

    def position(self, contract: Contract) -> Position:
        """The position in this contract, flat if there is none."""
        return self._positions.setdefault(contract.con_id, Position(contract=contract))

    def open_positions(self) -> Iterator[Position]:
        return (position for position in self._positions.values() if position.quantity)

    def set_position(self, contract: Contract, quantity: Decimal, average_price: Decimal) -> None:
        self._positions[contract.con_id] = Position(
            contract=contract, quantity=quantity, average_price=average_price
        )

    def pay(self, contract: Contract, commission: Decimal, *, opened: bool) -> None:
        """Take a fill's commission; it is part of what a position cost that it opened."""
        self.cash -= commission
        if opened:
            self.position(contract).commissions += commission

    def book(self, contract: Contract, signed_quantity: Decimal, price: Decimal) -> Decimal | None:
        """Take a fill into position and cash; a future moves cash only by what it realizes."""
        realized = self.position(contract).trade(signed_quantity, price)
        if contract.is_future:
            self.cash += realized or ZERO
        else:
            self.cash -= signed_quantity * price
        return realized

    def marked(self, market: Market) -> list[Marked]:
        """Every position at the market's price, flat ones for what they realized."""
        return [
            Marked(position, market.mark(position.contract, position.average_price))
            for position in self._positions.values()
        ]

    def values(self, market: Market) -> list[AccountValue]:
        """The tagged values, in the account's one currency."""
        plain = {"AccountCode": self.account, "AccountReady": "true", "AccountType": "INDIVIDUAL"}
        return [
            *(AccountValue(tag=tag, value=value) for tag, value in plain.items()),
            AccountValue(tag="Currency", value=CURRENCY, currency=CURRENCY),
            AccountValue(tag="ExchangeRate", value="1.00", currency=CURRENCY),
            *(
                AccountValue(tag=tag, value=format(value.quantize(CENT), "f"), currency=CURRENCY)
                for tag, value in self._money(market).items()
            ),
            AccountValue(tag="CashBalance", value=format(self.cash, "f"), currency="BASE"),
        ]

    def _money(self, market: Market) -> dict[str, Decimal]:
        marked = self.marked(market)
        stocks = [held for held in marked if not held.position.contract.is_future]
        futures = [held for held in marked if held.position.contract.is_future]
        stock_value = _sum(held.worth for held in stocks)
        liquidation = self.cash + stock_value + _sum(held.profit for held in futures)
        margin = _sum(abs(held.worth) * held.position.contract.margin_rate for held in marked)
        return {
            "NetLiquidation": liquidation,
            "EquityWithLoanValue": liquidation,
            "TotalCashValue": self.cash,
            "CashBalance": self.cash,
            "GrossPositionValue": _sum(abs(held.worth) for held in stocks),
            "StockMarketValue": stock_value,
            "UnrealizedPnL": _sum(held.profit for held in marked),
            "RealizedPnL": _sum(held.position.realized for held in marked),
            "InitMarginReq": margin,
            "MaintMarginReq": margin,
            "AvailableFunds": liquidation - margin,
            "ExcessLiquidity": liquidation - margin,
            "BuyingPower": (liquidation - margin) * 4,
        }


def _sum(values: Iterable[Decimal]) -> Decimal:
    return sum(values, ZERO)
