"""Nouns as rows of plain text: there and back, strictly, every objection naming the field."""

import json
import typing
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.order import BookOrder, OrderRequest, OrderStatus, OrderType, Origin, Side
from core.domain.position import BookPosition, PositionKey
from core.domain.record import BookIdentity, Event, PlanRecord
from core.domain.text import differing, from_row, plain, printable, to_row
from tests.core.domain.nouns import ROWS, any_of, kinds_of, required

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)

each_row = pytest.mark.parametrize("noun", ROWS, ids=lambda noun: noun.__name__)


# --- there and back ---------------------------------------------------------------------------


def test_what_the_book_and_the_files_hold_are_rows() -> None:
    assert {BookOrder, BookPosition, BookIdentity, Event, OrderRequest, PlanRecord} <= set(ROWS)


@each_row
@settings(max_examples=30)
@given(drawn=st.data())
def test_a_row_makes_the_same_noun_again(noun: type[Any], drawn: st.DataObject) -> None:
    before = drawn.draw(any_of(noun))
    row = to_row(before)

    assert list(row) == [field.name for field in fields(noun)]
    assert from_row(noun, row) == before
    assert to_row(from_row(noun, row)) == row
    assert from_row(noun, json.loads(json.dumps(row))) == before


def test_a_row_is_the_book_s_spelling() -> None:
    row = BookOrder(
        order_id="o-1",
        account="main",
        symbol="BTCUSDT",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=Decimal("10.500"),
        price=Decimal("1E+2"),
        reduce_only=False,
        status=OrderStatus.OPEN,
        origin=Origin.OWNED,
        created_at=datetime(2026, 1, 5, 13, tzinfo=timezone(timedelta(hours=1))),
    )

    assert to_row(row) == {
        "order_id": "o-1",
        "account": "main",
        "broker_order_id": None,
        "client_order_id": None,
        "perm_id": None,
        "symbol": "BTCUSDT",
        "side": "buy",
        "position_side": "both",
        "order_type": "limit",
        "quantity": "10.5",
        "filled_quantity": "0",
        "price": "100",
        "trigger_price": None,
        "average_price": None,
        "time_in_force": None,
        "reduce_only": False,
        "post_only": None,
        "status": "open",
        "origin": "owned",
        "signal_id": None,
        "parent_order_id": None,
        "trace_id": None,
        "fees": None,
        "created_at": "2026-01-05T12:00:00Z",
        "updated_at": None,
        "executed_at": None,
    }
    assert type(to_row(row)["side"]) is str


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.50"), "1.5"),
        (Side.SELL, "sell"),
        (NOON, "2026-01-05T12:00:00Z"),
        (NOON.astimezone(timezone(-timedelta(hours=5))), "2026-01-05T12:00:00Z"),
        ("text", "text"),
        (None, None),
        (True, True),
        (5, 5),
        ({"a": 1}, {"a": 1}),
    ],
)
def test_a_single_value_has_the_same_spelling(value: Any, text: Any) -> None:
    assert plain(value) == text
    assert type(plain(value)) is type(text)


def test_a_naive_moment_never_becomes_a_row() -> None:
    naive = NOON.replace(tzinfo=None)

    with pytest.raises(ValueError, match="time zone"):
        to_row(BookPosition(account="main", symbol="X", quantity=Decimal(1), updated_at=naive))


# --- strictly ---------------------------------------------------------------------------------


def example(noun: type[Any]) -> dict[str, Any]:
    """A row with every field filled in."""
    words = {str: "x", bool: True, int: 1, Decimal: "1.5", datetime: "2026-01-05T12:00:00Z"}
    hints = typing.get_type_hints(noun)
    row = {}
    for field in fields(noun):
        kind = kinds_of(hints[field.name])[0]
        if kind in words:
            row[field.name] = words[kind]
        else:
            row[field.name] = {} if typing.get_origin(kind) else next(iter(kind)).value
    return row


@each_row
def test_a_missing_required_field_is_named(noun: type[Any]) -> None:
    for name in required(noun):
        row = example(noun)
        del row[name]

        with pytest.raises(ValueError, match=f"^{name}: missing$"):
            from_row(noun, row)


@each_row
def test_a_missing_optional_field_has_its_default(noun: type[Any]) -> None:
    row = {name: value for name, value in example(noun).items() if name in required(noun)}
    made = from_row(noun, row)

    for field in fields(noun):
        if field.name not in row:
            value = getattr(made, field.name)
            assert value == ({} if callable(field.default_factory) else field.default)


@each_row
def test_unknown_fields_are_ignored(noun: type[Any]) -> None:
    assert from_row(noun, example(noun) | {"": 1, "another": ["x"], "class": None}) == from_row(
        noun, example(noun)
    )


@each_row
@pytest.mark.parametrize("value", [["x"], [], 2.5, float("nan"), b"x", object], ids=repr)
def test_a_value_of_the_wrong_type_is_named(noun: type[Any], value: Any) -> None:
    for name in example(noun):
        with pytest.raises(ValueError, match=f"^{name}: "):
            from_row(noun, example(noun) | {name: value})


