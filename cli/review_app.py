"""The interactive review: walk the actions, see before and after, decide, settle matches, seal.

The app only collects what the reviewer says; nothing is written until it closes (review_screen.py).
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from rich.markup import escape
from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import DataTable, Footer, Input, Static

from cli.safe_text import safe
from cli.views.changes import essence, sign_of
from cli.views.plan import summary_text
from core.domain.ambiguity import AmbiguousMatch, Choice
from core.domain.text import Row, to_row
from core.operate.matching import Settlement
from core.plan.change import class_of, is_informational
from core.plan.plan import Action, Decision, Plan

_STYLES = {
    Decision.APPROVE: "green",
    Decision.PENDING: "yellow",
    Decision.SKIP: "dim",
    Decision.REJECT: "red",
}


_COLUMNS = ("sign", "id", "what", "symbol", "class", "decision")


@dataclass(slots=True)
class Said:
    """What the reviewer said before leaving."""

    decisions: dict[str, tuple[Decision, str]] = field(default_factory=dict)
    matches: dict[str, Settlement] = field(default_factory=dict)
    seal: bool = False
    # False when the reviewer left without keeping anything.
    keep: bool = False


class ReviewApp(App[Said]):
    CSS = """
    DataTable { width: 3fr; }
    #detail { width: 4fr; padding: 0 2; border-left: solid $panel; }
    #note { display: none; dock: bottom; }
    #note.asking { display: block; }
    #sum { height: 1; padding: 0 1; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "decide('approve')", "approve"),
        Binding("s", "decide('skip')", "skip"),
        Binding("r", "decide('reject')", "reject"),
        Binding("p", "decide('pending')", "undecided"),
        Binding("n", "note", "note"),
        Binding("i", "settle('insert')", "insert match"),
        Binding("x", "settle('ignore')", "ignore match"),
        Binding("S", "seal", "save and seal"),
        Binding("w", "save", "save"),
        Binding("q,escape", "leave", "leave"),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, plan: Plan):
        super().__init__()
        self._plan = plan
        self._said = Said()
        self._matches = {match.id: match for match in plan.ambiguous}

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield DataTable(cursor_type="row", zebra_stripes=True)
            with VerticalScroll(id="detail"):
                yield Static(id="told")
        yield Static(escape(f"{self._plan.plan_id}   {summary_text(self._plan.summary)}"), id="sum")
        yield Input(placeholder="a note, kept with the decision", id="note")
        yield Footer()

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        for column in _COLUMNS:
            table.add_column("" if column == "sign" else column, key=column)
        for match in self._plan.ambiguous:
            table.add_row(*self._match_cells(match), key=match.id)
        for action in self._plan.actions:
            table.add_row(*self._action_cells(action), key=action.id)
        table.focus()

    # --- what stands on the screen --------------------------------------------------------------

    def _action_cells(self, action: Action) -> list[Text]:
        sign, _ = sign_of(action.change)
        decision, _note = self._decision_of(action)
        told = "" if is_informational(action.change) else decision.value
        return [
            Text(sign),
            Text(action.id),
            Text(action.change.kind),
            Text(safe(action.change.symbol)),
            Text(class_of(action.change).value, style="dim"),
            Text(told, style=_STYLES[decision]),
        ]

    def _match_cells(self, match: AmbiguousMatch) -> list[Text]:
        settlement = self._said.matches.get(match.id)
        told = "open" if settlement is None else settlement.choice.value
        return [
            Text("?"),
            Text(match.id),
            Text(match.reason.value),
            Text(safe(match.broker_order.symbol)),
            Text("match", style="dim"),
            Text(told, style="yellow" if settlement is None else "green"),
        ]

    def _decision_of(self, action: Action) -> tuple[Decision, str]:
        return self._said.decisions.get(action.id, (action.decision, action.decision_note))

    @on(DataTable.RowHighlighted)
    def follow_cursor(self, event: DataTable.RowHighlighted) -> None:
        if event.row_key.value is not None:
            self._tell(event.row_key.value)

    def _tell(self, name: str) -> None:
        told = self.query_one("#told", Static)
        if name in self._matches:
            told.update(_match_table(self._matches[name]))
        elif action := self._plan.action(name):
            _, note = self._decision_of(action)
            told.update(_action_table(action, note))

    def _current(self) -> str:
        table = self.query_one(DataTable)
        return str(table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value)

    def _redraw(self, name: str) -> None:
        table = self.query_one(DataTable)
        if name in self._matches:
            cells = self._match_cells(self._matches[name])
        else:
            action = self._plan.action(name)
            assert action is not None
            cells = self._action_cells(action)
        for column, cell in zip(_COLUMNS, cells, strict=True):
            table.update_cell(name, column, cell)
        self._tell(name)

    # --- what the reviewer does -----------------------------------------------------------------

    def action_decide(self, word: str) -> None:
        action = self._plan.action(self._current())
        if action is None or is_informational(action.change):
            self.bell()  # a match is chosen, inserted or ignored; information needs no decision
            return
        _, note = self._decision_of(action)
        self._said.decisions[action.id] = (Decision(word), note)
        self._redraw(action.id)
        self.query_one(DataTable).action_cursor_down()

    def action_note(self) -> None:
        if self._plan.action(self._current()) is None:
            self.bell()
            return
        note = self.query_one("#note", Input)
        note.add_class("asking")
        note.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        action = self._plan.action(self._current())
        if action is not None:
            decision, _ = self._decision_of(action)
            self._said.decisions[action.id] = (decision, event.value.strip())
            self._redraw(action.id)
        event.input.value = ""
        event.input.remove_class("asking")
        self.query_one(DataTable).focus()

    def key_digit(self, number: int) -> None:
        match = self._matches.get(self._current())
        if match is None or number > len(match.candidates):
            self.bell()
            return
        order_id = match.candidates[number - 1].book_order.order_id
        self._said.matches[match.id] = Settlement(choice=Choice.MATCH, order_id=order_id)
        self._redraw(match.id)

    def on_key(self, event: object) -> None:
        character = getattr(event, "character", None)
        if character and character in "123456789" and not self.query_one("#note").has_focus:
            self.key_digit(int(character))

    def action_settle(self, word: str) -> None:
        match = self._matches.get(self._current())
        if match is None:
            self.bell()
            return
        self._said.matches[match.id] = Settlement(choice=Choice(word))
        self._redraw(match.id)

    def action_save(self) -> None:
        self.exit(replace(self._said, keep=True))

    def action_seal(self) -> None:
        self.exit(replace(self._said, keep=True, seal=True))

    def action_leave(self) -> None:
        note = self.query_one("#note", Input)
        if note.has_focus:
            note.remove_class("asking")
            self.query_one(DataTable).focus()
        else:
            self.exit(replace(self._said, keep=False))


