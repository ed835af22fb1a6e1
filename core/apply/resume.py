"""Settling steps whose outcome was never learned: ask by key, believe only what is shown.

| the broker says          | quarantine passed | the step becomes |
|--------------------------|-------------------|------------------|
| found, and it took effect | (any)            | done             |
| found, without the effect | yes              | failed: it was not carried out |
| conclusively absent       | yes              | failed: it was not placed |
| the same                  | no               | stays open: a venue may accept late |
| inconclusive              | (any)            | stays open       |

In a running service, a stop that a venue keeps no key of is settled by what is just like it.

Nothing is sent from here. What turns out not to have happened is proposed afresh by the next plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.apply.asking import Answer, look_up
from core.apply.calls import Call, Placing, call_for, order_at_broker
from core.apply.journal import Journal
from core.apply.settling import settle
from core.domain.money import decimal_text
from core.domain.order import LIVE, STOP_TYPES, BookOrder, BrokerOrder, OrderRequest, OrderStatus
from core.domain.record import Step, StepState
from core.domain.snapshot import Absent, Found, Inconclusive, Lookup
from core.plan.codec import action_from_document
from core.ports import Book, Broker, Capabilities, Clock, RunLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of one open step; `state` is unknown while it stays open."""

    step: Step
    state: StepState
    note: str
    broker_order_id: str | None = None
    # Orders without a key that are just like the one that was placed, for a person to look at.
    alike: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    book: Book
    brokers: Mapping[str, Broker]
    clock: Clock
    log: RunLog
    # Nobody is there to be asked which order it is. A stop that can only reduce, on exactly our
    # terms, does what ours was to do, whoever placed it.
    takes_alike_stops: bool = False

    async def settle_open_steps(self, steps: Sequence[Step]) -> list[Settled]:
        return [await self._settle(step) for step in steps]

    async def _settle(self, step: Step) -> Settled:
        call = reopened(self.book, step)
        broker = self.brokers[step.account]
        lookup = await look_up(broker, call, step.symbol, step.idempotency_key)
        lookup = of_its_kind(call, lookup)
        answer = conclude(call, step, lookup, broker.capabilities, self.clock.now())
        if answer.state is StepState.UNKNOWN and self.takes_alike_stops:
            answer = self._by_likeness(call, step, lookup, broker.capabilities) or answer
        # An unchanged answer is not written down again: asking twice must not change anything.
        if answer.state is not StepState.UNKNOWN or step.state is StepState.BEGUN:
            settle(Journal(self.book), call, step, answer, at=self.clock.now(), by="resume")
        self.log.event(
            "step_resumed", key=step.idempotency_key, state=answer.state.value, note=answer.note
        )
        return Settled(
            step=step,
            state=answer.state,
            note=answer.note,
            broker_order_id=answer.shown.broker_order_id if answer.shown else None,
            alike=alike(call, lookup) if answer.state is StepState.UNKNOWN else (),
        )

    def _by_likeness(
        self, call: Call, step: Step, lookup: Lookup, venue: Capabilities
    ) -> Answer | None:
        """None while it cannot be told; a live one is preferred to one that has ended."""
        if self.clock.now() < step.begun_at + venue.quarantine or not _is_stop(call):
            return None
        if not (isinstance(lookup, Inconclusive) and lookup.whole):
            return None
        names = set(alike(call, lookup))
        with self.book.read() as book:
            rows = book.orders(step.account, broker_order_ids=names)
        known = {row.broker_order_id for row in rows if row.order_id != step.order_id}
        like = [one for one in lookup.candidates if one.broker_order_id in names - known]
        if not like:
            note = "not placed: the broker has no such stop that nobody here knows of"
            return Answer(state=StepState.FAILED, status=OrderStatus.REJECTED, note=note)
        shown = max(like, key=lambda one: (one.status in LIVE, one.broker_order_id))
        return Answer(state=StepState.DONE, shown=shown, note="one on its terms, taken for it")


def of_its_kind(call: Call, lookup: Lookup) -> Lookup:
    """An order that keeps a key is not among those without one: a stop is no market order."""
    if not (isinstance(call, Placing) and isinstance(lookup, Inconclusive) and lookup.whole):
        return lookup
    kinds = {candidate.type for candidate in lookup.candidates}
    return lookup if call.request.type in kinds else Absent()


def _is_stop(call: Call) -> bool:
    if not isinstance(call, Placing):
        return False
    return call.request.type in STOP_TYPES and call.request.reduce_only


def reopened(book: Book, step: Step) -> Call:
    """The call of a journaled step, as it was made."""
    change = action_from_document(step.request).change
    with book.read() as reading:
        row = _row_of(reading.orders(step.account, order_ids=[step.order_id or ""]))
        existing = order_at_broker(change)
        if row is None and existing is not None:
            ids = [existing.broker_order_id]
            row = _row_of(reading.orders(step.account, broker_order_ids=ids))
    return call_for(change, key=step.idempotency_key, now=step.begun_at, row=row)


def _row_of(rows: Sequence[BookOrder]) -> BookOrder | None:
    return rows[0] if rows else None


def conclude(call: Call, step: Step, lookup: Lookup, venue: Capabilities, now: datetime) -> Answer:
    """The table above, as a function."""
    waits_until = step.begun_at + venue.quarantine
    match lookup:
        case Found(order=shown) if call.carried_out(shown):
            return Answer(state=StepState.DONE, shown=shown, note=_found(call, shown))
        case Found() | Absent() if now < waits_until:
            note = f"not there yet; a late accept is possible until {waits_until:%H:%M:%S} UTC"
            return Answer(state=StepState.UNKNOWN, note=note)
        case Found(order=shown):
            note = f"not carried out: the order is {shown.status}"
            return Answer(state=StepState.FAILED, shown=shown, note=note)
        case Absent():
            note = "not placed: the broker conclusively has no such order"
            return Answer(state=StepState.FAILED, status=OrderStatus.REJECTED, note=note)
    return Answer(
        state=StepState.UNKNOWN,
        note=f"the broker could not tell: {lookup.why}{_to_look_for(call, lookup)}",
    )


def alike(call: Call, lookup: Lookup) -> tuple[str, ...]:
    """The ids of candidates on the same terms; that they are ours is for a person to say."""
    if not (isinstance(call, Placing) and isinstance(lookup, Inconclusive)):
        return ()
    wanted = call.request
    names = ("symbol", "side", "position_side", "type", "quantity", "price", "trigger_price")
    return tuple(
        order.broker_order_id
        for order in lookup.candidates
        if all(getattr(order, name) == getattr(wanted, name) for name in names)
    )


def _to_look_for(call: Call, lookup: Inconclusive) -> str:
    if not (isinstance(call, Placing) and lookup.candidates):
        return ""
    found = alike(call, lookup)
    count = len(lookup.candidates)
    told = f"like it is {', '.join(found)}" if found else f"none of the {count} since is like it"
    return f". Look for {_terms(call.request)}: {told}"


def _terms(request: OrderRequest) -> str:
    prices = (("at", request.price), ("trigger", request.trigger_price))
    at = "".join(f", {word} {decimal_text(price)}" for word, price in prices if price is not None)
    return (
        f"{request.side} {decimal_text(request.quantity)} {request.symbol}, "
        f"{request.type.replace('_', ' ')}{at}"
    )


def _found(call: Call, shown: BrokerOrder) -> str:
    """A placed order that has ended without a fill meanwhile must not be taken for a live one."""
    ended = isinstance(call, Placing) and shown.status not in LIVE and not shown.filled_quantity
    return f"found at the broker, {shown.status} by now" if ended else "found at the broker"
