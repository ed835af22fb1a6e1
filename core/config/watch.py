"""The gates now: asked before every single action, so that the stop button stops the next one."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from core.config.effective import Effective, Flags, assemble, read_config
from core.config.gates import SHUT, Gates
from core.config.settings import SAFETY_KEYS
from core.domain.errors import Usage


class GateWatch:
    """Looks at the sentinel and the configuration file anew each time it is asked.

    The file is read whole and compared: a modification time could miss an edit made within one
    tick of the clock. It is parsed only when it changed.
    """

    def __init__(self, root: Path, environment: Mapping[str, str], flags: Flags | None = None):
        self._root = root
        self._environment = environment
        self._flags = flags
        self._content: bytes | None = None
        self._effective: Effective | None = None

    def now(self) -> Gates:
        """The gates at this moment; shut when the configuration cannot be read."""
        try:
            return self._current().gates()
        except Usage as error:
            why = f"the configuration cannot be read: {error}"
            return replace(SHUT, why=dict.fromkeys(SAFETY_KEYS, why))

    def _current(self) -> Effective:
        content = read_config(self._root)
        if self._effective is None or content != self._content:
            self._effective = assemble(self._root, content, self._environment, self._flags)
            self._content = content
        return self._effective
