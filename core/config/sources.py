"""Where values come from: the file, the environment, flags. Here they are only collected."""

import re
from collections.abc import Iterator, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

from core.config.keys import Key, Shape, all_keys, keys_of, sections_of
from core.config.settings import Settings
from core.config.strict_yaml import Block, Node, Scalar

PREFIX = "TRUEUP_"
# Names with our prefix that are not configuration.
_NOT_KEYS = re.compile(r"TRUEUP_(HOME|TEST_.*|BENCH_.*)", re.ASCII)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}", re.ASCII)

# The names that an order-manager deployment already sets, for keys that mean the same here.
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "ORDERMANAGER_DRY_RUN": "DRY_RUN",
        "ORDERMANAGER_ENABLE_DRY_RUN": "DRY_RUN",
        "ORDERMANAGER_ENABLE_BALANCE_CHECK": "EXECUTION.enable_balance_check",
        "ORDERMANAGER_ENABLE_ORDER_SPLITTING": "EXECUTION.enable_order_splitting",
        "ORDERMANAGER_MAX_SINGLE_ORDER_SIZE": "EXECUTION.max_single_order_size",
        "ORDERMANAGER_ORDER_EXECUTION_TIMEOUT": "EXECUTION.order_timeout",
        "ORDERMANAGER_MARKET_ORDER_CONFIDENCE_THRESHOLD": "EXECUTION.market_confidence",
        "ORDERMANAGER_MARKET_ORDER_SPREAD_THRESHOLD": "EXECUTION.market_spread_pct",
        "ORDERMANAGER_LIMIT_ORDER_PRICE_OFFSET_RATIO": "EXECUTION.limit_offset_ratio",
        "ORDERMANAGER_CANCEL_OPPOSITE_ORDERS_ONLY": "EXECUTION.cancel_opposite_orders_only",
        "ORDERMANAGER_CANCEL_STALE_ORDER_TIMEOUT": "EXECUTION.cancel_stale_order_timeout",
        "ORDERMANAGER_POSITION_SNAPSHOT_INTERVAL": "POSITIONS.position_snapshot_interval",
        "ORDERMANAGER_POSITION_VALIDATION_INTERVAL": "POSITIONS.position_validation_interval",
        "ORDERMANAGER_UNREALIZED_LOSS_WARNING_THRESHOLD": "POSITIONS.unrealized_loss_warning_pct",
        "ORDERMANAGER_MAX_POSITION_SIZE": "RISK.max_position_size",
        "ORDERMANAGER_MAX_EXPOSURE": "RISK.max_exposure",
        "ORDERMANAGER_MAX_ORDER_SIZE_RATIO": "RISK.max_order_size_ratio",
    }
)


class Rank(IntEnum):
    """Who is heard first."""

    DEFAULT = 0
    FILE = 1
    ALIAS = 2
    ENVIRONMENT = 3
    FLAG = 4


class Given(NamedTuple):
    """One value as it was written, and where."""

    path: str
    key: Key
    node: Node
    rank: Rank
    source: str


class Collected(NamedTuple):
    given: tuple[Given, ...]
    # The names of each named section, in the order written.
    names: Mapping[str, tuple[str, ...]]
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def default_names() -> dict[str, tuple[str, ...]]:
    return {each.name: each.names for each in sections_of(Settings).values() if each.named}


# --- the file -------------------------------------------------------------------------------------


def from_file(block: Block, file_name: str) -> Collected:
    """The file's values; what does not belong there is a problem with its line."""
    return _FileReading(file_name).read(block)


