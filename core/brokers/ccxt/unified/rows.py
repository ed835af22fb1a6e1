"""ccxt's unified structures in our words; quantities in the base coin."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.brokers.ccxt.figures import (
    Row,
    amount,
    figure,
    moment,
    name,
    needed,
    needed_moment,
    needed_name,
    price,
)
from core.domain.execution import BrokerExecution
from core.domain.market import Instrument, Quote
from core.domain.order import BrokerOrder, OrderStatus, OrderType, PositionSide, Side
from core.domain.position import BrokerPosition

STATUSES: Mapping[str, OrderStatus] = {
    "open": OrderStatus.OPEN,
    "closed": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELLED,
    "canceling": OrderStatus.OPEN,
    "expired": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
}
ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unified:
    """Reads what ccxt made of rows in these markets."""

    markets: Mapping[str, Any]
    spot: bool

    def order(self, row: Row) -> BrokerOrder:
        size, filled = self._size(row), amount(row.get("filled"))
        status = STATUSES[row["status"]]
        if status is OrderStatus.OPEN and filled:
            status = OrderStatus.PARTIALLY_FILLED
        kind = _type(row)
        return BrokerOrder(
            broker_order_id=needed_name(row["id"]),
            client_order_id=name(row.get("clientOrderId")),
            symbol=needed_name(row["symbol"]),
            side=Side(row["side"]),
            type=kind,
            quantity=needed(row["amount"]) * size,
            filled_quantity=filled * size,
            price=price(row.get("price")) if "limit" in kind.value else None,
            trigger_price=_trigger(row),
            average_price=price(row.get("average")) if filled else None,
            time_in_force=name(row.get("timeInForce")),
            reduce_only=row.get("reduceOnly"),
            post_only=row.get("postOnly"),
            status=status,
            created_at=moment(row.get("timestamp")),
            updated_at=moment(row.get("lastUpdateTimestamp") or row.get("lastTradeTimestamp")),
        )

    def execution(self, row: Row) -> BrokerExecution:
        fee = row.get("fee") or {}
        return BrokerExecution(
            execution_id=needed_name(row["id"]),
            broker_order_id=name(row.get("order")),
            symbol=needed_name(row["symbol"]),
            side=Side(row["side"]),
            quantity=needed(row["amount"]) * self._size(row),
            price=needed(row["price"]),
            fee=figure(fee.get("cost")),
            fee_currency=name(fee.get("currency")),
            executed_at=needed_moment(row["timestamp"]),
        )

    def position(self, row: Row) -> BrokerPosition:
        leg = PositionSide(row["side"])
        quantity = needed(row["contracts"]) * self._size(row)
        hedged = row.get("hedged") is True
        short = leg is PositionSide.SHORT
        return BrokerPosition(
            symbol=needed_name(row["symbol"]),
            side=leg if hedged else PositionSide.BOTH,
            quantity=-quantity if short and not hedged else quantity,
            average_price=price(row.get("entryPrice")),
            mark_price=price(row.get("markPrice")),
            unrealized_pnl=figure(row.get("unrealizedPnl")),
            leverage=price(row.get("leverage")),
        )

    def instrument(self, symbol: str) -> Instrument | None:
        market = self.markets.get(symbol)
        if market is None or bool(market.get("spot")) is not self.spot:
            return None
        steps, limits = market.get("precision") or {}, market.get("limits") or {}
        size = self._size(market)
        least = price((limits.get("amount") or {}).get("min"))
        step = price(steps.get("amount"))
        return Instrument(
            symbol=symbol,
            kind="spot" if self.spot else "linear",
            base=name(market.get("base")),
            quote=name(market.get("quote")),
            price_tick=price(steps.get("price")),
            quantity_step=None if step is None else step * size,
            min_quantity=None if least is None else least * size,
            min_notional=price((limits.get("cost") or {}).get("min")),
            expiry=moment(market.get("expiry")),
        )

    def _size(self, row: Row) -> Decimal:
        """A contract may stand for more or less than one coin."""
        market = self.markets[row["symbol"]]
        if bool(market.get("spot")) is not self.spot:
            # An exchange whose contracts ccxt does not list has them taken for its spot markets.
            raise ValueError(f"{row['symbol']} is not of this account's market")
        return ONE if self.spot else price(market.get("contractSize")) or ONE


def quote_of(symbol: str, row: Row) -> Quote:
    return Quote(
        symbol=symbol,
        bid=price(row.get("bid")),
        ask=price(row.get("ask")),
        last=price(row.get("last")),
        at=moment(row.get("timestamp")),
    )


def _trigger(row: Row) -> Decimal | None:
    names = ("triggerPrice", "stopLossPrice", "takeProfitPrice")
    return next((told for each in names if (told := price(row.get(each))) is not None), None)


def _type(row: Row) -> OrderType:
    limited = row.get("type") == "limit" or price(row.get("price")) is not None
    if _trigger(row) is None:
        return OrderType.LIMIT if row.get("type") == "limit" else OrderType.MARKET
    if price(row.get("takeProfitPrice")) is not None:
        return OrderType.TAKE_PROFIT_LIMIT if limited else OrderType.TAKE_PROFIT
    return OrderType.STOP_LIMIT if limited else OrderType.STOP
