"""Placing an order under our reference, which is how it is found again."""

from dataclasses import dataclass

from core.brokers.ib import codes
from core.brokers.ib.codes import Verb
from core.brokers.ib.contracts import Contracts, Listed
from core.brokers.ib.happenings import Told
from core.brokers.ib.line import Line
from core.brokers.ib.lookup import Search, Wanted
from core.brokers.ib.orders import is_acknowledged, is_taken, open_order_of
from core.brokers.ib.sending import Objections, sent
from core.brokers.ib.terms import check, order_for
from core.domain.errors import NotSent, OutcomeUnknown, Rejected, Unavailable
from core.domain.order import BrokerOrder, OrderRequest, OrderStatus
from core.domain.snapshot import Found, Inconclusive, Lookup
from core.ports import Clock

WITHOUT_EFFECT = frozenset({OrderStatus.CANCELLED, OrderStatus.REJECTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    line: Line
    contracts: Contracts
    search: Search
    clock: Clock

    async def place(self, reference: str, request: OrderRequest) -> BrokerOrder:
        check(request)
        listed = await self._listed(request.symbol)
        connection = await self.line.settled()
        order = order_for(request, listed.contract, self.line.managed_account, reference)
        order.orderId = sent(connection.ib.client.getReqId)
        began = self.clock.now()
        with Objections(self.line, order.orderId) as objections:
            trade = sent(lambda: connection.ib.placeOrder(listed.contract, order))
            await connection.wait_for(lambda: is_taken(trade) or objections.refusal(Verb.PLACE))
        if refusal := objections.refusal(Verb.PLACE):
            names = Wanted(symbol=request.symbol, reference=reference, created_at=began)
            return self._despite(refusal, reference, await self.search.find(names))
        if not is_acknowledged(trade):
            raise objections.unknown("the order", connection)
        return open_order_of(trade)

    async def _listed(self, symbol: str) -> Listed:
        try:
            await self.line.connection(retrying=False)
            listed = await self.contracts.named(symbol)
        except Unavailable as error:
            raise NotSent(error.message, hint=error.hint) from error
        if listed is None:
            raise Rejected(str(codes.NO_SUCH_CONTRACT), f"IB has no one contract called {symbol}")
        return listed

    def _despite(self, refusal: Told, reference: str, lookup: Lookup) -> BrokerOrder:
        """The order, if asking shows that it lives or has traded whatever the error said."""
        match lookup:
            case Found(order=order) if order.filled_quantity or order.status not in WITHOUT_EFFECT:
                return order
            case Inconclusive(why=why):
                raise OutcomeUnknown(f"{refusal}; whether the order lives is not known: {why}")
        self.line.turned_down.add(reference)
        raise Rejected(str(refusal.code), refusal.text)
