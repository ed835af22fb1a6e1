"""Both sides of an account at one instant, with just the book rows that a decision could need."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from core.domain.execution import BrokerExecution
from core.domain.exit import ExitState
from core.domain.intent import IntentState, orders_of
from core.domain.naming import possible_names
from core.domain.observation import BookView, Observation
from core.domain.order import LIVE, BookOrder, BrokerOrder
from core.domain.paced import Paced, T, at_once
from core.domain.snapshot import BrokerSnapshot, Lookup
from core.observe.foreign import foreign_positions
from core.observe.scan import Totals, add_up, at_stake, fold_positions
from core.observe.sieve import ExecutionSieve, sift
from core.observe.snapshot_file import SnapshotFile
from core.ports import BookReading

# Asks the broker about one order that its listing does not show.
Ask = Callable[[BookOrder], Awaitable[Lookup]]


async def observe(
    book: BookReading,
    snapshot: BrokerSnapshot,
    ask: Ask,
    *,
    symbol: str | None = None,
    every_position: bool = False,
    intents: bool = False,
    foreign: bool = False,
) -> Observation:
    """The whole snapshot against the book; `every_position` folds even those that seem in order.

    `intents` has orders that signals ask for thought of too, `foreign` tells who opened what.
    A long history takes its time, in which others go on.
    """
    if symbol is not None:
        snapshot = _only(snapshot, symbol)
    looking = _whole_view(
        book, snapshot, every_position=every_position, intents=intents, foreign=foreign
    )
    view = await beside_others(looking)
    if symbol is not None:
        view = _only_view(view, symbol)
    return await _asked(snapshot, view, ask, unchanged=0)


def _whole_view(
    book: BookReading,
    snapshot: BrokerSnapshot,
    *,
    every_position: bool,
    intents: bool,
    foreign: bool,
) -> Paced[BookView]:
    account = snapshot.account
    totals = yield from add_up(book, account, snapshot.instruments)
    live = set(book.live_order_ids(account))
    waiting = book.intents(account, states={IntentState.APPROVED}) if intents else []
    exits = book.exit_intents(account, states={ExitState.APPROVED}) if intents else []
    # Also their orders that have ended by now: what was sent once is never proposed again.
    live |= {order.key for intent in waiting for order in orders_of(intent)}
    live |= {intent.order.key for intent in exits}
    view = yield from look_at_book(book, snapshot, totals, live=live, every_position=every_position)
    opened_by_others = (yield from foreign_positions(book, account)) if foreign else frozenset()
    return replace(view, intents=tuple(waiting), exits=tuple(exits), foreign=opened_by_others)


async def beside_others(work: Paced[T]) -> T:
    """Between two slices whoever is ready has a turn."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            answer: T = done.value
            return answer
        await asyncio.sleep(0)


async def observe_file(book: BookReading, file: SnapshotFile, ask: Ask) -> Observation:
    """A snapshot file against the book; what both hold word for word is only counted."""
    account = file.header.account
    executions = ExecutionSieve(file)
    totals = at_once(add_up(book, account, file.header.instruments, executions.meet))
    sifted = sift(file, book, executions, totals.executed)
    live = set(book.live_order_ids(account)) - sifted.equal_live
    view = at_once(look_at_book(book, sifted.snapshot, totals, live=live))
    return await _asked(sifted.snapshot, view, ask, unchanged=sifted.unchanged)


async def _asked(
    snapshot: BrokerSnapshot, view: BookView, ask: Ask, *, unchanged: int
) -> Observation:
    return Observation(
        account=snapshot.account,
        broker=snapshot,
        book=view,
        lookups={row.order_id: await ask(row) for row in unlisted(snapshot, view)},
        unchanged=unchanged,
    )


