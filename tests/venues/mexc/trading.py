"""MEXC's writing endpoints for orders and plan orders."""

from typing import Any

from tests.venues.exchange import Exchange, Leg, Order, Refusal, Refused, Ticket
from tests.venues.mexc.errors import NOT_CANCELLABLE, NOT_FOUND, bad_request, refusal_code
from tests.venues.mexc.rows import CYCLES, is_plan
from tests.venues.mexc.tickets import read_plan, read_ticket
from tests.venues.wire import Call, Route

Row = dict[str, Any]


class Trading:
    """What changes orders."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> list[Route]:
        """The endpoints that write orders."""
        answers = {
            "order/create": self.create,
            "order/submit": self.create,
            "order/cancel": self.cancel,
            "order/cancel_with_external": self.cancel_by_external_id,
            "order/cancel_all": self.cancel_all,
            "order/change_limit_order": self.change,
            "planorder/place": self.place_plan,
            "planorder/cancel": self.cancel_plans,
            "planorder/cancel_all": self.cancel_all_plans,
        }
        return [
            Route(name=name, method="POST", path=f"/api/v1/private/{name}", answer=answer)
            for name, answer in answers.items()
        ]

    def create(self, call: Call) -> Row:
        """Place an order; the answer is its id and the time."""
        ticket = read_ticket(self._exchange, call)
        self._adopt_leverage(call, ticket)
        order = self._exchange.place(ticket)
        return {"orderId": order.order_id, "ts": order.created_ms}

    def place_plan(self, call: Call) -> int:
        """Place a plan order; the answer is its bare id, a number no float can hold."""
        ticket = read_plan(self._exchange, call)
        self._adopt_leverage(call, ticket)
        life = CYCLES.get(call.whole("executeCycle", 0))
        if life is None:
            raise bad_request("executeCycle is required")
        return int(self._exchange.place(ticket, life_seconds=life).order_id)

    def cancel(self, call: Call) -> list[Row]:
        """Cancel orders by id; each gets a verdict of its own."""
        if not isinstance(call.body, list):
            raise bad_request("a list of order ids is required")
        return [self._verdict(str(key), plan=False) for key in call.body]

    def cancel_by_external_id(self, call: Call) -> list[Row]:
        """Cancel orders by the client's own id."""
        wanted = call.body if isinstance(call.body, list) else [call.body]
        verdicts = []
        for each in wanted:
            key = str(each.get("externalOid", ""))
            verdict = self._verdict(key, plan=False)
            verdicts.append({"symbol": each.get("symbol"), "externalOid": key} | verdict)
        return verdicts

    def cancel_all(self, call: Call) -> None:
        """Cancel every order of a contract, or of all."""
        self._cancel_every(call.text("symbol"), plan=False)

    def cancel_plans(self, call: Call) -> None:
        """Cancel plan orders; one that cannot be cancelled fails the request."""
        if not isinstance(call.body, list):
            raise bad_request("a list of symbols and order ids is required")
        for each in call.body:
            self._exchange.cancel(self._find(str(each.get("orderId", "")), plan=True))

    def cancel_all_plans(self, call: Call) -> None:
        """Cancel every plan order of a contract, or of all."""
        self._cancel_every(call.text("symbol"), plan=True)

    def change(self, call: Call) -> None:
        """Change price and quantity of a resting limit order."""
        order = self._find(call.text("orderId"), plan=False)
        self._exchange.amend(order, quantity=call.number("vol"), price=call.number("price"))

    def _adopt_leverage(self, call: Call, ticket: Ticket) -> None:
        """Let the order's leverage become that of its position, as the venue does."""
        leverage = call.number("leverage")
        symbol, leg = ticket.instrument.symbol, ticket.leg
        if leverage is not None and leverage != self._exchange.account.leverage(symbol, leg):
            self._exchange.set_leverage(ticket.instrument, {leg: leverage})
            if leg is not Leg.NET:
                self._exchange.account.set_leverage(symbol, Leg.NET, leverage)

    def _find(self, key: str, *, plan: bool) -> Order:
        order = self._exchange.order(key)
        if is_plan(order) is not plan:
            raise Refused(Refusal.NOT_FOUND, key)
        return order

    def _verdict(self, key: str, *, plan: bool) -> Row:
        try:
            order = self._find(key, plan=plan)
            self._exchange.cancel(order)
        except Refused as refused:
            code = int(refusal_code(refused).code)
            texts = {NOT_FOUND: "order not exist", NOT_CANCELLABLE: refusal_code(refused).text}
            return {"orderId": key, "errorCode": code, "errorMsg": texts[code]}
        return {"orderId": order.order_id, "errorCode": 0, "errorMsg": "success"}

    def _cancel_every(self, symbol: str, *, plan: bool) -> None:
        for order in self._exchange.register.open_orders():
            concerned = symbol in {"", order.ticket.instrument.symbol}
            if concerned and is_plan(order) is plan:
                self._exchange.cancel(order)
