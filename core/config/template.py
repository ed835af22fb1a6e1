"""The configuration file that `trueup init` writes: every key, its meaning and its default."""

import json
import re
import textwrap
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from core.config.keys import Key, keys_of, sections_of
from core.config.settings import Settings
from core.config.strict_yaml import Scalar

_WIDTH = 96
# What YAML leaves alone without quotes.
_PLAIN = re.compile(r"[A-Za-z./][A-Za-z0-9_./-]*", re.ASCII)
_HEAD = """\
# The configuration of this trueup home. Every key stands here with its default; a key that is
# left out has it too. `trueup config check` reads this file and says what is wrong with it,
# `trueup config show` prints what is in effect and why.
#
# The first three keys are the gates, and they are shut. Step by step:
#   look   DRY_RUN: true   SAFE_MODE: true   DRY_RUN_CONFIRM: false  plan and stage, no more
#   stage  DRY_RUN: false  SAFE_MODE: false  DRY_RUN_CONFIRM: false  staged, reviewed, not applied
#   apply  DRY_RUN: false  SAFE_MODE: false  DRY_RUN_CONFIRM: true   applied once confirmed
# For them the strictest of file, environment and status/SAFE_MODE counts. To stop everything at
# once: trueup safe-mode on
"""


def default_file() -> str:
    """A file that, read back, gives exactly the defaults."""
    lines = [_HEAD]
    for key in keys_of(Settings).values():
        lines += [*_entry(key, ""), ""]
    for section in sections_of(Settings).values():
        lines += [*_comment(section.meaning, ""), f"{section.name}:"]
        for name in section.names:
            lines.append(f"  {name}:")
        indent = "    " if section.named else "  "
        for key in keys_of(section.shape).values():
            lines += _entry(key, indent)
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def written(value: Any) -> str:
    """A value as the file writes it."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case Decimal():
            return format(value, "f")
        case int():
            return str(value)
        case list():
            return f"[{', '.join(written(each) for each in value)}]"
        case _:
            return _text(str(value))


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and not Scalar(text, 0).is_mistakable:
        return text
    return json.dumps(text, ensure_ascii=False)


def _entry(key: Key, indent: str) -> Iterator[str]:
    yield from _comment(key.meaning, indent)
    yield f"{indent}{key.name}: {written(key.default)}"


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
    )
