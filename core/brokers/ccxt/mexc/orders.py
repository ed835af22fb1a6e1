"""Orders and plan orders as MEXC lists them, in our words."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from core.brokers.ccxt.figures import Row, amount, moment, name, needed, needed_name, price
from core.brokers.ccxt.mexc.contracts import Contracts
from core.brokers.ccxt.mexc.words import (
    DIRECTIONS,
    HEDGED,
    KINDS,
    LIVES,
    PLAN_EXECUTED,
    PLAN_STATUSES,
    RISES,
    STATUSES,
)
from core.brokers.ccxt.told import Rows, Told, read_each
from core.domain.order import Allows, BrokerOrder, OrderStatus, OrderType, PositionSide, Side

# Ids that MEXC itself gives: to an order by hand, and to one that trades for a plan order.
_BY_HAND = re.compile(r"_m_.*")
_FOR_PLAN = re.compile(r"planorder_([0-9]+)_.*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads rows; the account's mode counts where a row does not tell one."""

    contracts: Contracts
    hedged: bool

    def order(self, row: Row) -> BrokerOrder:
        kind, direction = KINDS[int(row["orderType"])], DIRECTIONS[int(row["side"])]
        contract, filled = self.contracts.of(row), amount(row.get("dealVol"))
        status = STATUSES[int(row["state"])]
        if status is OrderStatus.OPEN and filled:
            status = OrderStatus.PARTIALLY_FILLED
        return BrokerOrder(
            broker_order_id=needed_name(row["orderId"]),
            client_order_id=client_id(row),
            symbol=row["symbol"],
            side=direction.side,
            position_side=self.leg(row),
            type=OrderType.LIMIT if kind.limited else OrderType.MARKET,
            quantity=contract.quantity(needed(row["vol"])),
            filled_quantity=contract.quantity(filled),
            # A market order shows the price of its moment.
            price=price(row.get("price")) if kind.limited else None,
            average_price=price(row.get("dealAvgPrice")) if filled else None,
            time_in_force=kind.time_in_force,
            reduce_only=direction.closes or is_true(row.get("reduceOnly")),
            post_only=kind.post_only,
            status=status,
            created_at=moment(row.get("createTime")),
            updated_at=moment(row.get("updateTime")),
        )

    def plan(self, row: Row) -> BrokerOrder:
        kind, direction = KINDS[int(row["orderType"])], DIRECTIONS[int(row["side"])]
        against = (int(row["triggerType"]) == RISES) is (direction.side is Side.BUY)
        return BrokerOrder(
            broker_order_id=needed_name(row["id"]),
            symbol=row["symbol"],
            side=direction.side,
            position_side=self.leg(row),
            type=_PLAN_TYPES[against, kind.limited],
            quantity=self.contracts.of(row).quantity(needed(row["vol"])),
            price=price(row.get("price")) if kind.limited else None,
            trigger_price=price(row["triggerPrice"]),
            time_in_force=kind.time_in_force,
            reduce_only=direction.closes or is_true(row.get("reduceOnly")),
            post_only=kind.post_only,
            status=PLAN_STATUSES[int(row["state"])],
            created_at=moment(row.get("createTime")),
            updated_at=moment(row.get("updateTime")),
            allows=Allows.CANCEL,
            expires_at=_end_of(row),
        )

    def leg(self, row: Row) -> PositionSide:
        told = row.get("positionMode")
        hedged = int(told) == HEDGED if told not in (None, "", 0, "0") else self.hedged
        return DIRECTIONS[int(row["side"])].leg if hedged else PositionSide.BOTH


def _end_of(plan: Row) -> datetime | None:
    """Of a plan order that waits; it may also be without an end."""
    created_at = moment(plan.get("createTime"))
    life = LIVES.get(str(plan.get("executeCycle")))
    return None if created_at is None or life is None else created_at + life


_PLAN_TYPES: Mapping[tuple[bool, bool], OrderType] = {
    (True, False): OrderType.STOP,
    (True, True): OrderType.STOP_LIMIT,
    (False, False): OrderType.TAKE_PROFIT,
    (False, True): OrderType.TAKE_PROFIT_LIMIT,
}


def client_id(row: Row) -> str | None:
    told = name(row.get("externalOid"))
    return None if told is None or _BY_HAND.fullmatch(told) or plan_of(row) else told


def plan_of(row: Row) -> str | None:
    """The plan order for which this order, or this execution's order, trades."""
    match = _FOR_PLAN.fullmatch(name(row.get("externalOid")) or "")
    return match.group(1) if match else None


def is_true(told: object) -> bool:
    return str(told).lower() in ("true", "1")


# --- two that are one --------------------------------------------------------------------------


def as_one(plan: BrokerOrder, trading: BrokerOrder) -> BrokerOrder:
    """A plan order that was triggered, with what the order that trades for it has done."""
    moments = [each.updated_at for each in (plan, trading) if each.updated_at]
    return replace(
        plan,
        perm_id=trading.broker_order_id,
        filled_quantity=trading.filled_quantity,
        average_price=trading.average_price,
        status=trading.status,
        updated_at=max(moments, default=None),
    )


def read_orders(reader: Reader, orders: Rows, plans: Rows) -> Told[BrokerOrder]:
    """Every order once; where half of one is missing, the listing is not complete."""
    if orders.missing is not None:
        return Told(missing=orders.missing)
    standing = Told(
        rows=tuple(row for row in orders.rows if plan_of(row) is None),
        lacking=orders.lacking,
    )
    trading = Told(rows=tuple(row for row in orders.rows if plan_of(row) is not None))
    told = read_each(standing, reader.order, "order", "orderId")
    planned = read_each(plans, reader.plan, "plan order", "id")
    children = read_each(trading, reader.order, "order", "orderId")
    owners = {row["orderId"]: plan_of(row) for row in trading.rows}
    by_plan = {owners[child.broker_order_id]: child for child in children.rows}
    executed = {row["id"] for row in plans.rows if int(row["state"]) == PLAN_EXECUTED}
    whole = [
        as_one(plan, by_plan[plan.broker_order_id]) if plan.broker_order_id in by_plan else plan
        for plan in planned.rows
        if plan.broker_order_id in by_plan or plan.broker_order_id not in executed
    ]
    listed = {plan.broker_order_id for plan in planned.rows}
    return Told(
        rows=(*told.rows, *whole),
        lacking=(
            *told.lacking,
            *planned.reasons,
            *children.lacking,
            *_halves("order", sorted(filter(None, owners.values())), listed),
            *_halves("plan order", sorted(executed), by_plan.keys()),
        ),
    )


def _halves(what: str, plans: Iterable[str], known: Iterable[str | None]) -> list[str]:
    known = frozenset(known)
    return [
        f"the {what} that goes with {plan} is not listed" for plan in plans if plan not in known
    ]