@each_row
def test_null_is_for_optional_fields_alone(noun: type[Any]) -> None:
    hints = typing.get_type_hints(noun)
    for name in example(noun):
        row = example(noun) | {name: None}
        if type(None) in kinds_of(hints[name]):
            assert getattr(from_row(noun, row), name) is None
        else:
            with pytest.raises(ValueError, match=f"^{name}: "):
                from_row(noun, row)


BASE = {"symbol": "BTCUSDT", "side": "sell", "type": "stop", "quantity": "5"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("quantity", 5),
        ("quantity", True),
        ("quantity", "NaN"),
        ("quantity", "1e999"),
        ("quantity", "-0"),
        ("quantity", "\uff15"),
        ("quantity", ""),
        ("price", {"a": 1}),
        ("side", "BUY"),
        ("side", ""),
        ("side", "hold"),
        ("side", {}),
        ("symbol", 5),
        ("reduce_only", "true"),
        ("reduce_only", 2),
        ("reduce_only", -1),
    ],
)
def test_nothing_is_coerced(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name}: "):
        from_row(OrderRequest, BASE | {name: value})


@pytest.mark.parametrize("text", ["2026-01-05T12:00:00", "2026-01-05", "yesterday", "", 1767614400])
def test_a_moment_of_no_zone_is_no_moment(text: Any) -> None:
    row = example(PlanRecord) | {"generated_at": text}

    with pytest.raises(ValueError, match=r"^generated_at: "):
        from_row(PlanRecord, row)


def test_a_moment_of_another_zone_is_read_into_utc() -> None:
    made = from_row(PlanRecord, example(PlanRecord) | {"generated_at": "2026-01-05T13:00:00+01:00"})

    assert made.generated_at == NOON
    assert made.generated_at.tzinfo is UTC


def test_the_book_s_zero_and_one_are_booleans() -> None:
    made = from_row(OrderRequest, BASE | {"reduce_only": 1, "post_only": 0})

    assert made.reduce_only is True
    assert made.post_only is False


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**4000])
def test_an_integer_that_the_book_cannot_hold_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match=r"^serial: does not fit into 64 bits$"):
        from_row(BookIdentity, example(BookIdentity) | {"serial": value})


def test_true_is_no_integer() -> None:
    with pytest.raises(ValueError, match=r"^serial: "):
        from_row(BookIdentity, example(BookIdentity) | {"serial": True})


def test_the_objection_to_a_long_word_is_short() -> None:
    with pytest.raises(ValueError, match=r"^side: ") as caught:
        from_row(OrderRequest, BASE | {"side": " - at `$.x`" * 100_000})

    assert len(str(caught.value)) < 300


def test_the_row_that_was_read_stays_as_it_was() -> None:
    row = dict(BASE)
    from_row(OrderRequest, row)

    assert row == BASE


def test_what_an_event_carries_is_kept_as_it_is() -> None:
    payload = {"quantity": "1.50", "rows": [{"a": None}]}
    row = example(Event) | {"payload": payload}

    assert from_row(Event, row).payload == payload
    assert to_row(from_row(Event, row))["payload"] == payload


# --- comparing --------------------------------------------------------------------------------


def test_differences_are_named_in_the_order_of_the_fields() -> None:
    before = from_row(OrderRequest, BASE)
    after = from_row(OrderRequest, BASE | {"trigger_price": "90", "side": "buy"})

    assert differing(before, after) == ("side", "trigger_price")
    assert differing(before, before) == ()


def test_another_spelling_is_no_difference() -> None:
    before, after = PositionKey("a", "b"), PositionKey("a", "b")
    ten, still_ten = (from_row(OrderRequest, BASE | {"quantity": q}) for q in ("10", "10.00"))

    assert differing(before, after) == differing(ten, still_ten) == ()


# --- showing ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("BTCUSDT", "BTCUSDT"),
        ("", ""),
        ("10 µBTC · größer 漢字 😀", "10 µBTC · größer 漢字 😀"),
        ("\x1b]52;c;x\x07", "\\x1b]52;c;x\\x07"),
        ("a\nb\r\tc", "a\\x0ab\\x0d\\x09c"),
        ("nul\x00", "nul\\x00"),
        ("\x7f\x80\x9b\x9f", "\\x7f\\x80\\x9b\\x9f"),
        ("\xa0", "\\xa0"),
        ("\u200e\u200f\u061c", "\\u200e\\u200f\\u061c"),
        ("abc\u202edef", "abc\\u202edef"),
        ("\u202a\u202b\u202c\u202d", "\\u202a\\u202b\\u202c\\u202d"),
        ("\u2066\u2067\u2068\u2069", "\\u2066\\u2067\\u2068\\u2069"),
        ("one\u2028two\u2029three\x85four", "one\\u2028two\\u2029three\\x85four"),
        ("\ud800 \udfff", "\\ud800 \\udfff"),
        ("\ufeff\u200b\u00ad", "\\ufeff\\u200b\\xad"),
        ("\U000e0041", "\\U000e0041"),
    ],
    ids=ascii,
)
def test_what_acts_or_hides_is_made_visible(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_what_is_shown_is_one_line_that_does_nothing(text: str) -> None:
    shown = printable(text)

    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert printable(shown) == shown
