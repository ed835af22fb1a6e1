"""kill -9 of two processes that trade: the file always parses, what was acknowledged is there."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from core.observe.snapshot_file import read_snapshot
from tests.core.brokers.paper.venue import PaperVenue

ROOT = Path(__file__).parents[4]
ROUNDS = 4


def start(path: Path, name: str) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-m", "tests.core.brokers.paper.trader", str(path), name]
    return subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE)


def killed(trader: subprocess.Popen[bytes], after_orders: int) -> dict[str, str]:
    """Kills it in the middle of whatever it does next; answers every order it has told."""
    assert trader.stdout is not None
    told = [trader.stdout.readline() for _ in range(after_orders)]
    trader.send_signal(signal.SIGKILL)
    rest, _ = trader.communicate()
    told += rest.splitlines(keepends=True)
    return dict(json.loads(line) for line in told if line.endswith(b"\n"))


async def test_nothing_acknowledged_is_lost_and_nothing_is_doubled(venue: PaperVenue) -> None:
    acknowledged: dict[str, str] = {}
    for number in range(ROUNDS):
        # Two at once, so that one is often killed while it holds or awaits the lock.
        first, second = start(venue.path, f"{number}a"), start(venue.path, f"{number}b")
        acknowledged |= killed(first, after_orders=1 + number)
        acknowledged |= killed(second, after_orders=1)
        snapshot = read_snapshot(venue.path)
        orders = {str(order.client_order_id): order.broker_order_id for order in snapshot.orders}
        assert len(orders) == len(snapshot.orders)
        assert acknowledged.items() <= orders.items()
        assert len(snapshot.executions) == len(snapshot.orders)
        held = sum(row.side.sign * row.quantity for row in snapshot.executions)
        assert held == sum(position.quantity for position in snapshot.positions)
    # The dead have left no lock behind.
    await venue.place("tu-after", "buy", 1)
