"""A home that has no queue pays for no client of one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.amqp import listens_to
from tests.home import HomeUnderTest

ROOT = Path(__file__).parents[3]
CODE = """
import sys
from pathlib import Path
from core.assembly import Caller, Wiring, intakes, listeners
from core.config.effective import load
from core.config.watch import GateWatch
root = Path(sys.argv[1])
wiring = Wiring(load(root, {}), GateWatch(root, {}).now, Caller(actor="a", command="manage"))
desk = wiring.desk()
print(*intakes(desk), *listeners(desk), "aio_pika" in sys.modules, sep=", ")
"""


@pytest.mark.parametrize(
    ("address", "updates", "told"),
    [
        (None, "null", "spool, False"),
        ("amqp://127.0.0.1/", "null", "spool, queue, True"),
        ("amqp://127.0.0.1/", "gateway", "spool, queue, order updates, True"),
    ],
)
def test_only_an_address_brings_the_queues(
    home: HomeUnderTest, address: str | None, updates: str, told: str
) -> None:
    if address:
        listens_to(home, address, "signals", updates)
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(home.root)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == told
