"""Receipts for adapter tests: as if the step had been journaled."""

from datetime import UTC, datetime

from core.domain.record import Step
from core.ports.receipt import Mint, Receipt

# The journal's mint may or may not exist in this process; this one does not take its place.
_MINT = Mint.__new__(Mint)


def receipt(key: str, account: str = "main", symbol: str = "BTCUSDT") -> Receipt:
    return _MINT.receipt(
        Step(
            step_id=f"step-{key}",
            plan_id="p-20260105-000000",
            action_id="a001",
            account=account,
            symbol=symbol,
            kind="place_stop",
            idempotency_key=key,
            request={},
            begun_at=datetime(2026, 1, 5, 12, tzinfo=UTC),
        )
    )
