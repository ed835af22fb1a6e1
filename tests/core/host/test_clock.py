"""The machine's time, chance and user."""

import os
import pwd
from datetime import UTC

import pytest

from core.host.clock import SystemClock, SystemIds
from core.host.login import login_name


def test_time_is_aware_and_goes_on() -> None:
    clock = SystemClock()
    first = clock.now()
    assert first.tzinfo is UTC
    assert clock.now() >= first


async def test_sleep_gives_way_to_others() -> None:
    await SystemClock().sleep(0)


def test_tokens_are_hex_of_the_length_asked_for_and_differ() -> None:
    tokens = {SystemIds().token(4) for _ in range(50)}
    assert len(tokens) == 50
    assert {len(token) for token in tokens} == {8}
    assert all(set(token) <= set("0123456789abcdef") for token in tokens)


def test_who_is_at_the_keyboard() -> None:
    assert login_name({"SUDO_USER": "alice"}) == "alice"
    assert login_name({"USER": "mallory"}) == pwd.getpwuid(os.geteuid()).pw_name


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000_000)
    assert login_name({}) == "uid 4000000000"
