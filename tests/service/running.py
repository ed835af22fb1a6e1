"""The running service in a home of its own, in this process, on the paper venue."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any
from uuid import uuid4

from cli.invocation import Invocation
from core.assembly import Caller, Wiring, intakes, listeners
from core.domain.moment import moment_text
from core.operate.desk import Desk
from core.operate.managing import Service
from tests.home import HomeUnderTest

PATIENCE_SECONDS = 180


class Running:
    """`async with Running(home) as service:`; leaving it stops the service as SIGTERM does."""

    def __init__(self, home: HomeUnderTest, arrange: Callable[[Desk], None] = lambda desk: None):
        self.home = home
        self._arrange = arrange
        self._stop = asyncio.Event()

    async def __aenter__(self) -> "Running":
        call = Invocation(os.environ)
        call.take({"home": str(self.home.root), "quiet": True})
        wiring = Wiring(call.effective, call.gates, Caller(actor="tester", command="manage"))
        self.desk: Desk = wiring.desk()
        # Where a test puts something between the service and its ports.
        self._arrange(self.desk)
        self.service = Service(
            desk=self.desk,
            accounts=self.desk.accounts(),
            intakes=intakes(self.desk),
            listeners=listeners(self.desk),
        )
        # The book is made, or brought forward, before anybody asks it anything.
        with self.desk.book.read():
            self._task = asyncio.create_task(self.service.run(self._stop))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        try:
            await asyncio.wait_for(self._task, PATIENCE_SECONDS)
        finally:
            await self.desk.close()

    async def until(self, is_so: Callable[[], object], what: str = "") -> Any:
        """Waits for a condition, and says what the service was doing when it never came true."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    if found := is_so():
                        return found
                    await asyncio.sleep(0.01)
                except asyncio.CancelledError:
                    raise AssertionError(self._state(what)) from None

    def _state(self, what: str) -> str:
        log = (self.home.root / "logs" / "reconcile.log").read_text().splitlines()[-15:]
        return "\n".join(
            [
                f"never came true: {what}",
                f"lanes waiting: {self.service.lanes.waiting}",
                f"troubles: {self.service.troubles}",
                f"watches: {list(self.service.watches.values())}",
                f"intents: {self.home.rows('select * from trade_intents')}",
                f"orders: {self.home.rows('select * from orders')}",
                *log,
            ]
        )

    # --- asking ---------------------------------------------------------------------------------

    async def ready(self) -> None:
        await self.until(
            lambda: all(watch.reconciled for watch in self.service.watches.values()), "ready"
        )

    async def settled(self, signal_id: str) -> dict[str, Any]:
        """The signal's row once it is done or failed."""

        def row() -> dict[str, Any] | None:
            rows = self.home.rows("select * from signals where signal_id = ?", signal_id)
            done = rows and rows[0]["request_status"] in ("done", "failed")
            return rows[0] if done else None

        found: dict[str, Any] = await self.until(row, f"signal {signal_id} settled")
        return found

    def intent(self, signal_id: str) -> dict[str, Any]:
        (row,) = self.home.rows("select * from trade_intents where signal_id = ?", signal_id)
        return row


async def one_round(service: Service) -> None:
    """Every account looked at once, and what is left for a person staged."""
    rounds = service.rounds.round
    rounds.stage({name: await rounds.see_to(name) for name in service.accounts})


def with_service(
    home: HomeUnderTest,
    story: Callable[[Running], Awaitable[None]],
    arrange: Callable[[Desk], None] = lambda desk: None,
) -> None:
    """Runs the service for as long as the story lasts; commands are typed before and after it."""

    async def tell() -> None:
        async with Running(home, arrange) as running:
            await story(running)

    asyncio.run(tell())


def signal(**given: Any) -> dict[str, Any]:
    """A signal to buy 300 USDT worth of BTCUSDT at the market, as its producer writes it."""
    return {
        "signal_id": str(uuid4()),
        "signal_type": "buy",
        "asset": "BTCUSDT",
        "amount": 300,
        "confidence": 0.95,
        "timestamp": moment_text(datetime.now(UTC)),
        "strategy_id": "test-strategy",
        **given,
    }


def submit(home: HomeUnderTest, *signals: dict[str, Any]) -> None:
    """Appends to the spool as a producer does."""
    spool = home.root / "data" / "spool" / "signals.jsonl"
    spool.parent.mkdir(parents=True, exist_ok=True)
    with spool.open("a") as lines:
        for each in signals:
            lines.write(json.dumps(each) + "\n")
