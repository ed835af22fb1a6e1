"""Scripted faults: what each does to the call that meets it, and how often it is met."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.brokers.paper.faults import NO_ANSWER, WRITE_ANSWERS
from core.brokers.paper.simulation import ONLY_ON, WRITES, Fault
from core.domain.errors import NotSent, OutcomeUnknown, Rejected, Unavailable
from core.domain.order import OrderStatus
from core.domain.snapshot import Absent, Found, Inconclusive, Partial
from tests.core.brokers.paper.venue import PaperVenue
from tests.core.brokers.receipts import receipt

NOTHING_HAPPENED = [
    ("not_sent", NotSent),
    ("unavailable", NotSent),
    ("rate_limit", NotSent),
    ("reject", Rejected),
    ("timeout_before_accept", OutcomeUnknown),
]


def faults(venue: PaperVenue) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = venue.read().get("simulation", {}).get("faults", [])
    return rows


# --- writing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "error"), NOTHING_HAPPENED)
async def test_nothing_happened_and_the_next_call_goes_through(
    venue: PaperVenue, kind: str, error: type[Exception]
) -> None:
    venue.script(on="place", kind=kind)
    with pytest.raises(error):
        await venue.place("tu-1", "buy", 1)
    assert await venue.broker.find_order(symbol="BTCUSDT", client_order_id="tu-1") == Absent()
    assert faults(venue) == []
    await venue.place("tu-1", "buy", 1)
    assert await venue.holds() == 1


async def test_a_rejection_carries_the_code_and_the_text(venue: PaperVenue) -> None:
    venue.script(on="cancel", kind="reject", code="110001", text="order [/] not exists")
    order = await venue.place("tu-1", "buy", 1, "limit", price=95)
    with pytest.raises(Rejected) as caught:
        await venue.broker.cancel(receipt("tu-2"), order)
    assert (caught.value.code, caught.value.text) == ("110001", "order [/] not exists")
    assert (await venue.order("tu-1")).status is OrderStatus.OPEN


async def test_a_lost_reply_happened_once(venue: PaperVenue) -> None:
    venue.script(on="place", kind="lost_reply")
    with pytest.raises(OutcomeUnknown):
        await venue.place("tu-1", "buy", 1)
    assert await venue.holds() == 1
    with pytest.raises(Rejected, match="duplicate_client_order_id"):
        await venue.place("tu-1", "buy", 1)


async def test_when_the_lost_reply_was_a_refusal_nothing_happened(venue: PaperVenue) -> None:
    venue.script(on="place", kind="lost_reply")
    with pytest.raises(OutcomeUnknown):
        await venue.place("tu-1", "buy", 1, symbol="DOGEUSDT")
    assert (await venue.broker.snapshot()).orders == ()


async def test_a_late_order_is_absent_until_it_arrives_in_whatever_process(
    venue: PaperVenue,
) -> None:
    venue.script(on="place", kind="late_accept", after_seconds=8)
    with pytest.raises(OutcomeUnknown):
        await venue.place("tu-1", "buy", 1)
    other = venue.reopened()
    assert await other.find_order(symbol="BTCUSDT", client_order_id="tu-1") == Absent()
    assert other.capabilities.quarantine > timedelta(seconds=8)
    await venue.clock.sleep(8)
    found = await other.find_order(symbol="BTCUSDT", client_order_id="tu-1")
    assert isinstance(found, Found)
    assert found.order.status is OrderStatus.FILLED
    assert venue.read()["simulation"]["in_flight"] == []
    assert await venue.holds() == 1


async def test_a_late_order_that_was_sent_again_meanwhile_is_one_order(venue: PaperVenue) -> None:
    venue.script(on="place", kind="late_accept")
    with pytest.raises(OutcomeUnknown):
        await venue.place("tu-1", "buy", 1)
    await venue.place("tu-1", "buy", 1)
    await venue.clock.sleep(60)
    assert await venue.holds() == 1


async def test_without_deduplication_a_late_order_comes_on_top(venue: PaperVenue) -> None:
    venue.desk.simulate(deduplicates=False, faults=[{"on": "place", "kind": "late_accept"}])
    with pytest.raises(OutcomeUnknown):
        await venue.place("tu-1", "buy", 1)
    await venue.place("tu-1", "buy", 1)
    await venue.clock.sleep(60)
    assert await venue.holds() == 2


async def test_a_late_cancel_and_a_late_amend_arrive_too(venue: PaperVenue) -> None:
    order = await venue.place("tu-1", "buy", 1, "limit", price=95)
    venue.script(on="amend", kind="late_accept", after_seconds=1)
    with pytest.raises(OutcomeUnknown):
        await venue.broker.amend(receipt("tu-2"), order, quantity=Decimal(2), price=Decimal(96))
    venue.desk.simulate(faults=[{"on": "cancel", "kind": "late_accept", "after_seconds": 2}])
    with pytest.raises(OutcomeUnknown):
        await venue.broker.cancel(receipt("tu-3"), order)
    await venue.clock.sleep(1)
    order = await venue.order("tu-1")
    assert (order.quantity, order.price, order.status) == (2, 96, OrderStatus.OPEN)
    await venue.clock.sleep(1)
    assert (await venue.order("tu-1")).status is OrderStatus.CANCELLED


async def test_a_late_cancel_that_loses_against_a_fill_changes_nothing(venue: PaperVenue) -> None:
    order = await venue.place("tu-1", "buy", 1, "limit", price=95)
    venue.script(on="cancel", kind="late_accept")
    with pytest.raises(OutcomeUnknown):
        await venue.broker.cancel(receipt("tu-2"), order)
    await venue.move_price(Decimal(90))
    await venue.clock.sleep(60)
    assert (await venue.order("tu-1")).status is OrderStatus.FILLED


async def test_a_partial_fill_on_request_leaves_the_rest_resting(venue: PaperVenue) -> None:
    venue.script(on="place", kind="partial", ratio=0.25)
    order = await venue.place("tu-1", "buy", 4, "limit", price=105)
    assert (order.status, order.filled_quantity) == (OrderStatus.PARTIALLY_FILLED, 1)
    assert (await venue.order("tu-1")).filled_quantity == 1


async def test_a_delayed_fill_is_seen_later_and_once(venue: PaperVenue) -> None:
    venue.script(on="place", kind="delayed_event", after_seconds=30)
    order = await venue.place("tu-1", "buy", 1)
    assert (order.status, order.filled_quantity) == (OrderStatus.OPEN, 0)
    await venue.clock.sleep(29)
    assert (await venue.order("tu-1")).status is OrderStatus.OPEN
    await venue.clock.sleep(1)
    for _ in range(2):
        assert (await venue.order("tu-1")).status is OrderStatus.FILLED
        assert await venue.holds() == 1


async def test_an_order_whose_fill_is_delayed_can_be_amended_and_cancelled(
    venue: PaperVenue,
) -> None:
    venue.script(on="place", kind="delayed_event", after_seconds=30)
    order = await venue.place("tu-1", "buy", 1, "limit", price=105)
    amended = await venue.broker.amend(receipt("tu-2"), order, quantity=Decimal(2))
    assert (amended.status, amended.filled_quantity) == (OrderStatus.OPEN, 0)
    await venue.broker.cancel(receipt("tu-3"), order)
    await venue.clock.sleep(60)
    assert await venue.holds() == 0


async def test_a_price_gap_comes_before_the_call(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1, "limit", price=95)
    venue.script(on="place", kind="price_gap", symbol="BTCUSDT", price="80")
    order = await venue.place("tu-2", "buy", 1)
    assert order.average_price == Decimal("80.1")
    assert (await venue.order("tu-1")).average_price == 95


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(NO_ANSWER))
async def test_a_read_that_fails_says_so_and_the_next_one_works(
    venue: PaperVenue, kind: str
) -> None:
    reads: dict[str, Callable[[], Awaitable[object]]] = {
        "snapshot": venue.broker.snapshot,
        "find_order": lambda: venue.broker.find_order(symbol="BTCUSDT", client_order_id="x"),
        "quote": lambda: venue.broker.quote("BTCUSDT"),
        "instrument": lambda: venue.broker.instrument("BTCUSDT"),
        "balances": venue.broker.balances,
        "account_mode": venue.broker.account_mode,
        "clock_skew": venue.broker.clock_skew,
    }
    for name, read in reads.items():
        venue.script(on=name, kind=kind, text="HTTP 503")
        with pytest.raises(Unavailable, match="HTTP 503"):
            await read()
        await read()


async def test_a_partial_listing_is_said_to_be_one(venue: PaperVenue) -> None:
    for number in range(4):
        await venue.place(f"tu-{number}", "buy", 1, "limit", price=95)
    venue.script(on="snapshot", kind="partial", part="orders", text="page limit")
    snapshot = await venue.broker.snapshot()
    assert snapshot.parts["orders"] == Partial("page limit")
    assert len(snapshot.orders) == 2
    assert (await venue.broker.snapshot()).complete


async def test_young_executions_may_be_missing_from_a_listing(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1)
    await venue.clock.sleep(10)
    await venue.place("tu-2", "buy", 1)
    venue.script(on="snapshot", kind="delayed_event", after_seconds=5)
    snapshot = await venue.broker.snapshot()
    assert [row.client_order_id for row in snapshot.executions] == ["tu-1"]
    assert snapshot.positions[0].quantity == 2


async def test_an_execution_may_be_told_twice(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1)
    venue.script(on="snapshot", kind="duplicate_event")
    rows = (await venue.broker.snapshot()).executions
    assert [row.execution_id for row in rows] == ["T-1", "T-1"]


async def test_a_lookup_may_be_inconclusive(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1)
    venue.script(on="find_order", kind="inconclusive", text="still indexing")
    found = await venue.broker.find_order(symbol="BTCUSDT", client_order_id="tu-1")
    assert found == Inconclusive("still indexing")


async def test_a_price_gap_on_a_read_triggers_what_it_passes(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1, "limit", price=95)
    venue.script(on="snapshot", kind="price_gap", symbol="BTCUSDT", price="90")
    assert (await venue.order("tu-1")).status is OrderStatus.FILLED


# --- how often ------------------------------------------------------------------------------------


async def test_a_fault_is_met_as_often_as_told_across_processes(venue: PaperVenue) -> None:
    venue.script(on="any", kind="unavailable", times=3)
    with pytest.raises(NotSent):
        await venue.place("tu-1", "buy", 1)
    assert faults(venue)[0]["times"] == 2
    for _ in range(2):
        with pytest.raises(Unavailable):
            await venue.reopened().snapshot()
    await venue.reopened().snapshot()


async def test_faults_wait_for_their_call_and_their_symbol(venue: PaperVenue) -> None:
    venue.desk.simulate(
        faults=[
            {"on": "place", "kind": "reject", "symbol": "ETHUSDT"},
            {"on": "cancel", "kind": "reject"},
        ]
    )
    order = await venue.place("tu-1", "buy", 1, "limit", price=95)
    assert len(faults(venue)) == 2
    with pytest.raises(Rejected, match="scripted fault"):
        await venue.broker.cancel(receipt("tu-2"), order)
    assert [fault["on"] for fault in faults(venue)] == ["place"]


async def test_latency_lies_before_and_after_what_counts(venue: PaperVenue) -> None:
    venue.desk.simulate(latency_ms=2000)
    order = await venue.place("tu-1", "buy", 1)
    assert order.created_at is not None
    began = order.created_at - timedelta(seconds=1)
    assert venue.clock.now() == began + timedelta(seconds=2)


# --- the table ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "place"),
    [
        ({"faults": [{"on": "place", "kind": "explode"}]}, "$.faults[0].kind"),
        ({"faults": [{"on": "jump", "kind": "reject"}]}, "$.faults[0].on"),
        ({"faults": [{"on": "place"}]}, "$.faults[0]"),
        ({"faults": [{"on": "place", "kind": "inconclusive"}]}, "means nothing on place"),
        ({"faults": [{"on": "any", "kind": "partial"}]}, "means nothing on any"),
        ({"faults": [{"on": "place", "kind": "price_gap"}]}, "needs a symbol and a price"),
        ({"faults": [{"on": "place", "kind": "reject", "times": 0}]}, "$.faults[0].times"),
        ({"fill_ratio": "1.5"}, "between 0 and 1"),
        ({"fill_ratio": "NaN"}, "not a plain decimal"),
        ({"fee_rate": "1"}, "below 1"),
        ({"leverage": {"BTCUSDT": "0"}}, "above zero"),
        ({"lateny_ms": 5}, "lateny_ms"),
        ({"latency_ms": -5}, "latency_ms"),
        ([], "Expected"),
    ],
)
async def test_a_rehearsal_that_is_misspelt_is_refused(
    venue: PaperVenue, told: object, place: str
) -> None:
    venue.edit(lambda content: content.update(simulation=told))
    with pytest.raises(Unavailable) as caught:
        await venue.broker.snapshot()
    assert "$.simulation" in caught.value.message
    assert place in caught.value.message


def test_every_kind_has_an_answer_wherever_it_is_allowed() -> None:
    kinds = set(Fault.__annotations__["kind"].__args__)
    for kind in kinds:
        writes = WRITES & ONLY_ON.get(kind, WRITES)
        assert not writes or kind in WRITE_ANSWERS
        reads = ONLY_ON.get(kind, frozenset({"snapshot"})) - WRITES
        assert not reads or kind in NO_ANSWER | {"price_gap", *ONLY_ON}
