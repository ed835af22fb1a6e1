"""Bybit's streams: the login, the subscriptions, and the exchange's events as topics."""

from typing import Any

from tests.venues.bybit.market import ticker_row
from tests.venues.bybit.rows import execution_row, order_row, position_row, wallet_row
from tests.venues.bybit.signature import check_login
from tests.venues.exchange import (
    BalanceChanged,
    Event,
    Exchange,
    Executed,
    OrderChanged,
    PositionChanged,
    QuoteMoved,
)
from tests.venues.streams import Session, Streams

Row = dict[str, Any]
PRIVATE_TOPICS = frozenset({"order", "execution", "execution.fast", "position", "wallet"})
_FAST = ("category", "symbol", "execId", "execPrice", "execQty", "orderId", "isMaker")
_FAST_TOO = ("orderLinkId", "side", "execTime", "seq")


class Stream:
    """Talks with the sessions of one venue."""

    def __init__(self, exchange: Exchange, streams: Streams, api_key: str, api_secret: str) -> None:
        self._exchange = exchange
        self._streams = streams
        self._api_key = api_key
        self._api_secret = api_secret
        exchange.listen(self._tell)

    def hear(self, session: Session, message: Any) -> None:
        """Take a request of a session."""
        operation = message.get("op")
        if operation == "auth":
            self._log_in(session, message)
        elif operation == "ping":
            session.send(_answer(message, success=True, text="pong", op="ping"))
        elif operation in {"subscribe", "unsubscribe"}:
            self._subscribe(session, message)
        else:
            session.send(_answer(message, success=False, text=f"unknown op {operation}"))

    def _log_in(self, session: Session, message: Row) -> None:
        arguments = list(message.get("args", []))
        wrong = check_login(arguments, self._api_key, self._api_secret, self._exchange.clock)
        session.authenticated = wrong is None
        if wrong is None:
            session.send(_answer(message, success=True))
            return
        code = 10003 if wrong == "Invalid apikey" else 10004
        refusal = {"op": "auth", "success": False, "retCode": code, "retMsg": wrong}
        session.send(refusal | {"connId": "venue"})

    def _subscribe(self, session: Session, message: Row) -> None:
        topics = {str(topic) for topic in message.get("args", [])}
        private = session.path == "/v5/private"
        if private and not session.authenticated:
            session.send(_answer(message, success=False, text="Request not authorized"))
            return
        if private and topics - PRIVATE_TOPICS:
            session.send(_answer(message, success=False, text=f"Invalid topic: {sorted(topics)}"))
            return
        if message["op"] == "subscribe":
            session.topics |= topics
        else:
            session.topics -= topics
        session.send(_answer(message, success=True))

    def _tell(self, event: Event) -> None:
        if not self._streams.sessions:
            return
        match event:
            case OrderChanged(order):
                row = {"category": order.ticket.instrument.category.value} | order_row(order)
                self._publish("order", row)
            case Executed(execution):
                row = {"category": execution.instrument.category.value} | execution_row(execution)
                self._publish("execution", row)
                fast = {name: row[name] for name in (*_FAST, *_FAST_TOO)}
                self._publish("execution.fast", fast)
            case PositionChanged(position):
                row = {"category": "linear"} | position_row(self._exchange, position)
                self._publish("position", row | {"entryPrice": row["avgPrice"]})
            case BalanceChanged():
                self._publish("wallet", wallet_row(self._exchange))
            case QuoteMoved(instrument):
                row = ticker_row(self._exchange, instrument)
                topic = f"tickers.{instrument.symbol}"
                moved = {"topic": topic, "type": "snapshot", "ts": self._now(), "data": row}
                self._streams.publish(topic, moved)

    def _publish(self, topic: str, row: Row) -> None:
        now = self._now()
        envelope = {"id": f"venue_{row.get('seq', now)}", "topic": topic, "creationTime": now}
        self._streams.publish(topic, envelope | {"data": [row]})

    def _now(self) -> int:
        return self._exchange.clock.now_ms()


def _answer(message: Row, *, success: bool, text: str = "", op: str | None = None) -> Row:
    answer = {"success": success, "ret_msg": text, "conn_id": "venue"}
    answer["op"] = op or message.get("op", "")
    if "req_id" in message:
        answer["req_id"] = message["req_id"]
    return answer