def _action_table(action: Action, note: str) -> Table:
    """Before and after, field by field; what differs stands out."""
    change = action.change
    before = {} if change.before is None else to_row(change.before)
    after = {} if change.after is None else to_row(change.after)
    table = Table(box=None, show_header=True, padding=(0, 2, 0, 0))
    for title in ("", "before", "after"):
        table.add_column(title, header_style="dim")
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if old is None and new is None:
            continue
        style = "" if old == new else "bold"
        table.add_row(Text(name, style="dim"), _shown(old, style), _shown(new, style))
    whole = Table.grid(padding=(0, 0, 1, 0))
    whole.add_row(Text(f"{action.id}  {change.kind}  {safe(change.symbol)}", style="bold"))
    whole.add_row(Text(safe(essence(change))))
    whole.add_row(Text(safe(change.because)))
    if action.depends_on:
        whole.add_row(Text(f"waits for {', '.join(action.depends_on)}", style="dim"))
    if note:
        whole.add_row(Text(f"note: {safe(note)}", style="italic"))
    whole.add_row(table)
    return whole


def _match_table(match: AmbiguousMatch) -> Table:
    order: Row = to_row(match.broker_order)
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("broker", header_style="dim")
    for number, candidate in enumerate(match.candidates, start=1):
        table.add_column(f"{number}: {safe(candidate.book_order.order_id)}", header_style="dim")
    rows = [to_row(candidate.book_order) for candidate in match.candidates]
    for name, value in order.items():
        theirs = [row.get("order_type" if name == "type" else name) for row in rows]
        if value is None and not any(theirs):
            continue
        cells = [_shown(each, "" if each == value else "bold") for each in theirs]
        table.add_row(Text(name, style="dim"), _shown(value, ""), *cells)
    whole = Table.grid(padding=(0, 0, 1, 0))
    whole.add_row(Text(f"{match.id}  {match.reason}", style="bold"))
    whole.add_row(Text("1-9 choose a candidate, i insert as new, x ignore", style="dim"))
    whole.add_row(table)
    return whole


def _shown(value: object, style: str) -> Text:
    return Text("–" if value is None else safe(value), style=style)
