"""Executions: every one that the broker tells is in the book once, and none that it does not."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from core.config.settings import Settings
from core.decide.reconcile.homes import Homes
from core.decide.reconcile.replaced import BrokerName
from core.decide.reconcile.revisions import last_words
from core.decide.reconcile.stubs import grown, is_stub_of, origin_of, stub_for
from core.decide.reconcile.words import at_price, figure
from core.domain.execution import MOVING, BookExecution, BrokerExecution, execution_key
from core.domain.naming import Names
from core.domain.observation import Observation
from core.domain.order import Origin
from core.plan.change import InsertExecution, InsertOrder, Risk, UpdateExecution, UpdateOrder

# What some brokers send while the fee is still being reckoned.
PENDING_FEE = Decimal(-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionDiff:
    inserts: tuple[InsertExecution, ...]
    updates: tuple[UpdateExecution, ...]
    stubs: tuple[InsertOrder | UpdateOrder, ...]
    unchanged: int


def diff_executions(
    homes: Homes, observation: Observation, settings: Settings, names: Names
) -> ExecutionDiff:
    """Presence is all that counts here: an execution that is not listed is not undone."""
    ib = observation.broker.broker == "ib"
    words = last_words(
        _settled_fills(homes, observation),
        observation.book.executions.values(),
        by_last_part=ib,
    )
    new = _by_order(homes, (word.told for word in words if word.held is None))
    known = [(word.held, word.told) for word in words if word.held is not None]
    stubs = tuple(_stubs(new, homes, observation, settings, names))
    inserts = tuple(_inserts(new, homes, stubs, observation.account, ib=ib))
    updates = tuple(_updates(known, ib=ib))
    return ExecutionDiff(
        inserts=inserts,
        updates=updates,
        stubs=stubs,
        unchanged=len(known) - len(updates),
    )


def _settled_fills(homes: Homes, observation: Observation) -> list[BrokerExecution]:
    """What moved a position, of orders that wait for nobody; funding was never bought or sold."""
    fills = [row for row in observation.broker.executions if row.kind in MOVING]
    # One that waits holds back its order's others: a correction must meet what it corrects.
    named = (row for row in fills if row.broker_order_id)
    waiting = {homes.standing(row) for row in named if homes.is_held(row)}
    return [row for row in fills if not homes.is_held(row) and homes.standing(row) not in waiting]


def _by_order(
    homes: Homes, told: Iterable[BrokerExecution]
) -> dict[BrokerName, list[BrokerExecution]]:
    """New executions by the order that they belong to, each in time order."""
    by_order: dict[BrokerName, list[BrokerExecution]] = defaultdict(list)
    for row in sorted(told, key=lambda row: (row.executed_at, row.execution_id)):
        by_order[homes.standing(row)].append(row)
    return by_order


def _stubs(
    new: Mapping[BrokerName, Sequence[BrokerExecution]],
    homes: Homes,
    observation: Observation,
    settings: Settings,
    names: Names,
) -> Iterator[InsertOrder | UpdateOrder]:
    for (_, broker_order_id), rows in sorted(new.items()):
        if not broker_order_id or homes.is_told(rows[0]):
            continue
        taken_in = settings.AUTO_MANAGE_EXTERNAL_ORDERS or origin_of(rows) is not Origin.EXTERNAL
        known = homes.rows_of(rows[0])
        if is_stub_of(broker_order_id, known):
            yield grown(known[0], rows)
        elif not known and taken_in:
            in_book = observation.book.executed_quantity(broker_order_id)
            yield stub_for(observation.account, rows, in_book, names)


# --- rows ---------------------------------------------------------------------------------------


def _inserts(
    new: Mapping[BrokerName, Sequence[BrokerExecution]],
    homes: Homes,
    stubs: Iterable[InsertOrder | UpdateOrder],
    account: str,
    *,
    ib: bool,
) -> Iterator[InsertExecution]:
    stubbed = {(stub.symbol, stub.after.broker_order_id): stub.after.order_id for stub in stubs}
    for name, rows in new.items():
        for row in rows:
            order_id = stubbed.get(name) or homes.order_id(row)
            yield _insert(_as_row(row, account, order_id, ib=ib))


def _as_row(
    told: BrokerExecution, account: str, order_id: str | None, *, ib: bool
) -> BookExecution:
    fee = _fee(told, ib=ib)
    return BookExecution(
        execution_key=_key(account, told),
        execution_id=told.execution_id,
        account=account,
        order_id=order_id,
        broker_order_id=told.broker_order_id,
        symbol=told.symbol,
        side=told.side,
        position_side=told.position_side,
        quantity=told.quantity,
        price=told.price,
        fee=fee,
        fee_currency=told.fee_currency,
        kind=told.kind,
        executed_at=told.executed_at,
    )


def _insert(after: BookExecution) -> InsertExecution:
    of = f" of order {after.broker_order_id}" if after.broker_order_id else ""
    return InsertExecution(
        account=after.account,
        symbol=after.symbol,
        target=after.execution_key,
        reason="execution_not_in_book",
        because=(
            f"The broker reports a {after.kind}{of}: {after.side} "
            f"{at_price(after.quantity, after.price)}; the book does not have it."
        ),
        after=after,
    )


def _updates(
    known: Iterable[tuple[BookExecution, BrokerExecution]], *, ib: bool
) -> Iterator[UpdateExecution]:
    for row, told in known:
        if differing := _differing(row, told, ib=ib):
            fee_only = row.fee is None and differing.keys() <= {"fee", "fee_currency"}
            yield _update(row, replace(row, **differing), fee_only=fee_only)


def _differing(row: BookExecution, told: BrokerExecution, *, ib: bool) -> dict[str, Any]:
    """What the broker tells otherwise; a fee or currency that it leaves out says nothing."""
    fee = _fee(told, ib=ib)
    values = {
        "execution_key": _key(row.account, told),
        "execution_id": told.execution_id,
        "side": told.side,
        "quantity": told.quantity,
        "price": told.price,
        "kind": told.kind,
        "fee": fee,
        "fee_currency": told.fee_currency if fee is not None else None,
    }
    return {
        name: value for name, value in values.items() if value not in (None, getattr(row, name))
    }


def _update(before: BookExecution, after: BookExecution, *, fee_only: bool) -> UpdateExecution:
    if fee_only:
        fee = f"{figure(after.fee)} {after.fee_currency or ''}".strip()
        because = f"The broker now reports the fee of execution {after.execution_id}: {fee}."
    else:
        because = (
            f"The broker now reports execution {after.execution_id} as {_told(after)}; "
            f"the book has it as {_told(before)}."
        )
    return UpdateExecution(
        account=before.account,
        symbol=before.symbol,
        target=before.execution_key,
        reason="fee_now_known" if fee_only else "execution_corrected",
        because=because,
        risk=Risk.LOW if fee_only else Risk.MEDIUM,
        before=before,
        after=after,
    )


def _told(row: BookExecution) -> str:
    fee = "an unknown fee" if row.fee is None else f"a fee of {figure(row.fee)}"
    return f"{row.side} {at_price(row.quantity, row.price)} with {fee}"


def _key(account: str, told: BrokerExecution) -> str:
    return execution_key(account, told.symbol, told.broker_order_id, told.execution_id)


def _fee(told: BrokerExecution, *, ib: bool) -> Decimal | None:
    """A negative fee is a rebate; minus one without a currency is a fee still being reckoned."""
    pending = told.fee == PENDING_FEE and (ib or told.fee_currency is None)
    return None if pending else told.fee
