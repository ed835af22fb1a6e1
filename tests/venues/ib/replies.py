"""The gateway's messages other than orders, each with its number, version and field order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from .contracts import Contract
from .executions import Execution
from .frames import UNSET, UNSET_INTEGER, Message, message
from .holdings import AccountValue, Marked, Position

NO_REQUEST = -1


def stamp(at: datetime, zone: ZoneInfo) -> str:
    """A time as the gateway writes it, in the zone it was set to at login."""
    return f"{at.astimezone(zone):%Y%m%d %H:%M:%S} {zone.key}"


def greeting(version: int, at: datetime, zone: ZoneInfo) -> Message:
    return message(version, stamp(at, zone))


def managed_accounts(accounts: Iterable[str]) -> Message:
    return message(15, 1, ",".join(accounts))


def next_order_id(order_id: int) -> Message:
    return message(9, 1, order_id)


def current_time(at: datetime) -> Message:
    return message(49, 1, int(at.timestamp()))


def error(subject: int, code: int, words: str) -> Message:
    """An error, a warning or a notice; `subject` is the request or order id it is about."""
    return message(4, 2, subject, code, words, "")


def _identity(contract: Contract) -> list[object]:
    """Contract id to right: the seven fields that most messages share, with the multiplier."""
    return [
        contract.con_id,
        contract.symbol,
        contract.sec_type,
        contract.expiry,
        "0",
        "",
        contract.multiplier,
    ]


def _listing(contract: Contract) -> list[object]:
    return [contract.currency, contract.local_symbol, contract.trading_class]


def position(account: str, held: Position) -> Message:
    contract = held.contract
    return message(
        *(61, 3, account, *_identity(contract), "", *_listing(contract)),
        *(held.quantity, held.average_cost),
    )


POSITIONS_END = message(62, 1)
OPEN_ORDERS_END = message(53, 1)
COMPLETED_ORDERS_END = message(102)


def portfolio_row(account: str, held: Marked) -> Message:
    contract, quantity = held.position.contract, held.position.quantity
    return message(
        *(7, 8, *_identity(contract), contract.primary_exchange, *_listing(contract)),
        *(quantity, held.price, held.worth, held.position.average_cost),
        *(held.profit, held.position.realized, account),
    )


def account_value(account: str, value: AccountValue) -> Message:
    return message(6, 2, value.tag, value.value, value.currency, account)


def account_time(at: datetime, zone: ZoneInfo) -> Message:
    return message(8, 1, f"{at.astimezone(zone):%H:%M}")


def account_end(account: str) -> Message:
    return message(54, 1, account)


def value_row(request_id: int, account: str, value: AccountValue) -> Message:
    model = ""
    return message(73, 1, request_id, account, model, value.tag, value.value, value.currency)


def values_end(request_id: int) -> Message:
    return message(74, 1, request_id)


def summary_row(request_id: int, account: str, value: AccountValue) -> Message:
    return message(63, 1, request_id, account, value.tag, value.value, value.currency)


def summary_end(request_id: int) -> Message:
    return message(64, 1, request_id)


def execution(request_id: int, done: Execution, zone: ZoneInfo) -> Message:
    """An execution; those of manual orders carry the unset integer for an order id."""
    order, contract = done.order, done.order.contract
    order_id = UNSET_INTEGER if order.order_id == 0 else order.order_id
    no_liquidation, economic_rule, model, added_liquidity = 0, ("", ""), "", 1
    return message(
        *(11, request_id, order_id, *_identity(contract), contract.execution_exchange),
        *(*_listing(contract), done.execution_id, stamp(done.at, zone), order.account),
        *(contract.execution_exchange, done.side, done.quantity, done.price, order.perm_id),
        *(order.client_id, no_liquidation, done.cumulative_quantity, done.average_price),
        *(order.ticket.order_ref, *economic_rule, model, added_liquidity),
    )


def executions_end(request_id: int) -> Message:
    return message(55, 1, request_id)


def commission(done: Execution) -> Message:
    realized = UNSET if done.realized is None else done.realized
    bond_yield, redemption_date = UNSET, ""
    return message(
        *(59, 1, done.execution_id, done.commission, done.order.contract.currency),
        *(realized, bond_yield, redemption_date),
    )


def contract_details(request_id: int, contract: Contract, today: datetime) -> Message:
    """A contract's full description; only futures have an underlying and an expiry."""
    future = contract.is_future
    zone = "US/Central" if future else "US/Eastern"
    last_trade = f"{contract.expiry} 08:30 {zone}" if future else ""
    hours = _trading_hours(today)
    underlying = (contract.con_id // 100, contract.symbol, "IND") if future else (0, "", "")
    return message(
        *(10, request_id, contract.symbol, contract.sec_type, last_trade, "0", ""),
        *(contract.exchange, contract.currency, contract.local_symbol, contract.trading_class),
        *(contract.trading_class, contract.con_id, contract.price_step, contract.multiplier),
        *("LMT,MKT,STP,STPLMT", _exchanges(contract), 1, underlying[0], contract.long_name),
        *(contract.primary_exchange, contract.expiry[:6], "", "", "", zone, hours, hours),
        *("", "", 0, 2147483647 if future else 1, underlying[1], underlying[2], "26"),
        *(contract.expiry, "" if future else "COMMON", 1, 1, 1 if future else 100),
    )


def _exchanges(contract: Contract) -> str:
    return contract.exchange if contract.is_future else f"SMART,{contract.primary_exchange}"


def _trading_hours(today: datetime) -> str:
    days = (today.astimezone(UTC) + timedelta(days=day) for day in range(2))
    return ";".join(f"{day:%Y%m%d}:0930-{day:%Y%m%d}:1600" for day in days)


def contract_details_end(request_id: int) -> Message:
    return message(52, 1, request_id)


def tick_price(request_id: int, kind: int, price: Decimal, size: Decimal) -> Message:
    no_attributes = 0
    return message(1, 6, request_id, kind, price, size, no_attributes)


def tick_snapshot_end(request_id: int) -> Message:
    return message(57, 1, request_id)


def market_price_kind(request_id: int, kind: int) -> Message:
    return message(58, 1, request_id, kind)


def order_bound(perm_id: int, client_id: int, order_id: int) -> Message:
    return message(100, perm_id, client_id, order_id)
