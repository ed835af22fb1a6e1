"""Why an account does not work, and what to do about it."""

from datetime import timedelta

import pytest

from core.brokers.ib import library
from core.brokers.ib.diagnosis import managed
from core.config.settings import Account
from core.operate.checking import Finding, Verdict
from tests.core.brokers.ib.desk import BRIEF, Desk
from tests.venues.ib import RequestLost


def told(findings: list[Finding], what: str) -> Finding:
    (found,) = [each for each in findings if each.what == f"account ib1 {what}"]
    return found


async def test_a_healthy_line(desk: Desk, library_name: str) -> None:
    findings = await desk.open().diagnose()
    assert {each.verdict for each in findings} == {Verdict.OK}
    assert told(findings, "library").told == library_name
    assert told(findings, "client id").told == "17"
    assert told(findings, "managed account").told == "DU1 of DU1, DU2"
    assert told(findings, "clock").told == "+0.000 s"


async def test_no_library(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "LIBRARIES", ("no_such_module",))
    library.library.cache_clear()
    (finding,) = await desk.open().diagnose()
    library.library.cache_clear()
    assert (finding.what, finding.verdict) == ("account ib1 library", Verdict.FAIL)
    assert "pip install" in finding.remedy


async def test_no_gateway(desk: Desk) -> None:
    await desk.gateway.stop()
    last = (await desk.open().diagnose())[-1]
    assert (last.what, last.verdict) == ("account ib1 gateway", Verdict.FAIL)
    assert "connection refused" in last.told
    assert last.remedy.endswith("check ACCOUNTS.ib1.host and .port")


async def test_a_client_id_in_use(desk: Desk) -> None:
    await desk.connected(desk.open())
    last = (await desk.open().diagnose())[-1]
    assert (last.what, last.verdict) == ("account ib1 client id", Verdict.FAIL)
    assert "client id 17 is in use" in last.told
    assert "give ACCOUNTS.ib1 a client_id of its own" in last.remedy


async def test_an_account_that_is_not_there(desk: Desk) -> None:
    last = (await desk.open(managed_account="DU9").diagnose())[-1]
    assert last.verdict is Verdict.FAIL
    assert last.remedy == "set ACCOUNTS.ib1.managed_account to one of them"


async def test_a_gateway_cut_off_from_ib(desk: Desk) -> None:
    desk.gateway.lose_connectivity()
    findings = await desk.open(timeout_seconds=BRIEF).diagnose()
    failed = [each for each in findings if each.verdict is Verdict.FAIL]
    assert failed[0].told.startswith("1100")
    assert "log in" in failed[0].remedy


def test_a_paper_account_on_a_live_port_is_worth_a_warning() -> None:
    settings = Account(broker="ib", port=7496, client_id=0)
    findings = list(managed("account ib1", settings, "DU1", ["DU1"]))
    port = told(findings, "port")
    assert port.told == "DU1 is a paper account on 7496, the usual port of live ones"
    assert told(findings, "client id").verdict is Verdict.WARN
    live = list(managed("account ib1", Account(broker="ib", port=4002), "U1", ["U1"]))
    assert told(live, "port").told == "U1 is a live account on 4002, the usual port of paper ones"
    assert told(live, "port").remedy.endswith("set ACCOUNTS.ib1.port")


async def test_a_clock_that_is_off_and_one_that_does_not_answer(desk: Desk) -> None:
    desk.gateway.skew = timedelta(minutes=5)
    clock = told(await desk.open().diagnose(), "clock")
    assert (clock.verdict, clock.remedy) == (Verdict.WARN, "synchronise the clock (ntp)")
    desk.gateway.faults.always("current_time", RequestLost())
    silent = desk.open(client_id=18, timeout_seconds=BRIEF)
    assert told(await silent.diagnose(), "clock").verdict is Verdict.FAIL
