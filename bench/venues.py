"""Emulated venues in processes of their own, so that their time is not ours."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reached:
    """Where a venue listens, and with which key."""

    url: str
    port: int
    api_key: str = ""
    api_secret: str = ""


@contextmanager
def keyed_venue(name: str) -> Iterator[Reached]:
    """`bybit` or `mexc`; the first two lines it prints say all that is needed."""
    with _running(name) as lines:
        url = next(lines).split()[1]
        words = next(lines).split()
        yield Reached(url, _port(url), api_key=words[1], api_secret=words[3])


@contextmanager
def ib_gateway() -> Iterator[Reached]:
    with _running("ib") as lines:
        address = next(lines).split()[-1]
        yield Reached(address, _port(address))


def _port(address: str) -> int:
    return int(address.rpartition(":")[2].strip("/"))


@contextmanager
def _running(name: str) -> Iterator[Iterator[str]]:
    command = [sys.executable, "-m", f"tests.venues.{name}", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield iter(process.stdout.readline, "")
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
