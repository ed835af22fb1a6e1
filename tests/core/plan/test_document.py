"""JSON as it must be: what a person could not have meant is refused, shortly and at once."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import BrokenDocument
from core.plan.document import canonical, digest_of, pretty, read_json

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
documents: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def read(content: bytes | str, bytes_max: int = 1 << 20) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    return read_json(raw, name="plan.json", bytes_max=bytes_max)


# --- what is read -----------------------------------------------------------------------------


@given(documents)
def test_what_is_written_is_read_back(document: Any) -> None:
    assert read(pretty(document)) == document


@given(documents, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_it_may_be_laid_out_differently(document: Any, indent: Any, ascii_only: bool) -> None:
    """An editor or another program has saved the file: the same values, another layout."""
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)

    assert read(text) == document


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ('{"a": 1, "b": {"a": 1}, "c": [{"a": 1}, {"a": 1}]}', None),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\\\ud800"', "\\ud800"),
        ('"\\\\u0000"', "\\u0000"),
        ('"\\u001b"', "\x1b"),
        ("-0", 0),
        ("9223372036854775808", 2**63),
    ],
)
def test_it_may_be_unusual(content: str, value: Any) -> None:
    assert read(content) == (json.loads(content) if value is None else value)


# --- what is refused --------------------------------------------------------------------------

WRONG = {
    "nothing": "",
    "white space": " \n",
    "cut off": '{"a": [1, 2',
    "trailing": '{"a": 1} {"a": 1}',
    "trailing comma": '{"a": 1,}',
    "single quotes": "{'a': 1}",
    "comment": '{"a": 1} // one',
    "NaN": '{"a": NaN}',
    "Infinity": "[Infinity]",
    "-Infinity": "[-Infinity]",
    "1e999": '{"quantity": 1e999}',
    "1e1000000": '{"quantity": 1e1000000}',
    "fraction": '{"quantity": 1.5}',
    "exponent": '{"quantity": 1e5}',
    "5,000 digits": '{"quantity": ' + "9" * 5_000 + "}",
    "leading zero": "[01]",
    "plus": "[+1]",
    "full-width digit": "[\uff11]",
    "duplicate key": '{"a": 1, "a": 1}',
    "duplicate key inside": '{"x": [{"a": 1, "b": 2, "a": 3}]}',
    "duplicate key by escape": '{"a": 1, "\\u0061": 2}',
    "raw NUL": '"\x00"',
    "raw newline in text": '"a\nb"',
    "raw escape in text": '"\x1b[31m"',
    "NUL": '{"a": "\\u0000"}',
    "NUL after a backslash": '"\\\\\\u0000"',
    "NUL in a key": '{"\\u0000": 1}',
    "high surrogate": '"\\ud800"',
    "low surrogate": '["\\udfff"]',
    "surrogates the wrong way round": '"\\ude00\\ud83d"',
    "surrogate in a key": '{"\\ud800": 1}',
    "surrogate after a backslash": '"\\\\\\ud800"',
    "byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "invalid UTF-8": b'{"a": "\xff\xfe"}',
    "overlong UTF-8": b'"\xc0\xaf"',
    "surrogate in UTF-8": b'"\xed\xa0\x80"',
    "cut UTF-8": b'"\xe2\x82"',
    "bare NUL bytes": b"\x00" * 100,
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG.keys())
def test_what_nobody_meant_is_refused(content: bytes | str) -> None:
    with pytest.raises(BrokenDocument, match=r"^plan\.json is not ") as caught:
        read(content)

    assert len(caught.value.message) < 200
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("name", ["fraction", "duplicate key", "NUL", "5,000 digits", "1e999"])
def test_our_own_layout_is_no_excuse(name: str) -> None:
    """The file looks just as we write it, apart from one thing that we never write."""
    content = str(WRONG[name])
    inner = content.removeprefix("{").removesuffix("}")
    ours = '{\n  "b": 1,\n  ' + inner.replace(", ", ",\n  ") + "\n}\n"

    with pytest.raises(BrokenDocument):
        read(ours)


def test_the_key_that_is_there_twice_is_named() -> None:
    many = ", ".join(f'"k{n}": {n}' for n in range(200_000))

    with pytest.raises(BrokenDocument, match="the key 'k199999' appears twice"):
        read("{" + many + ', "k199999": 0}', bytes_max=1 << 23)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'], ids=["lists", "objects", "both"])
@pytest.mark.parametrize("depth", [100_000, 10_000, 2_000])
def test_nesting_ends_somewhere(opening: str, depth: int) -> None:
    with pytest.raises(BrokenDocument, match="nested too deeply"):
        read(opening * depth)


@pytest.mark.parametrize("depth", range(900, 1_010, 3))
def test_whatever_depth_is_read_can_be_covered_by_a_digest(depth: int) -> None:
    try:
        document = read("[" * depth + "]" * depth)
    except BrokenDocument:
        return
    assert digest_of(document)


def test_size_is_limited_before_anything_is_decoded() -> None:
    assert read("[]", bytes_max=2) == []
    with pytest.raises(BrokenDocument, match=r"plan\.json is larger than 2 bytes"):
        read("[1]", bytes_max=2)
    with pytest.raises(BrokenDocument, match="larger"):
        read(b"\xff" * 100, bytes_max=99)


@given(st.binary(max_size=60))
def test_no_bytes_at_all_cause_any_other_error(content: bytes) -> None:
    try:
        document = read(content)
    except BrokenDocument:
        return
    assert canonical(document)


# --- what is written --------------------------------------------------------------------------


def test_the_spelling_for_digests_knows_no_order_of_keys() -> None:
    document = {"b": [1, {"y": None, "x": True}], "a": "ä"}
    same = {"a": "ä", "b": [1, {"x": True, "y": None}]}

    assert (
        canonical(document) == canonical(same) == '{"a":"ä","b":[1,{"x":true,"y":null}]}'.encode()
    )
    assert digest_of(document) == digest_of(same)


def test_a_digest_is_the_one_that_any_tool_computes() -> None:
    """printf '{"a":1}' | sha256sum"""
    assert digest_of({"a": 1}) == (
        "sha256:015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    )


def test_a_file_is_laid_out_for_people() -> None:
    assert pretty({"a": [], "b": [1, "ä"], "c": {}}) == (
        '{\n  "a": [],\n  "b": [\n    1,\n    "ä"\n  ],\n  "c": {}\n}\n'.encode()
    )
