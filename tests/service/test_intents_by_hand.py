"""The queue of qualified entries by hand: sent through the same door, or taken back."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from core.domain.moment import moment_text
from tests.home import HomeUnderTest
from tests.service.records import placed, resting, state
from tests.service.running import Running, signal, submit, with_service


@pytest.fixture
def waiting(home: HomeUnderTest) -> HomeUnderTest:
    """book: an intent for BTCUSDT and one for ETHUSDT, approved / the service is not running"""
    home.set(DRY_RUN_CONFIRM="false")

    async def story(running: Running) -> None:
        submit(home, signal(), signal(asset="ETHUSDT"))
        await running.until(lambda: len(intents(home)) == 2, "two intents")

    with_service(home, story)
    home.set(DRY_RUN_CONFIRM="true")
    return home


def intents(home: HomeUnderTest) -> list[dict[str, Any]]:
    return home.rows("select * from trade_intents order by symbol")


def test_one_is_sent_and_the_other_stays(waiting: HomeUnderTest) -> None:
    btc, eth = (row["intent_id"] for row in intents(waiting))
    done = waiting.must("intents", "execute", btc, "--confirm", btc)
    assert "place_order" in done.out
    assert [row["state"] for row in intents(waiting)] == ["FILLED", "APPROVED"]
    assert [row["symbol"] for row in waiting.broker_orders()] == ["BTCUSDT"]
    again = waiting.must("intents", "execute", btc, "--confirm", btc, code=7)
    assert "is FILLED" in again.err
    assert waiting.json("intents", "execute", "all", "--confirm", "all")["actions"][0][
        "symbol"
    ] == ("ETHUSDT")
    assert {row["state"] for row in intents(waiting)} == {"FILLED"}
    assert len(waiting.broker_orders()) == 2
    waiting.must("intents", "execute", "all", "--confirm", "all", code=7)
    assert eth in waiting.must("intents").out


def test_nothing_is_sent_without_the_word(waiting: HomeUnderTest) -> None:
    name = intents(waiting)[0]["intent_id"]
    waiting.must("intents", "execute", name, "--no-input", code=7)
    waiting.must("intents", "execute", name, "--confirm", "all", code=2)
    assert waiting.broker_orders() == []


def test_gates_shut_this_door_too(waiting: HomeUnderTest) -> None:
    waiting.must("safe-mode", "on", "--reason", "a test")
    name = intents(waiting)[0]["intent_id"]
    refused = waiting.must("intents", "execute", name, "--confirm", name, code=7)
    assert "SAFE_MODE is on" in refused.err
    waiting.must("intents", "cancel", name, code=7)
    assert waiting.broker_orders() == []


def test_what_is_cancelled_is_never_sent(waiting: HomeUnderTest) -> None:
    btc, eth = (row["intent_id"] for row in intents(waiting))
    said = waiting.must("intents", "cancel", btc, "--reason", "news ahead")
    assert "cancelled" in said.out
    assert intents(waiting)[0]["outcome"].endswith(": news ahead")
    waiting.must("intents", "execute", btc, "--confirm", btc, code=7)
    assert waiting.json("intents", "cancel", "all") == {"cancelled": [eth]}
    kinds = [row["kind"] for row in waiting.json("plan")["plan"]["broker_actions"]]
    assert "place_order" not in kinds
    assert waiting.broker_orders() == []


def test_unknown_names_are_told(waiting: HomeUnderTest) -> None:
    assert "no intent 'i-0'" in waiting.must("intents", "execute", "i-0", code=2).err
    assert "no intent 'i-0'" in waiting.must("intents", "cancel", "i-0", code=2).err
    waiting.must("intents", "cancel", "all", "i-0", code=2)


def test_an_expired_one_is_told_and_not_sent(waiting: HomeUnderTest) -> None:
    name = intents(waiting)[0]["intent_id"]
    waiting.execute(
        "update trade_intents set expires_at = '2026-01-05T12:00:00Z' where intent_id = ?", name
    )
    refused = waiting.must("intents", "execute", name, "--confirm", name, code=7)
    assert "expired at 2026-01-05T12:00:00Z" in refused.err


# --- why one cannot be sent -----------------------------------------------------------------------


def refusal(home: HomeUnderTest, name: str) -> str:
    """What is said to whoever would send it; nothing reaches the venue."""
    before = home.broker_orders()
    refused = home.must("intents", "execute", name, "--confirm", name, code=7)
    assert home.broker_orders() == before
    return refused.err


def test_one_that_waits_behind_another_is_named_with_it(waiting: HomeUnderTest) -> None:
    """book: two intents for BTCUSDT, both approved by a program that did not wait for the first"""
    btc, eth = (row["intent_id"] for row in intents(waiting))
    waiting.execute("update trade_intents set symbol = 'BTCUSDT' where intent_id = ?", eth)
    assert f"intent {eth} waits behind {btc} of the same symbol" in refusal(waiting, eth)


def test_a_warm_up_signal_is_never_sent(waiting: HomeUnderTest) -> None:
    name = intents(waiting)[0]["intent_id"]
    waiting.execute(
        "update trade_intents set because = json_set(because, '$.simulated', 'a warm-up signal')"
        " where intent_id = ?",
        name,
    )
    assert "comes of a warm-up signal and is only simulated" in refusal(waiting, name)


def test_what_nobody_knows_is_settled_first(waiting: HomeUnderTest) -> None:
    """The reply to its order was lost, and nobody has asked yet."""
    name = intents(waiting)[0]["intent_id"]
    lost = {"on": "place", "kind": "lost_reply"}
    waiting.rewrite_account(waiting.account | {"simulation": {"faults": [lost]}})
    waiting.must("intents", "execute", name, "--confirm", name, code=9)
    assert len(waiting.broker_orders()) == 1
    said = refusal(waiting, name)
    assert "a call about BTCUSDT is of unknown outcome: trueup apply --resume" in said
    taken_back = waiting.must("intents", "cancel", name, code=7)
    assert f"intent {name} is being placed; only one that waits can be cancelled" in taken_back.err
    waiting.must("apply", "--resume")
    assert (len(waiting.broker_orders()), intents(waiting)[0]["state"]) == (1, "FILLED")


def test_when_none_of_all_can_go_that_is_said(waiting: HomeUnderTest) -> None:
    waiting.execute("update trade_intents set expires_at = '2026-01-05T12:00:00Z'")
    refused = waiting.must("intents", "execute", "all", "--confirm", "all", code=7)
    assert "no intent can be carried out right now" in refused.err
    assert waiting.broker_orders() == []


def test_what_is_in_the_way_makes_way_and_other_symbols_are_left_alone(
    home: HomeUnderTest,
) -> None:
    """venue: an earlier limit rests in each of both symbols / a newer intent for one is sent"""
    limits = [resting(price=50_000), resting(price=2_000, asset="ETHUSDT")]
    newer = [signal(), signal(asset="ETHUSDT")]

    async def rest(running: Running) -> None:
        await placed(running, *limits)

    async def wait(running: Running) -> None:
        submit(home, *newer)
        await running.until(lambda: len(intents(home)) == 4, "four intents")

    with_service(home, rest)
    home.set(DRY_RUN_CONFIRM="false")
    with_service(home, wait)
    home.set(DRY_RUN_CONFIRM="true")
    (name,) = (
        row["intent_id"] for row in intents(home) if row["signal_id"] == newer[0]["signal_id"]
    )
    home.must("intents", "execute", name, "--confirm", name)
    assert [(row["symbol"], row["status"]) for row in home.broker_orders()] == [
        ("BTCUSDT", "cancelled"),
        ("ETHUSDT", "open"),
        ("BTCUSDT", "filled"),
    ]
    assert [state(home, each) for each in (*limits, *newer)] == [
        "CANCELLED",
        "PLACED",
        "FILLED",
        "APPROVED",
    ]


# --- sent once ------------------------------------------------------------------------------------


def test_the_like_of_it_that_was_just_sent_for_the_same_signal_is_told_and_not_sent_again(
    waiting: HomeUnderTest,
) -> None:
    """book: the same order of the same signal, a moment ago, under a name that is not ours"""
    btc, eth = intents(waiting)
    (wanted,) = json.loads(btc["orders"])["orders"]
    waiting.execute(
        "insert into orders (order_id, account, broker_order_id, symbol, side, order_type,"
        " quantity, price, status, origin, signal_id, created_at, updated_at)"
        " values ('other', 'main', 'V-1', 'BTCUSDT', ?, ?, ?, ?, 'cancelled', 'owned', ?, ?, ?)",
        wanted["side"], wanted["type"], wanted["quantity"], wanted["price"],
        btc["signal_id"], *[moment_text(datetime.now(UTC))] * 2,
    )  # fmt: skip

    async def go(running: Running) -> None:
        for each in (btc, eth):
            await running.settled(each["signal_id"])

    with_service(waiting, go)
    failed, filled = intents(waiting)
    assert (failed["state"], failed["outcome"]) == ("FAILED", "a duplicate of other")
    assert filled["state"] == "FILLED"
    blocked = "select message from alerts where type = 'duplicate_submission_blocked'"
    assert waiting.rows(blocked) == [
        {"message": f"BTCUSDT buy {wanted['quantity']}: other was just sent"}
    ]
    assert [row["symbol"] for row in waiting.broker_orders() if row["side"] == "buy"] == ["ETHUSDT"]