def look_at_book(
    book: BookReading,
    snapshot: BrokerSnapshot,
    totals: Totals,
    *,
    live: set[str],
    every_position: bool = False,
) -> Paced[BookView]:
    """The given live rows, and whatever an identifier in the snapshot touches."""
    account = snapshot.account
    identity = book.identity()
    orders = touched_orders(book, snapshot, live)
    # An execution can only repeat or correct one of the same order.
    touched = {row.broker_order_id for row in snapshot.executions}
    executions = book.executions_of(account, touched)
    positions, adjustments = book.positions(account), book.adjustments(account)
    keys = at_stake(totals, positions, adjustments)
    keys |= {(row.symbol, row.position_side.value) for row in snapshot.executions}
    # Their averages can only be compared by whoever knows what fees the book's rows paid.
    keys |= {(row.symbol, row.side.value) for row in snapshot.positions if row.fees_in_average}
    if every_position:
        keys |= totals.held.keys() | {(row.symbol, row.side.value) for row in positions}
    computed = yield from fold_positions(book, account, keys, adjustments, snapshot.instruments)
    return BookView(
        account=account,
        lineage=identity.lineage,
        serial=identity.serial,
        orders=tuple(orders),
        executions={row.execution_key: row for row in executions},
        executed=totals.executed,
        positions=tuple(positions),
        computed=computed,
        adjustments=tuple(adjustments),
        decisions=tuple(book.decisions(account)),
        open_steps=tuple(book.open_steps(account)),
        lives=tuple(book.lives(account)),
    )


def touched_orders(
    book: BookReading, snapshot: BrokerSnapshot, also: Iterable[str] = ()
) -> list[BookOrder]:
    """Rows that any identifier in the snapshot speaks of, and those of the given ids."""
    rows: list[BrokerOrder | BrokerExecution] = [*snapshot.orders, *snapshot.executions]
    orders = book.orders(
        snapshot.account,
        order_ids=also,
        broker_order_ids={row.broker_order_id for row in rows if row.broker_order_id},
        client_order_ids={row.client_order_id for row in rows if row.client_order_id},
        perm_ids={row.perm_id for row in rows if row.perm_id},
    )
    return orders + _namesakes(book, snapshot.account, rows, orders)


def _namesakes(
    book: BookReading,
    account: str,
    rows: Iterable[BrokerOrder | BrokerExecution],
    found: Iterable[BookOrder],
) -> list[BookOrder]:
    """Rows that bear the name a new order would get, whatever venue id they have by now."""
    known = {row.broker_order_id for row in found}
    names = {
        name
        for row in rows
        if row.broker_order_id not in known
        for name in possible_names(
            account, row.symbol, row.broker_order_id or "", row.client_order_id
        )
    }
    return book.orders(account, order_ids=names - {row.order_id for row in found})


def unlisted(snapshot: BrokerSnapshot, view: BookView) -> list[BookOrder]:
    """Live book rows that a complete listing does not show; only asking tells their fate."""
    if not snapshot.knows("orders"):
        return []
    listed = {
        identifier
        for order in snapshot.orders
        for identifier in (order.broker_order_id, order.client_order_id, order.perm_id)
        if identifier
    }
    in_flight = {step.order_id for step in view.open_steps}
    return [
        row
        for row in view.orders
        if row.status in LIVE
        and row.order_id not in in_flight
        and not listed & {row.broker_order_id, row.client_order_id, row.perm_id}
    ]


def _only(snapshot: BrokerSnapshot, symbol: str) -> BrokerSnapshot:
    return replace(
        snapshot,
        orders=tuple(row for row in snapshot.orders if row.symbol == symbol),
        executions=tuple(row for row in snapshot.executions if row.symbol == symbol),
        positions=tuple(row for row in snapshot.positions if row.symbol == symbol),
    )


def _only_view(view: BookView, symbol: str) -> BookView:
    """What the book holds of one symbol; identifiers are compared within it too."""
    return replace(
        view,
        orders=tuple(row for row in view.orders if row.symbol == symbol),
        positions=tuple(row for row in view.positions if row.symbol == symbol),
        computed={key: held for key, held in view.computed.items() if key.symbol == symbol},
        adjustments=tuple(row for row in view.adjustments if row.symbol == symbol),
        open_steps=tuple(step for step in view.open_steps if step.symbol == symbol),
        intents=tuple(intent for intent in view.intents if intent.symbol == symbol),
        lives=tuple(life for life in view.lives if life.symbol == symbol),
        exits=tuple(intent for intent in view.exits if intent.symbol == symbol),
    )
