"""An account at an exchange without a translation of its own: reconciled, and never traded on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rounds.venue_home import SECRET_FILE, VenueHome, keyed_account, venue_home
from tests.venues.background import InBackground
from tests.venues.bybit import BybitVenue
from tests.venues.exchange import Side
from tests.venues.faults import Fault

NAME = "other"
# A sister of Bybit that speaks its language and is not known by name here.
SISTER = "bybitid"
BTC = "BTC/USDT:USDT"
Elsewhere = tuple[InBackground[BybitVenue], VenueHome]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    """broker: 0.05 BTC long, no stop, and an order that rests / book: nothing"""
    with InBackground(BybitVenue()) as venue:
        lines = keyed_account(NAME, venue, SISTER, key_name="OTHER_API_KEY")
        home = venue_home(tmp_path / "home", lines, secrets={SECRET_FILE: venue.api_secret})
        venue.do(lambda v: v.exchange.trade_by_hand("BTCUSDT", Side.BUY, "0.05"))
        venue.do(lambda v: v.exchange.trade_by_hand("ETHUSDT", Side.BUY, "1", price="2500"))
        yield venue, home


def sent(venue: InBackground[BybitVenue]) -> int:
    writing = ("order/create", "order/amend", "order/cancel", "position/trading-stop")
    return venue.do(lambda v: sum(v.requests.count(endpoint) for endpoint in writing))


def reconciled(home: VenueHome) -> None:
    home.must("stage", "--quiet")
    home.must("review", "--approve", "all", "--seal", "--quiet")
    home.must("apply", "--confirm", home.plan_id())


def test_it_is_reconciled_and_what_it_would_need_is_told(elsewhere: Elsewhere) -> None:
    venue, home = elsewhere
    shown = home.must("plan").out
    assert "3 to insert, 0 to update, 0 to delete, 0 broker actions" in shown
    assert (
        f"! account_read_only  {NAME} {BTC}: The position of 0.05 at 60000.1 has no stop" in shown
    )
    assert "can only be reconciled from here: see to it at the venue" in shown
    reconciled(home)
    home.must("plan", "--detailed-exitcode")
    assert [row["quantity"] for row in home.json("positions")["positions"]] == ["0.05"]
    assert len(home.json("orders")["orders"]) == 2
    assert len(home.json("executions")["executions"]) == 1
    # The position is bare all the same.
    assert "no reduce-only stop" in home.must("verify", code=3).out
    home.must("reconcile")
    assert sent(venue) == 0
    assert not home.sentinel.exists()


def test_what_closes_there_closes_here(elsewhere: Elsewhere) -> None:
    venue, home = elsewhere
    reconciled(home)
    venue.do(lambda v: v.exchange.trade_by_hand("BTCUSDT", Side.SELL, "0.05"))
    reconciled(home)
    home.must("plan", "--detailed-exitcode")
    home.must("verify")


def test_doctor_lists_what_it_cannot_do(elsewhere: Elsewhere) -> None:
    _, home = elsewhere
    told = home.must("doctor").out
    assert f"{SISTER} does not find an order by our key" in told
    assert "it may only be reconciled" in told
    assert f"through ccxt, {SISTER} does not tell the position mode" in told


def test_a_saved_snapshot_remembers_that_nothing_can_be_sent(elsewhere: Elsewhere) -> None:
    _, home = elsewhere
    file = home.root / "saved.json"
    home.must("snapshot", "--out", str(file), "--quiet")
    assert home.json("plan", "--snapshot", str(file))["plan"] == home.json("plan")["plan"]


def test_a_page_that_may_have_ended_removes_nothing(elsewhere: Elsewhere) -> None:
    venue, home = elsewhere
    reconciled(home)
    for _ in range(60):
        venue.do(lambda v: v.exchange.trade_by_hand("BTCUSDT", Side.BUY, "0.001", price="50000"))
    told = home.must("plan", code=10).out
    assert "orders_partial" in told
    assert "where a page may have ended" in told
    assert "0 to delete" in told


@pytest.mark.parametrize("endpoint", ["order/realtime", "position/list", "execution/list"])
def test_a_part_that_fails_is_named_and_removes_nothing(
    elsewhere: Elsewhere, endpoint: str
) -> None:
    venue, home = elsewhere
    reconciled(home)
    venue.do(lambda v: v.faults.always(endpoint, Fault.http(503)))
    told = home.must("plan", code=10).out
    assert "HTTP 503" in told
    assert "0 to insert, 0 to update, 0 to delete, 0 broker actions" in told
    venue.do(lambda v: v.faults.clear())
    home.must("plan", "--detailed-exitcode")
