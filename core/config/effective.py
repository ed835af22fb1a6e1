"""The configuration in effect: every value with where it came from.

Flag before environment before file before default. The safety keys do not follow that order: the
strictest of everything said counts, what cannot be read counts as restricted, and the default
counts where nobody says anything.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from core.config.clashes import clashes
from core.config.contradictions import contradictions
from core.config.gates import Gates, Word, strictest
from core.config.home import CONFIG_FILE, SENTINEL, Home, within
from core.config.keys import Key, Shape, all_keys, keys_of, sections_of
from core.config.misfits import misfits
from core.config.opening import read_plain_file, reason
from core.config.sentinel import is_present, read_notice
from core.config.settings import SAFETY_KEYS, Settings
from core.config.sources import Given, Rank, from_environment, from_file, from_flags
from core.config.strict_yaml import BYTES_MAX, Block, Scalar, Unreadable, parse
from core.config.values import Surroundings, read_value
from core.domain.errors import Usage

Flags = Mapping[str, tuple[str, str]]
_DEFAULT = "default"


class Setting(NamedTuple):
    """One value in effect."""

    path: str
    value: Any
    # The file and line, the variable, the flag, the sentinel, or "default".
    source: str


class Effective(NamedTuple):
    settings: Settings
    home: Home
    # What file, environment and flags say about the gates, the sentinel apart.
    spoken: Gates
    values: tuple[Setting, ...]
    # Every place where a sentinel would count.
    sentinels: tuple[Path, ...]
    # Safety values that could not be read and therefore count as restricted.
    unreadable: tuple[str, ...] = ()
    # Those, and what else should be mended although it stops nothing.
    warnings: tuple[str, ...] = ()

    def gates(self) -> Gates:
        """The gates, with a look at the sentinel now."""
        if found := present_sentinel(self.sentinels):
            why = {**self.spoken.why, "SAFE_MODE": sentinel_source(found, self.home.root)}
            return replace(self.spoken, safe_mode=True, why=why)
        return self.spoken


def load(root: Path, environment: Mapping[str, str], flags: Flags | None = None) -> Effective:
    """Reads everything; a Usage error lists all that is wrong with it."""
    return assemble(root, read_config(root), environment, flags)


def read_config(root: Path) -> bytes:
    """The configuration file as it lies there now."""
    try:
        return read_plain_file(root / CONFIG_FILE, BYTES_MAX)[0]
    except OSError as error:
        raise Usage(f"{CONFIG_FILE} {reason(error)}", hint=_mend(root)) from None


def assemble(
    root: Path, content: bytes, environment: Mapping[str, str], flags: Flags | None = None
) -> Effective:
    """The configuration in effect when the file has this content."""
    return _Weighing(root, content, environment, flags or {}).effective()


class _Weighing:
    """Weighs what all sources say, key by key."""

    def __init__(
        self, root: Path, content: bytes, environment: Mapping[str, str], flags: Flags
    ) -> None:
        self._root = root
        self._environment = environment
        written = from_file(_parsed(content, root), str(CONFIG_FILE))
        spoken = from_environment(environment, written.names)
        self._keys = dict(all_keys(written.names))
        self._names = written.names
        self._given = _by_path([*written.given, *spoken.given, *from_flags(flags, self._keys)])
        self._problems = [*written.problems, *spoken.problems]
        self._unreadable: list[str] = []
        self._warnings = list(spoken.warnings)

    def effective(self) -> Effective:
        weighed = {path: self._weigh(path, key) for path, key in self._keys.items()}
        if self._problems:
            raise _wrong(self._problems, self._root)
        spoken = _gates(weighed)
        sentinels = self._sentinels(str(weighed["STATUS_DIR"].value))
        weighed["SAFE_MODE"] = _with_sentinel(weighed["SAFE_MODE"], sentinels, self._root)
        settings = _settings({path: word.value for path, word in weighed.items()}, self._names)
        if opposed := [*contradictions(settings), *_misfits(settings, weighed)]:
            raise _wrong(opposed, self._root)
        return Effective(
            settings=settings,
            home=Home.of(self._root, settings),
            spoken=spoken,
            values=tuple(
                Setting(path=path, value=word.value, source=word.source)
                for path, word in weighed.items()
            ),
            sentinels=sentinels,
            unreadable=tuple(self._unreadable),
            warnings=(*self._unreadable, *self._warnings, *clashes(settings.ACCOUNTS)),
        )

    def _weigh(self, path: str, key: Key) -> Word:
        given = self._given.get(path, [])
        if path in SAFETY_KEYS:
            words = [self._safety_word(each) for each in given]
            return strictest(path, words or [Word(copy(key.default), _DEFAULT)])
        if not given:
            return Word(copy(key.default), _DEFAULT)
        first = max(given, key=lambda each: each.rank)
        try:
            return Word(self._read(first), first.source)
        except ValueError as error:
            self._problems.append(f"{first.source}: {path}: {error}")
            return Word(copy(key.default), _DEFAULT)

    def _safety_word(self, given: Given) -> Word:
        try:
            return Word(self._read(given), given.source)
        except ValueError as error:
            restricted = SAFETY_KEYS[given.path]
            told = str(restricted).lower()
            self._unreadable.append(f"{given.source}: {given.path} counts as {told}: {error}")
            return Word(restricted, f"{given.source} (cannot be read)")

    def _read(self, given: Given) -> Any:
        around = Surroundings(self._root, self._environment, given.rank is Rank.FILE)
        return read_value(given.key, given.node, around)

    def _sentinels(self, status_dir: str) -> tuple[Path, ...]:
        """In the usual place, in the one the file names and in the one in effect.

        So a variable that moves STATUS_DIR cannot leave a sentinel behind, and `safe-mode on` may
        write the usual one without reading any configuration.
        """
        told = [Settings().STATUS_DIR, status_dir]
        told += [
            each.node.text
            for each in self._given.get("STATUS_DIR", ())
            if isinstance(each.node, Scalar)
        ]
        return tuple(dict.fromkeys(within(self._root, text) / SENTINEL for text in told))


def _with_sentinel(word: Word, sentinels: Iterable[Path], root: Path) -> Word:
    if found := present_sentinel(sentinels):
        return Word(True, sentinel_source(found, root))
    return word


def present_sentinel(sentinels: Iterable[Path]) -> Path | None:
    return next((path for path in sentinels if is_present(path)), None)


def sentinel_source(path: Path, root: Path) -> str:
    """The sentinel's name and what it tells."""
    return f"{os.path.relpath(path, root)}{read_notice(path)}"


