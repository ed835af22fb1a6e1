"""What can happen to a stop that is there: made larger or smaller, replaced, or cancelled."""

from dataclasses import replace
from decimal import Decimal

from core.decide.reconcile.words import figure
from core.domain.order import BrokerOrder, OrderRequest, OrderType
from core.domain.position import PositionKey
from core.domain.problem import Problem
from core.plan.change import (
    REPLACES_STOP,
    CancelDuplicateStop,
    CancelOrphanStop,
    PlaceStop,
    ResizeStop,
    Risk,
)


def covers(stop: BrokerOrder) -> Decimal:
    return stop.quantity - stop.filled_quantity


def resize(stop: BrokerOrder, key: PositionKey, wanted: Decimal, whose: str) -> ResizeStop:
    return ResizeStop(
        account=key.account,
        symbol=stop.symbol,
        target=stop.broker_order_id,
        reason="stop_size",
        because=f"{_differs(stop, wanted, whose)}.",
        risk=Risk.MEDIUM,
        before=stop,
        after=replace(stop, quantity=wanted + stop.filled_quantity),
    )


def replace_stop(
    stop: BrokerOrder, key: PositionKey, wanted: Decimal, whose: str
) -> PlaceStop | Problem:
    """A stop of the right size beside one that cannot be changed."""
    return _beside(
        stop, key, wanted, f"{_differs(stop, wanted, whose)}. The venue cannot change it"
    )


def renew_stop(
    stop: BrokerOrder, key: PositionKey, wanted: Decimal, whose: str
) -> PlaceStop | Problem:
    """The same stop once more beside one that the venue is about to end."""
    until = f" at {stop.expires_at:%Y-%m-%d %H:%M} UTC" if stop.expires_at else ""
    why = (
        f"The venue ends {whose} stop {stop.broker_order_id} for {figure(wanted)} by itself{until}"
    )
    return _beside(stop, key, wanted, why)


def _beside(stop: BrokerOrder, key: PositionKey, wanted: Decimal, why: str) -> PlaceStop | Problem:
    """The old one goes once the new one stands, so that the position is never bare.

    Both only reduce: should both trigger in between, the second finds nothing left to close.
    """
    if stop.type is OrderType.TRAILING_STOP or stop.trigger_price is None:
        return _inimitable(stop, key, why)
    return PlaceStop(
        account=key.account,
        symbol=stop.symbol,
        target=key.target,
        reason=REPLACES_STOP,
        because=(
            f"{why}, so a new one with the same trigger, {figure(stop.trigger_price)}, is placed "
            f"first; {stop.broker_order_id} is cancelled once that one stands."
        ),
        risk=Risk.MEDIUM,
        after=OrderRequest(
            symbol=stop.symbol,
            side=stop.side,
            position_side=key.side,
            type=stop.type,
            quantity=wanted,
            price=stop.price,
            trigger_price=stop.trigger_price,
            time_in_force=stop.time_in_force,
            reduce_only=True,
            post_only=bool(stop.post_only),
        ),
    )


def cancel_duplicate(
    stop: BrokerOrder, best: BrokerOrder, key: PositionKey, wanted: Decimal, whose: str
) -> CancelDuplicateStop:
    """`best` is the one that stays; when it is `stop` itself, another is placed in its stead."""
    if stop is best:
        because = (
            f"Once the new stop for {figure(wanted)} stands, {whose} stop "
            f"{stop.broker_order_id} for {figure(covers(stop))} is one too many."
        )
    else:
        because = (
            f"The position of {figure(wanted)} has more than one stop; "
            f"{best.broker_order_id} for {figure(covers(best))} stays, "
            f"{whose} stop for {figure(covers(stop))} goes."
        )
    return CancelDuplicateStop(
        account=key.account,
        symbol=stop.symbol,
        target=stop.broker_order_id,
        reason="replaced_stop" if stop is best else "duplicate_stop",
        because=because,
        risk=Risk.MEDIUM,
        before=stop,
    )


def cancel_orphan(
    stop: BrokerOrder, key: PositionKey, held: Decimal | None, whose: str
) -> CancelOrphanStop:
    lacking = (
        "there is no position left for it to reduce"
        if held is None
        else f"the position it would reduce is on the other side, {figure(held)}"
    )
    return CancelOrphanStop(
        account=key.account,
        symbol=stop.symbol,
        target=stop.broker_order_id,
        reason="orphan_stop",
        because=(
            f"{whose.capitalize()} reduce-only {stop.side} stop for "
            f"{figure(covers(stop))} is live, but {lacking}."
        ),
        risk=Risk.MEDIUM,
        before=stop,
    )


# --- what no action can mend ----------------------------------------------------------------------


def not_ours(
    stop: BrokerOrder,
    key: PositionKey,
    wanted: Decimal,
    whose: str,
    *,
    stays: BrokerOrder | None = None,
) -> Problem:
    """It has to change or go, and only whoever placed it can do that."""
    if stays is not None:
        what = (
            f"The position of {figure(wanted)} has more than one stop: beside "
            f"{stays.broker_order_id}, {whose} {stop.broker_order_id} for {figure(covers(stop))}"
        )
        remedy = f"cancel {stop.broker_order_id}"
    elif wanted:
        what = _differs(stop, wanted, whose)
        remedy = f"make it {figure(wanted)}, or cancel it and the next plan places one,"
    else:
        what = (
            f"{whose.capitalize()} reduce-only {stop.side} stop {stop.broker_order_id} for "
            f"{figure(covers(stop))} is live without a position that it could reduce"
        )
        remedy = "cancel it"
    return Problem(
        "stop_not_ours",
        key.account,
        stop.broker_order_id,
        f"{what}. Only whoever placed it can change it, and that was not this account's "
        f"connection: {remedy} where it was placed.",
    )


def _inimitable(stop: BrokerOrder, key: PositionKey, why: str) -> Problem:
    return Problem(
        "stop_not_replaceable",
        key.account,
        stop.broker_order_id,
        f"{why}, and it does not tell enough of it to place another like it: see to it at the "
        "venue.",
    )


def uncertain_stop(key: PositionKey, wanted: Decimal) -> Problem:
    return Problem(
        "stop_outcome_unknown",
        key.account,
        key.target,
        f"The position of {figure(wanted)} shows no stop, but what became of one in the "
        "book is not known; placing another could make two.",
    )


def _differs(stop: BrokerOrder, wanted: Decimal, whose: str) -> str:
    return (
        f"The position is {figure(wanted)}, but {whose} stop {stop.broker_order_id} "
        f"covers {figure(covers(stop))}"
    )
