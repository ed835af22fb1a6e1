"""One approved action at a venue that misbehaves as told, and what is left of it afterwards."""

from typing import Any

from tests.build import clock, execution, instrument, order, position, snapshot, stop
from tests.home import HomeUnderTest

BOUGHT = (order(status="filled", filled_quantity=5, quantity=5), execution("T-1", 5))
HELD = (*BOUGHT, position(5), instrument())
SECOND = stop("S-2", 5, trigger_price=89, created_at=clock("10:30"))

# What the broker shows, by the one thing that is then asked of it.
WORLDS = {
    "place": snapshot(*HELD),
    "amend": snapshot(*HELD, stop("S-1", 8)),
    "cancel": snapshot(*HELD, stop("S-1", 5), SECOND),
}
KINDS = {"place": "place_stop", "amend": "resize_stop", "cancel": "cancel_duplicate_stop"}
# The order that is altered; a placed one has no name yet.
ALTERED = {"amend": "S-1", "cancel": "S-2"}


def ready(home: HomeUnderTest, world: str) -> str:
    """Everything about this world is in the book but the one action, which is approved."""
    home.tell(WORLDS[world])
    home.arm()
    home.must("stage", "--quiet")
    home.must("apply", "--confirm", home.plan_id(), "--exclude", "broker_actions", "--quiet")
    plan_id = home.stage_and_approve("all")
    (action,) = home.json("review")["plan"]["broker_actions"]
    assert action["kind"] == KINDS[world]
    return plan_id


def simulate(home: HomeUnderTest, *faults: dict[str, Any], **told: Any) -> None:
    """The venue behaves like this from now on."""
    home.rewrite_account(home.account | {"simulation": {**told, "faults": list(faults)}})


def applied(home: HomeUnderTest, plan_id: str, code: int) -> dict[str, Any]:
    """The ledger's line of the one action."""
    (line,) = home.json("apply", "--confirm", plan_id, code=code)["actions"]
    return dict(line)


def journaled(home: HomeUnderTest) -> list[str]:
    return [row["state"] for row in home.rows("SELECT state FROM journal ORDER BY sequence")]


def booked(home: HomeUnderTest, broker_order_id: str) -> dict[str, Any]:
    (row,) = home.rows(
        "SELECT status, quantity FROM orders WHERE broker_order_id = ?", broker_order_id
    )
    return row


def shown(home: HomeUnderTest, broker_order_id: str) -> dict[str, Any]:
    (row,) = [row for row in home.broker_orders() if row["broker_order_id"] == broker_order_id]
    return row


def placed(home: HomeUnderTest) -> list[dict[str, Any]]:
    return [row for row in home.broker_orders() if (row["client_order_id"] or "").startswith("tu-")]
