"""From the text that was written to the value it means; strict, and never by way of float."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from core.config.durations import parse_duration
from core.config.keys import Key
from core.config.secret import Secret
from core.config.strict_yaml import Items, Node, Scalar
from core.domain.errors import Usage
from core.domain.money import parse_decimal
from core.domain.window import parse_window

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,11})", re.ASCII)
# A host with or without a port; neither a path nor a login belongs to it.
ADDRESS = re.compile(r"https?://[^/?#@\s]+/?", re.ASCII)
_PLAN_ID = re.compile(r"p-[0-9a-z][0-9a-z-]{2,60}", re.ASCII)
_FILE_WORDS = {"true": True, "false": False, "True": True, "False": False}
_FILE_WORDS |= {"TRUE": True, "FALSE": False}
# A variable has no types, so the words that people put into variables count too.
_VARIABLE_WORDS = {"true": True, "1": True, "yes": True, "on": True}
_VARIABLE_WORDS |= {"false": False, "0": False, "no": False, "off": False}


class Surroundings(NamedTuple):
    """What a reference inside a value may point at, and whether the text has YAML's quoting."""

    root: Path
    environment: Mapping[str, str]
    from_file: bool


def read_value(key: Key, node: Node, around: Surroundings) -> Any:
    """The key's value; a ValueError says what is expected and what stands there."""
    value = _READERS[key.kind](node, around)
    for limit, check in _LIMITS.items():
        if limit in key.limits and value is not None:
            check(value, key.limits[limit])
    return value


# --- readers, by the type of the key --------------------------------------------------------------


def _text_of(node: Node) -> str:
    if not isinstance(node, Scalar):
        raise ValueError("expected a single value here")
    return node.text


def _read_bool(node: Node, around: Surroundings) -> bool:
    text = _text_of(node)
    if around.from_file:
        if text in _FILE_WORDS and isinstance(node, Scalar) and not node.quoted:
            return _FILE_WORDS[text]
    elif text.lower() in _VARIABLE_WORDS:
        return _VARIABLE_WORDS[text.lower()]
    raise ValueError(f"expected true or false, not {_shown(node)}")


def _read_optional_bool(node: Node, around: Surroundings) -> bool | None:
    if isinstance(node, Scalar) and node.means_nothing:
        return None
    return _read_bool(node, around)


def _read_confirm(node: Node, around: Surroundings) -> bool | str:
    text = _text_of(node)
    if _PLAN_ID.fullmatch(text):
        return text
    try:
        return _read_bool(node, around)
    except ValueError:
        raise ValueError(f"expected true, false or a plan id, not {_shown(node)}") from None


def _read_int(node: Node, around: Surroundings) -> int:
    text = _text_of(node)
    if not _WHOLE.fullmatch(text) or text == "-0":
        raise ValueError(f"expected a whole number, not {_shown(node)}")
    return int(text)


def _read_decimal(node: Node, around: Surroundings) -> Decimal:
    try:
        return parse_decimal(_text_of(node))
    except ValueError:
        raise ValueError(f"expected a number such as 2.5, not {_shown(node)}") from None


def _read_str(node: Node, around: Surroundings) -> str:
    text = _text_of(node)
    if around.from_file and isinstance(node, Scalar) and node.is_mistakable:
        raise ValueError(f'expected a text; if {text} is meant, write "{text}" in quotes')
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _read_optional_str(node: Node, around: Surroundings) -> str | None:
    if isinstance(node, Scalar) and node.means_nothing:
        return None
    return _read_str(node, around)


def _read_list(node: Node, around: Surroundings) -> list[str]:
    if isinstance(node, Items):
        return [_read_str(item, around) for item in node.nodes]
    if around.from_file:
        raise ValueError("expected a list such as [ES, MES]")
    return [part.strip() for part in _text_of(node).split(",") if part.strip()]


def _read_secret(node: Node, around: Surroundings) -> Secret:
    return Secret(_text_of(node), root=around.root, environment=around.environment)


def _read_optional_secret(node: Node, around: Surroundings) -> Secret | None:
    if isinstance(node, Scalar) and node.means_nothing:
        return None
    return _read_secret(node, around)


def _shown(node: Node) -> str:
    if isinstance(node, Scalar) and node.means_nothing:
        return "nothing"
    text = _text_of(node)
    return (
        f'"{text:.40}" in quotes' if isinstance(node, Scalar) and node.quoted else f"{text!r:.42}"
    )


_READERS: Mapping[Any, Callable[[Node, Surroundings], Any]] = MappingProxyType(
    {
        bool: _read_bool,
        bool | None: _read_optional_bool,
        bool | str: _read_confirm,
        int: _read_int,
        Decimal: _read_decimal,
        str: _read_str,
        str | None: _read_optional_str,
        list[str]: _read_list,
        Secret: _read_secret,
        Secret | None: _read_optional_secret,
    }
)

# --- limits, by the name under which settings.py states them --------------------------------------


def _at_least(value: Any, least: int) -> None:
    if value < least:
        raise ValueError(f"must be at least {least}")


def _at_most(value: Any, most: int) -> None:
    if value > most:
        raise ValueError(f"must be at most {most}")


def _above(value: Any, floor: int) -> None:
    if value <= floor:
        raise ValueError(f"must be more than {floor}")


def _one_of(value: Any, choices: tuple[str, ...]) -> None:
    """A word, or each word of a list."""
    for word in value if isinstance(value, list) else [value]:
        if word not in choices:
            raise ValueError(f"must be {' or '.join(choices)}, not {word!r:.42}")


def _is_tiers(value: list[str], _: bool) -> None:
    """Each a gain and a step; without one from 0 on a small gain would have no step."""
    gains = []
    for word in value:
        gain, colon, step = word.partition(":")
        try:
            numbers = parse_decimal(gain), parse_decimal(step)
        except ValueError:
            raise ValueError(f"must be GAIN:STEP, such as 50:2, not {word!r:.42}") from None
        if not colon or numbers[0] < 0 or numbers[1] <= 0:
            raise ValueError(f"needs a gain of 0 or more and a step above 0, not {word!r:.42}")
        gains.append(numbers[0])
    if 0 not in gains:
        raise ValueError("needs a tier from 0 on, such as 0:5")


def _is_windows(value: list[str], _: bool) -> None:
    for text in value:
        parse_window(text)


def _is_duration(value: Any, _: bool) -> None:
    try:
        parse_duration(value)
    except Usage as error:
        raise ValueError(f"{error}: {error.hint}") from None


def _is_address(value: Any, _: bool) -> None:
    """The text itself stays out of the message: there may be a password in it."""
    if not ADDRESS.fullmatch(value):
        raise ValueError("expected an address such as http://127.0.0.1:8900, and nothing behind it")


_LIMITS: Mapping[str, Callable[[Any, Any], None]] = MappingProxyType(
    {
        "at_least": _at_least,
        "at_most": _at_most,
        "above": _above,
        "choices": _one_of,
        "duration": _is_duration,
        "tiers": _is_tiers,
        "windows": _is_windows,
        "address": _is_address,
    }
)
