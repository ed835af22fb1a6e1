"""Positions are added up anew: what differs is told once and proposed, and never set right here."""

from decimal import Decimal
from typing import Any

import pytest

from core.domain.order import Side
from core.domain.snapshot import Unavailable
from core.host.clock import SystemClock
from core.operate.validation import Validation
from tests.home import HomeUnderTest
from tests.rounds.mexc_round import BTC, BUY
from tests.service.conftest import AtMexc
from tests.service.records import alerts, holding, logged, market
from tests.service.running import Running, with_service
from tests.service.watching import Watching, nothing_written, with_watching

INTERVAL = 3600
DIFFERS = "position_discrepancy"


@pytest.fixture
def held(home: HomeUnderTest) -> HomeUnderTest:
    """0.01 BTC long, protected, and all three figures agree."""
    market(home).trade("BTCUSDT", Side.BUY, Decimal("0.01"))
    home.adopt_all()
    home.must("verify")
    return home


def adopted(home: HomeUnderTest) -> dict[str, Any]:
    """What a fresh plan proposes to adopt."""
    actions = home.json("plan")["plan"]
    (found,) = (
        row
        for rows in actions.values()
        for row in rows
        if "kind" in row and row["entity"] == "position"
    )
    return dict(found)


def misremembered(home: HomeUnderTest, quantity: str = "0.02") -> None:
    """Somebody writes into the book: what is stored is not what its rows make."""
    home.execute("UPDATE positions SET quantity = ?", quantity)


def long_ago(home: HomeUnderTest) -> None:
    """The venue has forgotten the executions by which it came about."""
    home.rewrite_account(home.account | {"executions": []})


def rows_lost(home: HomeUnderTest) -> None:
    """Broker and book say 0.01, and no execution tells why."""
    long_ago(home)
    home.execute("DELETE FROM executions")


async def validated(watching: Watching) -> None:
    await watching.round()
    await watching.validation.validate("main")


# --- all is well ----------------------------------------------------------------------------------


def test_what_agrees_is_not_spoken_of_and_nothing_is_written(held: HomeUnderTest) -> None:
    """Also when nothing but its own rows tells how the position came about."""
    long_ago(held)

    async def story(watching: Watching) -> None:
        await watching.round()
        with nothing_written(held):
            await watching.validation.validate("main")

    with_watching(held, story)
    assert alerts(held, DIFFERS) == []
    (line,) = logged(held, "positions_validated")
    assert (line["positions"], line["differing"], line["broker"]) == (1, [], "known")


def test_at_the_start_and_then_at_the_interval(held: HomeUnderTest) -> None:
    async def story(watching: Watching) -> None:
        await watching.lasts(watching.validation, 10)
        assert logged(held, "positions_validated") == [], "nobody has looked yet"
        await watching.round()
        await watching.lasts(watching.validation, 2.5 * INTERVAL)

    with_watching(held, story)
    assert len(logged(held, "positions_validated")) == 3


def test_a_fill_that_is_about_to_be_booked_is_no_difference(held: HomeUnderTest) -> None:
    async def story(watching: Watching) -> None:
        await watching.round()
        market(held).trade("BTCUSDT", Side.BUY, Decimal("0.01"))
        await watching.validation.validate("main")

    with_watching(held, story)
    assert alerts(held, DIFFERS) == []


def test_a_difference_that_the_next_look_does_not_find_is_none(held: HomeUnderTest) -> None:
    """book: something else for a moment / a second later: as before"""
    misremembered(held)

    async def story(watching: Watching) -> None:
        await watching.validation._look("main")
        misremembered(held, "0.01")
        await watching.validation.validate("main")

    with_watching(held, story)
    assert alerts(held, DIFFERS) == []


def test_dust_that_the_venue_does_not_list_is_no_difference(held: HomeUnderTest) -> None:
    market(held).trade("BTCUSDT", Side.SELL, Decimal("0.01"))
    held.adopt_all()
    misremembered(held, "0.0004")

    async def story(watching: Watching) -> None:
        await watching.validation.validate("main")

    with_watching(held, story)
    assert alerts(held, DIFFERS) == []


# --- what differs ---------------------------------------------------------------------------------


def test_what_is_stored_otherwise_is_told_once_proposed_and_left_alone(held: HomeUnderTest) -> None:
    misremembered(held)

    async def story(watching: Watching) -> None:
        for _ in range(3):
            await validated(watching)

    with_watching(held, story)
    assert alerts(held, DIFFERS) == [
        "BTCUSDT: stored 0.02, computed 0.01, broker 0.01. Nothing was changed: `trueup plan` says "
        "what would be adopted, `trueup history BTCUSDT` how it came there"
    ]
    (row,) = held.rows("SELECT * FROM alerts WHERE type = ?", DIFFERS)
    assert (row["severity"], row["account"], row["subject"]) == ("HIGH", "main", "BTCUSDT")
    assert [line["differing"] for line in logged(held, "positions_validated")] == [["BTCUSDT"]] * 3
    assert holding(held) == Decimal("0.02")
    change = adopted(held)
    assert (change["kind"], change["class"], change["decision"]) == (
        "adopt_position",
        "correct",
        "pending",
    )
    assert (change["before"]["quantity"], change["after"]["quantity"]) == ("0.02", "0.01")
    assert change["unexplained"] == "0"


