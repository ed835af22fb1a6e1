"""What the guide tells of positions and exits is what the program does."""

import re

from core.decide.exits.reasons import EXIT_REASONS
from core.domain.exit import ExitCause
from core.domain.life import LIFE_MOVES, ExitReason
from tests.docs.pages import GUIDE, chapter, rows, text_of


def test_every_state_of_a_life_and_where_it_leads() -> None:
    told = {
        row[0].strip("`"): set(filter(None, row[2].split(", ")))
        for row in rows(chapter(GUIDE, "The life of a position"))
    }
    known = {state.value: {to.value for to in moves} for state, moves in LIFE_MOVES.items()}
    assert told == known


def test_every_reason_why_a_position_ended() -> None:
    told = chapter(GUIDE, "The life of a position").partition("Why it ended:")[2]
    named = set(re.findall(r"`(\w+)`", told.partition("\nA position")[0]))
    assert {each.value for each in ExitReason} <= named


def test_every_cause_and_every_reason_against_an_exit() -> None:
    told = {row[0].strip("`"): row[1] for row in rows(chapter(GUIDE, "Leaving a trade"))}
    assert {name: told.get(name) for name in EXIT_REASONS} == dict(EXIT_REASONS)
    assert {each.value for each in ExitCause} <= told.keys()
    assert "trueup close" in text_of(GUIDE)
