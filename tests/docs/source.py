"""What the program can say, read out of its source: a new word fails until it is explained."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from core.domain import problem
from core.domain.snapshot import PARTS
from tests.docs.pages import ROOT

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(folder: str) -> Iterator[ast.Module]:
    place = ROOT / folder
    for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
        yield _parsed(path)


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path.relative_to(ROOT)))


def calls(tree: ast.AST, names: Iterable[str]) -> Iterator[ast.Call]:
    wanted = set(names)
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in wanted:
                yield node


def fragments(node: ast.expr) -> list[str]:
    """The constant parts of a text, in their order."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return [part for each in parts for part in fragments(each)]
        case ast.BinOp(left=left, right=right):
            return fragments(left) + fragments(right)
    return []


# --- problem codes --------------------------------------------------------------------------------


def problem_codes() -> set[str]:
    """Every code that a Problem of core is ever made with."""
    return {
        code
        for tree in modules("core")
        for function in ast.walk(tree)
        if isinstance(function, Function)
        for call in calls(function, ["Problem"])
        for code in _codes(call, function)
    }


def _codes(call: ast.Call, function: Function) -> Iterator[str]:
    told = call.args[0] if call.args else next(k.value for k in call.keywords if k.arg == "code")
    match told:
        case ast.Constant(value=str(code)):
            yield code
        case ast.Name(id=name) if name.isupper():
            yield getattr(problem, name)
        case ast.JoinedStr(values=[ast.FormattedValue(), ast.Constant(value="_"), _]):
            # One code for each part of the broker's answer and each way in which it can lack.
            yield from (f"{part}_{lack}" for part in PARTS for lack in _assigned(function, "code"))
        case _:
            raise AssertionError(f"which code is {ast.unparse(told)}? Teach tests/docs/source.py")


def _assigned(function: Function, name: str) -> Iterator[str]:
    """The constants that a local name is given, also by way of a tuple."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            match target, node.value:
                case ast.Name(id=each), ast.Constant(value=str(text)) if each == name:
                    yield text
                case ast.Tuple(elts=names), ast.Tuple(elts=values):
                    for each_name, value in zip(names, values, strict=True):
                        if ast.unparse(each_name) == name and isinstance(value, ast.Constant):
                            yield str(value.value)


# --- refusals -------------------------------------------------------------------------------------

DOOR = (
    "core/apply/refusals.py",
    "core/apply/staleness.py",
    "core/apply/door.py",
    "core/apply/lock.py",
    "core/decide/gates.py",
)
REFUSALS = {"Tampered", "Stale", "Ambiguous", "Unresolved", "Blocked", "Locked", "Unavailable"}


def refusals() -> list[list[str]]:
    """The constant parts of every message with which the door stays shut."""
    found = []
    for path in DOOR:
        for tree in modules(path):
            for call in calls(tree, REFUSALS | {"Verdict"}):
                is_verdict = isinstance(call.func, ast.Name) and call.func.id == "Verdict"
                found.append(fragments(call.args[1 if is_verdict else 0]))
    # A message without words of its own passes on those of a problem.
    return [message for message in found if max(map(len, message), default=0) > len("account ")]


# --- doctor ---------------------------------------------------------------------------------------


def doctor_checks() -> set[str]:
    """What `doctor` names its findings; `NAME` stands for the account."""
    names = set()
    for tree in modules("core/operate/checking.py"):
        for call in calls(tree, ["fine", "warn", "fail"]):
            match call.args[0]:
                case ast.Constant(value=str(text)):
                    names.add(text)
                case ast.Name(id="name"):
                    names.add("account NAME")
                case ast.JoinedStr(values=[ast.FormattedValue(), ast.Constant(value=str(rest))]):
                    names.add(f"account NAME{rest}")
                case other:
                    raise AssertionError(f"what is {ast.unparse(other)} called?")
    return names
