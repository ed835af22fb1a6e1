"""Orders: what the broker says of each, against the book's row of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.config.settings import Settings
from core.decide.reconcile.identity import nothing_disagrees
from core.decide.reconcile.match import Matching
from core.decide.reconcile.replaced import name_of
from core.decide.reconcile.words import differences, owner, progress
from core.domain.money import ZERO
from core.domain.naming import Names
from core.domain.observation import Observation
from core.domain.order import (
    COMPARED,
    LIVE,
    TERMINAL,
    BookOrder,
    BrokerOrder,
    OrderStatus,
    Origin,
    is_our_key,
)
from core.domain.problem import Problem
from core.domain.snapshot import Absent, Found, Inconclusive, Lookup
from core.plan.change import DeleteOrder, InsertOrder, Risk, UpdateOrder

Pair = tuple[BrokerOrder, BookOrder]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDiff:
    changes: tuple[InsertOrder | UpdateOrder | DeleteOrder, ...]
    problems: tuple[Problem, ...]
    unchanged: int
    # What the broker says of each order that is, or will be, a row of the book.
    recorded: tuple[tuple[BrokerOrder, str], ...]
    # Live rows of which nobody can say whether the broker still has them.
    unknown: tuple[BookOrder, ...]


def diff_orders(
    matching: Matching, observation: Observation, settings: Settings, names: Names, now: datetime
) -> OrderDiff:
    """Listed orders are compared; of missing ones only the broker's direct answer is believed."""
    answers = _answers(matching, observation)
    confirmed = [(answer.order, row) for row, answer in answers if isinstance(answer, Found)]
    gone = [row for row, answer in answers if isinstance(answer, Absent)]
    unknown = [(row, answer) for row, answer in answers if isinstance(answer, Inconclusive)]
    updates = [*_updates(matching.pairs, listed=True), *_updates(confirmed, listed=False)]
    new = [order for order in matching.new if _is_taken_in(order, settings)]
    left_out = [order for order in matching.new if not _is_taken_in(order, settings)]
    inserts = [_insert(order, observation.account, names) for order in new]
    proven = _proven(matching, observation)
    return OrderDiff(
        changes=(
            *inserts,
            *updates,
            *(_delete(row, proven, settings.FORCE_SYNC_DELETE, now) for row in gone),
        ),
        problems=(
            *(_unknown(row, answer) for row, answer in unknown),
            *(_external(order, observation.account) for order in left_out),
        ),
        unchanged=len(matching.pairs) + len(confirmed) - len(updates),
        recorded=(
            *((order, row.order_id) for order, row in (*matching.pairs, *confirmed)),
            *((order, insert.after.order_id) for order, insert in zip(new, inserts, strict=True)),
        ),
        unknown=tuple(row for row, _ in unknown),
    )


# --- orders that both sides have ----------------------------------------------------------------


def _updates(pairs: Iterable[Pair], *, listed: bool) -> Iterator[UpdateOrder]:
    for order, row in pairs:
        if told := _differing(order, row):
            closed = not listed and order.status in TERMINAL
            yield _update(order, row, told, "order_closed_at_broker" if closed else "differs")


def _differing(order: BrokerOrder, row: BookOrder) -> dict[str, Any]:
    """What the broker tells that the row does not say, by the row's column names."""
    told = ((ours, getattr(order, theirs)) for theirs, ours in COMPARED)
    return {ours: value for ours, value in told if value not in (None, getattr(row, ours))}


def _update(order: BrokerOrder, row: BookOrder, told: dict[str, Any], reason: str) -> UpdateOrder:
    after = replace(row, **told, updated_at=order.updated_at or row.updated_at)
    if after.status is OrderStatus.FILLED and after.executed_at is None:
        after = replace(after, executed_at=after.updated_at)
    shrinks = after.filled_quantity < row.filled_quantity
    revives = row.status is OrderStatus.FILLED and after.status in LIVE
    return UpdateOrder(
        account=row.account,
        symbol=row.symbol,
        target=row.order_id,
        reason=reason,
        because=_because(row, after, told),
        risk=Risk.HIGH if shrinks or revives else Risk.LOW,
        before=row,
        after=after,
        corrects=shrinks or revives,
    )


