"""What is printed, plain and in colour; what comes from outside never acts on the screen."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from cli.colour import ColourScreen
from cli.safe_text import safe, width
from cli.screen import Cell, Column, Screen, Tone, wants_colour
from cli.views.changes import SIGNS
from core.plan.change import KINDS

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = "[/] [link=x] \x1b]52;c;aGk=\x07\u202egpj.exe"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Pipe(io.StringIO):
    """Whoever read it is gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


@dataclass
class Sheet:
    """A screen and what it printed."""

    screen: Screen
    out: io.StringIO
    err: io.StringIO


def plain_sheet(**told: object) -> Sheet:
    out, err = io.StringIO(), io.StringIO()
    return Sheet(Screen(out, err, **told), out, err)  # type: ignore[arg-type]


def colour_sheet(**told: object) -> Sheet:
    out, err = Terminal(), Terminal()
    screen = ColourScreen(out, err, columns=80, colours="standard", **told)
    return Sheet(screen, out, err)


# --- external text --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("BTCUSDT 10 @ 100", "BTCUSDT 10 @ 100"),
        ("Grüße, 建玉, ∓ → …", "Grüße, 建玉, ∓ → …"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[2J\x07\x00\x7f", "\\x1b[2J\\x07\\x00\\x7f"),
        ("\x9b31m\xa0\xad", "\\x9b31m\\xa0\\xad"),
        ("abc\u202egpj.exe\u2066", "abc\\u202egpj.exe\\u2066"),
        ("\u200bzero\ufeff\u2028\u2029", "\\u200bzero\\ufeff\\u2028\\u2029"),
        ("\ud800 \U000e0041", "\\ud800 \\U000e0041"),
        ("[/] [bold]", "[/] [bold]"),
    ],
)
def test_what_would_act_or_hide_becomes_visible(text: str, shown: str) -> None:
    assert safe(text) == shown
    assert safe(safe(text)) == shown


def test_columns_are_counted_as_a_terminal_gives_them() -> None:
    assert [width(text) for text in ("abc", "建玉", "é", "e\u0301")] == [3, 4, 1, 1]


# --- golden renderings ----------------------------------------------------------------------------


def orders(screen: Screen) -> None:
    """One of everything that a command may print."""
    screen.heading("Orders")
    screen.table(
        ["", "symbol", "side", Column("quantity", right=True), Column("price", right=True), "note"],
        [
            (Cell("+", Tone.ADD), "BTCUSDT", "buy", Decimal("10.500"), Decimal(100), "new"),
            (Cell("~", Tone.CHANGE), "建玉", "sell", Decimal("0.001"), None, Cell("x", Tone.DIM)),
            (Cell("-", Tone.REMOVE), "ES", "sell", 1, Decimal("-4000.25"), HOSTILE),
            (Cell("?", Tone.ASK), "SPY", "buy", 200, "600", "at " + "length " * 20),
        ],
    )
    screen.line()
    screen.table(["id"], [], empty="no alerts")
    screen.pairs([("gates", Cell("SAFE_MODE on", Tone.BAD)), ("last run", None), ("age", "4 min")])
    screen.line("Plan: ", Cell("1 to insert", Tone.ADD), ", nothing else. " + "far " * 30)
    screen.next("trueup stage --ttl 15m")
    screen.note("read 4 orders")
    screen.warn(f"odd text: {HOSTILE}")
    screen.detail("only with --verbose\nand line by line")
    screen.trouble(
        "the plan is stale",
        details=["BTCUSDT filled_quantity 4 → 5"],
        after="Nothing was changed.",
        hint="trueup stage",
    )


@pytest.mark.parametrize(
    ("make", "golden"), [(plain_sheet, "screen_plain.txt"), (colour_sheet, "screen_colour.txt")]
)
def test_the_screen_looks_as_it_should(make: Callable[..., Sheet], golden: str) -> None:
    sheet = make(verbose=True)
    orders(sheet.screen)
    found = f"{sheet.out.getvalue()}--- messages ---\n{sheet.err.getvalue()}"
    assert found.replace("\x1b", "␛") == (GOLDEN / golden).read_text("utf-8")


def test_plain_lines_are_never_cut_and_carry_no_escape() -> None:
    sheet = plain_sheet()
    orders(sheet.screen)
    assert "\x1b" not in sheet.out.getvalue() + sheet.err.getvalue()
    assert "length " * 19 + "length\n" in sheet.out.getvalue()
    assert not [line for line in sheet.out.getvalue().splitlines() if line.endswith(" ")]


def test_both_screens_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, colour = plain_sheet(), colour_sheet()
    for sheet in (plain, colour):
        sheet.screen.table(["a", Column("b", right=True)], [("x", 1), ("yy", Decimal("22.0"))])
        sheet.screen.pairs([("name", "value")])
    stripped = colour.out.getvalue()
    for code in ("\x1b[2m", "\x1b[1m", "\x1b[0m"):
        stripped = stripped.replace(code, "")
    assert [line.rstrip() for line in stripped.splitlines()] == plain.out.getvalue().splitlines()


# --- quiet, verbose, json, csv --------------------------------------------------------------------


def test_quiet_leaves_warnings_errors_and_documents() -> None:
    sheet = plain_sheet(quiet=True)
    orders(sheet.screen)
    sheet.screen.json({"a": 1})
    sheet.screen.csv(["a"], [[1]])
    assert sheet.out.getvalue() == '{\n  "a": 1\n}\na\n1\n'
    assert [line.split()[0] for line in sheet.err.getvalue().splitlines()] == [
        "warning:",
        "error:",
        "BTCUSDT",
        "Nothing",
        "next:",
    ]


def test_with_json_stdout_belongs_to_the_document() -> None:
    sheet = plain_sheet()
    sheet.screen.only_json = True
    sheet.screen.line("working")
    sheet.screen.next("trueup stage")
    sheet.screen.json({"done": True})
    assert json.loads(sheet.out.getvalue()) == {"done": True}
    assert sheet.err.getvalue() == "working\nnext: trueup stage\n"


def test_json_spells_nouns_as_the_book_does_and_keeps_to_ascii() -> None:
    @dataclass(frozen=True)
    class Noun:
        price: Decimal

    sheet = plain_sheet()
    document = {
        "noun": Noun(Decimal("1.50")),
        "at": datetime(2026, 1, 5, 12, tzinfo=UTC),
        "tone": Tone.ADD,
        "path": Path("/x"),
        "set": {"b", "a"},
        "text": HOSTILE,
    }
    sheet.screen.json(document)
    assert sheet.out.getvalue().isascii()
    assert "\x1b" not in sheet.out.getvalue()
    assert json.loads(sheet.out.getvalue()) == {
        "noun": {"price": "1.5"},
        "at": "2026-01-05T12:00:00Z",
        "tone": "add",
        "path": "/x",
        "set": ["a", "b"],
        "text": HOSTILE,
    }


def test_a_document_in_bytes_goes_out_as_it_stands() -> None:
    sheet = plain_sheet()
    sheet.screen.json(b'{"a":1}\n')
    assert sheet.out.getvalue() == '{"a":1}\n'


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+cmd", "'+cmd"),
        ("-x", "'-x"),
        ("@sum", "'@sum"),
        (Decimal("-4.50"), "-4.5"),
        ("-4.5", "-4.5"),
        (None, ""),
        ("a\nb", "a\\nb"),
        ("a,b", '"a,b"'),
        ("\t=1", "\\t=1"),
    ],
)
def test_csv_runs_no_formula_and_keeps_numbers(value: object, cell: str) -> None:
    sheet = plain_sheet()
    sheet.screen.csv(["name", "x"], [[value, 1]])
    assert sheet.out.getvalue() == f"name,x\n{cell},1\n"


