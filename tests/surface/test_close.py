"""trueup close: a person leaves a position, with and without the service running."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from core.book.position_schema import TRIGGERS
from tests.home import HomeUnderTest, make_home
from tests.service.process import PATIENCE_SECONDS, ROOT, managed, until
from tests.service.running import Running, signal, submit, with_service
from tests.service.test_exits import exits, fail_next, life, sides, trade
from tests.service.test_signals_to_orders import stops
from tests.service.test_trailing import quote, ready_at_100


@pytest.fixture
def home(tmp_path: Path) -> HomeUnderTest:
    """Armed, with a long of 5 and its stop; the service has stopped."""
    home = make_home(tmp_path / "home")
    home.arm()
    ready_at_100(home)

    async def enter(running: Running) -> None:
        submit(home, signal(amount=500))
        await running.until(lambda: stops(home), "the stop")

    with_service(home, enter)
    return home


def test_all_of_it_is_left_at_the_market(home: HomeUnderTest) -> None:
    quote(home, "101")
    said = home.must("close", "BTCUSDT", "--confirm", "BTCUSDT", "--reason", "news ahead")
    assert "BTCUSDT long 5  FILLED" in said.out
    assert "realised 4." in said.out
    (done,) = exits(home)
    assert (done["cause"], done["state"]) == ("MANUAL", "FILLED")
    assert (life(home)["state"], life(home)["exit_reason"]) == ("closed", "manual")
    assert trade(home)["exit_price"] == "101"
    assert sides(home) == ["buy", "sell"]
    sent = [row for row in home.broker_orders() if row["side"] == "sell" and row["type"] != "stop"]
    assert [row["reduce_only"] for row in sent] == [True]
    assert stops(home) == []
    home.must("plan", "--detailed-exitcode")
    (asked,) = home.rows("select * from exit_signals")
    assert (asked["because"], asked["state"]) == ("news ahead", "PUBLISHED")


def test_a_part_of_it_leaves_the_rest_and_its_stop_is_made_to_fit(home: HomeUnderTest) -> None:
    home.must("close", "BTCUSDT", "--quantity", "2", "--confirm", "BTCUSDT")
    assert (trade(home)["status"], trade(home)["open_quantity"]) == ("OPEN", "3")
    assert life(home)["state"] == "open"

    async def look(running: Running) -> None:
        await running.until(lambda: [row["quantity"] for row in stops(home)] == ["3"], "resized")

    with_service(home, look)


def test_with_the_service_running_it_is_the_service_that_sends_it(home: HomeUnderTest) -> None:
    with managed(home):
        said = home.must("close", "BTCUSDT", "--confirm", "BTCUSDT")
        until(lambda: life(home)["state"] == "closed", "closed")
    assert "FILLED" in said.out
    assert sides(home) == ["buy", "sell"]
    by = home.rows("select * from journal where kind = 'place_exit'")
    assert [row["plan_id"] for row in by] == [exits(home)[0]["exit_intent_id"]]


def test_a_part_that_the_service_sent_is_not_waited_for_any_longer(home: HomeUnderTest) -> None:
    """The trade stays open with what is left of it."""
    home.set_in("EXECUTION", order_timeout="3600")
    command = [sys.executable, "-m", "cli", "close", "BTCUSDT", "--quantity", "2"]
    with managed(home):
        said = subprocess.run(
            [*command, "--confirm", "BTCUSDT", "--home", str(home.root)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            cwd=ROOT,
        )
    assert (said.returncode, "BTCUSDT long 2  FILLED" in said.stdout) == (0, True), said
    assert (trade(home)["status"], trade(home)["open_quantity"]) == ("OPEN", "3")


def test_the_service_of_another_account_is_not_waited_for(home: HomeUnderTest) -> None:
    text = home.config_file.read_text()
    other = "ACCOUNTS:\n  other: {broker: paper, file: ./data/other.json}\n"
    home.config_file.write_text(text.replace("ACCOUNTS:\n", other))
    empty = {"account": "other", "orders": [], "executions": [], "positions": []}
    (home.root / "data" / "other.json").write_text(json.dumps(home.account | empty))
    with managed(home, "--account", "other"):
        said = home.must("close", "BTCUSDT", "--confirm", "BTCUSDT")
    assert "BTCUSDT long 5  FILLED" in said.out
    assert life(home)["state"] == "closed"


def test_neither_is_one_that_was_killed_a_moment_ago(home: HomeUnderTest) -> None:
    with managed(home) as service:
        service.kill()
        service.wait()
        said = home.must("close", "BTCUSDT", "--confirm", "BTCUSDT")
    assert "BTCUSDT long 5  FILLED" in said.out
    assert life(home)["state"] == "closed"


def test_nothing_is_asked_for_that_could_not_be_sent(home: HomeUnderTest) -> None:
    home.must("safe-mode", "on", "--reason", "a test")
    said = home.must("close", "BTCUSDT", "--confirm", "BTCUSDT", code=7)
    assert "SAFE_MODE is on" in said.err
    assert exits(home) == []
    assert home.rows("select * from exit_signals") == []


def test_one_that_is_not_confirmed_changes_nothing(home: HomeUnderTest) -> None:
    said = home.must("close", "BTCUSDT", "--no-input", code=7)
    assert "not confirmed" in said.err
    assert exits(home) == []
    assert sides(home) == ["buy"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("ETHUSDT",), "the book holds no position in 'ETHUSDT'"),
        (("BTCUSDT", "--side", "short"), "no short trade in BTCUSDT is open"),
        (("BTCUSDT", "--side", "up"), "--side is long or short"),
        (("BTCUSDT", "--quantity", "6"), "only 5 BTCUSDT is held"),
        (("BTCUSDT", "--quantity", "0"), "--quantity is above zero"),
        (("BTCUSDT", "--quantity", "1e3"), "--quantity: not a plain decimal number"),
    ],
)
def test_what_cannot_be_meant_is_said(
    home: HomeUnderTest, arguments: tuple[str, ...], told: str
) -> None:
    said = home.must("close", *arguments, "--confirm", "BTCUSDT", code=2)
    assert told in said.err
    assert exits(home) == []


def test_a_frozen_account_is_left_alone(home: HomeUnderTest) -> None:
    home.must("risk", "freeze", "--account", "main", "--reason", "audit")
    said = home.must("close", "BTCUSDT", "--confirm", "BTCUSDT", code=7)
    assert "PORTFOLIO_FROZEN: audit" in said.err
    assert [row["state"] for row in exits(home)] == ["REJECTED"]
    home.must(
        "risk", "reset", "--account", "main", "--kind", "frozen", "--reason", "done",
        "--confirm", "main",
    )  # fmt: skip
    home.must("close", "BTCUSDT", "--confirm", "BTCUSDT", code=7)
    assert [row["outcome"] for row in exits(home)][1:] == ["EXIT_COOLDOWN_ACTIVE"]


def test_a_refusal_by_the_venue_fails_the_exit_and_keeps_the_position(home: HomeUnderTest) -> None:
    fail_next(home, on="place", kind="reject")
    home.must("close", "BTCUSDT", "--confirm", "BTCUSDT", code=9)
    assert [row["state"] for row in exits(home)] == ["FAILED"]
    assert life(home)["state"] == "open"
    assert len(stops(home)) == 1


def test_a_lost_reply_is_unknown_until_it_was_asked_for(home: HomeUnderTest) -> None:
    fail_next(home, on="place", kind="lost_reply")
    home.must("close", "BTCUSDT", "--confirm", "BTCUSDT", code=9)
    assert [row["state"] for row in exits(home)] == ["PLACED"]
    home.must("apply", "--resume")
    assert [row["state"] for row in exits(home)] == ["FILLED"]
    assert (
        Decimal(home.account["positions"][0]["quantity"] if home.account["positions"] else 0) == 0
    )
    assert sides(home) == ["buy", "sell"]


def test_a_position_that_nobody_followed_can_be_left(home: HomeUnderTest) -> None:
    """Its book is older than lives and trades; the triggers that keep them are not in the way."""
    (keeper,) = (each for each in TRIGGERS if "position_lives_kept" in each)
    home.execute("drop trigger position_lives_kept")
    home.execute("delete from position_lives")
    home.execute("delete from trades")
    home.execute(keeper)
    home.must("close", "BTCUSDT", "--confirm", "BTCUSDT")
    assert (life(home)["signal_source"], life(home)["state"]) == ("adopted", "closed")
