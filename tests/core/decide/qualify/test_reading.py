"""One reading for every source: what a signal becomes, and every reason for which it is refused."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.config.settings import Account, Settings
from core.config.trading_settings import Signals
from core.decide.qualify.reading import Refused, read_signal
from core.decide.qualify.wire import stamped, wire_line
from core.domain.order import OrderType, Side
from core.domain.signal import Aim, MarketSnapshot, Signal
from core.domain.text import from_row
from tests.build import NOON, clock
from tests.producer import document, message, short, signal_id

SETTINGS = Settings(
    SIGNALS=Signals(max_signal_age_seconds=300, max_ahead_seconds=5),
    ACCOUNTS={"main": Account(), "spare": Account(), "closed": Account(enabled=False)},
)

# As the order-manager document writes it.
WHOLE = """{"signal_id": "3F2504E0-4f89-41d3-9a0c-0305e82c3301", "signal_type": "buy",
 "asset": "BTCUSDT", "amount": 1000.0, "confidence": 0.85, "timestamp": "2026-01-05T13:00:00+01:00",
 "strategy_id": "test-strategy", "model_version": null, "is_warmup": true,
 "market_data_snapshot": {"price": 50000.0, "spread": 1.5, "volume_24h": 1000000.0,
  "volatility": 0.02, "orderbook_depth": {"bid_depth": 100.0, "ask_depth": 120.0},
  "technical_indicators": {"rsi": 61.25, "n": 14}},
 "metadata": {"reasoning": "…", "scores": [0.1, 2]}, "trace_id": "test-trace-001"}"""


def read(raw: bytes, settings: Settings = SETTINGS) -> Signal | Refused:
    return read_signal(raw, now=NOON, settings=settings)


def good(raw: bytes, settings: Settings = SETTINGS) -> Signal:
    found = read(raw, settings)
    assert isinstance(found, Signal), found
    return found


def reasons(raw: bytes, settings: Settings = SETTINGS) -> tuple[str, ...]:
    found = read(raw, settings)
    assert isinstance(found, Refused), found
    assert found.reasons
    return found.reasons


# --- what it becomes ------------------------------------------------------------------------------


def test_the_whole_signal_of_the_order_manager_document() -> None:
    signal = good(WHOLE.encode())
    assert signal == Signal(
        signal_id="3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        signal_type=Side.BUY,
        symbol="BTCUSDT",
        amount=Decimal(1000),
        confidence=Decimal("0.85"),
        timestamp=NOON,
        strategy_id="test-strategy",
        is_warmup=True,
        market_data_snapshot={
            "price": "50000",
            "spread": "1.5",
            "volume_24h": "1000000",
            "volatility": "0.02",
            "bid_depth": "100",
            "ask_depth": "120",
            "technical_indicators": {"rsi": "61.25", "n": 14},
        },
        metadata={"reasoning": "…", "scores": ["0.1", 2]},
        trace_id="test-trace-001",
    )
    market = from_row(MarketSnapshot, signal.market_data_snapshot)
    assert (market.price, market.ask_depth) == (Decimal(50000), Decimal(120))


def test_every_optional_field() -> None:
    signal = good(
        message(
            account="spare",
            direction="long",
            confluence_type="breakout",
            effective_floor=90,
            effective_ceiling="100.5",
            order_type="limit",
            urgency=True,
            leverage=10,
            stop_loss_pct=8,
            take_profit_pct=2.5,
            expires_at="2026-01-05T12:05:00Z",
            intent="close",
            model_version="v3",
        )
    )
    assert (signal.account, signal.direction, signal.model_version) == ("spare", "long", "v3")
    assert (signal.confluence_type, signal.signal_day) == ("breakout", "2026-01-05")
    assert (signal.effective_floor, signal.effective_ceiling) == (Decimal(90), Decimal("100.5"))
    assert (signal.order_type, signal.urgency, signal.aim) == (OrderType.LIMIT, True, Aim.CLOSE)
    assert (signal.leverage, signal.stop_loss_pct) == (Decimal(10), Decimal(8))
    assert (signal.take_profit_pct, signal.expires_at) == (Decimal("2.5"), clock("12:05"))


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("1000.10", "1000.10"),
        ("123456789012345.678901234567890123", "123456789012345.678901234567890123"),
        ("0.1", "0.1"),
        ('"0.30000000000000000004"', "0.30000000000000000004"),
        ("1e3", "1000"),
        ("1.5E-5", "0.000015"),
        ("1.2345678901234567e-05", "0.00001234567890123456"),
    ],
)
def test_a_number_keeps_the_digits_that_were_written(written: str, amount: str) -> None:
    raw = message().replace(b"1000.0", written.encode())
    assert good(raw).amount == Decimal(amount)


def test_names_that_are_not_ours_are_left_unread() -> None:
    assert good(message(horizon={"days": 3})) == good(message())


# --- the minimal line -----------------------------------------------------------------------------


def test_a_minimal_line() -> None:
    signal = good(short(params={"amount": 50, "order_type": "market", "ema": [5, 0.5]}))
    assert (signal.symbol, signal.signal_type, signal.amount) == ("BTCUSDT", "buy", Decimal(50))
    assert (signal.strategy_id, signal.timestamp) == ("trend", clock("11:59:59"))
    assert (signal.order_type, signal.confidence) == (OrderType.MARKET, Decimal(0))
    assert signal.metadata == {"params": {"ema": [5, "0.5"]}}


def test_the_same_request_has_the_same_id_however_it_is_written() -> None:
    ids = {
        good(short(ts=ts, params={"amount": 50, "note": number})).signal_id
        for number, ts in enumerate(
            ["2026-01-05T11:59:59Z", "2026-01-05T12:59:59+01:00", 1767614399, 1767614399000]
        )
    }
    assert len(ids) == 1
    others = [
        short(side="sell"),
        short(symbol="ETHUSDT"),
        short(strategy_id="x"),
        short(ts=1767614398),
    ]
    assert len(ids | {good(each).signal_id for each in others}) == 5


def test_a_minimal_line_is_refused_in_its_own_words() -> None:
    assert reasons(short(symbol="", side="hold", ts="noon", params={})) == (
        "side: must be buy or sell, not 'hold'",
        "symbol: empty",
        "params.amount: missing",
        "ts: not a moment in time: 'noon'",
    )
    assert reasons(short(params=7)) == (
        "params: expected an object, not a number",
        "params.amount: missing",
    )
    assert reasons(short(params={"amount": 5, "leverage": -1})) == (
        "params.leverage: must be more than 0",
    )
    assert "amount: also in params" in reasons(short(amount=6, params={"amount": 5}))
    assert reasons(b'{"symbol": "X"}')[0] == "side: missing"


def test_a_mixture_of_both_formats_is_a_whole_signal_that_lacks_something() -> None:
    assert "asset: missing" in reasons(message(asset=None, symbol="BTCUSDT"))


# --- what is refused ------------------------------------------------------------------------------

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no id": ({"signal_id": None}, "signal_id: missing"),
    "not a UUID": ({"signal_id": "s-1"}, "signal_id: not a UUID: 's-1'"),
    "a UUID in braces": ({"signal_id": "{" + signal_id(1) + "}"}, "signal_id: not a UUID"),
    "an id as a number": ({"signal_id": 7}, "signal_id: expected a text, not a number"),
    "a type that is none": ({"signal_type": "hold"}, "signal_type: must be buy or sell"),
    "no asset": ({"asset": None}, "asset: missing"),
    "an empty asset": ({"asset": "  "}, "asset: empty"),
    "an asset with a line": ({"asset": "BTC\nUSDT"}, "asset: not a symbol: 'BTC\\nUSDT'"),
    "an asset that runs backwards": ({"asset": "BTC\u202eUSDT"}, "asset: not a symbol"),
    "a long asset": ({"asset": "B" * 65}, "asset: longer than 64 characters"),
    "no amount": ({"amount": None}, "amount: missing"),
    "a negative amount": ({"amount": -1}, "amount: must be more than 0"),
    "nothing": ({"amount": 0}, "amount: must be more than 0"),
    "minus nothing": ({"amount": "-0"}, "amount: expected a number"),
    "next to nothing": ({"amount": 1e-300}, "amount: must be more than 0"),
    "an amount in words": ({"amount": "lots"}, "amount: expected a number, not 'lots'"),
    "an amount that is true": ({"amount": True}, "amount: expected a number, not true or false"),
    "a list of amounts": ({"amount": [1]}, "amount: expected a number, not a list"),
    "10^30": ({"amount": 10**30}, "amount: a number out of range: 1000000"),
    "1e30": ({"amount": 1e30}, "amount: a number out of range: 1e+30"),
    "2^63": ({"amount": 2**63}, "amount: a number out of range: 9223372036854775808"),
    "5,000 digits": ({"amount": "9" * 5000}, "amount: expected a number"),
    "full-width digits": ({"amount": "\uff11\uff12"}, "amount: expected a number"),
    "an underscore": ({"amount": "1_000"}, "amount: expected a number"),
    "a signalling NaN": ({"amount": "sNaN"}, "amount: expected a number"),
    "too confident": ({"confidence": 1.01}, "confidence: must be at most 1"),
    "less than no confidence": ({"confidence": -0.1}, "confidence: must be at least 0"),
    "no confidence": ({"confidence": None}, "confidence: missing"),
    "no timestamp": ({"timestamp": None}, "timestamp: missing"),
    "a timestamp without a zone": ({"timestamp": "2026-01-05T12:00:00"}, "timestamp: no time zone"),
    "a timestamp in seconds": ({"timestamp": 1767614400}, "timestamp: expected a moment as text"),
    "too old": ({"timestamp": "2026-01-05T11:54:59Z"}, "timestamp: too old: 301 s, at most 300 s"),
    "from the future": ({"timestamp": "2026-01-05T12:00:06Z"}, "timestamp: from the future: 6 s"),
    "no strategy": ({"strategy_id": None}, "strategy_id: missing"),
    "a long strategy": ({"strategy_id": "x" * 129}, "strategy_id: longer than 128 characters"),
    "another order type": ({"order_type": "stop"}, "order_type: must be market or limit"),
    "an intent that is none": ({"intent": "flip"}, "intent: must be open or close, not 'flip'"),
    "urgency in words": ({"urgency": "high"}, "urgency: expected true or false, not a text"),
    "a warm-up number": ({"is_warmup": 1}, "is_warmup: expected true or false, not a number"),
    "leverage of nothing": ({"leverage": 0}, "leverage: must be more than 0"),
    "a negative stop": ({"stop_loss_pct": -8}, "stop_loss_pct: must be more than 0"),
    "a target of nothing": ({"take_profit_pct": 0}, "take_profit_pct: must be more than 0"),
    "expired": (
        {"expires_at": "2026-01-05T12:00:00Z"},
        "expires_at: expired at 2026-01-05T12:00:00Z",
    ),
    "over before it began": (
        {"expires_at": "2026-01-05T11:59:58Z"},
        "expires_at: before the timestamp",
    ),
    "an unknown account": ({"account": "nobody"}, "account: no account is called 'nobody'"),
    "a closed account": ({"account": "closed"}, "account: 'closed' is not enabled"),
    "upside down": ({"effective_floor": 2, "effective_ceiling": 1}, "effective_floor: above"),
    "metadata in words": ({"metadata": "x"}, "metadata: expected an object, not a text"),
    "a snapshot in a list": (
        {"market_data_snapshot": []},
        "market_data_snapshot: expected an object",
    ),
    "a free market": (
        {"market_data_snapshot": {"price": 0}},
        "market_data_snapshot.price: must be more than 0",
    ),
    "a depth below the ground": (
        {"market_data_snapshot": {"orderbook_depth": {"bid_depth": -1}}},
        "market_data_snapshot.orderbook_depth.bid_depth: must be at least 0",
    ),
    "a NUL character": ({"strategy_id": "a\0b"}, "strategy_id: a NUL character"),
    "half a surrogate pair": (
        {"metadata": {"a": ["\ud800"]}},
        "metadata.a[0]: half of a surrogate",
    ),
    "half a pair as a key": ({"metadata": {"\udc00": 1}}, "the key has half of a surrogate pair"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_refused(case: str) -> None:
    given, reason = WRONG[case]
    (told,) = reasons(message(**given))
    assert reason in told


RAW: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not valid JSON"),
    "a torn line": (message()[:-5], "not valid JSON"),
    "two of them": (message() * 2, "not valid JSON: Extra data"),
    "a list": (b"[" + message() + b"]", "expected one JSON object, not a list"),
    "a word": (b"null", "expected one JSON object, not nothing"),
    "more than 64 KiB": (message(metadata={"x": "y" * 65536}), "larger than 64 KiB"),
    "60,000 brackets": (b"[" * 60_000, "nested deeper than 20"),
    "60,000 braces": (b'{"a":' * 10_000, "nested deeper than 20"),
    "21 levels": (b'{"a":' * 21 + b"1" + b"}" * 21, "nested deeper than 20"),
    "a byte order mark": (b"\xef\xbb\xbf" + message(), "begins with a byte order mark"),
    "UTF-16": (message().decode().encode("utf-16"), "begins with a byte order mark"),
    "half a character": (message().replace(b"trend", b"tr\xc3"), "not UTF-8"),
    "a bare NUL": (b"\0" * 100, "not valid JSON"),
    "a NUL in a text": (message().replace(b"trend", b"tr\0nd"), "not valid JSON"),
    "NaN": (message().replace(b"1000.0", b"NaN"), "amount: NaN is not a number"),
    "infinity": (message().replace(b"0.85", b"-Infinity"), "confidence: -Infinity is not a number"),
    "1e999": (message().replace(b"1000.0", b"1e999"), "amount: a number out of range: 1e999"),
    "a huge exponent": (message().replace(b"1000.0", b"1e" + b"9" * 30), "out of range"),
    "a tiny exponent": (message().replace(b"1000.0", b"1e-" + b"9" * 30), "amount: "),
    "5,000 digits": (message().replace(b"1000.0", b"9" * 5000), "amount: a number out of range"),
    "digits after the point": (message().replace(b"1000.0", b"1." + b"3" * 60), "out of range"),
    "a key twice": (b'{"amount": 1, ' + message()[1:], "amount: the key appears twice"),
    "a key twice inside": (
        message(metadata={"a": {"k": 1}}).replace(b'"k": 1', b'"k": 1, "k": 2'),
        "metadata.a.k: the key appears twice",
    ),
    "NaN where nobody looks": (
        message(horizon=[1]).replace(b"[1]", b"[1, NaN]"),
        "horizon[1]: NaN is not a number",
    ),
}


@pytest.mark.parametrize("case", RAW)
def test_what_is_no_message(case: str) -> None:
    raw, reason = RAW[case]
    (told,) = reasons(raw)
    assert reason in told


def test_twenty_levels_are_allowed() -> None:
    nested: Any = 1
    for _ in range(19):
        nested = {"a": nested}
    assert good(message(metadata=nested)).metadata
    assert reasons(message(metadata={"a": nested})) == ("nested deeper than 20",)


def test_every_reason_at_once() -> None:
    raw = json.dumps(
        document(
            signal_id="x",
            signal_type="hold",
            asset="DOGE",
            amount=-5,
            confidence=float("nan"),
            timestamp="2026-01-05T10:00:00Z",
            order_type="stop",
            account="nobody",
            strategy_id=None,
        )
    ).encode()
    listed = replace(SETTINGS, SIGNALS=Signals(assets=["BTCUSDT"]))
    told = "\n".join(reasons(raw, listed))
    for field in (
        *("signal_id", "signal_type", "asset", "amount", "confidence", "timestamp", "order_type"),
        *("account", "strategy_id"),
    ):
        assert f"{field}: " in told
    assert len(told.splitlines()) == 9


def test_only_listed_assets_when_there_is_a_list() -> None:
    listed = replace(SETTINGS, SIGNALS=Signals(assets=["ETHUSDT", "BTCUSDT"]))
    assert good(message(), listed).symbol == "BTCUSDT"
    assert reasons(message(asset="DOGE"), listed) == ("asset: 'DOGE' is not one of SIGNALS.assets",)


def test_nobody_to_carry_it_out() -> None:
    closed = replace(SETTINGS, ACCOUNTS={"main": Account(enabled=False)})
    assert reasons(message(), closed) == ("account: no account is enabled",)


def test_a_refusal_names_the_signal_as_far_as_it_was_understood() -> None:
    old = read(message(timestamp="2026-01-05T10:00:00Z"))
    assert isinstance(old, Refused)
    assert old.signal is not None and old.signal_id == old.signal.signal_id == signal_id("one")
    partly = read(message(amount=-1))
    assert isinstance(partly, Refused)
    assert (partly.signal_id, partly.signal) == (signal_id("one"), None)


def test_reasons_are_many_but_not_without_end() -> None:
    raw = message(metadata={"x": [1]}).replace(b"[1]", b"[" + b"NaN," * 10_000 + b"1]")
    told = reasons(raw)
    assert len(told) == 51
    assert told[-1] == "and 9950 more of the kind"


def test_no_character_of_a_reason_acts_on_a_screen() -> None:
    nasty = "\x1b]52;\u202e\x00[/]"
    raw = message(**{"signal_type": nasty, "account": nasty, "asset": nasty, nasty: float("nan")})
    assert all(reason.isprintable() for reason in reasons(raw))


# --- and back -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        WHOLE.encode(),
        short(params={"amount": 0.1, "note": "x"}),
        message(confluence_type="b", effective_floor=1, intent="close", urgency=True, confidence=0),
    ],
)
def test_what_was_read_can_be_written_and_read_again(raw: bytes) -> None:
    signal = good(raw)
    assert good(wire_line(signal)) == signal
    assert b"\n" not in wire_line(signal)


def test_a_message_under_another_time() -> None:
    later = NOON + timedelta(hours=1)
    old = message(timestamp="2026-01-04T10:00:00Z", horizon=0.1)
    assert reasons(old)
    now = read_signal(stamped(old, later), now=later, settings=SETTINGS)
    assert isinstance(now, Signal)
    assert now.timestamp == later
    assert replace(now, timestamp=NOON) == replace(good(message()), timestamp=NOON)
    assert stamped(b"{", later) == b"{"


# --- anything at all ------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    [*document(), "metadata", "market_data_snapshot", "leverage", "expires_at"]
)


@given(st.binary(max_size=300))
@example(b"\xed\xa0\x80")
@example(b'{"a":"\\ud800\\udc00"}')
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    assert reasons(raw)


@given(st.dictionaries(FIELDS, JSON, max_size=4), st.booleans())
def test_any_values_are_read_or_refused(values: dict[str, Any], as_short: bool) -> None:
    raw = json.dumps(document() | values).encode() if not as_short else short(params=values)
    found = read(raw)
    if isinstance(found, Signal):
        assert good(wire_line(found)) == found
    else:
        assert all(reason.isprintable() for reason in found.reasons)


@given(st.integers(0, len(message()) - 1), st.integers(0, 255))
def test_any_changed_byte_is_read_or_refused(at: int, byte: int) -> None:
    raw = bytearray(message())
    raw[at] = byte
    assert isinstance(read(bytes(raw)), Signal | Refused)


@pytest.mark.parametrize("ts", [10**15, -(10**15), 10**18])
def test_seconds_beyond_the_end_of_time_are_no_moment(ts: int) -> None:
    assert reasons(short(ts=ts)) == (f"ts: not a moment in time: {ts}",)


@pytest.mark.parametrize(
    "market", [None, {"price": 7}, {"price": 7, "orderbook_depth": {"bid_depth": 1}}]
)
def test_a_signal_is_written_as_it_was_read(market: dict[str, Any] | None) -> None:
    record = good(message(market_data_snapshot=market))
    assert good(wire_line(record)) == record