# --- terminals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("out", "environment", "plain_asked", "colour"),
    [
        (Terminal(), {"TERM": "xterm"}, False, True),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": ""}, False, True),
        (io.StringIO(), {"TERM": "xterm"}, False, False),
        (Terminal(), {"TERM": "dumb"}, False, False),
        (Terminal(), {}, False, False),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, False, False),
        (Terminal(), {"TERM": "xterm"}, True, False),
    ],
)
def test_colour_is_for_terminals_whose_user_did_not_decline(
    out: io.StringIO, environment: Mapping[str, str], plain_asked: bool, colour: bool
) -> None:
    assert wants_colour(out, environment, plain_asked=plain_asked) is colour


def test_messages_in_a_file_have_no_colour_even_when_stdout_is_a_terminal() -> None:
    out, err = Terminal(), io.StringIO()
    ColourScreen(out, err, columns=80, colours="standard").warn("careful")
    assert err.getvalue() == "warning: careful\n"


def test_work_shows_only_on_a_terminal() -> None:
    for sheet, shows in ((plain_sheet(), False), (colour_sheet(), True)):
        with sheet.screen.working("reading broker"):
            pass
        assert ("reading broker" in sheet.err.getvalue()) is shows
    quiet = colour_sheet(quiet=True)
    with quiet.screen.working("reading broker"):
        pass
    assert quiet.err.getvalue() == ""


@pytest.mark.parametrize(("typed", "answer"), [("off\n", "off"), ("  off \n", "off"), ("", None)])
def test_a_question_goes_to_stderr_and_its_answer_comes_back(typed: str, answer: str) -> None:
    sheet = plain_sheet(stdin=io.StringIO(typed), may_ask=True)
    assert sheet.screen.ask("Type off:") == answer
    assert sheet.err.getvalue() == "Type off: "


def test_nobody_is_asked_where_nobody_is() -> None:
    sheet = plain_sheet(stdin=io.StringIO("off\n"), may_ask=False)
    assert sheet.screen.ask("Type off:") is None
    assert sheet.err.getvalue() == ""


def test_a_closed_pipe_silences_the_screen_and_not_the_work() -> None:
    err = io.StringIO()
    screen = Screen(Pipe(), err)
    screen.line("one")
    screen.line("two")
    screen.warn("still told")
    assert isinstance(screen.broken, BrokenPipeError)
    assert err.getvalue() == "warning: still told\n"


def test_every_kind_of_change_has_its_sign() -> None:
    assert SIGNS.keys() == KINDS.keys()
