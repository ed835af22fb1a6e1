"""What a producer of signals writes, and a desk at which it is taken in, on Monday at noon."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from core.assembly import Caller, Wiring
from core.config.effective import load
from core.config.watch import GateWatch
from core.domain.arrival import Batch, Item
from core.operate.desk import Desk
from core.operate.taking_in import TakenIn, take_in
from tests.build import NOON
from tests.home import HomeUnderTest


class StillClock:
    """Stands where it is put."""

    def __init__(self, now: datetime = NOON):
        self.time = now

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")


def signal_id(name: object) -> str:
    return str(uuid5(NAMESPACE_OID, str(name)))


def document(name: object = "one", **given: Any) -> dict[str, Any]:
    """A purchase for 1000, as little as has to be said; None leaves a field out."""
    values: dict[str, Any] = {
        "signal_id": signal_id(name),
        "signal_type": "buy",
        "asset": "BTCUSDT",
        "amount": 1000.0,
        "confidence": 0.85,
        "timestamp": "2026-01-05T11:59:59Z",
        "strategy_id": "trend",
    }
    return {key: value for key, value in (values | given).items() if value is not None}


def message(name: object = "one", **given: Any) -> bytes:
    return json.dumps(document(name, **given)).encode()


def short(**given: Any) -> bytes:
    """The minimal line."""
    values: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "side": "buy",
        "ts": "2026-01-05T11:59:59Z",
        "strategy_id": "trend",
        "params": {"amount": 50},
    }
    return json.dumps({k: v for k, v in (values | given).items() if v is not None}).encode()


def update(**given: Any) -> bytes:
    """What a gateway tells of order V-1: of its 10, 4 are bought at 100."""
    values = {
        "event_id": "e-1",
        "event_type": "order",
        "order_id": "V-1",
        "symbol": "BTCUSDT",
        "side": "Buy",
        "order_type": "Limit",
        "status": "PartiallyFilled",
        "executed_qty": "4",
        "avg_price": "100",
        "cum_exec_qty": "4",
        "cum_exec_value": "400",
        "timestamp": "2026-01-05T11:59:00Z",
        "received_at": "2026-01-05T11:59:00.2Z",
        "trace_id": "t-1",
    }
    return json.dumps({k: v for k, v in (values | given).items() if v is not None}).encode()


def desk_at(home: HomeUnderTest, clock: StillClock | None = None) -> Desk:
    """The program as it starts, with a clock that tests can put."""
    wiring = _wiring(home)
    wiring.clock = clock or StillClock()
    return wiring.desk()


def desk_now(home: HomeUnderTest) -> Desk:
    """The same with the machine's clock, for what has to wait for others."""
    return _wiring(home).desk()


def _wiring(home: HomeUnderTest) -> Wiring:
    watch = GateWatch(home.root, {})
    return Wiring(load(home.root, {}), watch.now, Caller(actor="operator", command="manage"))


def arrive(desk: Desk, *raws: bytes, source: str = "spool", place: str = "here") -> TakenIn:
    """One batch."""
    items = [
        Item(raw=raw, source=source, place=f"{place}:{at}") for at, raw in enumerate(raws, start=1)
    ]
    return take_in(desk, Batch(items=tuple(items)))


def verdicts(taken: TakenIn) -> Sequence[str]:
    return [arrival.verdict.value for arrival in taken.arrivals]
