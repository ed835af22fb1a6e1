"""Cutting a document without parsing it: the pieces put together are what a parser would find."""

import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.domain.errors import BrokenDocument
from core.observe import snapshot_index
from core.observe.snapshot_decode import Document

TRICKY = st.sampled_from(
    ['"', "\\", "[", "]", "{", "}", ",", ":", "},{", "]}", '"symbol"', '"],"a":', "\\\\", "é", "x"]
)
TEXTS = st.lists(TRICKY, max_size=5).map("".join)
SCALARS = st.none() | st.booleans() | st.integers(-99, 99) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
ROWS = st.lists(
    st.fixed_dictionaries({"symbol": TEXTS}, optional={"a": VALUES, "b": VALUES}), max_size=30
)
DOCUMENTS = st.dictionaries(TEXTS, VALUES | ROWS, min_size=1, max_size=5)
LAYOUTS = st.sampled_from(
    [{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}, {"indent": 70}]
)


@given(DOCUMENTS, LAYOUTS, st.sampled_from([300, 1000, 1 << 17]))
@example({"rows": [{"symbol": "},{", "a": '"symbol":"]'}] * 20}, {}, 300)
@example({"rows": [{"symbol": "x", "legs": [{}, {}]}] * 20, "z": "]"}, {}, 300)
def test_pieces_add_up_to_the_whole(
    document: dict[str, Any], layout: dict[str, Any], window: int
) -> None:
    content = json.dumps(document, **layout).encode()
    with patch.object(snapshot_index, "WINDOW_BYTES", window):
        read = Document(content)
        assert set(read.names()) == set(document)
        for name, value in document.items():
            if not isinstance(value, list):
                assert read.whole(name, Any) == value
                continue
            items: list[Any] = []
            for first, piece in read.pieces(name, Any):
                assert first == len(items)
                items += piece
            assert items == value


@given(
    DOCUMENTS,
    st.integers(min_value=0, max_value=10_000),
    st.binary(min_size=0, max_size=3),
    st.integers(0, 4),
)
def test_a_damaged_document_is_read_as_a_parser_would_or_refused(
    document: dict[str, Any], at: int, put: bytes, cut: int
) -> None:
    content = json.dumps(document).encode()
    at %= len(content)
    content = content[:at] + put + content[at + cut :]
    try:
        expected = json.loads(content)
    except ValueError:
        expected = None
    with patch.object(snapshot_index, "WINDOW_BYTES", 300):
        try:
            read = Document(content)
            found: dict[str, Any] = {}
            for name in read.names():
                if read.is_array(name):
                    found[name] = [item for _, piece in read.pieces(name, Any) for item in piece]
                else:
                    found[name] = read.whole(name, Any)
        except BrokenDocument:
            return
    assert found == expected


def test_rows_without_brackets_or_backslashes_are_never_walked() -> None:
    rows = [{"symbol": "BTCUSDT", "note": "},{ ] nearly"}] * 5000
    content = json.dumps({"rows": rows, "after": 1}).encode()
    with patch.object(snapshot_index, "_slow_cut", side_effect=AssertionError):
        plain = json.dumps({"rows": [{"symbol": "},{"}] * 50_000, "after": 1}).encode()
        assert sum(len(piece) for _, piece in Document(plain).pieces("rows", Any)) == 50_000
    assert sum(len(piece) for _, piece in Document(content).pieces("rows", Any)) == 5000


@pytest.mark.parametrize("indent", [None, 1, 4])
def test_pieces_are_about_a_window_long(indent: int | None) -> None:
    rows = [{"symbol": "BTCUSDT", "quantity": "1"}] * 20_000
    content = json.dumps({"rows": rows}, indent=indent).encode()
    values = snapshot_index.index_of(snapshot_index.Source(content))
    sizes = [end - start for start, end in values["rows"].pieces]
    assert len(sizes) > 1
    assert max(sizes) <= snapshot_index.WINDOW_BYTES
    assert min(sizes[:-1]) > snapshot_index.WINDOW_BYTES * 0.9
