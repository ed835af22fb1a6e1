"""What doctor hears of a ccxt account: each trouble with its remedy."""

from typing import Any

import pytest

from core.brokers.ccxt import CcxtBroker
from core.operate.checking import Finding, Verdict
from tests.core.brokers.ccxt.account import broker_at, secret
from tests.venues.bybit import BybitVenue
from tests.venues.faults import Fault
from tests.venues.mexc import MexcVenue


def said(findings: list[Finding]) -> dict[str, Verdict]:
    return {finding.what.removeprefix("account main "): finding.verdict for finding in findings}


async def test_a_healthy_account(on_bybit: CcxtBroker) -> None:
    findings = await on_bybit.diagnose()
    assert said(findings) == dict.fromkeys(
        ("venue", "clock", "abilities", "key", "kind", "mode"), Verdict.OK
    )


async def test_a_venue_out_of_reach_ends_the_questions(bybit: BybitVenue) -> None:
    async with broker_at(bybit) as broker:
        await bybit.close_port()
        [finding] = await broker.diagnose()
    assert finding.verdict is Verdict.FAIL
    assert finding.remedy


async def test_a_wrong_secret_is_named_and_not_shown(bybit: BybitVenue) -> None:
    async with broker_at(bybit, api_secret=secret("canary-44")) as broker:
        findings = await broker.diagnose()
    assert said(findings)["key"] is Verdict.FAIL
    assert "canary" not in repr(findings)
    assert bybit.api_key not in repr(findings)


async def test_a_missing_secret_says_where_it_was_looked_for(bybit: BybitVenue) -> None:
    async with broker_at(bybit, api_key=secret("")) as broker:
        [finding] = await broker.diagnose()
    assert "env:SECRET is empty or not set" in finding.told


async def test_a_clock_that_is_wrong(bybit: BybitVenue, on_bybit: CcxtBroker) -> None:
    bybit.exchange.clock.skew(4)
    assert said(await on_bybit.diagnose())["clock"] is Verdict.WARN


@pytest.mark.parametrize(
    ("key", "verdict", "why"),
    [
        ({"readOnly": 1}, Verdict.WARN, "only read"),
        ({"permissions": {"Spot": ["SpotTrade"]}}, Verdict.FAIL, "ContractTrade: Order"),
    ],
)
async def test_what_the_key_may_not_do(
    bybit: BybitVenue,
    on_bybit: CcxtBroker,
    monkeypatch: pytest.MonkeyPatch,
    key: dict[str, Any],
    verdict: Verdict,
    why: str,
) -> None:
    _answers(monkeypatch, bybit, "user/query-api", key)
    [finding] = [f for f in await on_bybit.diagnose() if f.what.endswith(" key")]
    assert finding.verdict is verdict
    assert why in finding.told


async def test_a_key_that_may_withdraw_is_warned_of(
    bybit: BybitVenue, on_bybit: CcxtBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted = {"ContractTrade": ["Order", "Position"], "Wallet": ["Withdraw"]}
    _answers(monkeypatch, bybit, "user/query-api", {"permissions": granted})
    told = [f for f in await on_bybit.diagnose() if f.what.endswith(" key")]
    assert [f.verdict for f in told] == [Verdict.OK, Verdict.WARN]


async def test_a_classic_account_is_not_what_we_speak_to(
    bybit: BybitVenue, on_bybit: CcxtBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answers(monkeypatch, bybit, "account/info", {"unifiedMarginStatus": 1})
    assert said(await on_bybit.diagnose())["kind"] is Verdict.FAIL


async def test_a_mode_other_than_the_one_configured() -> None:
    async with (
        BybitVenue(hedged=True) as venue,
        broker_at(venue, position_mode="one-way") as broker,
    ):
        [finding] = [f for f in await broker.diagnose() if f.what.endswith(" mode")]
    assert finding.verdict is Verdict.FAIL
    assert finding.remedy == "set ACCOUNTS.main.position_mode, or the venue"


async def test_what_mexc_cannot_do(mexc: MexcVenue, on_mexc: CcxtBroker) -> None:
    findings = await on_mexc.diagnose()
    assert said(findings)["abilities"] is Verdict.WARN
    mexc.faults.always("account/assets", Fault.refused(701))
    assert said(await on_mexc.diagnose())["key"] is Verdict.FAIL


async def test_what_another_exchange_cannot_do(bybit: BybitVenue) -> None:
    async with broker_at(bybit, broker="bybitid") as broker:
        findings = await broker.diagnose()
    [abilities] = [f for f in findings if f.what.endswith("abilities")]
    assert "may only be reconciled" in abilities.told


def _answers(
    monkeypatch: pytest.MonkeyPatch, venue: BybitVenue, endpoint: str, change: dict[str, Any]
) -> None:
    original = venue.success

    def success(result: Any, call: Any) -> Any:
        if call.endpoint == endpoint:
            result = result | change
        return original(result, call)

    monkeypatch.setattr(venue, "success", success)
