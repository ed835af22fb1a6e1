"""The terms in a client's placeOrder message, whose later fields move with the earlier ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from .contracts import Contract
from .entry_rules import LIMIT_KINDS, STOP_KINDS
from .frames import Message, NotSpokenHere
from .orders import Ticket

ACTION_AT = 16
# Fields between `hidden` and the delta neutral order type, and in the parts behind it.
BEFORE_DELTA_NEUTRAL = 30
DELTA_NEUTRAL_PARTS = 8
BEFORE_SCALE_INCREMENT = 6
BEFORE_HEDGE = 3
BEFORE_DELTA_NEUTRAL_CONTRACT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """All of an order but its contract, as the client wrote it."""

    action: str
    quantity: Decimal
    kind: str
    limit: Decimal | None
    stop: Decimal | None
    tif: str
    oca_group: str
    account: str
    order_ref: str
    transmit: bool
    parent_id: int
    outside_rth: bool
    what_if: bool

    def ticket(self, contract: Contract, account: str) -> Ticket:
        """The terms for this contract and account, with only the prices its type has."""
        return Ticket(
            account=account,
            contract=contract,
            action=self.action,
            quantity=self.quantity,
            kind=self.kind,
            limit=self.limit if self.kind in LIMIT_KINDS else None,
            stop=self.stop if self.kind in STOP_KINDS else None,
            tif=self.tif or "DAY",
            order_ref=self.order_ref,
            parent_id=self.parent_id,
            transmit=self.transmit,
            outside_rth=self.outside_rth,
            oca_group=self.oca_group,
        )


def read_terms(fields: Message) -> OrderTerms:
    """Read a placeOrder message for a single instrument without algorithm, scale or hedge."""
    if fields[4] == "BAG":
        raise NotSpokenHere("combination orders are not emulated")
    rest = iter(fields[ACTION_AT:])
    action, quantity, kind, limit, aux, tif, oca_group, account, _, _, order_ref, transmit = _take(
        rest, 12
    )
    parent_id, _, _, _, _, outside_rth, _ = _take(rest, 7)
    return OrderTerms(
        action=action,
        quantity=Decimal(quantity),
        kind=kind,
        limit=_price(limit),
        stop=_price(aux),
        tif=tif,
        oca_group=oca_group,
        account=account,
        order_ref=order_ref,
        transmit=transmit == "1",
        parent_id=int(parent_id or 0),
        outside_rth=outside_rth == "1",
        what_if=_what_if(rest),
    )


def _what_if(rest: Iterator[str]) -> bool:
    """Walk on to the what-if flag; an order that is only a question must never be placed."""
    _take(rest, BEFORE_DELTA_NEUTRAL)
    delta_neutral_kind, _ = _take(rest, 2)
    if delta_neutral_kind:
        # "None" counts too: an order read back from the broker carries it when sent again.
        _take(rest, DELTA_NEUTRAL_PARTS)
    _take(rest, BEFORE_SCALE_INCREMENT)
    _empty(next(rest), "scale orders")
    _take(rest, BEFORE_HEDGE)
    _empty(next(rest), "hedge orders")
    _take(rest, BEFORE_DELTA_NEUTRAL_CONTRACT)
    _empty(next(rest), "delta neutral contracts")
    _empty(next(rest), "algorithms")
    _, what_if = _take(rest, 2)
    return what_if == "1"


def _take(rest: Iterator[str], count: int) -> list[str]:
    return [next(rest) for _ in range(count)]


def _price(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def _empty(field: str, what: str) -> None:
    if field not in ("", "0"):
        raise NotSpokenHere(f"{what} are not emulated")
