"""The locks: releases and hashes and no place, and one IB client per environment.

Run in both environments; `TRUEUP_TEST_IB_LIBRARY` says which client is meant to be there when it
is not the one that this Python's dependencies name.
"""

import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUNTIME, DEVELOPMENT, IB_ASYNC = (
    f"requirements{which}.lock" for which in ("", "-dev", "-ib-async")
)
LOCKS = (RUNTIME, DEVELOPMENT, IB_ASYNC)
# Each client with the event library it brings; both of these own the folder eventkit/.
CLIENTS = {"ib-insync": "eventkit", "ib-async": "aeventkit"}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def releases(name: str) -> dict[str, str]:
    """What a lock pins: `name==version` with its marker."""
    text = (ROOT / name).read_text("utf-8")
    found = re.findall(r"^([a-z][^ \n]*)(?: ; ([^\\\n]*))?", text, re.M)
    return {release: marker.strip() for release, marker in found}


def names(lock: str, python: str) -> set[str]:
    """The packages a lock installs on one Python, as far as its release decides."""
    return {
        release.partition("==")[0]
        for release, marker in releases(lock).items()
        if holds(marker, python)
    }


def holds(marker: str, python: str) -> bool:
    """Whether the part of a marker that speaks of the Python's release lets it in."""
    told = re.findall(r"python_full_version (<|>=) '([0-9.]+)'", marker)
    mine = tuple(map(int, python.split(".")))
    limits = [(sign, tuple(map(int, limit.split(".")))) for sign, limit in told]
    return all(mine < limit if sign == "<" else mine >= limit for sign, limit in limits)


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_releases_and_hashes_and_no_place(name: str) -> None:
    lock = (ROOT / name).read_text("utf-8")
    assert re.findall(r"index-url|find-links|://|/simple|^-[a-z].*|^[^#\n]*@ .*", lock, re.M) == []
    pinned = re.findall(r"^[a-z][^\n]*==[^\n]*(?:\\\n    --hash=[^\n]*)+", lock, re.M)
    assert len(pinned) == len(re.findall(r"^[a-z]", lock, re.M)) > 0


def test_the_development_lock_holds_the_runtime_lock() -> None:
    assert set(releases(RUNTIME)) < set(releases(DEVELOPMENT))


def test_the_locks_differ_in_the_ib_client_and_in_nothing_else() -> None:
    """What passes in one environment and fails in the other is then the client's doing."""
    ours, other = releases(DEVELOPMENT), releases(IB_ASYNC)
    insync = {
        release for release in ours if release.partition("==")[0] in ("ib-insync", "eventkit")
    }
    assert len(insync) == 2
    assert set(ours) - set(other) == insync
    assert set(other) <= set(ours)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_installs_both_ib_clients(lock: str, python: str) -> None:
    expected = "ib-async" if lock == IB_ASYNC or python == "3.14" else "ib-insync"
    installed = names(lock, python)
    assert installed & set(CLIENTS) == {expected}
    assert installed & set(CLIENTS.values()) == {CLIENTS[expected]}


def test_this_environment_has_the_one_ib_client_it_is_meant_to_have() -> None:
    usual = "ib_async" if sys.version_info >= (3, 14) else "ib_insync"
    expected = os.environ.get("TRUEUP_TEST_IB_LIBRARY", usual)
    installed = packages_distributions()
    assert {"ib_async", "ib_insync"} & set(installed) == {expected}
    assert installed["eventkit"] == [CLIENTS[expected.replace("_", "-")]]


def test_the_zones_come_along_where_the_machine_has_none() -> None:
    """A bare machine has no zone database, and IB's days are told in New York's time."""
    code = (
        "from datetime import UTC, datetime; from core.brokers.ib.day import day_start;"
        "print(day_start(datetime(2026, 1, 5, 12, tzinfo=UTC), 'America/New_York'))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONTZPATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "2026-01-05 05:00:00+00:00\n"
    assert "tzdata" in names(RUNTIME, "3.11")
