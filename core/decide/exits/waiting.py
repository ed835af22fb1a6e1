"""Exits that were approved and not sent: what a plan proposes while no service may."""

from collections.abc import Iterator
from datetime import datetime

from core.domain.exit import ExitIntent, ExitState
from core.domain.money import decimal_text
from core.domain.observation import Observation
from core.domain.position import PositionKey
from core.plan.change import PlaceExit, Risk


def waiting_exits(seen: Observation, now: datetime) -> Iterator[PlaceExit]:
    busy = {step.symbol for step in seen.book.open_steps}
    begun = {row.order_id for row in seen.book.orders}
    for intent in seen.book.exits:
        late = intent.not_before is not None and now < intent.not_before
        sent = intent.order.key in begun
        if intent.state is ExitState.APPROVED and not (intent.symbol in busy or late or sent):
            yield place(intent)


def place(intent: ExitIntent) -> PlaceExit:
    wanted = intent.order
    said = intent.because.get("because", [])
    sentences = [str(each) for each in said] if isinstance(said, list) else []
    how = f" at {decimal_text(wanted.price)}" if wanted.price is not None else ""
    return PlaceExit(
        account=intent.account,
        symbol=intent.symbol,
        target=PositionKey(intent.account, intent.symbol, intent.position_side).target,
        reason=intent.cause.value.lower(),
        because=" ".join(sentences)
        or f"{wanted.side} {decimal_text(wanted.quantity)} {intent.symbol}{how}.",
        risk=Risk.MEDIUM,
        after=wanted,
    )
