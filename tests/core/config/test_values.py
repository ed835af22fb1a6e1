"""A key's type decides what its text means; nothing is guessed and nothing passes through float."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.config.keys import Key
from core.config.secret import Secret
from core.config.strict_yaml import Items, Node, Scalar
from core.config.values import Surroundings, read_value

FILE = Surroundings(Path("/home"), {}, from_file=True)
VARIABLE = Surroundings(Path("/home"), {}, from_file=False)


def key(kind: Any, **limits: Any) -> Key:
    return Key(name="k", kind=kind, default=None, limits={"meaning": "", **limits})


def in_file(kind: Any, text: str, *, quoted: bool = False, **limits: Any) -> Any:
    return read_value(key(kind, **limits), Scalar(text, 1, quoted), FILE)


def in_variable(kind: Any, text: str) -> Any:
    return read_value(key(kind), Scalar(text, 0), VARIABLE)


def listed(*texts: str) -> Node:
    items = Items(1)
    items.nodes += [Scalar(text, 1) for text in texts]
    return items


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (bool, "true", True),
        (bool, "False", False),
        (bool | None, "null", None),
        (bool | None, "", None),
        (bool | None, "true", True),
        (bool | str, "true", True),
        (bool | str, "p-20260105-7f3c2a", "p-20260105-7f3c2a"),
        (int, "300", 300),
        (int, "0", 0),
        (Decimal, "2.50", Decimal("2.50")),
        (Decimal, "0.1000000000000000055", Decimal("0.1000000000000000055")),
        (str, "./data/orders.db", "./data/orders.db"),
    ],
)
def test_a_file_says(kind: Any, text: str, value: Any) -> None:
    read = in_file(kind, text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((bool, text) for text in ("no", "yes", "on", "1", "0", "tRUE", "", "truee")),
        *((bool | str, text) for text in ("no", "all", "P-1", "p-", "7f3c2a", "")),
        *(
            (int, text)
            for text in ("012", "1_000", "0x1f", "12:30:45", "1.0", "1e3", "-0", "", "９")
        ),
        (int, "9" * 5000),
        *(
            (Decimal, text)
            for text in ("012", "1e3", "NaN", ".inf", "1_000", "-0", "12:30", "１２")
        ),
        (Decimal, "1e1000000"),
        *(
            (str, text)
            for text in ("no", "012", "12:30:45", "2026-01-05", "null", "", "1.5", "true")
        ),
        (list[str], "ES, MES"),
    ],
)
def test_a_file_does_not_say(kind: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|must"):
        in_file(kind, text)


def test_quotes_make_a_text_of_anything_and_a_boolean_of_nothing() -> None:
    assert in_file(str, "no", quoted=True) == "no"
    with pytest.raises(ValueError, match='"false" in quotes'):
        in_file(bool, "false", quoted=True)
    with pytest.raises(ValueError, match="must not be empty"):
        in_file(str, " ", quoted=True)


def test_the_text_to_put_in_quotes_is_named() -> None:
    with pytest.raises(ValueError, match='write "no" in quotes'):
        in_file(str, "no")


@pytest.mark.parametrize("text", ["1", "yes", "ON", "True"])
def test_a_variable_may_say_it_in_other_words(text: str) -> None:
    assert in_variable(bool, text) is True


def test_a_variable_lists_with_commas() -> None:
    assert in_variable(list[str], "ES, MES,,SPY ") == ["ES", "MES", "SPY"]


def test_a_list_is_a_list_of_texts() -> None:
    assert read_value(key(list[str]), listed("ES", "MES"), FILE) == ["ES", "MES"]
    with pytest.raises(ValueError, match='"012" in quotes'):
        read_value(key(list[str]), listed("ES", "012"), FILE)


def test_one_value_is_not_a_list() -> None:
    with pytest.raises(ValueError, match="single value"):
        read_value(key(int), listed("1"), FILE)


@pytest.mark.parametrize(
    ("kind", "text", "limits", "why"),
    [
        (int, "-1", {"at_least": 0}, "at least 0"),
        (Decimal, "0", {"above": 0}, "more than 0"),
        (str, "hedged", {"choices": ("one-way", "hedge")}, "one-way or hedge"),
        (str, "15", {"duration": True}, "expected a text"),
        (str, "15x", {"duration": True}, "not a duration"),
    ],
)
def test_limits_hold(kind: Any, text: str, limits: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        in_file(kind, text, **limits)


def test_limits_let_the_edge_through() -> None:
    assert in_file(int, "0", at_least=0) == 0
    assert in_file(str, "hedge", choices=("one-way", "hedge")) == "hedge"
    assert in_file(str, "15m", duration=True) == "15m"
    assert in_file(bool | None, "~", at_least=1) is None


def test_a_secret_is_a_reference_and_never_the_secret_itself() -> None:
    secret = in_file(Secret, "env:VENUE_KEY")
    assert secret == Secret("env:VENUE_KEY", root=Path("/home"), environment={})
    assert in_file(Secret | None, "") is None
    with pytest.raises(ValueError, match="env:NAME or file:PATH") as refusal:
        in_file(Secret, "canary-in-plain-sight")
    assert "canary" not in str(refusal.value)
