"""MEXC's stream: the login, which fails in silence, and the exchange's events as channels."""

from typing import Any

from tests.venues.exchange import (
    BalanceChanged,
    Event,
    Exchange,
    Executed,
    ExecutionKind,
    OrderChanged,
    PositionChanged,
    QuoteMoved,
)
from tests.venues.mexc.market import ticker_row
from tests.venues.mexc.rows import (
    asset_row,
    deal_row,
    is_plan,
    order_row,
    plan_row,
    position_row,
)
from tests.venues.mexc.signature import login_is_good
from tests.venues.streams import Session, Streams

Row = dict[str, Any]
PERSONAL = ("order", "order.deal", "plan.order", "position", "asset")


def personal(name: str) -> str:
    """The channel of a private kind of event."""
    return f"push.personal.{name}"


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
        method, parameters = message.get("method"), message.get("param") or {}
        if method == "ping":
            self._say(session, "pong", self._now())
        elif method == "login":
            self._log_in(session, message, parameters)
        elif method == "personal.filter":
            self._filter(session, parameters)
        elif method in {"sub.ticker", "unsub.ticker"}:
            topic = f"push.ticker.{parameters.get('symbol')}"
            change = session.topics.add if method == "sub.ticker" else session.topics.discard
            change(topic)
            self._say(session, f"rs.{method}", "success")
        else:
            self._say(session, "rs.error", f"no method is called {method}")

    def _log_in(self, session: Session, message: Row, parameters: Row) -> None:
        clock = self._exchange.clock
        if not login_is_good(parameters, self._api_key, self._api_secret, clock):
            # Nothing that a client library would recognise as the answer to its login.
            self._say(session, "rs.error", "signature error")
            return
        session.authenticated = True
        if message.get("subscribe", True):
            session.topics |= {personal(name) for name in PERSONAL}
        self._say(session, "rs.login", "success")

    def _filter(self, session: Session, parameters: Row) -> None:
        if not session.authenticated:
            self._say(session, "rs.error", "not logged in")
            return
        names = [str(each.get("filter")) for each in parameters.get("filters", [])]
        session.topics -= {personal(name) for name in PERSONAL}
        session.topics |= {personal(name) for name in names or PERSONAL}
        self._say(session, "rs.personal.filter", "success")

    def _tell(self, event: Event) -> None:
        if not self._streams.sessions:
            return
        match event:
            case OrderChanged(order) if is_plan(order):
                self._publish("plan.order", plan_row(self._exchange, order))
            case OrderChanged(order):
                self._publish("order", order_row(self._exchange, order))
            case Executed(execution) if execution.kind is not ExecutionKind.FUNDING:
                self._publish("order.deal", deal_row(self._exchange, execution))
            case PositionChanged(position):
                self._publish("position", position_row(self._exchange, position))
            case BalanceChanged(currency):
                self._publish("asset", asset_row(self._exchange, currency))
            case QuoteMoved(instrument):
                topic = f"push.ticker.{instrument.symbol}"
                row = ticker_row(self._exchange, instrument)
                message = {"channel": "push.ticker", "symbol": instrument.symbol, "data": row}
                self._streams.publish(topic, message | {"ts": self._now()})

    def _publish(self, name: str, row: Row) -> None:
        channel = personal(name)
        message = {"channel": channel, "data": row, "ts": self._now()}
        self._streams.publish(channel, message)

    def _say(self, session: Session, channel: str, told: Any) -> None:
        session.send({"channel": channel, "data": told, "ts": self._now()})

    def _now(self) -> int:
        return self._exchange.clock.now_ms()
