"""What a signal does to the position that is there, one-way, hedged and on spot."""

from typing import Any

import pytest

from core.decide.execution.direction import Course, course_of
from core.domain.signal import Aim
from tests.build import settings, stored
from tests.core.decide.execution.seen import situation

OFF = {"scale_in": False, "allow_short": False, "allow_reverse": False}


def course(*held: Any, market: dict[str, Any] | None = None, **given: Any) -> Course:
    names = ("scale_in", "max_scale_ins", "allow_short", "allow_reverse")
    keys = {name: given.pop(name) for name in names if name in given}
    return course_of(situation(market, positions=held, **given), settings(**keys))


def legs(*held: Any, **given: Any) -> list[str]:
    """`close both 5`, `open long`, or the code of the refusal."""
    found = course(*held, **given)
    told = [
        f"{leg.purpose} {leg.position_side}" + (f" {leg.held}" if leg.reduces else "")
        for leg in found.legs
    ]
    return told or [reason.code for reason in found.reasons]


ONE_WAY = [
    # held, side, aim, settings, what happens
    (0, "buy", "open", {}, ["open both"]),
    (0, "buy", "open", OFF, ["open both"]),
    (0, "sell", "open", {}, ["open both"]),
    (0, "sell", "open", OFF, ["short_not_allowed"]),
    (0, "buy", "close", {}, ["nothing_to_close"]),
    (0, "sell", "close", {}, ["nothing_to_close"]),
    (5, "buy", "open", {}, ["position_exists"]),
    (5, "buy", "open", {"scale_in": True}, ["add both"]),
    (5, "sell", "open", {}, ["reduce both 5"]),
    (5, "sell", "open", OFF, ["reduce both 5"]),
    (5, "sell", "open", {"allow_reverse": True}, ["close both 5", "open both"]),
    (5, "sell", "close", {}, ["close both 5"]),
    (5, "sell", "close", {"allow_reverse": True}, ["close both 5"]),
    (5, "buy", "close", {}, ["nothing_to_close"]),
    (-5, "sell", "open", {}, ["position_exists"]),
    (-5, "sell", "open", {"scale_in": True}, ["add both"]),
    (-5, "buy", "open", {}, ["reduce both 5"]),
    (-5, "buy", "open", {"allow_reverse": True}, ["close both 5", "open both"]),
    (-5, "buy", "close", {}, ["close both 5"]),
    (-5, "sell", "close", {}, ["nothing_to_close"]),
]


@pytest.mark.parametrize(("held", "side", "aim", "keys", "happens"), ONE_WAY)
def test_one_way(held: int, side: str, aim: str, keys: dict[str, Any], happens: list[str]) -> None:
    there = [stored(held)] if held else []
    assert legs(*there, signal_type=side, aim=Aim(aim), **keys) == happens


HEDGED = [
    # long, short, side, aim, settings, what happens
    (0, 0, "buy", "open", {}, ["open long"]),
    (0, 0, "sell", "open", {}, ["open short"]),
    (0, 0, "sell", "open", OFF, ["short_not_allowed"]),
    (5, 0, "sell", "open", {}, ["open short"]),
    (5, 0, "sell", "open", {"allow_reverse": True}, ["open short"]),
    (5, 0, "buy", "open", {}, ["position_exists"]),
    (5, 3, "buy", "open", {"scale_in": True}, ["add long"]),
    (5, 3, "sell", "open", {"scale_in": True}, ["add short"]),
    (0, 3, "buy", "open", {}, ["open long"]),
    (5, 3, "sell", "close", {}, ["close long 5"]),
    (5, 3, "buy", "close", {}, ["close short 3"]),
    (5, 0, "buy", "close", {}, ["nothing_to_close"]),
    (0, 3, "sell", "close", {}, ["nothing_to_close"]),
]


@pytest.mark.parametrize(("long", "short", "side", "aim", "keys", "happens"), HEDGED)
def test_in_hedge_mode_the_legs_are_apart(
    long: int, short: int, side: str, aim: str, keys: dict[str, Any], happens: list[str]
) -> None:
    there = [stored(long, side="long"), stored(short, side="short")]
    there = [row for row in there if row.quantity]
    found = legs(*there, signal_type=side, aim=Aim(aim), position_mode="hedge", **keys)
    assert found == happens


SPOT = {"kind": "spot"}


def test_a_spot_account_sells_only_what_it_holds() -> None:
    assert legs(market=SPOT, signal_type="sell") == ["no_position_to_sell"]
    assert legs(stored(5), market=SPOT, signal_type="sell") == ["reduce both 5"]
    assert legs(market=SPOT) == ["open both"]


def test_a_position_elsewhere_or_too_small_to_trade_is_none() -> None:
    others = [stored(5, symbol="ETHUSDT"), stored(5, dust=True), stored(0)]
    assert legs(*others) == ["open both"]
    assert legs(*others, signal_type="sell", market=SPOT) == ["no_position_to_sell"]


@pytest.mark.parametrize(
    ("done", "happens"), [(0, "add both"), (2, "add both"), (3, "max_scale_ins_reached")]
)
def test_additions_are_counted(done: int, happens: str) -> None:
    assert legs(stored(5), scale_in=True, max_scale_ins=3, scale_ins=done) == [happens]


@pytest.mark.parametrize(
    ("done", "told"), [(0, "first"), (1, "second"), (2, "third"), (3, "4th"), (10, "11th")]
)
def test_and_named(done: int, told: str) -> None:
    found = course(stored(5), scale_in=True, max_scale_ins=20, scale_ins=done)
    assert found.because == f"It adds to the position, for the {told} time."


def test_every_course_has_a_sentence_and_every_refusal_a_message() -> None:
    assert course().because == "It opens a long."
    assert course(signal_type="sell").because == "It opens a short."
    assert course(stored(5), signal_type="sell", aim=Aim("close")).because == (
        "It closes the whole position of 5."
    )
    (reason,) = course(aim=Aim("close")).reasons
    assert reason.message == "no BTCUSDT that a buy would close"
