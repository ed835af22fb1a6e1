"""What the guide says of signals is what the program reads."""

import json
from datetime import timedelta

import pytest

from core.config.settings import Settings
from core.decide.qualify.parsing import BYTES_MAX, DEPTH_MAX
from core.decide.qualify.reading import WIRE_NAMES, read_signal
from core.domain.signal import Signal
from tests.build import NOON
from tests.docs.pages import GUIDE, blocks, chapter, table

EXAMPLES = [block.text for block in blocks(chapter(GUIDE, "Signals"), "json")]


def signal_of(text: str) -> Signal:
    found = read_signal(text.encode(), now=NOON + timedelta(seconds=1), settings=Settings())
    assert isinstance(found, Signal), found
    return found


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_signal(example: str) -> None:
    assert signal_of(example).strategy_id == "trend"


def test_there_is_a_whole_and_a_short_example() -> None:
    whole, short = (json.loads(example) for example in EXAMPLES)
    assert set(whole) <= WIRE_NAMES
    assert set(short) == {"symbol", "side", "ts", "strategy_id", "params"}


def test_every_field_and_whether_it_is_needed() -> None:
    told = {name: row for name, row in table(GUIDE, "Signals").items() if len(row) == 2}
    assert sorted(told) == sorted(WIRE_NAMES)
    whole = json.loads(EXAMPLES[0])
    for name in WIRE_NAMES & set(whole):
        without = {key: value for key, value in whole.items() if key != name}
        found = read_signal(json.dumps(without).encode(), now=NOON, settings=Settings())
        assert isinstance(found, Signal) == (told[name][0] != "yes"), name
    assert {name for name, row in told.items() if row[0] == "yes"} <= set(whole)


def test_the_limits() -> None:
    told = chapter(GUIDE, "Signals")
    assert f"{BYTES_MAX // 1024} KiB" in told
    assert f"no deeper than {DEPTH_MAX}" in told
