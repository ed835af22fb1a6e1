"""What the venue answers about an account: a snapshot, one order, and where its knowledge ends."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from core.brokers.paper.account import WORKING, Account
from core.brokers.paper.booking import as_marked
from core.brokers.paper.simulation import Fault, figure
from core.domain.order import Allows, BrokerOrder
from core.domain.snapshot import (
    Absent,
    BrokerSnapshot,
    Found,
    Inconclusive,
    Known,
    Lookup,
    Part,
    Partial,
    Unavailable,
)
from core.ports import AccountMode


def snapshot_of(account: Account, now: datetime, since: datetime | None) -> BrokerSnapshot:
    """Executions from `since` on; everything else as it stands."""
    floors = [each for each in (account.told.executions_since, since) if each is not None]
    floor = max(floors, default=None)
    snapshot = replace(
        account.told,
        taken_at=now,
        executions_since=floor,
        orders=tuple(_as_listed(account, order) for order in account.orders),
        executions=tuple(
            row for row in account.executions if floor is None or row.executed_at >= floor
        ),
        positions=tuple(as_marked(account, position) for position in account.positions),
        balances=tuple(account.balances),
        quotes={quote.symbol: quote for quote in account.quotes},
    )
    for part, state in snapshot.parts.items():
        if isinstance(state, Unavailable):
            snapshot = _with(snapshot, part, state, ())
    return snapshot


def _as_listed(account: Account, order: BrokerOrder) -> BrokerOrder:
    """Where nothing can be changed, the listing says so."""
    return order if account.simulation.amends else replace(order, allows=Allows.CANCEL)


def bent(snapshot: BrokerSnapshot, fault: Fault) -> BrokerSnapshot:
    """The snapshot with a scripted fault in it."""
    match fault.kind:
        case "unavailable" if fault.part:
            return _with(snapshot, fault.part, Unavailable(fault.why), ())
        case "partial":
            part = fault.part or "orders"
            rows = getattr(snapshot, part)
            return _with(snapshot, part, Partial(fault.why), rows[: len(rows) // 2])
        case "duplicate_event":
            return replace(snapshot, executions=snapshot.executions + snapshot.executions[-1:])
        case "delayed_event":
            told_until = snapshot.taken_at - timedelta(seconds=fault.after_seconds)
            told = tuple(row for row in snapshot.executions if row.executed_at <= told_until)
            return replace(snapshot, executions=told)
    return snapshot


def _with(
    snapshot: BrokerSnapshot, part: str, state: Part, rows: tuple[object, ...]
) -> BrokerSnapshot:
    changes: dict[str, object] = {part: rows, "parts": {**snapshot.parts, part: state}}
    return replace(snapshot, **changes)  # type: ignore[arg-type]


def find(
    account: Account, names: Mapping[str, str | None], symbol: str, created_at: datetime | None
) -> Lookup:
    """By whichever names are given; they must all mean one order."""
    if not any(names.values()):
        return Inconclusive("no name to look for")
    found = {
        order.broker_order_id: order
        for order in account.orders
        if any(name and getattr(order, field) == name for field, name in names.items())
    }
    if not found:
        return _absent(account, created_at)
    if len(found) > 1 and len({order.client_order_id for order in found.values()}) > 1:
        return Inconclusive(f"these names belong to several orders: {', '.join(found)}")
    order = _liveliest(list(found.values()))
    if order.symbol != symbol:
        return Inconclusive(f"{order.broker_order_id} is an order in {order.symbol}")
    return Found(order)


def _liveliest(orders: list[BrokerOrder]) -> BrokerOrder:
    """Where a client id was used twice, the order that still works, else the latest."""
    working = [order for order in orders if order.status in WORKING]
    return (working or orders)[-1]


def _absent(account: Account, created_at: datetime | None) -> Lookup:
    """Absence is an answer only for what the file would show."""
    state = account.told.parts["orders"]
    if not isinstance(state, Known):
        return Inconclusive(f"the order listing is not known: {state.why}")
    floors = [each for each in (account.orders_since, account.told.executions_since) if each]
    if not floors:
        return Absent()
    if created_at is None or created_at < max(floors):
        return Inconclusive(f"orders are known from {max(floors)} on only")
    return Absent()


def account_mode_of(account: Account) -> AccountMode:
    told = {symbol: figure(value) for symbol, value in account.simulation.leverage.items()}
    held = {each.symbol: each.leverage for each in account.positions if each.leverage}
    return AccountMode(position_mode=account.told.position_mode, leverage=told | held)
