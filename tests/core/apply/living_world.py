"""A paper account, the book beside it, and looks that bring the one into the other.

Everything is real but the clock: orders of signals go through the standing door to the paper venue,
and a look is what the running service does at the start and after gaps.
"""

import asyncio
import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from core.apply.asking import Answer
from core.apply.hold import Hold
from core.apply.living import queue_life
from core.apply.progressing import follow_signals
from core.brokers.paper.desk import PaperAccount
from core.domain.exit import ExitIntent
from core.domain.intent import IntentOrder, IntentState, TradeIntent, orders_document, orders_of
from core.domain.life import Direction
from core.domain.order import OrderRequest, OrderType, PositionSide, Side
from core.domain.text import Row
from core.host.disk import DiskFiles
from core.operate.account_watch import AccountWatch
from core.operate.catching_up import catch_up
from core.operate.standing_round import standing_door
from core.plan.change import AnyChange, PlaceExit, PlaceOrder, Risk
from tests.build import exit_intent, intent, signal
from tests.home import HomeUnderTest
from tests.producer import StillClock, desk_at

SYMBOL = "BTCUSDT"
BUY, SELL = Side.BUY, Side.SELL


class NoCopies:
    def applied(self, rows: Sequence[Row]) -> None: ...


class World:
    def __init__(self, home: HomeUnderTest, clock: StillClock | None = None):
        home.arm()
        self.home = home
        self.clock = clock or StillClock()
        self.desk = desk_at(home, self.clock)
        self.account = PaperAccount(home.paper_file, "main", files=DiskFiles(), now=self.clock.now)
        self.watch = AccountWatch(broker=self.desk.broker("main"))
        self.hold = Hold(self.desk.lock, self.desk.clock)

    # --- the world goes on --------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        self.clock.time += timedelta(seconds=seconds)

    def look(self, times: int = 1) -> None:
        """A whole look, a second after whatever happened last."""
        for _ in range(times):
            self.wait(1)
            asyncio.run(catch_up(self.desk, self.watch, self.hold))

    def price(self, price: Any) -> None:
        at = Decimal(price)
        self.account.move_quote(SYMBOL, at, bid=at, ask=at)

    def trade(self, side: Side, quantity: Any, leg: PositionSide = PositionSide.BOTH) -> None:
        """By hand, at the market."""
        self.wait(1)
        self.account.trade(SYMBOL, side, Decimal(quantity), leg)

    def guard(self, trigger: Any, quantity: Any = 1, side: Side = SELL) -> str:
        """A stop by hand; its number at the venue."""
        request = OrderRequest(
            symbol=SYMBOL,
            side=side,
            type=OrderType.STOP,
            quantity=Decimal(quantity),
            trigger_price=Decimal(trigger),
            reduce_only=True,
        )
        self.wait(1)
        return self.account.place(request).broker_order_id

    def venue(self, **parts: Any) -> None:
        """Parts of the account as from now on; nobody says why."""
        self.home.rewrite_account(self.home.account | parts)

    # --- signals ------------------------------------------------------------------------------

    def wish(
        self, signal_id: str = "sig-1", orders: Iterable[Any] = ({},), **given: Any
    ) -> TradeIntent:
        """A signal that was taken in and approved, with what its answer asks for."""
        asked = [_order(signal_id, number, **each) for number, each in enumerate(orders, start=1)]
        approved = intent(
            signal_id,
            side=asked[-1].side.value,
            orders=orders_document(asked),
            trace_id=given.get("trace_id"),
        )
        now = self.clock.now()
        with self.desk.book.write() as book:
            book.insert_signals([signal(signal_id, **given)])
            book.insert_intents([approved])
            queue_life(book, approved, now)
            follow_signals(book, [signal_id], now)
        return approved

    def send(self, approved: TradeIntent, number: int = 1) -> Answer:
        """One of its orders, through the door."""
        self.wait(1)
        order = orders_of(approved)[number - 1]
        change = PlaceOrder(
            account="main",
            symbol=order.symbol,
            target=f"{order.intent_id}.{order.sequence:02}",
            reason="signal",
            because="The signal asks for it.",
            risk=Risk.HIGH,
            after=order,
        )
        return self.carry_out(change, approved.intent_id)

    def leave(self, cause: str = "MANUAL", **given: Any) -> Answer:
        """An approved exit of the last trade, through the door; at the market unless priced."""
        return self.send_exit(self.wish_to_leave(cause, **given))

    def wish_to_leave(self, cause: str = "MANUAL", **given: Any) -> ExitIntent:
        """That exit, approved and not sent."""
        self.wait(1)
        trade = self.trades[-1]
        direction = Direction(trade["direction"])
        wanted = exit_intent(
            len(self.rows("SELECT 1 FROM exit_intents")) + 1,
            trade_id=trade["trade_id"],
            position_id=trade["position_id"],
            side=direction.exit_side,
            cause=cause,
            state="APPROVED",
            **{"quantity": trade["open_quantity"], "order_type": "market", **given},
        )
        with self.desk.book.write() as book:
            assert book.insert_exit_intent(wanted)
        return wanted

    def send_exit(self, wanted: ExitIntent) -> Answer:
        change = PlaceExit(
            account="main",
            symbol=SYMBOL,
            target=wanted.exit_intent_id,
            reason="exit",
            because="It is time.",
            risk=Risk.MEDIUM,
            after=wanted.order,
        )
        return self.carry_out(change, wanted.exit_intent_id)

    def carry_out(self, change: AnyChange, cause: str) -> Answer:
        door = standing_door(self.desk, {"main": self.watch}, self.hold, NoCopies())
        return asyncio.run(door.carry_out(change, cause=cause, name=change.target))

    def give_up(self, approved: TradeIntent, to: str = "FAILED") -> None:
        """Its lane has ended it."""
        with self.desk.book.write() as book:
            (stored,) = book.intents(signal_id=approved.signal_id)
            after = replace(stored, state=IntentState(to), outcome="as told")
            assert book.move_intent(after, from_state=stored.state)
            follow_signals(book, [approved.signal_id], self.clock.now())

    # --- asking -------------------------------------------------------------------------------

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        return self.home.rows(query, *values)

    @property
    def life(self) -> dict[str, Any]:
        """The only one there ever was."""
        (row,) = self.lives
        return row

    @property
    def lives(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM position_lives ORDER BY sequence")

    @property
    def trades(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM trades ORDER BY sequence")

    @property
    def steps(self) -> list[str]:
        """Of every life, in their order: `open>closing external`."""
        rows = self.rows("SELECT * FROM position_transitions ORDER BY id")
        return [f"{row['from_state'] or ''}>{row['to_state']} {row['reason']}" for row in rows]

    def told(self, kind: str) -> list[dict[str, Any]]:
        """What the outbox tells of that kind, the payloads read."""
        rows = self.rows("SELECT * FROM outbox WHERE event_type = ? ORDER BY sequence", kind)
        return [json.loads(row["payload"]) for row in rows]

    def alerts(self, kind: str) -> list[str]:
        rows = self.rows("SELECT message FROM alerts WHERE type = ? ORDER BY sequence", kind)
        return [row["message"] for row in rows]

    def writes_while(self, times: int) -> int:
        """How many looks of so many committed anything, as another connection sees it."""
        seen = 0
        with closing(sqlite3.connect(self.home.book_file)) as outsider:
            for _ in range(times):
                (before,) = outsider.execute("PRAGMA data_version").fetchone()
                self.look()
                (after,) = outsider.execute("PRAGMA data_version").fetchone()
                seen += before != after
        return seen


def _order(signal_id: str, number: int, **given: Any) -> IntentOrder:
    """To buy one at the market."""
    told = {"side": "buy", "purpose": "open", "quantity": 1, "type": "market", **given}
    return IntentOrder(
        symbol=SYMBOL,
        side=Side(told["side"]),
        position_side=PositionSide(told.get("position_side", "both")),
        type=OrderType(told["type"]),
        quantity=Decimal(told["quantity"]),
        price=Decimal(told["price"]) if "price" in told else None,
        time_in_force="GTC" if "price" in told else "IOC",
        reduce_only=told.get("reduce_only", False),
        intent_id=intent(signal_id).intent_id,
        signal_id=signal_id,
        sequence=number,
        purpose=told["purpose"],
        amount=Decimal(100),
    )
