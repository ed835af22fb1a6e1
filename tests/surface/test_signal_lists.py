"""Signals and intents as an operator finds them: lists, and the story from any id in it."""

import csv
import io
import json

import pytest

from core.domain.intent import intent_name
from tests.home import HomeUnderTest

REASONS = json.dumps(
    {
        "reasons": [
            {"code": "balance", "message": "needs 1000, has 10"},
            {"code": "signal_too_old", "message": "301 s"},
        ]
    }
)
BECAUSE = json.dumps(
    {"because": ["limit: confidence 0.85 is not above 0.9", "10 = 1000 / 100"], "warnings": []}
)
FILLED, REFUSED = intent_name("sig-1", "main", 1), intent_name("sig-2", "main", 1)
STORY = ["signal", "delivery", "intent", "order", "journal", "execution"]


@pytest.fixture
def traded(home: HomeUnderTest) -> HomeUnderTest:
    """sig-1 was filled, sig-2 refused, sig-3 names another account; rows as anybody may insert."""
    home.must("orders")
    for number, status in (("1", "done"), ("2", "failed"), ("3", "pending")):
        home.execute(
            "INSERT INTO signals (signal_id, signal_type, symbol, amount, confidence, timestamp,"
            " strategy_id, source, received_at, request_status, trace_id, account, state) VALUES"
            " (?, 'buy', ?, '1000', '0.85', ?, 'strategy', 'spool', ?, ?, ?, ?, 'PUBLISHED')",
            f"sig-{number}", "ETHUSDT" if number == "3" else "BTCUSDT",
            f"2026-01-05T1{number}:00:00Z", f"2026-01-05T1{number}:00:01Z", status, f"t-{number}",
            "other" if number == "3" else None,
        )  # fmt: skip
    for number, intent, state in (("1", FILLED, "FILLED"), ("2", REFUSED, "REJECTED")):
        at = f"2026-01-05T1{number}:00:01Z"
        home.execute(
            "INSERT INTO signal_deliveries (delivery_id, signal_id, account, symbol, state,"
            " created_at) VALUES (?, ?, 'main', 'BTCUSDT', 'QUALIFIED', ?)",
            f"d-{number}", f"sig-{number}", at,
        )  # fmt: skip
        home.execute(
            "INSERT INTO trade_intents (intent_id, signal_id, account, symbol, side, state,"
            " reasons, because, created_at, updated_at, trace_id) VALUES (?, ?, 'main', 'BTCUSDT',"
            " 'buy', ?, ?, ?, ?, ?, ?)",
            intent, f"sig-{number}", state, REASONS if state == "REJECTED" else "{}",
            BECAUSE if state == "FILLED" else "{}", at, at, f"t-{number}",
        )  # fmt: skip
    home.execute(
        "INSERT INTO orders (order_id, account, broker_order_id, client_order_id, symbol, side,"
        " quantity, status, signal_id, trace_id, created_at) VALUES ('tu-1', 'main', 'V-1', 'tu-1',"
        " 'BTCUSDT', 'buy', '10', 'filled', 'sig-1', 't-1', '2026-01-05T11:00:02Z')"
    )
    home.execute(
        "INSERT INTO journal (step_id, plan_id, action_id, account, symbol, kind, idempotency_key,"
        " request, order_id, state, begun_at) VALUES ('s-1', 'p-1', 'a001', 'main', 'BTCUSDT',"
        " 'place_order', 'tu-1', '{}', 'tu-1', 'done', '2026-01-05T11:00:02Z')"
    )
    home.execute(
        "INSERT INTO executions (execution_key, execution_id, account, order_id, broker_order_id,"
        " symbol, side, quantity, price, executed_at) VALUES ('k-1', 'T-1', 'main', 'tu-1', 'V-1',"
        " 'BTCUSDT', 'buy', '10', '100', '2026-01-05T11:00:03Z')"
    )
    return home


