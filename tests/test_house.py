"""The house rules, read off the source: who may import whom, what things are called, how long."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES_MAX = 400
MONEY_FOLDERS = ("core/apply", "core/decide", "core/domain", "core/plan")
NAMES_NOT_USED = frozenset(
    stem + ending
    for stem in ("common", "data", "handler", "helper", "manager", "process", "service", "util")
    for ending in ("", "s", "es")
)
# `service` is the running `manage` and nothing else.
SERVICE_SPOKEN_OF = ("cli/", "core/operate/")
# Who may hold what it takes to write; to everyone else the ports are for reading.
HOLDERS = {
    "Mint": ("core/apply/",),
    "Receipt": ("core/apply/", "core/assembly", "core/brokers/", "core/ports/"),
    "BrokerWriter": ("core/apply/", "core/assembly", "core/brokers/"),
    "BookWriting": ("core/apply/", "core/assembly", "core/book/"),
}


def modules(root: Path) -> Iterator[tuple[str, str]]:
    for top in ("cli", "core"):
        for path in sorted((root / top).rglob("*.py")):
            yield path.relative_to(root).as_posix(), path.read_text("utf-8")


def defined_names(name: str, source: str) -> Iterator[tuple[int, str]]:
    yield 1, Path(name).parent.name
    yield 1, Path(name).stem
    for node in ast.walk(ast.parse(source, name)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name


def words(name: str) -> set[str]:
    return {part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def unwelcome_names(root: Path) -> Iterator[str]:
    for module, source in modules(root):
        unused = NAMES_NOT_USED
        if module.startswith(SERVICE_SPOKEN_OF):
            unused -= {"service", "services"}
        for line, name in defined_names(module, source):
            for word in sorted(words(name) & unused):
                yield f"{module}:{line}: {name} says {word!r}"


def long_modules(root: Path) -> Iterator[str]:
    for module, source in modules(root):
        if (length := len(source.splitlines())) > LINES_MAX:
            yield f"{module}:1: {length} lines"


def floats(root: Path) -> Iterator[str]:
    for module, source in modules(root):
        if not module.startswith(MONEY_FOLDERS):
            continue
        for node in ast.walk(ast.parse(source, module)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("float", "builtins.float"):
                yield f"{module}:{node.lineno}: {ast.unparse(node)}"


def mentions(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr


def writing_hands(root: Path) -> Iterator[str]:
    for module, source in modules(root):
        for line, name in mentions(source):
            if not module.startswith(HOLDERS.get(name, "")):
                yield f"{module}:{line}: {name}"


def folders_without_init(root: Path) -> Iterator[str]:
    """Neither the wheel nor import-linter sees such a folder, and both say nothing."""
    for module, _ in modules(root):
        for folder in list((root / module).relative_to(root).parents)[:-1]:
            if not (root / folder / "__init__.py").exists():
                yield f"{module}:1: no {folder.as_posix()}/__init__.py"


RULES: list[Callable[[Path], Iterator[str]]] = [
    unwelcome_names,
    long_modules,
    floats,
    writing_hands,
    folders_without_init,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_source_keeps(rule: Callable[[Path], Iterator[str]]) -> None:
    assert list(rule(ROOT)) == []


def plant(root: Path, files: dict[str, str]) -> None:
    for name, source in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")


@pytest.mark.parametrize(
    ("rule", "module", "source", "finding"),
    [
        (unwelcome_names, "core/apply/door.py", "\n\nclass OrderManager: ...", ":3: OrderManager"),
        (unwelcome_names, "core/apply/door.py", "def process_all(): ...", "says 'process'"),
        (unwelcome_names, "core/apply/door.py", "async def on_HTTPData(): ...", "says 'data'"),
        (unwelcome_names, "core/book/utils.py", "", "says 'utils'"),
        (unwelcome_names, "core/helpers/text.py", "", "says 'helpers'"),
        (unwelcome_names, "core/brokers/wire.py", "class Service: ...", "says 'service'"),
        (long_modules, "core/plan/plan.py", "x = 1\n" * 401, "401 lines"),
        (floats, "core/decide/size.py", "\nhalf = float('0.5')", ":2: float('0.5')"),
        (floats, "core/domain/money.py", "import builtins\nbuiltins.float(1)", ":2: "),
        (
            writing_hands,
            "core/operate/stage.py",
            "from core.ports.receipt import Receipt",
            "Receipt",
        ),
        (writing_hands, "core/brokers/paper.py", "from core.ports.receipt import Mint", ":1: Mint"),
        (writing_hands, "core/book/view.py", "from core import ports\nports.Mint()", ":2: Mint"),
        (writing_hands, "cli/main.py", "def run():\n from core.ports import BookWriting", ":2: "),
        (folders_without_init, "core/plan/plan.py", "", "no core/plan/__init__.py"),
    ],
)
def test_a_planted_violation_is_found(
    tmp_path: Path,
    rule: Callable[[Path], Iterator[str]],
    module: str,
    source: str,
    finding: str,
) -> None:
    plant(tmp_path, {module: source})
    found = list(rule(tmp_path))
    assert found
    assert all(each.startswith(module) for each in found)
    assert finding in found[0]


def test_what_only_looks_like_a_violation_is_let_be(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "cli/__init__.py": "",
            "cli/manage.py": "class Service: ...",
            "core/__init__.py": "",
            "core/apply/__init__.py": "from core.ports.receipt import Mint, Receipt",
            "core/apply/door.py": "class Database: ...\ndef processed(): float\n",
            "core/brokers/__init__.py": "seconds = float('1.5')",
        },
    )
    assert [found for rule in RULES for found in rule(tmp_path)] == []


# --- import directions, by the contracts of pyproject.toml --------------------------------------

LINT = (
    "import sys; from importlinter.cli import lint_imports;"
    "sys.exit(lint_imports(config_filename='pyproject.toml', no_cache=True, no_logo=True))"
)


def lint_imports(root: Path) -> tuple[int, str]:
    """In a process of its own: the planted house has packages of the same names as ours."""
    done = subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=root,
        env={**os.environ, "COLUMNS": "200", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def small_house(root: Path, leaks: dict[str, str]) -> None:
    rooms = ["api", "apply", "assembly", "book", "brokers", "config", "decide", "domain", "events"]
    rooms += ["host", "observe", "operate", "plan", "ports", "signals"]
    plant(root, {"cli/__init__.py": "", "core/__init__.py": "", "core/brokers/ib/__init__.py": ""})
    plant(root, {f"core/{room}/__init__.py": "" for room in rooms})
    plant(root, leaks)
    plant(root, {"pyproject.toml": (ROOT / "pyproject.toml").read_text("utf-8")})


def test_imports_go_down_only() -> None:
    code, said = lint_imports(ROOT)
    assert code == 0, said


def test_imports_that_go_down_are_kept(tmp_path: Path) -> None:
    small_house(
        tmp_path,
        {
            "cli/main.py": "import core.assembly, core.domain, time",
            "core/assembly/home.py": "import core.book, core.brokers.ccxt, core.brokers.ib.client",
            "core/book/sqlite.py": "import sqlite3, sqlite_utils, psycopg, core.ports",
            "core/brokers/ccxt.py": "import ccxt.async_support, asyncio",
            "core/brokers/ib/client.py": "import ib_insync\nimport ib_async",
            "core/events/rabbit.py": "import aio_pika",
            "core/operate/plan.py": "import core.apply, core.decide, core.observe",
        },
    )
    code, said = lint_imports(tmp_path)
    assert code == 0, said


LEAKS = [
    ("core.operate", "cli"),
    ("core.domain", "core.plan"),
    ("core.plan", "core.decide"),
    ("core.ports", "core.config"),
    ("core.observe", "core.decide"),
    ("core.decide", "core.observe"),
    ("core.apply", "core.operate"),
    ("core.operate", "core.book"),
    ("core.book", "core.brokers"),
    ("core.api", "core.events"),
    ("core.host", "core.signals"),
    ("core.brokers", "core.assembly"),
    ("core.domain", "time"),
    ("core.domain", "random"),
    ("core.plan", "socket"),
    ("core.plan", "logging"),
    ("core.decide", "asyncio"),
    ("core.decide", "httpx"),
    ("core.brokers", "ccxt"),
    ("core.brokers", "ib_insync"),
    ("core.brokers.ib", "ccxt"),
    ("cli", "ib_async"),
    ("core.operate", "sqlite3"),
    ("core.brokers", "sqlite_utils"),
    ("cli", "psycopg"),
    ("core.book", "aio_pika"),
]


def test_every_forbidden_import_is_reported(tmp_path: Path) -> None:
    leaks = {
        f"{package.replace('.', '/')}/leak{number}.py": f"import {target}"
        for number, (package, target) in enumerate(LEAKS)
    }
    small_house(tmp_path, leaks)
    code, said = lint_imports(tmp_path)
    assert code == 1
    expected = [f"{pkg}.leak{number} -> {target} (" for number, (pkg, target) in enumerate(LEAKS)]
    assert [each for each in expected if each not in said] == [], said
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    for contract in contracts["contracts"]:
        assert f"{contract['name']} BROKEN" in said


def test_a_purity_leak_by_way_of_a_third_module_is_reported(tmp_path: Path) -> None:
    small_house(
        tmp_path,
        {"core/decide/gates.py": "import core.ports.clock", "core/ports/clock.py": "import time"},
    )
    code, said = lint_imports(tmp_path)
    assert code == 1
    assert "core.ports.clock -> time" in said


def test_a_room_in_no_layer_is_reported(tmp_path: Path) -> None:
    small_house(tmp_path, {"core/attic.py": ""})
    code, said = lint_imports(tmp_path)
    assert code == 1
    assert "attic" in said
