"""Open steps by name, and the copies that they still need."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.errors import Usage
from core.domain.record import Step
from core.operate.resuming import find_step
from tests.build import NOON, execution, instrument, order, position, snapshot
from tests.home import make_home

STEP = Step(
    step_id="tu-1",
    plan_id="p-1",
    action_id="a001",
    account="main",
    symbol="BTCUSDT",
    kind="place_stop",
    idempotency_key="tu-1",
    request={},
    begun_at=NOON,
)
OTHER = replace(STEP, step_id="tu-2", idempotency_key="tu-2", plan_id="p-2")


def test_a_step_is_found_by_its_action_or_its_key() -> None:
    assert find_step([STEP], "a001") is STEP
    assert find_step([STEP, OTHER], "tu-2") is OTHER


def test_one_action_id_of_two_plans_names_nothing() -> None:
    with pytest.raises(Usage, match="a001 names several open steps: tu-1, tu-2"):
        find_step([STEP, OTHER], "a001")


def test_the_copy_that_an_unresolved_plan_was_made_from_is_kept(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    bought = (order(status="filled", filled_quantity=5, quantity=5), execution("T-1", 5))
    told = snapshot(*bought, position(5), instrument())
    home.tell(told, faults=[{"on": "place", "kind": "lost_reply"}])
    home.arm()
    home.must("apply", "--confirm", home.stage_and_approve("all"), "--quiet", code=9)
    (plan,) = home.rows("SELECT backup_file FROM plans WHERE state = 'used'")
    removed = home.json("backup", "prune")["removed"]
    assert plan["backup_file"] not in removed
    assert (home.root / "backups" / plan["backup_file"]).exists()
