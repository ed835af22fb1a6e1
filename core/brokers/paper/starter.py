"""The account that a new home begins with: two perpetuals, a stock and the next S&P future."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from core.domain.market import Balance, Instrument, Quote
from core.domain.snapshot import PARTS, BrokerSnapshot, Known
from core.observe.snapshot_document import document_bytes, snapshot_document

MONTH_CODES = {3: "H", 6: "M", 9: "U", 12: "Z"}
# Not so near its end that the first thing a new home is told of is a roll.
DAYS_TO_EXPIRY_MIN = 30
LEVERAGE = {"BTCUSDT": "10", "ETHUSDT": "10", "SPY": "2"}
FUTURE_LEVERAGE = "10"


def starter_account(account: str, now: datetime) -> bytes:
    """10,000 USDT and 100,000 USD, nothing held, quotes that stand still."""
    symbol, expiry = _next_future(now)
    snapshot = BrokerSnapshot(
        account=account,
        broker="paper",
        taken_at=now,
        parts={part: Known() for part in PARTS},
        balances=(_balance("USDT", 10_000), _balance("USD", 100_000)),
        instruments={each.symbol: each for each in _instruments(symbol, expiry)},
        quotes={
            each.symbol: each
            for each in (
                _quote("BTCUSDT", "59999.9", "60000.1", "60000", now),
                _quote("ETHUSDT", "2999.99", "3000.01", "3000", now),
                _quote("SPY", "599.99", "600.01", "600", now),
                _quote(symbol, "5999.75", "6000.25", "6000", now),
            )
        },
    )
    document = msgspec.json.decode(snapshot_document(snapshot))
    # What can be rehearsed is seen by whoever opens the file.
    document["simulation"] = {
        "latency_ms": 0,
        "fill_ratio": "1",
        "fee_rate": "0.0005",
        "leverage": {**LEVERAGE, symbol: FUTURE_LEVERAGE},
        "faults": [],
    }
    return document_bytes(document)


def _instruments(future: str, expiry: datetime) -> tuple[Instrument, ...]:
    return (
        Instrument(
            symbol="BTCUSDT",
            kind="linear",
            base="BTC",
            quote="USDT",
            price_tick=Decimal("0.1"),
            quantity_step=Decimal("0.001"),
            min_quantity=Decimal("0.001"),
            min_notional=Decimal(5),
        ),
        Instrument(
            symbol="ETHUSDT",
            kind="linear",
            base="ETH",
            quote="USDT",
            price_tick=Decimal("0.01"),
            quantity_step=Decimal("0.01"),
            min_quantity=Decimal("0.01"),
            min_notional=Decimal(5),
        ),
        Instrument(
            symbol="SPY",
            kind="stock",
            base="SPY",
            quote="USD",
            price_tick=Decimal("0.01"),
            quantity_step=Decimal(1),
            min_quantity=Decimal(1),
        ),
        Instrument(
            symbol=future,
            kind="future",
            base="ES",
            quote="USD",
            price_tick=Decimal("0.25"),
            quantity_step=Decimal(1),
            min_quantity=Decimal(1),
            multiplier=Decimal(50),
            expiry=expiry,
        ),
    )


def _next_future(now: datetime) -> tuple[str, datetime]:
    """The quarterly contract that ends next, on the third Friday of its month."""
    earliest = now.astimezone(UTC) + timedelta(days=DAYS_TO_EXPIRY_MIN)
    for year in (earliest.year, earliest.year + 1):
        for month, code in MONTH_CODES.items():
            expiry = _third_friday(year, month)
            if expiry >= earliest:
                return f"ES{code}{year % 10}", expiry
    raise AssertionError("a quarter ends within every year")


def _third_friday(year: int, month: int) -> datetime:
    first = datetime(year, month, 1, 14, 30, tzinfo=UTC)
    return first + timedelta(days=(4 - first.weekday()) % 7 + 14)


def _balance(currency: str, total: int) -> Balance:
    return Balance(currency=currency, total=Decimal(total), available=Decimal(total))


def _quote(symbol: str, bid: str, ask: str, last: str, at: datetime) -> Quote:
    return Quote(symbol=symbol, bid=Decimal(bid), ask=Decimal(ask), last=Decimal(last), at=at)
