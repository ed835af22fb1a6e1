"""The door of a running service: one change at a time, approved by the standing policy.

It differs from the door of a reviewed plan in who approves, and in what is looked at again: not the
whole account but the rows that this one change speaks of. Begin, perform and settle are the same.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from core.apply.asking import Answer
from core.apply.calls import order_at_broker
from core.apply.hold import Hold
from core.apply.stepping import Commission, Copybook, Stepper, key_for
from core.domain.errors import Blocked, Stale
from core.domain.order import COMPARED, LIVE, STOP_TYPES, BookOrder, BrokerOrder, PositionSide
from core.plan.change import AnyChange, PlaceStop
from core.plan.plan import Action
from core.ports import Book, BookReading, Broker, Clock, RunLog


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingDoor:
    book: Book
    brokers: Mapping[str, Broker]
    clock: Clock
    log: RunLog
    copybook: Copybook
    hold: Hold
    # Asked before every change: why nothing may be changed, or None.
    forbidden: Callable[[], str | None]
    # Why nothing may be sent to an account, or None.
    misfit: Callable[[str], str | None] = lambda account: None

    async def carry_out(
        self, change: AnyChange, *, cause: str, name: str, relies_on: BookOrder | None = None
    ) -> Answer:
        """`cause` stands where a reviewed plan has its id, `name` where it has the action's.

        `relies_on` is a row that has to be as it was when the change was decided. Raises Blocked
        or Stale when nothing was begun.
        """
        async with self.hold:
            if why := self.forbidden():
                raise Blocked(why, hint="trueup status")
            if why := self.misfit(change.account):
                raise Blocked(why, hint="trueup doctor")
            with self.book.read() as book:
                self._check_still_true(book, change)
                if relies_on and relies_on not in book.orders(
                    change.account, order_ids=[relies_on.order_id]
                ):
                    raise Stale(f"order {relies_on.order_id} has moved meanwhile")
                lineage = book.identity().lineage
            key = key_for(change, lineage, cause, name)
            stepper = Stepper(
                book=self.book,
                brokers=self.brokers,
                clock=self.clock,
                log=self.log,
                copybook=self.copybook,
                by="manage",
            )
            action = Action(id=name, change=change)
            begun = stepper.begin(Commission(plan_id=cause, action=action, key=key))
            self.hold.under_way.add(key)
            try:
                return await _to_its_end(stepper.finish(begun))
            finally:
                self.hold.under_way.discard(key)

    def _check_still_true(self, book: BookReading, change: AnyChange) -> None:
        if isinstance(change, PlaceStop) and change.is_first and _is_guarded(book, change):
            raise Stale(f"a stop of {change.target} stands already")
        order = order_at_broker(change)
        if order is None:
            return
        rows = book.orders(change.account, broker_order_ids=[order.broker_order_id])
        row = next((row for row in rows if row.symbol == order.symbol), None)
        if row is None or row.status not in LIVE:
            raise Stale(f"order {order.broker_order_id} is not open any more")
        if moved := _moved(order, row):
            raise Stale(f"order {order.broker_order_id} moved: {', '.join(moved)}")


async def _to_its_end(call: Coroutine[Any, Any, Answer]) -> Answer:
    """Whoever waits for it may be told to stop; what is on its way is settled all the same."""
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _is_guarded(book: BookReading, change: PlaceStop) -> bool:
    """Two parts of the service may find a position bare; the second comes too late."""
    wanted = change.after
    return any(
        row.order_type in STOP_TYPES
        and row.reduce_only
        and row.side is wanted.side
        and row.position_side in (PositionSide.BOTH, wanted.position_side)
        for row in book.live_orders_in(change.account, change.symbol)
    )


def _moved(order: BrokerOrder, row: BookOrder) -> list[str]:
    told = ((ours, getattr(order, theirs), getattr(row, ours)) for theirs, ours in COMPARED)
    return [f"{name} {then} → {now}" for name, then, now in told if then not in (None, now)]
