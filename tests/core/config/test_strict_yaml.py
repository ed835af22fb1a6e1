"""A configuration file is text; YAML's own ideas of types and references stay outside."""

import pytest
import yaml

from core.config.strict_yaml import Block, Items, Scalar, Unreadable, parse
from core.config.template import default_file


def read(text: str) -> Block:
    return parse(text.encode())


def test_scalars_keep_the_text_that_was_written() -> None:
    block = read("a: no\nb: 012\nc: 12:30:45\nd: 1.10\ne: 'no'\nf: 2026-01-05\n")
    assert block.entries == {
        "a": Scalar("no", 1),
        "b": Scalar("012", 2),
        "c": Scalar("12:30:45", 3),
        "d": Scalar("1.10", 4),
        "e": Scalar("no", 5, quoted=True),
        "f": Scalar("2026-01-05", 6),
    }


@pytest.mark.parametrize(
    "text",
    ["no", "on", "Yes", "012", "0x1f", "1_000", "12:30:45", "2026-01-05", "1.e+3", ".inf", "~"],
)
def test_what_yaml_would_turn_into_something_else_is_known(text: str) -> None:
    assert Scalar(text, 1).is_mistakable
    assert not Scalar(text, 1, quoted=True).is_mistakable


@pytest.mark.parametrize("text", ["./status", "main", "p-20260105-7f3c2a", "15m", "BTCUSDT"])
def test_plain_words_are_plain_words(text: str) -> None:
    assert not Scalar(text, 1).is_mistakable


def test_lists_and_sections_nest() -> None:
    block = read("RECONCILE:\n  spy_symbols: [ES, MES]\n  more:\n    - x\n")
    section = block.entries["RECONCILE"]
    assert isinstance(section, Block)
    symbols = section.entries["spy_symbols"]
    assert isinstance(symbols, Items)
    assert symbols.nodes == [Scalar("ES", 2), Scalar("MES", 2)]
    assert section.lines == {"spy_symbols": 2, "more": 3}


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "~\n"])
def test_an_empty_file_is_an_empty_configuration(text: str) -> None:
    assert read(text).entries == {}


def test_it_reads_the_same_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    text = default_file().encode()
    fast = parse(text)
    monkeypatch.setattr("core.config.strict_yaml._LOADER", yaml.SafeLoader)
    plain = parse(text)
    assert plain.lines == fast.lines
    assert plain.entries["DRY_RUN"] == fast.entries["DRY_RUN"]


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize(
    ("content", "line", "why"),
    [
        (BOMB.encode(), 1, "anchor &a"),
        (b"a: &a [*a]\n", 1, "anchor &a"),
        (b"a: 1\nb: *a\n", 2, "alias *a"),
        (b"a: 1\nb: !!python/object/apply:os.system ['true']\n", 2, "tag"),
        (b"a: !!str 1\n", 1, "tag"),
        (b"a: !x 1\n", 1, "tag"),
        (b"!!map {a: 1}\n", 1, "tag"),
        (b"a: 1\nb: 2\na: 3\n", 3, "a stands here and already on line 1"),
        (b"x:\n  a: 1\n  a: 1\n", 3, "already on line 2"),
        (b"? [a, b]\n: 1\n", 1, "a key is a plain word"),
        (b": 1\n", 1, "key"),
        (b"- a\n- b\n", 1, "expected lines of the form"),
        (b"just words\n", 1, "expected lines of the form"),
        (b"a: 1\n---\nb: 2\n", 2, "second document"),
        (b"a: 1\nb: [1, 2\n", 3, ""),
        (b"a: 1\n\tb: 2\n", 2, ""),
        (b"a: " + b"[" * 100_000, 1, "nested too deeply"),
        (b"{a: " * 50, 1, "nested too deeply"),
        (b"a: 1\n\xff\xfe", 2, "not UTF-8"),
        (b"\xef\xbb\xbfa: 1\n", 1, "byte order mark"),
        (b"a: 1\nb: \x00\n", 2, "control character"),
        (b"a: 1\nb: x\x1b[2J\n", 2, "control character"),
        (b"a: \xed\xa0\x80\n", 1, "not UTF-8"),
        (bytes(range(256)), 2, "not UTF-8"),
    ],
)
def test_what_is_not_plainly_a_configuration_is_refused(
    content: bytes, line: int, why: str
) -> None:
    with pytest.raises(Unreadable) as refusal:
        parse(content)
    assert why in refusal.value.why
    assert refusal.value.line == line
