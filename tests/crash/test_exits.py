"""The power fails at every moment of an exit; the next service leaves the trade exactly once.

before: a long with a floor of its own and its stop, and the service was stopped
then:   the price falls to the floor; exit signal, exit intent, order, fill, the stop goes
"""

from collections import Counter
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.build import instrument, quote, snapshot
from tests.crash.power import Power, PowerCut
from tests.crash.test_manage import (
    PAUSE,
    START,
    copy_of,
    is_left_out,
    manage,
    stops_of,
    the_market_falls,
)
from tests.home import HomeUnderTest, make_home
from tests.service.running import signal, submit
from tests.virtual_time import run_to_its_end

SHARDS = 2


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> HomeUnderTest:
    """0.4 BTC with its stop, and a price that has reached the floor of its signal."""
    home = make_home(tmp_path_factory.mktemp("exits") / "home")
    home.arm()
    home.set_in("EXITS", retry_base_seconds="0")
    told = quote("BTCUSDT", bid="100", ask="100", last=100, at=START)
    home.tell(snapshot(instrument("BTCUSDT", base="BTC"), told, taken_at=START))
    document = home.account
    document["balances"] = [{"currency": "USDT", "total": "1000000", "available": "1000000"}]
    home.rewrite_account(document)
    home.must("plan")
    submit(
        home,
        signal(amount=40, timestamp=START.isoformat(), effective_floor=95, effective_ceiling=120),
    )
    run_service(home, Power(), START, has_entered)
    the_market_falls(home, "BTCUSDT", "94.9")
    return home


def has_entered(home: HomeUnderTest) -> bool:
    return bool(home.rows("SELECT 1 FROM trades")) and bool(stops_of(home, "BTCUSDT"))


def has_left(home: HomeUnderTest) -> bool:
    states = [row["state"] for row in home.rows("SELECT state FROM position_lives")]
    return states == ["closed"] and not stops_of(home, "BTCUSDT") and not home.rows(OPEN_STEPS)


OPEN_STEPS = "SELECT 1 FROM journal WHERE state IN ('begun', 'unknown')"


def run_service(home: HomeUnderTest, power: Power, start: datetime, is_over: Any) -> None:
    run_to_its_end(manage(home, power, start, is_over), PowerCut)


def check_left_once(home: HomeUnderTest, cuts: int) -> None:
    sold = [row for row in home.broker_orders() if row["side"] == "sell" and row["type"] != "stop"]
    assert [(row["status"], row["reduce_only"]) for row in sold] == [("filled", True)], sold
    keys = Counter(row["client_order_id"] for row in home.broker_orders())
    assert set(keys.values()) == {1}, keys
    (trade,) = home.rows("SELECT * FROM trades")
    assert (trade["status"], trade["exit_reason"]) == ("CLOSED", "stop_loss")
    assert (trade["open_quantity"], trade["exit_price"]) == ("0", "94.9")
    exits = home.rows("SELECT state, tries, cause, episode FROM exit_intents")
    assert [row["state"] for row in exits] == ["FILLED"], exits
    assert exits[0]["tries"] <= 1 + cuts
    moves = home.rows("SELECT from_state, to_state FROM position_transitions ORDER BY id")
    for one, next_one in pairwise(moves):
        assert one["to_state"] == next_one["from_state"], moves
    told = Counter(row["event_type"] for row in home.rows("SELECT event_type FROM outbox"))
    once = ("exit_signal.published", "exit_intent.filled", "position.closed")
    assert {name: told[name] for name in once} == dict.fromkeys(once, 1)
    home.must("verify", "--quiet")
    home.must("plan", "--detailed-exitcode", "--quiet")


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_cut_at_every_moment_leaves_the_trade_once(
    held: HomeUnderTest, tmp_path: Path, shard: int
) -> None:
    power = Power()
    whole = copy_of(held, tmp_path / "whole")
    run_service(whole, power, START + PAUSE, has_left)
    check_left_once(whole, cuts=0)
    assert "after placing" in power.moments
    for number, name in enumerate(power.moments, start=1):
        if number % SHARDS != shard or is_left_out(number, name):
            continue
        home = copy_of(held, tmp_path / str(number))
        try:
            run_service(home, Power(number), START + PAUSE, has_left)
        except PowerCut:
            run_service(home, Power(), START + 2 * PAUSE, has_left)
        try:
            check_left_once(home, cuts=1)
        except AssertionError as error:
            raise AssertionError(f"cut {number}, {name}: {error}") from error