def _because(row: BookOrder, after: BookOrder, told: dict[str, Any]) -> str:
    sentences = []
    rest = [name for name in told if name not in ("status", "filled_quantity", "quantity")]
    if len(rest) < len(told):
        sentences.append(
            f"The broker reports the order {progress(after)}; the book has it {progress(row)}."
        )
    if rest:
        sentences.append(f"The broker reports {differences(rest, row, after)}.")
    return " ".join(sentences)


# --- orders that only the broker has ------------------------------------------------------------


def _insert(order: BrokerOrder, account: str, names: Names) -> InsertOrder:
    ours = is_our_key(order.client_order_id)
    told = {ours: getattr(order, theirs) for theirs, ours in COMPARED}
    after = BookOrder(
        **told,
        order_id=names.of(order.symbol, order.broker_order_id, order.client_order_id),
        account=account,
        symbol=order.symbol,
        side=order.side,
        position_side=order.position_side,
        origin=Origin.OWNED if ours else Origin.EXTERNAL,
        created_at=order.created_at,
        updated_at=order.updated_at,
        executed_at=order.updated_at if order.status is OrderStatus.FILLED else None,
    )
    return InsertOrder(
        account=account,
        symbol=order.symbol,
        target=after.order_id,
        reason="not_in_book",
        because=(
            f"The broker has {owner(ours)} {order.side} order "
            f"{order.broker_order_id}, {progress(order)}; the book does not have it."
        ),
        after=after,
    )


def _is_taken_in(order: BrokerOrder, settings: Settings) -> bool:
    return settings.AUTO_MANAGE_EXTERNAL_ORDERS or is_our_key(order.client_order_id)


def _external(order: BrokerOrder, account: str) -> Problem:
    return Problem(
        "external_order",
        account,
        order.broker_order_id,
        f"The broker has an external {order.symbol} {order.side} order, {progress(order)}; "
        "it stays out of the book because AUTO_MANAGE_EXTERNAL_ORDERS is false.",
    )


# --- orders that only the book has --------------------------------------------------------------


def _answers(matching: Matching, observation: Observation) -> list[tuple[BookOrder, Lookup]]:
    """What the broker answered for each live row that it did not list."""
    if not observation.broker.knows("orders"):
        return []
    return [
        (row, _believed(row, observation.lookups.get(row.order_id), matching))
        for row in matching.missing
    ]


def _believed(row: BookOrder, answer: Lookup | None, matching: Matching) -> Lookup:
    if answer is None:
        return Inconclusive("it was not asked for this order")
    if not isinstance(answer, Found):
        return answer
    order = answer.order
    name = name_of(order)
    if (
        matching.rows.by_broker_name.get(name, row) is row
        and name not in matching.listed
        and nothing_disagrees(order, row, matching.survivor_of)
    ):
        return answer
    return Inconclusive(f"it answered with {order.broker_order_id}, which is not the same order")


def _proven(matching: Matching, observation: Observation) -> frozenset[str]:
    """The names, anyone's, of orders that an execution or an earlier life of theirs proves."""
    told = observation.broker.executions
    names = {name for each in told for name in (each.broker_order_id, each.client_order_id)}
    executed = frozenset(filter(None, names)) | observation.book.executed.keys()
    return executed.union(matching.linked.values())


def _delete(row: BookOrder, proven: frozenset[str], force: bool, now: datetime) -> DeleteOrder:
    """Erases only what the broker never told anything of; history stays, whatever is configured."""
    names = (row.order_id, row.broker_order_id, row.client_order_id)
    known = row.filled_quantity > ZERO or not proven.isdisjoint(filter(None, names))
    erase = force and not known
    stays = " Its row stays, because the broker has told of it before." if force and known else ""
    return DeleteOrder(
        account=row.account,
        symbol=row.symbol,
        target=row.order_id,
        reason="not_on_broker",
        because=(
            f"The book has the order {progress(row)}; the broker neither lists it nor knows it "
            f"when asked.{stays}"
        ),
        risk=Risk.HIGH if erase else Risk.MEDIUM,
        before=row,
        after=None if erase else replace(row, status=OrderStatus.ORPHANED_DELETED, updated_at=now),
    )


def _unknown(row: BookOrder, answer: Inconclusive) -> Problem:
    return Problem(
        "order_outcome_unknown",
        row.account,
        row.order_id,
        f"The book has the {row.symbol} order {progress(row)}; the broker does not list it, and "
        f"asking for it did not settle it: {answer.why}.",
    )
