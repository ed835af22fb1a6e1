"""The wire itself, spoken by hand: these need no client library."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from .account import TradingAccount
from .background import BackgroundGateway
from .clients import until
from .faults import Duplicated, FaultScript, Moment, RequestLost
from .frames import PREAMBLE, Message, NotSpokenHere, fields_of, frame, message, read_message
from .gateway import HOST, IbGateway

ROOT = Path(__file__).parents[len((__package__ or "").split("."))]


class Speaker:
    """A client that writes and reads plain messages."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def say(self, *fields: object) -> None:
        self._writer.write(frame(message(*fields)))

    def greet(self, versions: str) -> None:
        offer = versions.encode()
        self._writer.write(PREAMBLE + len(offer).to_bytes(4, "big") + offer)

    async def hear(self) -> Message | None:
        return await asyncio.wait_for(read_message(self._reader), 5)

    async def hear_until(self, number: int) -> list[Message]:
        """All messages up to the first with this number."""
        heard: list[Message] = []
        while not heard or heard[-1][0] != str(number):
            heard.append(await self.hear() or pytest.fail(f"closed before {number} came"))
        return heard


@asynccontextmanager
async def speaking(port: int, client_id: int | None = 17) -> AsyncIterator[Speaker]:
    reader, writer = await asyncio.open_connection(HOST, port)
    speaker = Speaker(reader, writer)
    try:
        if client_id is not None:
            speaker.greet("v157..176")
            await speaker.hear()
            speaker.say(71, 2, client_id, "")
            await speaker.hear_until(9)
        yield speaker
    finally:
        writer.close()


def plain_order(order_id: int, kind: str = "MKT", **fields: object) -> Message:
    """A placeOrder message of 115 fields for ten SPY, with what a test cares about put in."""
    body: list[object] = [""] * 115
    places = {"account": 23, "order_ref": 26, "limit": 19, "what_if": 85}
    body[:2] = [3, order_id]
    body[3:5] = ["SPY", "STK"]
    body[9], body[11] = "SMART", "USD"
    body[16:19] = ["BUY", 10, kind]
    body[23], body[27] = "DU1", 1
    for name, value in fields.items():
        body[places[name]] = value
    return message(*body)


def test_a_frame_is_a_length_and_closed_fields() -> None:
    assert frame(("61", "", "1")) == b"\0\0\0\x0661\0\0001\0"
    assert fields_of(b"61\0\0001\0") == ("61", "", "1")
    with pytest.raises(NotSpokenHere):
        fields_of(b"61")


def test_a_value_without_wire_form_is_a_mistake() -> None:
    with pytest.raises(TypeError):
        message(1.5)


@pytest.mark.parametrize(
    ("offered", "agreed"), [("v157..176", "176"), ("v157..178", "176"), ("v100..160 +PACE", "160")]
)
async def test_the_greeting_settles_on_the_highest_version_both_know(
    gateway: IbGateway, offered: str, agreed: str
) -> None:
    async with speaking(gateway.port, None) as speaker:
        speaker.greet(offered)
        heard = await speaker.hear()
        assert heard is not None
        assert heard[0] == agreed
        assert heard[1].endswith("America/New_York")


async def test_starting_the_api_names_accounts_and_the_next_id(gateway: IbGateway) -> None:
    async with speaking(gateway.port, None) as speaker:
        speaker.greet("v157..176")
        await speaker.hear()
        speaker.say(71, 2, 17, "")
        assert await speaker.hear() == ("15", "1", "DU1,DU2")
        assert await speaker.hear() == ("9", "1", "1")
        assert (await speaker.hear() or ())[:4] == ("4", "2", "-1", "2104")


async def test_field_counts_of_the_facts_page(gateway: IbGateway, du1: TradingAccount) -> None:
    du1.hold("ES", 1, "6000")
    async with speaking(gateway.port) as speaker:
        speaker.say(61, 1)
        heard = await speaker.hear_until(62)
        speaker.say(6, 2, True, "DU1")
        heard += await speaker.hear_until(54)
        speaker.say(*plain_order(1))
        heard += await speaker.hear_until(59)
        speaker.say(9, 8, 40, *plain_order(1)[2:14], 0, "", "", "")
        heard += await speaker.hear_until(52)
        counts = {int(each[0]): len(each) for each in heard}
    expected = {61: 16, 7: 20, 6: 6, 5: 136, 3: 12, 11: 31, 59: 8, 4: 6, 10: 40}
    assert {number: counts[number] for number in expected} == expected


