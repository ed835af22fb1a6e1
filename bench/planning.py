"""P1 and P2: how long a plan takes when nothing differs, and how that grows."""

import sqlite3
from pathlib import Path

from bench.homes import make_home
from bench.measure import TRUEUP, Run, median_run, timed
from bench.report import Figure

# The best-known trading engine's reconciliation of the same state, in-process, as published with
# the specification of this project: steady state and cold, in seconds.
OTHER_STEADY_SECONDS = 22.0
OTHER_COLD_SECONDS = 62.0


def _plan(home: Path, snapshot: Path, *, times: int) -> Run:
    command = [*TRUEUP, "--home", str(home), "plan", "--snapshot", str(snapshot), "--quiet"]
    return median_run([*command, "--detailed-exitcode"], times=times)


def steady(scratch: Path) -> list[Figure]:
    home = scratch / "home"
    snapshot = make_home(home, orders=50_000, executions=50_000)
    took = _plan(home, snapshot, times=5)
    ratio = OTHER_STEADY_SECONDS / took.seconds
    return [
        Figure(
            name="P1",
            what="plan, 50,000 orders + 50,000 executions, nothing differs",
            measured=f"{took.seconds:.2f} s",
            beside=f"{OTHER_STEADY_SECONDS:.0f} s (published)",
            ratio=f"{ratio:.0f} x faster",
            aim=">= 50 x",
            reached=ratio >= 50,
        ),
        Figure(
            name="P1",
            what="the same, peak memory",
            measured=f"{took.peak_mib:.0f} MiB",
            beside="-",
            ratio="-",
            aim="< 300 MiB",
            reached=took.peak_mib < 300,
        ),
    ]


def growth(scratch: Path) -> list[Figure]:
    small_home, large_home = scratch / "small", scratch / "large"
    small = _plan(small_home, make_home(small_home, orders=100_000, executions=50_000), times=3)
    large_snapshot = make_home(large_home, orders=1_000_000, executions=50_000)
    large = _plan(large_home, large_snapshot, times=1)
    ratio = large.seconds / small.seconds
    join = timed(lambda: _bare_join(large_home / "data/orders.db"))
    return [
        Figure(
            name="P2",
            what="plan, 1,000,000 orders beside 100,000",
            measured=f"{large.seconds:.1f} s",
            beside=f"{small.seconds:.2f} s",
            ratio=f"{ratio:.1f} x the time",
            aim="<= 12 x",
            reached=ratio <= 12,
        ),
        Figure(
            name="P2",
            what="the same, peak memory",
            measured=f"{large.peak_mib:.0f} MiB",
            beside="-",
            ratio="-",
            aim="< 400 MiB",
            reached=large.peak_mib < 400,
        ),
        Figure(
            name="P2",
            what="bare SQLite load and join of the same orders, for scale",
            measured=f"{join:.1f} s",
            beside=f"{large.seconds:.1f} s whole plan",
            ratio=f"{large.seconds / join:.1f} x",
            aim="whole process; diff alone <= 2 x",
            reached=large.seconds / join <= 2,
        ),
    ]


def _bare_join(book: Path) -> int:
    """A copy of the orders as the other side, and the anti-join that any diff needs."""
    connection = sqlite3.connect(book)
    columns = "broker_order_id, status, filled_quantity, price, quantity, average_price"
    connection.execute(
        "CREATE TEMP TABLE told (broker_order_id TEXT PRIMARY KEY, status, filled_quantity, price,"
        " quantity, average_price) WITHOUT ROWID"
    )
    rows = connection.execute(f"SELECT {columns} FROM orders").fetchall()
    connection.executemany("INSERT INTO told VALUES (?,?,?,?,?,?)", rows)
    (differing,) = connection.execute(
        "SELECT count(*) FROM told t JOIN orders o ON o.account = 'main'"
        " AND o.broker_order_id = t.broker_order_id"
        " WHERE (o.status, o.filled_quantity, o.price, o.quantity) IS NOT"
        " (t.status, t.filled_quantity, t.price, t.quantity)"
    ).fetchone()
    connection.close()
    return int(differing)
