"""Every line of the order manager's document has a row that names tests; every reason is told."""

import ast
import re

import pytest

from core.decide.qualify.reasons import REASONS
from tests.docs.pages import GUIDE, ORDER_MANAGER, ROOT, rows, table, text_of

REQUIREMENTS = [
    *(f"FR-{number:03}" for number in range(1, 28)),
    *(f"FR-005.{number}" for number in range(1, 12)),
]
CRITERIA = [f"SC-{number:03}" for number in range(1, 9)]
SCENARIOS = [
    f"{story}.{number}"
    for story, count in ((1, 18), (2, 4), (3, 3), (4, 4))
    for number in range(1, count + 1)
]
EDGES = [f"E{number}" for number in range(1, 25)]
NAME = re.compile(r"`(test_\w+)`")
LATER = ("waits for the REST interface", "waits for the events on RabbitMQ")

TABLE = rows(text_of(ORDER_MANAGER))


def existing() -> set[str]:
    return {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_line_has_one_row() -> None:
    told = [row[0] for row in TABLE]
    assert sorted(told) == sorted([*REQUIREMENTS, *CRITERIA, *SCENARIOS, *EDGES])


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_a_row_says_what_is_done_and_how_that_is_shown(row: list[str]) -> None:
    _, done, shown = row
    assert done.endswith(".")
    assert NAME.findall(shown) or shown in LATER, shown


def test_the_named_tests_exist() -> None:
    named = {name for row in TABLE for name in NAME.findall(row[2])}
    assert named - existing() == set()


def test_every_scenario_and_edge_case_that_is_tested_is_named() -> None:
    named = {name for row in TABLE for name in NAME.findall(row[2])}
    numbered = {
        node.name
        for path in (ROOT / "tests" / "service").glob("test_*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and re.match(r"test_(?:edge_\d\d|[1-4]_\d+)_", node.name)
    }
    assert numbered - named == set()


def test_the_guide_tells_every_reason_of_a_refusal() -> None:
    told = {name: row[0] for name, row in table(GUIDE, "Reasons of a refusal").items()}
    assert told == dict(REASONS)
