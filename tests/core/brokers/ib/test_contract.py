"""IB keeps the contract of all brokers, whichever of its client libraries is installed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import ClassVar

import pytest

from core.brokers.ib import IbBroker
from core.domain.order import BrokerOrder
from core.domain.snapshot import Absent
from tests.core.brokers.contract import BrokerContract, Trouble, Venue
from tests.core.brokers.ib.desk import BRIEF, Desk
from tests.venues.ib import CutAfter, Duplicated, IbGateway, PartialReply, ReplyLost
from tests.venues.ib.faults import Fault

CENT = Decimal("0.01")
RETRIES = 2
FACES: dict[str, Fault] = {
    "silence": ReplyLost(),
    "cut": CutAfter(),
    "order without status": PartialReply(1),
}
QUESTIONS = {
    "orders": "all_open_orders",
    "executions": "executions",
    "positions": "positions",
    "balances": "account_updates",
}


class IbVenue:
    """Account DU1 of an emulated gateway, trading SPY at 500."""

    # IB numbers its orders itself; the emulated one can be made to give long numbers.
    features = frozenset({"amend", "stop", "move_stop", "partial_fill", "chosen_ids", "skew"})
    troubles: ClassVar[dict[Trouble, Sequence[str]]] = {
        Trouble.REPLY_LOST: ["silence", "cut"],
        Trouble.REFUSED: ["stopped"],
        Trouble.GARBLED: ["order without status"],
        Trouble.PART_FAILS: list(QUESTIONS),
        Trouble.TOLD_TWICE: ["every row"],
    }
    symbol = "SPY"
    lot = Decimal(2)
    # There are no pages; this many more orders than one are placed.
    page_size = 5

    def __init__(self, gateway: IbGateway, desk: Desk) -> None:
        self._gateway = gateway
        self._desk = desk
        self._client_ids = count(17)
        self._quote(Decimal(500))
        self.broker = self.reopened()

    def reopened(self) -> IbBroker:
        """As another process, which needs a client id of its own."""
        return self._desk.open(
            name="main", client_id=next(self._client_ids), timeout_seconds=BRIEF, retry=RETRIES
        )

    def _quote(self, price: Decimal) -> None:
        self.price = price
        self._desk.du1.quote(self.symbol, price - CENT, price + CENT, last=price)

    async def move_price(self, to: Decimal) -> None:
        self._quote(to)

    async def fill(self, order: BrokerOrder, quantity: Decimal) -> None:
        (kept,) = (each for each in self._desk.du1.orders if str(each.perm_id) == order.perm_id)
        self._desk.du1.fill(kept, quantity)

    async def order_by_hand(self, broker_order_id: str | None = None) -> BrokerOrder:
        if broker_order_id is None:
            made = self._desk.du1.manual_order(self.symbol, "BUY", self.lot, limit="450")
        else:
            made = self._desk.du1.client_order(17, self.symbol, "BUY", self.lot, limit="450")
            made.perm_id = int(broker_order_id)
        orders = (await self.broker.snapshot()).orders
        return next(order for order in orders if order.perm_id == str(made.perm_id))

    async def make_trouble(self, trouble: Trouble, face: str, *, on: str) -> None:
        faults = self._gateway.faults
        match trouble:
            case Trouble.REFUSED:
                await self._gateway.stop()
                self._desk.clock.meanwhile = self._come_back
            case Trouble.PART_FAILS:
                faults.clear()
                faults.always(QUESTIONS[face], CutAfter())
            case Trouble.TOLD_TWICE:
                for question in QUESTIONS.values():
                    faults.next(question, Duplicated())
            case _:
                faults.next(on, FACES[face])

    async def _come_back(self) -> None:
        self._desk.clock.meanwhile = None
        await self._gateway.start()

    async def skew_clock(self, by: timedelta) -> None:
        self._gateway.skew = by

    async def hedge(self) -> None:
        raise NotImplementedError("IB has no hedge mode, and the venue does not claim it")


@pytest.fixture
def venue(gateway: IbGateway, desk: Desk) -> IbVenue:
    return IbVenue(gateway, desk)


class TestIbBroker(BrokerContract):
    async def test_what_was_never_there_is_absent(self, venue: Venue) -> None:
        """The gateway tells of its current day, so it must be known that the order is of today."""
        answer = await venue.broker.find_order(
            symbol=venue.symbol, client_order_id="tu-none", created_at=datetime.now(UTC)
        )
        assert answer == Absent()
