"""How ccxt is taken in: late, aimed where the account says, silent, and exact to the digit."""

import logging
import subprocess
import sys
from decimal import Decimal

import pytest

from core.brokers.ccxt import CcxtBroker
from core.brokers.ccxt.library import loads, redirected
from core.domain.errors import BrokerError
from tests.core.brokers.ccxt.account import NAME, broker_at, exchange_of, request
from tests.core.brokers.receipts import receipt
from tests.venues.bybit import BybitVenue
from tests.venues.faults import Fault


def test_ccxt_is_not_imported_before_it_is_needed() -> None:
    program = (
        "import sys; import core.brokers.ccxt;"
        "sys.exit(any(name.split('.')[0] in ('ccxt', 'aiohttp') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_every_address_is_replaced_and_paths_stay() -> None:
    addresses = {
        "public": "https://api.{hostname}/v5",
        "ws": {"private": {"contract": "wss://stream.{hostname}/v5/private"}},
        "other": None,
    }
    assert redirected(addresses, "http://127.0.0.1:8900") == {
        "public": "http://127.0.0.1:8900/v5",
        "ws": {"private": {"contract": "ws://127.0.0.1:8900/v5/private"}},
        "other": None,
    }
    assert redirected("wss://a.b/c", "https://proxy:1") == "wss://proxy:1/c"


async def test_an_endpoint_leaves_no_other_address(on_bybit: CcxtBroker, bybit: BybitVenue) -> None:
    def every(tree: object) -> list[str]:
        if isinstance(tree, dict):
            return [text for each in tree.values() for text in every(each)]
        return [str(tree)]

    addresses = every(exchange_of(on_bybit).urls["api"])
    assert addresses
    assert all(text.startswith((bybit.url, bybit.ws_url)) for text in addresses)


async def test_the_testnet_is_another_place(bybit: BybitVenue) -> None:
    async with broker_at(bybit, endpoint=None, environment="testnet") as broker:
        assert "testnet" in exchange_of(broker).urls["api"]["private"]


async def test_nothing_is_logged_that_could_hold_a_secret(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        BybitVenue(api_key="canary-key-31", api_secret="canary-secret-32") as venue,
        broker_at(venue) as broker,
    ):
        venue.faults.next("account/wallet-balance", Fault.http(503), times=2)
        await broker.snapshot()
        venue.faults.next("order/create", Fault.refused(10004, "origin_string[canary-key-31]"))
        with pytest.raises(BrokerError) as raised:
            await broker.place(receipt("tu-1", NAME), request("BTCUSDT", "buy", "0.01"))
        shown = repr(broker) + repr(vars(broker)) + str(raised.value)
    told = capfd.readouterr()
    assert "canary" not in shown + caplog.text + told.out + told.err


def test_json_keeps_every_digit_and_refuses_what_is_none() -> None:
    assert loads('{"a": 0.10000000000000000555, "b": 1234567890123456789}') == {
        "a": "0.10000000000000000555",
        "b": 1234567890123456789,
    }
    for text in ("NaN", "Infinity", "-Infinity"):
        with pytest.raises(ValueError, match="is no number"):
            loads(f'{{"a": {text}}}')


async def test_decimals_leave_with_every_digit(on_bybit: CcxtBroker) -> None:
    number = Decimal("60000.100000000000000001")
    assert exchange_of(on_bybit).json({"price": number}) == '{"price":60000.100000000000000001}'
