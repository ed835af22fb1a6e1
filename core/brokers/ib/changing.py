"""Amending and cancelling an order that is open, and that we may touch.

Only the client that placed an order can change it, and one entered by hand belongs to no client.
The gateway would say of both that there is no such order, so we say it more plainly, and first.
"""

from copy import copy
from dataclasses import dataclass
from decimal import Decimal

from core.brokers.ib import codes
from core.brokers.ib.codes import Verb
from core.brokers.ib.connection import Connection
from core.brokers.ib.figures import figure, on_the_wire
from core.brokers.ib.library import Contract, Order, Trade
from core.brokers.ib.line import Line
from core.brokers.ib.lookup import Search, Wanted, wanted
from core.brokers.ib.orders import ENDED, is_acknowledged, open_order_of, told_status
from core.brokers.ib.questions import OPEN_ORDERS
from core.brokers.ib.sending import Objections, sent
from core.brokers.ib.terms import check_prices, prices
from core.domain.errors import NotSent, OutcomeUnknown, Rejected
from core.domain.order import BrokerOrder, OrderStatus
from core.domain.snapshot import Found, Inconclusive

TERMS = ("totalQuantity", "lmtPrice", "auxPrice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    line: Line
    search: Search

    async def amend(
        self,
        order: BrokerOrder,
        *,
        quantity: Decimal | None,
        price: Decimal | None,
        trigger_price: Decimal | None,
    ) -> BrokerOrder:
        check_prices(order.type, price, trigger_price)
        trade, connection = await self._ours(order)
        changed = copy(trade.order)
        if quantity is not None:
            changed.totalQuantity = on_the_wire(quantity)
        for term, value in prices(order.type, price, trigger_price).items():
            setattr(changed, term, value)
        if not _has_terms(trade.order, changed):
            await self._send_amendment(order, trade, changed, connection)
        return open_order_of(trade)

    async def _send_amendment(
        self, order: BrokerOrder, trade: Trade, changed: Order, connection: Connection
    ) -> None:
        """Not by the library's own method: that fails after sending if it believes in an end."""
        client, number = connection.ib.client, changed.orderId
        with Objections(self.line, number) as objections:
            sent(lambda: client.placeOrder(number, _to_send(trade.contract), changed))
            await connection.wait_for(
                lambda: _has_terms(trade.order, changed) or objections.refusal(Verb.AMEND)
            )
        if refusal := objections.refusal(Verb.AMEND):
            answer = await self.line.ask(OPEN_ORDERS)
            if not answer.whole:
                raise OutcomeUnknown(f"{refusal}; and then {answer.missing}")
            listed = any(row is trade for row in answer.rows)
            if not listed or not _has_terms(trade.order, changed):
                raise Rejected(str(refusal.code), refusal.text)
        elif not _has_terms(trade.order, changed):
            raise objections.unknown("the amendment", connection)

    async def cancel(self, order: BrokerOrder) -> BrokerOrder:
        trade, connection = await self._ours(order)
        number = trade.order.orderId
        with Objections(self.line, number) as objections:
            sent(lambda: connection.ib.client.cancelOrder(number, ""))
            await connection.wait_for(
                lambda: (
                    told_status(trade) in ENDED
                    or objections.refusal(Verb.CANCEL)
                    or objections.has(codes.CANCELLED)
                )
            )
        if told_status(trade) in ENDED:
            return _cancelled(open_order_of(trade))
        if refusal := objections.refusal(Verb.CANCEL):
            raise Rejected(str(refusal.code), refusal.text)
        if objections.has(codes.CANCELLED):
            return await self._confirmed(order)
        raise objections.unknown("the cancel", connection)

    async def _confirmed(self, order: BrokerOrder) -> BrokerOrder:
        """Error 202 says that it is cancelled, but errors are not believed about orders."""
        match await self.search.find(_names(order)):
            case Found(order=shown) if shown.status not in ENDED.values():
                raise OutcomeUnknown("the cancel was confirmed, but the order is still open")
            case Found(order=shown):
                return _cancelled(shown)
            case Inconclusive(why=why):
                raise OutcomeUnknown(f"the cancel was confirmed, but asking did not show it: {why}")
        raise OutcomeUnknown("the cancel was confirmed, and then there was no such order")

    # --- whose order it is ---------------------------------------------------------------------

    async def _ours(self, order: BrokerOrder) -> tuple[Trade, Connection]:
        """As it stands on the connection that will change it: its order id is only good there."""
        connection = await self.line.settled()
        answer = await self.line.ask(OPEN_ORDERS)
        names = _names(order)
        meant = [
            trade
            for trade in answer.rows
            # What ends while it is being asked for is told among the open orders, too.
            if is_acknowledged(trade)
            and told_status(trade) not in ENDED
            and trade.order.account == self.line.managed_account
            and names.is_identified(trade.order.permId)
        ]
        if not meant and answer.missing:
            raise NotSent(answer.missing)
        if not meant:
            raise Rejected("not_open", f"{order.broker_order_id} is not among the open orders")
        if not self.line.is_settled(connection):
            raise NotSent("the connection changed while the order was being looked at")
        self._check_owner(meant[0])
        return meant[0], connection

    def _check_owner(self, trade: Trade) -> None:
        perm_id, owner = trade.order.permId, trade.order.clientId
        if trade.order.orderId <= 0:
            raise Rejected(
                "manual_order",
                f"{perm_id} was entered by hand and belongs to no client: change it in TWS",
            )
        if owner != self.line.client_id:
            raise Rejected(
                "other_client",
                f"{perm_id} belongs to client id {owner}, which alone can change it; "
                f"we are {self.line.client_id}",
            )


def _names(order: BrokerOrder) -> Wanted:
    return wanted(
        symbol=order.symbol,
        client_order_id=order.client_order_id,
        broker_order_id=order.broker_order_id,
        perm_id=order.perm_id,
        created_at=order.created_at,
    )


def _has_terms(order: Order, changed: Order) -> bool:
    return all(figure(getattr(order, term)) == figure(getattr(changed, term)) for term in TERMS)


def _to_send(contract: Contract) -> Contract:
    """Open orders come back with a question mark where options have a right."""
    described = copy(contract)
    described.right = "" if contract.right == "?" else contract.right
    return described


def _cancelled(order: BrokerOrder) -> BrokerOrder:
    if order.status is OrderStatus.FILLED:
        raise Rejected("filled", f"{order.broker_order_id} filled before the cancel arrived")
    return order