def test_what_no_rows_make_is_proposed_though_the_broker_says_what_is_stored(
    held: HomeUnderTest,
) -> None:
    rows_lost(held)
    with_watching(held, validated)
    (told,) = alerts(held, DIFFERS)
    assert told.startswith("BTCUSDT: stored 0.01, computed 0, broker 0.01.")
    change = adopted(held)
    assert change["kind"] == "adopt_position"
    assert change["unexplained"] == "0.01"


@pytest.mark.parametrize("spoil", [misremembered, rows_lost])
def test_once_a_person_has_adopted_it_all_three_agree(held: HomeUnderTest, spoil: Any) -> None:
    spoil(held)

    with_watching(held, validated)
    held.must("apply", "--confirm", held.stage_and_approve("all"), "--quiet")
    held.must("verify")
    held.must("plan", "--detailed-exitcode")
    assert holding(held) == Decimal("0.01")
    with_watching(held, validated)
    assert len(alerts(held, DIFFERS)) == 1


def test_a_fill_that_comes_at_the_same_time_hides_nothing(held: HomeUnderTest) -> None:
    """book: 0.02 stored, rows make 0.01 / broker: 0.02 by a purchase that is not booked yet"""
    misremembered(held)

    async def story(watching: Watching) -> None:
        market(held).trade("BTCUSDT", Side.BUY, Decimal("0.01"))
        await watching.validation.validate("main")

    with_watching(held, story)
    (told,) = alerts(held, DIFFERS)
    assert told.startswith("BTCUSDT: stored 0.02, computed 0.01, broker 0.02.")


def test_it_is_told_again_when_it_was_settled_and_comes_back(held: HomeUnderTest) -> None:
    async def story(watching: Watching) -> None:
        for quantity in ("0.02", "0.01", "0.03"):
            misremembered(held, quantity)
            await watching.validation.validate("main")

    with_watching(held, story)
    assert [told.partition(",")[0] for told in alerts(held, DIFFERS)] == [
        "BTCUSDT: stored 0.02",
        "BTCUSDT: stored 0.03",
    ]
    assert [line["symbol"] for line in logged(held, "position_agrees")] == ["BTCUSDT"]


def test_without_the_broker_the_book_is_still_added_up(held: HomeUnderTest) -> None:
    misremembered(held)

    async def story(watching: Watching) -> None:
        market(held).tell("positions", Unavailable("maintenance"))
        await watching.validation.validate("main")

    with_watching(held, story)
    (told,) = alerts(held, DIFFERS)
    assert told.startswith("BTCUSDT: stored 0.02, computed 0.01, broker not known.")


def test_a_broker_that_falls_silent_settles_nothing(held: HomeUnderTest) -> None:
    """book and rows agree on 0.02, the broker says 0.01, then nothing"""
    long_ago(held)
    held.execute("UPDATE executions SET quantity = '0.02'")
    misremembered(held)

    async def story(watching: Watching) -> None:
        await watching.validation.validate("main")
        market(held).tell("positions", Unavailable("maintenance"))
        await watching.validation.validate("main")

    with_watching(held, story)
    assert len(alerts(held, DIFFERS)) == 1
    assert logged(held, "position_agrees") == []


@pytest.mark.parametrize("gate", ["SAFE_MODE", "DRY_RUN"])
def test_behind_a_shut_gate_it_is_told_all_the_same(held: HomeUnderTest, gate: str) -> None:
    misremembered(held)
    held.set(**{gate: "true"})
    before = held.rows("SELECT serial FROM meta")
    with_watching(held, validated)
    assert len(alerts(held, DIFFERS)) == 1
    assert held.rows("SELECT serial FROM meta") == before


def test_contracts_are_added_up_in_base_units(at_mexc: AtMexc) -> None:
    mexc = at_mexc()
    mexc.trade(BTC, BUY, 500)
    mexc.apply()

    async def story(watching: Watching) -> None:
        await watching.validation.validate("mx1")
        misremembered(mexc.home, "0.06")
        await watching.validation.validate("mx1")

    with_watching(mexc.home, story, SystemClock())
    (told,) = alerts(mexc.home, DIFFERS)
    assert told.startswith("BTC_USDT: stored 0.06, computed 0.05, broker 0.05.")


# --- the running service --------------------------------------------------------------------------


def test_beside_a_running_service_it_is_staged_and_nothing_enters(held: HomeUnderTest) -> None:
    rows_lost(held)

    async def story(running: Running) -> None:
        await running.ready()
        given: Any = {"desk": running.desk, "watches": running.service.watches}
        await Validation(**given).validate("main")
        await running.until(lambda: alerts(held, "review_needed"), "it is staged for a person")
        assert running.service.watches["main"].unexplained == {"BTCUSDT"}

    with_service(held, story)
    assert alerts(held, DIFFERS)[0].startswith("BTCUSDT: stored 0.01, computed 0, broker 0.01.")
    assert "adopt_position" in held.staged_file.read_text()
    assert held.rows("SELECT * FROM adjustments") == []
