"""The queue of qualified entries by hand: sent through the same door, or taken back."""

from typing import Any

import pytest

from tests.home import HomeUnderTest
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
