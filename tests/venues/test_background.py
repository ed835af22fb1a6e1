"""A venue beside synchronous code: in a thread, steered over HTTP, or as a process of its own."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.venues.background import InBackground
from tests.venues.bybit import BybitVenue
from tests.venues.exchange import Side
from tests.venues.redirect import redirect

ROOT = Path(__file__).resolve().parents[2]


def ask(url: str, path: str, **wanted: Any) -> Any:
    """What an address answers; with arguments, to a POST of them."""
    body = json.dumps(wanted).encode() if wanted else None
    with urllib.request.urlopen(url + path, data=body, timeout=10) as response:
        return json.load(response)


def test_synchronous_code_talks_to_a_venue_in_a_thread() -> None:
    with InBackground(BybitVenue()) as venue:
        venue.do(lambda each: each.exchange.move_quote("BTCUSDT", bid=61000, ask=61001))
        tickers = ask(venue.url, "/v5/market/tickers?category=linear&symbol=BTCUSDT")
        assert tickers["result"]["list"][0]["bid1Price"] == "61000"
        assert venue.do(lambda each: each.requests.count("market/tickers")) == 1
        venue.wait(lambda each: each.seen("market/tickers"))


def test_an_unknown_endpoint_says_so() -> None:
    with InBackground(BybitVenue()) as venue:
        answer = ask(venue.url, "/v5/market/nothing")
        assert (answer["retCode"], answer["retMsg"]) == (404, "no endpoint at /v5/market/nothing")


@contextmanager
def steerable() -> Iterator[InBackground[BybitVenue]]:
    venue = BybitVenue()
    venue.steerable = True
    with InBackground(venue) as running:
        yield running


def test_an_operator_steers_over_http() -> None:
    with steerable() as venue:
        venue.do(lambda each: each.exchange.trade_by_hand("BTCUSDT", Side.BUY, "0.01"))
        order = venue.do(
            lambda each: each.exchange.trade_by_hand("BTCUSDT", Side.BUY, "0.01", price="50000")
        )
        ask(venue.url, "/_venue/fill", order=order.order_id, quantity="0.004")
        ask(venue.url, "/_venue/funding", symbol="BTCUSDT", rate="0.0001")
        ask(venue.url, "/_venue/mishap", mishap="drop", topic="order")
        ask(venue.url, "/_venue/fault", endpoint="order/create", fault="LOST_REPLY")
        state = ask(venue.url, "/_venue/quote", symbol="BTCUSDT", bid="55000", ask="55000.1")
        assert [each["quantity"] for each in state["positions"]] == ["0.014"]
        assert [each["filled"] for each in state["open_orders"]] == ["0.004"]
        assert venue.do(lambda each: each.faults.left) == {"order/create": 1}


def test_an_operator_trades_by_hand_over_http() -> None:
    with steerable() as venue:
        ask(venue.url, "/_venue/order", symbol="BTCUSDT", side="buy", quantity="0.01")
        state = ask(
            venue.url,
            "/_venue/order",
            symbol="ETHUSDT",
            side="sell",
            quantity="0.5",
            price="3300",
        )
        (resting,) = state["open_orders"]
        assert [each["quantity"] for each in state["positions"]] == ["0.01"]
        assert (resting["side"], resting["price"], resting["client_id"]) == ("Sell", "3300", "")
        assert ask(venue.url, "/_venue/cancel", order=resting["order_id"])["open_orders"] == []


@pytest.mark.parametrize(
    ("verb", "wanted", "text"),
    [
        ("quote", {"symbol": "BTCUSDT"}, "'bid' is missing"),
        ("quote", {"symbol": "X", "bid": "1", "ask": "2"}, "unknown symbol"),
        ("fault", {"endpoint": "order/create", "fault": "gremlins"}, "no fault is called"),
        ("order", {"symbol": "BTCUSDT", "side": "up", "quantity": "1"}, "'Up' is not a valid Side"),
        ("cancel", {"order": "V-1"}, "V-1"),
        ("dance", {"now": "1"}, "there are: quote"),
    ],
)
def test_a_wrong_steer_says_what_was_wrong(verb: str, wanted: dict[str, str], text: str) -> None:
    with steerable() as venue, pytest.raises(urllib.error.HTTPError) as refused:
        ask(venue.url, f"/_venue/{verb}", **wanted)
    with refused.value as response:
        assert text in json.load(response)["error"]


def test_nobody_steers_a_venue_that_was_not_opened_for_it() -> None:
    with InBackground(BybitVenue()) as venue:
        assert ask(venue.url, "/_venue/restart", now="1")["retCode"] == 404


@pytest.mark.parametrize("name", ["bybit", "mexc"])
def test_the_command_says_where_it_listens(name: str) -> None:
    command = [sys.executable, "-m", f"tests.venues.{name}", "--balance", "USDT=5"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        url = running.stdout.readline().split()[1]
        try:
            assert ask(url, "/_venue/state")["balances"]["USDT"] == "5"
        finally:
            running.terminate()


def test_addresses_keep_their_paths_and_protocols() -> None:
    addresses = {
        "public": "https://api.{hostname}",
        "ws": {"private": "wss://stream.{hostname}/v5/private"},
        "port": 1,
    }
    assert redirect(addresses, "http://127.0.0.1:9") == {
        "public": "http://127.0.0.1:9",
        "ws": {"private": "ws://127.0.0.1:9/v5/private"},
        "port": 1,
    }
