"""Snapshots that cannot be believed: a BrokenDocument that names the place, never a crash."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import BrokenDocument
from core.observe.snapshot_file import read_snapshot
from tests.core.observe.test_snapshot_file import (
    EXECUTION,
    ORDER,
    POSITION,
    account,
    big,
    refusal,
    without,
    written,
)

PADDING = b" " * (2 << 20)


def raw(field: bytes, value: bytes) -> bytes:
    """The account with one order in which `field` holds these very bytes."""
    mark = written(f"<{field.decode()}>")
    return written(account(orders=[ORDER | {field.decode(): mark.decode().strip('"')}])).replace(
        mark, value
    )


def large(content: bytes) -> bytes:
    """The same document, too large for the strict look that small ones get."""
    return content[:-1] + PADDING + b"}"


# --- numbers ------------------------------------------------------------------------------------

NOT_NUMBERS = [
    "NaN", "Infinity", "1e5", "1e1000000", "１２", "1_000", "sNaN", "-0", "-0.0", "+1", " 1", "1 ",
    "", "0x10", "1,5", ".5", "5.", "01", "9" * 21, "0." + "1" * 21, "٣", "1\n",
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_a_number_is_what_a_person_would_write(text: str) -> None:
    for name in ("quantity", "filled_quantity", "price", "trigger_price", "average_price"):
        message = refusal(account(orders=[ORDER, ORDER | {name: text}]))
        assert message.startswith(f"$.orders[1].{name}: ")
    assert refusal(account(executions=[EXECUTION | {"fee": text}])).startswith(
        "$.executions[0].fee: "
    )
    assert refusal(account(positions=[POSITION | {"quantity": text}])).startswith(
        "$.positions[0].quantity: "
    )


@pytest.mark.parametrize("make", [bytes, large])
@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"5", b"1.5"])
def test_a_json_number_is_not_taken_for_a_decimal(value: bytes, make: Any) -> None:
    message = refusal(make(raw(b"quantity", value)))
    assert message.startswith("$.orders[0].quantity: ")


@pytest.mark.parametrize("value", [b"NaN", b"1e999", b"9" * 5000, b"9223372036854775808"])
def test_numbers_out_of_range_are_refused_in_fields_that_are_ignored_too(value: bytes) -> None:
    assert refusal(raw(b"surprise", value)).startswith("$.orders[0].surprise: ")


@pytest.mark.parametrize(
    ("row", "changes", "reason"),
    [
        ("orders", {"quantity": "-1"}, "$.orders[0].quantity: below zero: -1"),
        ("executions", {"quantity": "-1"}, "$.executions[0].quantity: below zero: -1"),
        ("positions", {"leverage": "0"}, "$.positions[0].leverage: not above zero: 0"),
        (
            "positions",
            {"side": "short", "quantity": "-5"},
            "$.positions[0].quantity: below zero; a hedge leg's quantity is positive",
        ),
    ],
)
def test_signs_that_contradict_the_format(row: str, changes: dict[str, str], reason: str) -> None:
    [good] = account()[row]
    assert refusal(account(**{row: [good | changes]})).startswith(reason)


# --- words, times, names ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"side": "Buy"}, "side"),
        ({"status": "unknown"}, "status"),
        ({"status": "dry_run"}, "status"),
        ({"type": "iceberg"}, "type"),
        ({"position_side": "left"}, "position_side"),
        ({"created_at": "2026-01-05T11:00:00"}, "created_at"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "created_at"),
        ({"client_order_id": ""}, "client_order_id"),
        ({"broker_order_id": "x" * 257}, "broker_order_id"),
        ({"reduce_only": 1}, "reduce_only"),
        ({"reduce_only": "false"}, "reduce_only"),
        ({"symbol": None}, "symbol"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(changes: dict[str, Any], place: str) -> None:
    assert refusal(account(orders=[ORDER, ORDER | changes])).startswith(f"$.orders[1].{place}: ")


def test_a_missing_field_is_named() -> None:
    message = refusal(account(orders=[ORDER, without(ORDER, "quantity")]))
    assert message == "$.orders[1]: Object missing required field `quantity`"


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (without(account(), "format"), "$.format: missing"),
        (account(format="trueup.broker-snapshot/2"), "$.format: 'trueup.broker-snapshot/2'"),
        (account(format=1), "$.format: Expected `str`"),
        (without(account(), "account"), "$.account: missing"),
        (account(taken_at="noon"), "$.taken_at: not a moment"),
        (account(position_mode="both"), "$.position_mode: 'both'"),
        (account(parts="known"), "$.parts: Expected"),
        (account(parts={"orders": "all"}), "$.parts.orders: neither"),
        (account(parts={"orders": {"partial": "x", "known": "y"}}), "$.parts.orders: neither"),
        (account(parts={"orders": 1}), "$.parts"),
        (account(orders={}), "$.orders: Expected `array"),
        (account(orders=[1]), "$.orders[0]: Expected `object`"),
        (account(orders=["},{", []]), "$.orders[0]: Expected `object`"),
        (account(quotes="none"), "$.quotes: Expected `array"),
        (account(executions_since="2026"), "$.executions_since: not a moment"),
        (account(positions=[POSITION, POSITION]), "$.positions[1]: BTCUSDT both is there twice"),
        (account(balances=account()["balances"] * 2), "$.balances[1]: USDT is there twice"),
        ([], "$: expected '{'"),
        (None, "$: expected '{'"),
        ("text", "$: expected '{'"),
    ],
)
def test_a_document_of_the_wrong_shape_is_named(document: object, place: str) -> None:
    assert refusal(document).startswith(place)


# --- text ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [bytes, large])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (rb'"\u0000"', "a NUL character"),
        (rb'"a\\\u0000"', "a NUL character"),
        (rb'"\ud800"', "half of a surrogate pair"),
        (rb'"\ud800x"', "half of a surrogate pair"),
        (rb'"\ud800A"', "half of a surrogate pair"),
        (rb'"\udc00"', "half of a surrogate pair"),
        (b'"\xff"', "invalid UTF-8"),
        (b'"\xed\xa0\x80"', "invalid UTF-8"),
        (b'"\x00"', ""),
        (b'"\x1f"', ""),
        (rb'"\x"', ""),
        (b'"open', ""),
    ],
)
def test_text_that_is_not_text_is_refused(value: bytes, reason: str, make: Any) -> None:
    for field in (b"client_order_id", b"surprise"):
        message = refusal(make(raw(field, value)))
        assert reason in message
        assert message.startswith("$")


@pytest.mark.parametrize(
    "text", ["[/red]", "\x1b]52;", "\u202e", "=HYPERLINK(1)", "a\nb", "\U0001f600", "\\u0000"]
)
def test_text_that_is_only_ugly_is_kept_as_it_is(text: str) -> None:
    document = account(orders=[ORDER | {"client_order_id": text}])
    assert read_snapshot(written(document)).orders[0].client_order_id == text


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"])
def test_a_byte_order_mark_is_refused(mark: bytes) -> None:
    assert "byte order mark" in refusal(mark + written(account()))


# --- structure ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (written(account()).replace(b'"side": "buy"', b'"side": "buy", "side": "sell"', 1),
         "$.orders[0]: the key 'side' is there twice"),
        (written(account())[:-1] + b', "account": "other"}', "$: the key 'account' is there twice"),
        (written(account(surprise={"a": 1})).replace(b'"a": 1', b'"a": 1, "a": 2'),
         "$.surprise: the key 'a' is there twice"),
    ],
)  # fmt: skip
def test_a_key_that_is_there_twice_is_refused(content: bytes, place: str) -> None:
    assert refusal(content).startswith(place)


def test_at_the_top_level_a_key_twice_is_refused_in_large_documents_too() -> None:
    content = large(written(account()))[:-1] + b', "account": "other"}'
    assert "the key 'account' is there twice" in refusal(content)


@pytest.mark.parametrize("make", [bytes, large])
@pytest.mark.parametrize(
    "value",
    [b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000],
)
def test_deep_nesting_is_refused(value: bytes, make: Any) -> None:
    for content in (raw(b"surprise", value), raw(b"quantity", value)):
        assert refusal(make(content)).startswith("$")
    top = written(account(surprise="X")).replace(b'"X"', value)
    assert refusal(make(top)).startswith("$")


DAMAGE = st.sampled_from(
    [b"", b'"', b"\\", b"[", b"]", b"{", b"}", b",", b":", b"-", b"1e9", b"null", b"\xff", b"\x00"]
) | st.binary(max_size=2)


@given(st.integers(0, 10_000), DAMAGE, st.integers(0, 20), st.booleans())
def test_any_damage_is_refused_or_harmless(at: int, put: bytes, cut: int, is_large: bool) -> None:
    content = written(account())
    at %= len(content)
    content = content[:at] + put + content[at + cut :]
    try:
        read_snapshot(large(content) if is_large else content)
    except BrokenDocument as error:
        assert error.message.startswith("$")


def test_every_truncation_is_refused() -> None:
    content = written(account())
    for length in range(len(content)):
        with pytest.raises(BrokenDocument):
            read_snapshot(content[:length])


def test_every_truncation_of_a_large_document_is_refused() -> None:
    content = big(3000)
    for length in range(1 << 20, len(content), 7919):
        with pytest.raises(BrokenDocument):
            read_snapshot(content[:length])


@pytest.mark.parametrize("make", [bytes, large])
@pytest.mark.parametrize(
    "change",
    [
        (b'"orders": [', b'"orders": [,'),
        (b'], "executions"', b',], "executions"'),
        (b'], "executions"', b'}, "executions"'),
        (b'], "executions"', b']], "executions"'),
        (b'], "executions"', b']  "executions"'),
        (b'"taken_at": ', b'"taken_at" '),
        (b'"taken_at": ', b"taken_at: "),
        (b'{"format"', b'{,"format"'),
        (b'"one-way"', b"one-way"),
        (b'"one-way"', b""),
    ],
)
def test_punctuation_that_is_out_of_place_is_refused(
    change: tuple[bytes, bytes], make: Any
) -> None:
    content = written(account())
    assert change[0] in content
    assert refusal(make(content.replace(*change, 1))).startswith("$")


def test_a_syntax_error_names_row_field_line_and_byte() -> None:
    content = written(account(), 1).replace(b'"GTC"', b"GTC")
    message = refusal(content)
    assert message.startswith("$.orders[0].time_in_force: ")
    line = content[: content.index(b"GTC")].count(b"\n") + 1
    assert f"(line {line}, byte {content.index(b'GTC')})" in message


def test_what_follows_the_document_is_refused() -> None:
    for make in (bytes, large):
        assert refusal(make(written(account())) + b" {}").startswith("$")
        assert refusal(make(written(account())) + b"]").startswith("$")


def test_an_item_without_end_is_refused_before_it_fills_the_memory() -> None:
    content = written(account(orders=["X"])).replace(
        b'"X"', b'{"note": "' + b"x" * (17 << 20) + b'"}'
    )
    assert "larger than 16 MiB" in refusal(content)


def test_an_object_may_be_longer_than_a_window_and_not_longer_than_any() -> None:
    note = {str(number): "},{" for number in range(30_000)}
    assert read_snapshot(written(account(note=note))) == read_snapshot(written(account()))
    for _ in range(6):
        note = {"0": note, "1": note}
    assert "larger than 16 MiB" in refusal(written(account(note=note)))


@pytest.mark.parametrize("value", [b'"%s"', b'{"note": "%s"}', b'{"note": "%s', b"{]"])
def test_a_value_that_does_not_end_in_a_window_is_refused(value: bytes) -> None:
    value = value.replace(b"%s", b"x" * (1 << 20))
    message = refusal(large(written(account(note="X")).replace(b'"X"', value)))
    assert message.startswith("$")


def test_a_key_without_end_and_a_thousand_keys_are_refused() -> None:
    key = b'{"' + b"k" * (2 << 20) + b'": 1}'
    assert "expected a key" in refusal(key)
    many = {f"k{number}": 1 for number in range(1001)}
    assert "more than 1000 keys" in refusal(many)