async def test_a_plain_order_brings_its_messages_in_order(
    gateway: IbGateway, du1: TradingAccount
) -> None:
    async with speaking(gateway.port) as speaker:
        await speaker.hear_until(4)
        speaker.say(*plain_order(1, order_ref="mine"))
        heard = await speaker.hear_until(59)
        numbers = [each[0] for each in heard if each[0] != "4"]
        assert numbers == ["5", "3", "11", "5", "3", "59"]
        status = next(each for each in heard if each[0] == "3")
        assert status[6] == str(du1.order("mine").perm_id)
        speaker.say(8, 1, 1)
        assert await speaker.hear() == ("9", "1", "2")


async def test_a_what_if_flag_behind_delta_neutral_fields_is_still_seen(
    gateway: IbGateway, du1: TradingAccount
) -> None:
    fields = list(plain_order(1, what_if=1))
    fields[65:67] = ["None", "", *[""] * 8]
    async with speaking(gateway.port) as speaker:
        speaker.say(*fields)
        await speaker.hear_until(5)
        assert du1.orders == []


async def test_a_duplicate_order_id_is_refused(gateway: IbGateway, du1: TradingAccount) -> None:
    async with speaking(gateway.port) as speaker:
        speaker.say(*plain_order(1, kind="LMT", limit="490"))
        speaker.say(4, 1, 1, "")
        await until(lambda: du1.completed_orders)
        speaker.say(*plain_order(1))
        await until(lambda: len(gateway.asked) == 5)
        heard = [await speaker.hear_until(4) for _ in range(5)][-1][-1]
        assert heard[2:4] == ("1", "103")
        assert len(du1.orders) == 1


@pytest.mark.parametrize("fields", [(58, 1), (3, 1, 0, "SPY", "BAG")])
async def test_what_is_not_emulated_fails_the_test_that_uses_it(fields: Message) -> None:
    with pytest.raises(ExceptionGroup, match="emulated gateway failed"):
        async with IbGateway() as gateway, speaking(gateway.port) as speaker:
            speaker.say(*fields)
            await until(lambda: gateway.failures)


@pytest.mark.parametrize("last_words", [b"", b"API", b"API\0\0\0\0\x09v157"])
async def test_a_peer_that_dies_during_the_greeting_harms_nobody(
    gateway: IbGateway, last_words: bytes
) -> None:
    _, writer = await asyncio.open_connection(HOST, gateway.port)
    writer.write(last_words)
    writer.close()
    async with speaking(gateway.port) as speaker:
        speaker.say(49, 1)
        await speaker.hear_until(49)
    assert gateway.failures == []


def test_faults_are_taken_in_their_order_and_number() -> None:
    script = FaultScript()
    script.next("place", RequestLost(), after=1)
    script.next("place", Duplicated(), client_id=18)
    taken = [script.take(Moment.PLACE, client) for client in (17, 18, 18, 17)]
    assert taken == [None, RequestLost(), Duplicated(), None]
    script.always("fill", Duplicated())
    assert [script.take(Moment.FILL, 17) for _ in range(3)] == [Duplicated()] * 3
    script.clear()
    assert script.pending == []


def test_only_a_request_can_be_lost_on_its_way() -> None:
    with pytest.raises(ValueError, match="unasked"):
        FaultScript().next("fill", RequestLost())


def test_in_the_background_for_a_test_that_blocks() -> None:
    with BackgroundGateway(IbGateway(["DU1"])) as running:
        running.do(lambda gateway: gateway.accounts["DU1"].quote("SPY", 500, 501))

        async def trade() -> Message:
            async with speaking(running.port) as speaker:
                speaker.say(*plain_order(1))
                return (await speaker.hear_until(11))[-1]

        assert asyncio.run(trade())[20] == "501"
        running.wait_until(lambda gateway: gateway.accounts["DU1"].position("SPY") == 10)
        port = running.port
        running.restart()
        assert running.port == port


def test_as_a_program_of_its_own() -> None:
    command = [sys.executable, "-m", __package__ or "", "--port", "0", "--hold", "DU1:SPY=7@500"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        port = int(program.stdout.readline().rpartition(":")[2])

        async def held() -> Message | None:
            async with speaking(port) as speaker:
                speaker.say(61, 1)
                return (await speaker.hear_until(62))[-2]

        try:
            assert "SPY" in (asyncio.run(held()) or ())
        finally:
            program.terminate()
    assert program.returncode == 0