# --- lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ([], ["sig-3", "sig-2", "sig-1"]),
        (["--asc"], ["sig-1", "sig-2", "sig-3"]),
        (["--symbol", "BTCUSDT"], ["sig-2", "sig-1"]),
        (["--request-status", "failed"], ["sig-2"]),
        (["--account", "other"], ["sig-3"]),
        (["--trace-id", "t-1"], ["sig-1"]),
        (["--since", "2026-01-05T12:00:00Z", "--until", "2026-01-05T13:00:00Z"], ["sig-2"]),
        (["--sort", "symbol", "--asc"], ["sig-1", "sig-2", "sig-3"]),
        (["--page", "2", "--page-size", "2"], ["sig-1"]),
        (["--state", "REJECTED"], []),
    ],
)
def test_signals(traded: HomeUnderTest, asked: list[str], found: list[str]) -> None:
    told = traded.json("signals", *asked)
    assert [row["signal_id"] for row in told["signals"]] == found


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ([], [REFUSED, FILLED]),
        (["--state", "REJECTED"], [REFUSED]),
        (["--signal-id", "sig-1"], [FILLED]),
        (["--account", "other"], []),
        (["--until", "2026-01-05T12:00:00Z"], [FILLED]),
        (["--page-size", "1"], [REFUSED]),
    ],
)
def test_intents(traded: HomeUnderTest, asked: list[str], found: list[str]) -> None:
    told = traded.json("intents", *asked)
    assert [row["intent_id"] for row in told["trade_intents"]] == found


def test_a_list_says_how_much_there_is(traded: HomeUnderTest) -> None:
    told = traded.json("signals", "--page-size", "2")["pagination"]
    assert (told["total_items"], told["total_pages"], told["has_next"]) == (3, 2, True)
    assert "page 1 of 2, 3 rows" in traded.must("signals", "--page-size", "2").out


def test_csv_carries_every_column(traded: HomeUnderTest) -> None:
    (signal,) = csv.DictReader(
        io.StringIO(traded.must("signals", "--signal-id", "sig-1", "--csv").out)
    )
    assert (signal["amount"], signal["request_status"]) == ("1000", "done")
    (intent,) = csv.DictReader(
        io.StringIO(traded.must("intents", "--state", "REJECTED", "--csv").out)
    )
    assert "needs 1000, has 10" in intent["reasons"]


def test_a_refused_intent_says_every_reason(traded: HomeUnderTest) -> None:
    said = traded.must("intents", "--state", "REJECTED").out
    assert "balance: needs 1000, has 10; signal_too_old: 301 s" in said


@pytest.mark.parametrize("asked", [["--sort", "amount"], ["--since", "noon"], ["--page", "0"]])
def test_what_cannot_be_asked_is_refused(traded: HomeUnderTest, asked: list[str]) -> None:
    for listed in ("signals", "intents"):
        refused = traded.must(listed, *asked, code=2)
        assert refused.out == ""
        assert refused.err


def test_reasons_that_are_no_document_are_shown_as_they_are(traded: HomeUnderTest) -> None:
    traded.execute("UPDATE trade_intents SET reasons = '{' WHERE state = 'REJECTED'")
    assert traded.json("intents", "--state", "REJECTED")["trade_intents"][0]["reasons"] == "{"
    assert " {" in traded.must("intents", "--state", "REJECTED").out


def test_an_empty_book_has_empty_lists(home: HomeUnderTest) -> None:
    assert home.json("signals")["signals"] == []
    assert home.json("intents")["trade_intents"] == []


# --- the story ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "subject", ["sig-1", "t-1", "d-1", FILLED, "tu-1", "V-1", "s-1", "k-1", "T-1"]
)
def test_a_signal_and_what_came_of_it(traded: HomeUnderTest, subject: str) -> None:
    told = traded.json("history", subject)["history"]
    assert [line["what"] for line in told] == STORY


def test_the_story_says_how_it_was_decided(traded: HomeUnderTest) -> None:
    said = traded.must("history", "sig-1").out
    assert "limit: confidence 0.85 is not above 0.9; 10 = 1000 / 100" in said
    refused = traded.must("history", "t-2").out
    assert "REJECTED: balance: needs 1000, has 10; signal_too_old: 301 s" in refused
    assert [row["what"] for row in traded.json("history", REFUSED)["history"]] == STORY[:3]
