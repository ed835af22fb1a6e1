"""How the pages are written: examples that load, files and links that exist, no noise."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.brokers.paper.simulation import simulation_from
from core.config.effective import assemble
from core.config.home import Home
from core.observe.snapshot_file import read_snapshot
from tests.docs.pages import (
    ARCHITECTURE,
    DECISIONS,
    GUIDE,
    PAGES,
    README,
    ROOT,
    blocks,
    chapter,
    code,
    text_of,
)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@each_page
def test_no_decoration(page: Path) -> None:
    assert re.findall(r".*(?:—| -- |!!|🚀|✅).*", text_of(page)) == []


@each_page
def test_no_path_of_a_machine_and_no_address(page: Path) -> None:
    prose, tops = text_of(page), "home|Users|work|root|tmp|opt|srv|mnt|var|usr"
    assert re.findall(rf"(?<![\w.~])/(?:{tops})\b.*", prose) == []
    assert (
        re.findall(r"\w+://(?!(?:USER:PASSWORD@)?HOST:PORT)\S*|index-url|/simple\b|pypi\S*", prose)
        == []
    )


@each_page
def test_lines_that_can_be_read_on_a_small_screen(page: Path) -> None:
    """Tables and what the program prints may be wider."""
    prose = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.M | re.S)
    wide = [line for line in prose.splitlines() if len(line) > 120 and not line.startswith("|")]
    assert wide == []


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", text_of(page)):
        path, _, anchor = target.partition("#")
        aimed = (page.parent / path).resolve() if path else page
        assert aimed.exists(), target
        assert not anchor or anchor in anchors(aimed), target


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.M)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def test_the_first_screen_of_the_guide_is_the_stop_button() -> None:
    screen = text_of(GUIDE).splitlines()[:30]
    assert "trueup safe-mode on" in "\n".join(screen[:6])
    assert any("trueup apply --resume" in line for line in screen)


# --- examples -------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [README, GUIDE], ids=lambda page: page.name)
def test_every_yaml_example_is_a_configuration(page: Path, tmp_path: Path) -> None:
    for block in blocks(text_of(page), "yaml"):
        effective = assemble(tmp_path, block.text.encode(), {})
        assert effective.warnings == ()


def test_the_simulation_example_is_one() -> None:
    (example,) = blocks(chapter(GUIDE, "Rehearsing on paper"), "json")
    assert len(simulation_from(json.loads(example.text)).faults) == 2


def test_the_fault_of_the_exercise_is_one() -> None:
    exercise = text_of(GUIDE).partition("An exercise: `")[2].partition("`")[0]
    assert simulation_from(json.loads(f"{{{exercise}}}")).faults


def test_the_snapshot_example_is_one() -> None:
    (example,) = blocks(chapter(GUIDE, "Snapshot format"), "json")
    told = read_snapshot(example.text.encode())
    assert (len(told.orders), len(told.executions), told.complete) == (1, 1, False)


# --- files ----------------------------------------------------------------------------------------

TREE = [
    path.relative_to(ROOT).as_posix()
    for top in ("bench", "cli", "config", "core", "docs", "tests")
    for path in (ROOT / top).rglob("*")
    if "__pycache__" not in path.parts
] + [path.name for path in ROOT.iterdir()]
HOME_FILES = {str(getattr(Home.of(Path("/")), name)).removeprefix("/") for name in Home.__slots__}


def mentioned(page: Path) -> Iterator[str]:
    """What stands in backticks and looks like a file or a folder of the repository."""
    for each in code(text_of(page)):
        if re.fullmatch(r"[\w.-]+(/[\w.-]*)+|[\w-]+\.(py|md|toml|yml|lock)", each):
            yield each.rstrip("/")


@pytest.mark.parametrize("page", [ARCHITECTURE, DECISIONS], ids=lambda page: page.name)
def test_files_that_are_mentioned_exist(page: Path) -> None:
    """By their full path, or by a name that some folder has."""
    names = set(mentioned(page))
    assert names
    known = (*TREE, *HOME_FILES)
    lost = [
        name for name in sorted(names) if not any(f"/{each}".endswith(f"/{name}") for each in known)
    ]
    assert lost == []


def test_the_package_shows_the_readme() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["readme"] == README.name
