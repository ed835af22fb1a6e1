"""Own orders that wait for too long, or for nothing, are proposed for cancelling, and no others."""

from typing import Any

import pytest

from core.domain.snapshot import Partial
from core.plan.change import ChangeClass, class_of
from core.plan.proposal import Proposal
from tests.build import booked, decision, open_step, order, position, settings, stored
from tests.told import plan, told

OURS: dict[str, Any] = {"client_order_id": "tu-1", "created_at": "10:59"}


def waiting(*, origin: str = "owned", rows: tuple[Any, ...] = (), **given: Any) -> list[str]:
    """Told about an order of ours that was placed an hour and a minute ago."""
    return told(proposed(origin=origin, rows=rows, **given))


def proposed(
    *, origin: str = "owned", rows: tuple[Any, ...] = (), keys: Any = None, **given: Any
) -> Proposal:
    listed = order("V-1", **(OURS | given))
    parts = {"executions": Partial("not asked")} if listed.filled_quantity else {}
    seen = plan([listed], [booked(listed, origin=origin), *rows], keys=keys, parts=parts)
    return seen


def test_open_for_longer_than_allowed() -> None:
    seen = proposed()
    assert told(seen) == ["- stale order V-1"]
    change = seen.changes[0]
    assert (change.reason, class_of(change)) == ("stale_order", ChangeClass.TRADE)
    assert change.because == (
        "Our buy order is open with 0 of 10 filled after 3660 seconds; 3600 are allowed."
    )


@pytest.mark.parametrize(
    "given",
    [
        {"created_at": "11:00"},
        {"origin": "external", "client_order_id": None},
        {"status": "cancelled"},
        {"type": "stop", "trigger_price": 90},
        {"keys": {"cancel_stale_order_timeout": 0}},
        {"keys": {"cancel_stale_order_timeout": 3660}},
        {"rows": (decision("ignore"),)},
        {"rows": (open_step(),)},
        {"rows": (open_step(symbol="ETHUSDT", idempotency_key="tu-1"),)},
    ],
    ids=[
        "just within",
        "external",
        "ended",
        "a stop",
        "switched off",
        "allowed longer",
        "left alone by decision",
        "a call for the symbol in flight",
        "a call for the order in flight",
    ],
)
def test_what_is_not_cancelled(given: dict[str, Any]) -> None:
    assert proposed(**given).changes == ()


def test_ours_by_the_book_or_by_its_key() -> None:
    assert waiting(client_order_id=None) == ["- stale order V-1"]
    assert waiting(origin="external") == ["- stale order V-1"]


def test_partly_filled_orders_only_when_configured() -> None:
    partly = {"filled_quantity": 4, "status": "partially_filled"}
    assert proposed(**partly).changes == ()
    keys = {"cancel_partially_filled": True}
    assert [change.kind for change in proposed(keys=keys, **partly).changes] == [
        "cancel_stale_order"
    ]


def test_the_book_knows_its_age_when_the_broker_does_not() -> None:
    silent = order("V-1", client_order_id="tu-1", created_at=None)
    row = booked(silent, origin="owned", created_at="10:59")
    assert told(plan([silent], [row])) == ["- stale order V-1"]
    ageless = booked(silent, origin="owned", created_at=None)
    assert told(plan([silent], [ageless])) == []
    assert told(plan([silent], [])) == ["+ order owned buy 10 open"]


def test_the_default_is_an_hour() -> None:
    assert settings().EXECUTION.cancel_stale_order_timeout == 3600


# --- what was to leave a position -----------------------------------------------------------------


def test_it_waits_as_long_as_there_is_something_to_leave() -> None:
    listed, row = order("V-1", **(OURS | {"reduce_only": True})), stored(-5)
    ours = booked(listed, origin="owned")
    assert told(plan([listed, position(-5)], [ours, row])) == []
    # One of the two still shows it.
    assert "- stale order V-1" not in told(plan([listed], [ours, row]))
    assert "- stale order V-1" not in told(plan([listed, position(-5)], [ours]))
    gone = {"positions": Partial("not asked")}
    assert told(plan([listed], [ours], parts=gone))[:1] != ["- stale order V-1"]


def test_it_goes_with_what_it_was_to_leave_however_young_it_is() -> None:
    listed = order("V-1", **(OURS | {"reduce_only": True, "created_at": "11:59:59"}))
    seen = plan([listed], [booked(listed, origin="owned")])
    assert told(seen) == ["- stale order V-1"]
    assert seen.changes[0].reason == "nothing_to_leave"


def test_one_that_the_venue_does_not_know_for_reduce_only_is_known_by_the_book() -> None:
    """It would open a position of the other direction."""
    listed = order("V-1", **(OURS | {"reduce_only": None, "created_at": "11:59:59"}))
    assert told(plan([listed], [booked(listed, origin="owned")])) == []
    ours = booked(listed, origin="owned", reduce_only=True)
    assert told(plan([listed], [ours])) == ["- stale order V-1"]


def test_a_long_is_nothing_that_a_buy_could_leave() -> None:
    listed = order("V-1", **(OURS | {"reduce_only": True}))
    ours = booked(listed, origin="owned")
    assert told(plan([listed, position(5)], [ours, stored(5)])) == ["- stale order V-1"]
