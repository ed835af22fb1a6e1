"""Telling the broker, and understanding what came back.

| what came back                     | the step is | because |
|------------------------------------|-------------|---------|
| an acknowledged order              | done        | the venue says so |
| NotSent                            | failed      | nothing reached the venue |
| Rejected, and the order shows it took effect | done | an earlier attempt had arrived |
| Rejected                           | failed      | the venue said no |
| OutcomeUnknown, or anything else   | unknown     | it may have happened; only asking can tell |
"""

from dataclasses import dataclass

from core.apply.calls import Call, Placing
from core.config.secret import defect_text
from core.domain.errors import BrokerError, NotSent, OutcomeUnknown, Rejected
from core.domain.order import BrokerOrder, OrderStatus
from core.domain.record import NOT_SENT, StepState
from core.domain.snapshot import Found, Inconclusive, Lookup
from core.ports import Broker, BrokerReader, RunLog
from core.ports.receipt import Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`shown` is what the broker showed; without it, `status` is what a new order becomes."""

    state: StepState
    shown: BrokerOrder | None = None
    status: OrderStatus = OrderStatus.UNKNOWN
    note: str = ""


async def perform(broker: Broker, call: Call, receipt: Receipt, log: RunLog) -> Answer:
    """The one place where a writing method of a broker is called."""
    try:
        shown = await call.send(broker, receipt)
    except NotSent as error:
        note = f"{NOT_SENT}{error.message}"
        return Answer(state=StepState.FAILED, status=OrderStatus.REJECTED, note=note)
    except Rejected as error:
        return await _after_rejection(broker, call, receipt, error)
    except OutcomeUnknown as error:
        return Answer(state=StepState.UNKNOWN, note=error.message)
    except Exception as error:  # noqa: BLE001 - whatever it was, it says nothing of the venue
        # A defect between us and the venue: the request may well have been sent.
        log.event("adapter_failed", level="error", key=receipt.idempotency_key, error=repr(error))
        return Answer(state=StepState.UNKNOWN, note=defect_text(error))
    return Answer(state=StepState.DONE, shown=shown)


async def _after_rejection(
    broker: BrokerReader, call: Call, receipt: Receipt, error: Rejected
) -> Answer:
    """A refused cancel often means that the order has filled: look before concluding."""
    note = f"rejected by the venue: {error.message}"
    match await look_up(broker, call, receipt.step.symbol, receipt.idempotency_key):
        case Found(order=shown) if call.carried_out(shown):
            return Answer(state=StepState.DONE, shown=shown, note=f"already done ({error.code})")
        case Found(order=shown):
            return Answer(
                state=StepState.FAILED, shown=shown, note=f"{note}; the order is {shown.status}"
            )
    return Answer(state=StepState.FAILED, status=OrderStatus.REJECTED, note=note)


async def look_up(broker: BrokerReader, call: Call, symbol: str, key: str) -> Lookup:
    """Asks for the order that a call creates (by our key) or alters (by the venue's id)."""
    created_at = call.row.created_at if call.row else None
    try:
        if isinstance(call, Placing):
            return await broker.find_order(
                symbol=symbol, client_order_id=key, created_at=created_at
            )
        return await broker.find_order(
            symbol=symbol,
            broker_order_id=call.order.broker_order_id,
            client_order_id=call.order.client_order_id,
            perm_id=call.order.perm_id,
            created_at=call.order.created_at,
        )
    except BrokerError as error:
        return Inconclusive(error.message)
