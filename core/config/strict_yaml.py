"""The part of YAML that a configuration needs, read without YAML's opinions about types.

A scalar stays the text that the operator wrote; the key it belongs to decides what it means. So
`no`, `012`, `12:30:45` and 1.10 never turn into something else on the way. Aliases, tags, duplicate
keys, deep nesting and oversized files are refused.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

BYTES_MAX = 256 * 1024
_DEPTH_MAX = 8
# Built on libyaml where there is one; the two give the same events.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")


class Unreadable(ValueError):
    """The text is not a configuration; `line` is where that shows, from 1."""

    def __init__(self, line: int, why: str):
        super().__init__(why)
        self.line = line
        self.why = why


class Scalar(NamedTuple):
    text: str
    line: int
    quoted: bool = False

    @property
    def means_nothing(self) -> bool:
        """Whether it is YAML's null: left empty, `~` or `null`."""
        return not self.quoted and self.text in ("", "~", "null", "Null", "NULL")

    @property
    def is_mistakable(self) -> bool:
        """Whether YAML 1.1 would take it for something other than text: no, 012, 2026-01-05."""
        resolvers = yaml.SafeLoader.yaml_implicit_resolvers.get(self.text[:1], [])
        return not self.quoted and any(pattern.match(self.text) for _, pattern in resolvers)


class Items:
    """A list of nodes."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.nodes: list[Node] = []


class Block:
    """Keys with their nodes, and the line on which each key stands."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.entries: dict[str, Node] = {}
        self.lines: dict[str, int] = {}


Node = Scalar | Items | Block


def parse(content: bytes) -> Block:
    """The configuration's one mapping; an empty file is an empty mapping."""
    text = _decoded(content)
    try:
        root = _Builder().build(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise Unreadable(_line(error.problem_mark), error.problem or "not YAML") from None
    except yaml.YAMLError:
        raise Unreadable(1, "not YAML") from None
    if root is None or (isinstance(root, Scalar) and root.means_nothing):
        return Block(1)
    if not isinstance(root, Block):
        raise Unreadable(root.line, "expected lines of the form KEY: value")
    return root


def _line(mark: Any) -> int:
    """From 1; what has no mark is told of at the top."""
    return 1 if mark is None else int(mark.line) + 1


def _decoded(content: bytes) -> str:
    if content.startswith(b"\xef\xbb\xbf"):
        raise Unreadable(1, "starts with a byte order mark; save it as UTF-8 without one")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(line, "not UTF-8 text") from None
    if found := _CONTROL.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise Unreadable(line, f"contains the control character {found.group()!a}")
    return text


class _Builder:
    """Puts the parser's events together, with a stack of its own instead of recursion."""

    def __init__(self) -> None:
        self._open: list[Items | Block] = []
        # One waiting key for each open block.
        self._keys: list[Scalar | None] = []
        self._root: Node | None = None

    def build(self, events: Iterator[yaml.Event]) -> Node | None:
        documents = 0
        for event in events:
            line = _line(event.start_mark)
            match event:
                case yaml.AliasEvent():
                    raise Unreadable(line, f"the alias *{event.anchor} is refused; write it out")
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        raise Unreadable(line, "a second document starts here")
                case yaml.NodeEvent() if event.anchor is not None:
                    raise Unreadable(line, f"the anchor &{event.anchor} is refused")
                case yaml.ScalarEvent() | yaml.CollectionStartEvent() if event.tag is not None:
                    raise Unreadable(line, f"the tag {event.tag} is refused")
                case yaml.ScalarEvent():
                    self._add(Scalar(event.value, line, quoted=bool(event.style)))
                case yaml.MappingStartEvent():
                    self._enter(Block(line))
                case yaml.SequenceStartEvent():
                    self._enter(Items(line))
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._open.pop()
                    self._keys.pop()
        return self._root

    def _enter(self, node: Items | Block) -> None:
        if len(self._open) >= _DEPTH_MAX:
            raise Unreadable(node.line, "nested too deeply")
        self._add(node)
        self._open.append(node)
        self._keys.append(None)

    def _add(self, node: Node) -> None:
        match self._open[-1] if self._open else None:
            case None:
                self._root = node
            case Items() as items:
                items.nodes.append(node)
            case Block() as block:
                self._add_to(block, node)

    def _add_to(self, block: Block, node: Node) -> None:
        key = self._keys[-1]
        if key is None:
            self._keys[-1] = _as_key(node, block)
            return
        block.entries[key.text] = node
        block.lines[key.text] = key.line
        self._keys[-1] = None


def _as_key(node: Node, block: Block) -> Scalar:
    if not isinstance(node, Scalar) or node.means_nothing:
        raise Unreadable(node.line, "a key is a plain word")
    if node.text in block.entries:
        first = block.lines[node.text]
        raise Unreadable(node.line, f"{node.text} stands here and already on line {first}")
    return node