class _FileReading:
    def __init__(self, file_name: str) -> None:
        self._file_name = file_name
        self._given: list[Given] = []
        self._problems: list[str] = []
        self._names = default_names()

    def read(self, block: Block) -> Collected:
        sections = sections_of(Settings)
        self._keys(block, Settings, "")
        for name in block.entries.keys() & sections.keys():
            section = sections[name]
            if (inner := self._block(block, name, name)) is None:
                continue
            if not section.named:
                self._keys(inner, section.shape, f"{name}.")
                continue
            self._names[name] = tuple(inner.entries)
            self._named(inner, section.shape, name)
        return Collected(tuple(self._given), self._names, tuple(self._problems))

    def _named(self, block: Block, shape: Shape, section: str) -> None:
        if not block.entries:
            self._problem(block.line, f"{section} needs at least one name")
        for name in block.entries:
            path = f"{section}.{name}"
            if not _NAME.fullmatch(name) or Scalar(name, 0).is_mistakable:
                self._problem(block.lines[name], f"{path!r:.60} is not a name to use here")
            elif inner := self._block(block, name, path):
                self._keys(inner, shape, f"{path}.")

    def _keys(self, block: Block, shape: Shape, prefix: str) -> None:
        known = keys_of(shape)
        sections = sections_of(shape)
        for name, node in block.entries.items():
            line = block.lines[name]
            if name in known:
                self._give(f"{prefix}{name}", known[name], node, line)
            elif name not in sections:
                self._problem(line, unknown(f"{prefix}{name}", self._names))

    def _give(self, path: str, key: Key, node: Node, line: int) -> None:
        source = f"{self._file_name}:{line}"
        self._given.append(Given(path=path, key=key, node=node, rank=Rank.FILE, source=source))

    def _block(self, outer: Block, name: str, path: str) -> Block | None:
        match outer.entries[name]:
            case Block() as inner:
                return inner
            case Scalar(means_nothing=True):
                return Block(outer.lines[name])
            case _:
                self._problem(outer.lines[name], f"{path} is a section: put its keys below it")
                return None

    def _problem(self, line: int, text: str) -> None:
        self._problems.append(f"{self._file_name}:{line}: {text}")


def unknown(path: str, names: Mapping[str, tuple[str, ...]]) -> str:
    """Says that there is no such key, and which one is nearest."""
    from difflib import get_close_matches

    known = [each for each, _ in all_keys(names)] + list(sections_of(Settings))
    spelled = {each.lower(): each for each in known}
    near = get_close_matches(path.lower(), spelled, n=1, cutoff=0.5)
    # A key may also have been written outside its section.
    last = {each.rpartition(".")[2].lower(): each for each in known}
    near = near or get_close_matches(path.rpartition(".")[2].lower(), last, n=1)
    hint = f"; the nearest known key is {spelled.get(near[0], last.get(near[0]))}" if near else ""
    return f"{path!r:.60} is not a known key{hint}"


# --- the environment and flags --------------------------------------------------------------------


def from_environment(
    environment: Mapping[str, str], names: Mapping[str, tuple[str, ...]]
) -> Collected:
    """TRUEUP_<KEY>, TRUEUP_<SECTION>__<KEY>, and the aliases."""
    keys = dict(all_keys(names))
    variables = {variable_of(path): path for path in keys}
    given: list[Given] = []
    problems: list[str] = []
    warnings: list[str] = []
    for variable, text in sorted(environment.items()):
        if path := variables.get(variable) or ALIASES.get(variable):
            rank = Rank.ALIAS if variable in ALIASES else Rank.ENVIRONMENT
            given += _spoken(path, keys[path], text, rank, variable)
        elif (told := _secret_file(variable, variables)) and _is_secret(keys[told]):
            given += _spoken(told, keys[told], f"file:{text}", Rank.ENVIRONMENT, variable)
        elif variable.startswith(PREFIX) and not _NOT_KEYS.fullmatch(variable):
            told_path = variable.removeprefix(PREFIX).replace("__", ".")
            # Two underscores are a section, so it cannot be meant for anything else.
            noted = problems if "." in told_path else warnings
            noted.append(f"{variable}: {unknown(told_path, names)}")
    return Collected(tuple(given), names, tuple(problems), tuple(warnings))


def from_flags(flags: Mapping[str, tuple[str, str]], keys: Mapping[str, Key]) -> Iterator[Given]:
    """`flags` maps a key's path to the flag's name and its text."""
    for path, (flag, text) in flags.items():
        yield from _spoken(path, keys[path], text, Rank.FLAG, flag)


def variable_of(path: str) -> str:
    """The environment variable that stands for a key."""
    return PREFIX + path.replace(".", "__").replace("-", "_").upper()


def _spoken(path: str, key: Key, text: str, rank: Rank, source: str) -> list[Given]:
    if not text and key.name not in ("DRY_RUN", "SAFE_MODE", "DRY_RUN_CONFIRM"):
        # Left empty by whatever wrote the environment: as good as not set.
        return []
    if rank is Rank.ENVIRONMENT and _is_secret(key) and source == variable_of(path):
        text = f"env:{source}"
    return [Given(path=path, key=key, node=Scalar(text, 0), rank=rank, source=source)]


def _secret_file(variable: str, variables: Mapping[str, str]) -> str | None:
    return variables.get(variable.removesuffix("_FILE")) if variable.endswith("_FILE") else None


def _is_secret(key: Key) -> bool:
    return "Secret" in str(key.kind)
