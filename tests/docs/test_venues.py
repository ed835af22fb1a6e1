"""What the guide says of venues: how one is emulated and steered, and what doctor asks of it."""

import ast
import json
import shlex
import sys
from collections.abc import Iterator

import pytest

from tests.docs.pages import GUIDE, blocks, chapter, code, rows, table
from tests.docs.source import calls, modules
from tests.venues import runner
from tests.venues.bybit import BybitVenue
from tests.venues.faults import NAMED, Fault
from tests.venues.ib import __main__ as gateway
from tests.venues.mexc import MexcVenue
from tests.venues.steering import PREFIX, Steering

REHEARSING = "Rehearsing against an emulated venue"


def typed(program: str) -> Iterator[list[str]]:
    """The words after the program's name, of each line that types it."""
    for block in blocks(chapter(GUIDE, REHEARSING), "sh"):
        for line in block.lines:
            words = shlex.split(line, comments=True)
            if program in words:
                yield words[words.index(program) + 1 :]


@pytest.mark.parametrize("name", ["bybit", "mexc"])
def test_the_line_that_starts_a_coin_venue(name: str) -> None:
    (arguments,) = typed(f"tests.venues.{name}")
    told = runner.parser(name).parse_args(arguments)
    exchange = {"bybit": BybitVenue, "mexc": MexcVenue}[name](hedged=told.hedged).exchange
    for symbol, (bid, ask) in told.quote:
        exchange.move_quote(symbol, bid=bid, ask=ask)
    assert told.port > 0


def test_the_line_that_starts_a_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    (arguments,) = typed("tests.venues.ib")
    monkeypatch.setattr(sys, "argv", ["ib", *arguments])
    told = gateway.arguments()
    venue = gateway.IbGateway(told.account)
    gateway.furnish(venue, told.quote, told.hold)
    assert venue.accounts["DU1"].position("SPY") == 100


# --- steering ---------------------------------------------------------------------------------


def told_words() -> set[str]:
    first, _ = _tables()
    return first


def told_faults() -> set[str]:
    _, second = _tables()
    return second


def _tables() -> tuple[set[str], set[str]]:
    """The rows of words have three columns, those of faults two."""
    found = rows(chapter(GUIDE, REHEARSING))
    words = {name for row in found if len(row) == 3 for name in code(row[0])}
    return words, {name for row in found if len(row) == 2 for name in code(row[0])}


def test_every_word_that_steers() -> None:
    answer = Steering(BybitVenue()).answer(f"{PREFIX}nothing", "")
    assert isinstance(answer.text, str)
    known = json.loads(answer.text)["error"].removeprefix("there are: ").split(", ")
    assert told_words() == set(known)


def test_every_fault() -> None:
    with pytest.raises(ValueError, match="there are") as refused:
        Fault.named("nothing")
    known = str(refused.value).partition("there are ")[2].split(", ")
    assert {name.partition(":")[0] for name in told_faults()} == {
        name.partition(":")[0] for name in known
    }
    assert set(NAMED) <= told_faults()


def test_the_steering_that_is_typed_is_understood() -> None:
    venue = BybitVenue()
    steering = Steering(venue)
    lines = list(typed("-d"))
    for body, address in lines:
        answer = steering.answer(PREFIX + address.partition(PREFIX)[2], body)
        assert answer.status == 200, answer.text
    assert len(lines) == 2
    assert [each.quantity for each in venue.exchange.account.open_positions()]
    assert venue.faults.left == {"order/create": 1}


# --- doctor -----------------------------------------------------------------------------------


def asked_by(folder: str) -> set[str]:
    """What an adapter's own checks are called, after the account's name."""
    names = set()
    for tree in modules(folder):
        for call in calls(tree, ["fine", "warn", "fail"]):
            match call.args[0]:
                case ast.JoinedStr(values=[ast.FormattedValue(), ast.Constant(value=str(rest))]):
                    names.add(rest.strip())
                case other:
                    raise AssertionError(f"what is {ast.unparse(other)} called?")
    return names


def test_what_doctor_asks_of_each_kind_of_venue() -> None:
    shared = asked_by("core/brokers/ccxt/diagnosis.py")
    bybit, mexc = asked_by("core/brokers/ccxt/bybit"), asked_by("core/brokers/ccxt/mexc")
    # `mode` is asked of every account.
    assert set(table(GUIDE, "Interactive Brokers")) == asked_by("core/brokers/ib") | {"mode"}
    assert set(table(GUIDE, "Bybit")) == shared | bybit
    assert set(table(GUIDE, "MEXC")) == shared | mexc
    others = asked_by("core/brokers/ccxt/unified")
    assert others <= set(code(chapter(GUIDE, "Any other exchange")))


def test_every_key_of_an_account_has_an_example() -> None:
    """But what is said of every account, and the paper broker's file."""
    shown = "".join(
        block.text for block in blocks(chapter(GUIDE, "Connecting a venue"), "yaml")
    ) + "".join(block.text for block in blocks(chapter(GUIDE, REHEARSING), "yaml"))
    keys = set(table(GUIDE, "ACCOUNTS")) - {"file", "enabled"}
    assert {key for key in keys if f"    {key}: " not in shown} == set()


def test_the_demo_is_typed_for_each_venue() -> None:
    from cli.demo.casting import VENUES

    assert [arguments for arguments in typed("trueup") if arguments[0] == "demo"] == [
        ["demo", "--venue", name] for name in VENUES
    ]
