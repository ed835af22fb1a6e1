"""The written pages of the repository, read the way a test needs them: chapters, tables, blocks."""

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
GUIDE = ROOT / "docs" / "operator-guide.md"
DECISIONS = ROOT / "docs" / "decisions.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
ORDER_MANAGER = ROOT / "docs" / "order-manager.md"
PAGES = (README, GUIDE, DECISIONS, ARCHITECTURE, ORDER_MANAGER, ROOT / "CHANGELOG.md")

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_SHELL = frozenset({"&&", "||", ";", "|", ">", ">>"})
_PIPE = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Fenced:
    """One fenced block: its language and its lines."""

    language: str
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def chapter(page: Path, title: str) -> str:
    """Everything below a heading, up to the next one of the same rank or above."""
    lines = iter(text_of(page).splitlines())
    heading = next((line for line in lines if _title(line) == title), None)
    assert heading is not None, f"{page.name} has no chapter called {title!r}"
    rank, taken, fenced = len(heading) - len(heading.lstrip("#")), [], False
    for line in lines:
        fenced ^= line.startswith("```")
        if not fenced and re.match(rf"#{{1,{rank}}} ", line):
            break
        taken.append(line)
    return "\n".join(taken)


def _title(line: str) -> str | None:
    return line.lstrip("#").strip() if line.startswith("#") else None


def blocks(text: str, *languages: str) -> list[Fenced]:
    found = [Fenced(match[1], match[2]) for match in _FENCE.finditer(text)]
    return [block for block in found if not languages or block.language in languages]


def rows(text: str) -> list[list[str]]:
    """The rows of all tables in a text, without their heads."""
    found: list[list[str]] = []
    lines = re.sub(_FENCE, "", text).splitlines()
    for number, line in enumerate(lines):
        ruler = number + 1 < len(lines) and re.fullmatch(r"\|[-:| ]+\|", lines[number + 1])
        if line.startswith("|") and not re.fullmatch(r"\|[-:| ]+\|", line) and not ruler:
            found.append([cell.strip() for cell in _PIPE.split(line)[1:-1]])
    return found


def table(page: Path, title: str) -> dict[str, list[str]]:
    """The rows of one chapter's tables by what stands first in them, in backticks or bare."""
    found: dict[str, list[str]] = {}
    for first, *rest in rows(chapter(page, title)):
        for name in code(first) or [first]:
            assert name not in found, f"{page.name}, {title}: {name} has two rows"
            found[name] = rest
    return found


def code(text: str) -> list[str]:
    """What stands in backticks, fenced blocks left out."""
    return re.findall(r"`([^`]+)`", re.sub(_FENCE, "", text))


def commands(text: str) -> Iterator[list[str]]:
    """Every `trueup …` typed in a fenced block, without the shell around it."""
    for block in blocks(text, "sh", "console", "cron"):
        for line in block.lines:
            if block.language == "console" and not line.startswith("$ "):
                continue
            for words in _between(shlex.split(line, comments=True), _SHELL):
                if "trueup" in words:
                    yield words[words.index("trueup") + 1 :]


def _between(words: Iterable[str], marks: frozenset[str]) -> Iterator[list[str]]:
    for is_mark, part in groupby(words, marks.__contains__):
        if not is_mark:
            yield list(part)