def _parsed(content: bytes, root: Path) -> Block:
    try:
        return parse(content)
    except Unreadable as error:
        raise _wrong([f"{CONFIG_FILE}:{error.line}: {error.why}"], root) from None


def _wrong(problems: list[str], root: Path) -> Usage:
    if len(problems) == 1:
        return Usage(problems[0], hint=_mend(root))
    return Usage(
        f"the configuration has {len(problems)} mistakes", details=problems, hint=_mend(root)
    )


def _mend(root: Path) -> str:
    return f"edit {root / CONFIG_FILE}, then: trueup config check"


def _by_path(given: Iterable[Given]) -> dict[str, list[Given]]:
    found: dict[str, list[Given]] = {}
    for each in given:
        found.setdefault(each.path, []).append(each)
    return found


def _misfits(settings: Settings, weighed: Mapping[str, Word]) -> Iterator[str]:
    """What does not fit its account, with where it stands; of what is missing, where that does."""
    for name, account in settings.ACCOUNTS.items():
        for key, why in misfits(account):
            path = f"ACCOUNTS.{name}.{key}"
            source = weighed[path].source
            if source == _DEFAULT:
                source = weighed[f"ACCOUNTS.{name}.broker"].source
            yield f"{source}: {path}: {why}"


def _gates(weighed: Mapping[str, Word]) -> Gates:
    return Gates(
        dry_run=weighed["DRY_RUN"].value,
        safe_mode=weighed["SAFE_MODE"].value,
        confirm=weighed["DRY_RUN_CONFIRM"].value,
        why={gate: weighed[gate].source for gate in SAFETY_KEYS},
    )


def _settings(values: Mapping[str, Any], names: Mapping[str, tuple[str, ...]]) -> Settings:
    told: dict[str, Any] = {name: values[name] for name in keys_of(Settings)}
    for section in sections_of(Settings).values():

        def filled(prefix: str, shape: Shape = section.shape) -> Any:
            return shape(**{name: values[f"{prefix}.{name}"] for name in keys_of(shape)})

        if section.named:
            told[section.name] = {
                name: filled(f"{section.name}.{name}") for name in names[section.name]
            }
        else:
            told[section.name] = filled(section.name)
    return Settings(**told)
