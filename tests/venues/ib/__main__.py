"""Run the emulated gateway until interrupted: `python -m tests.venues.ib --port 7497`.

Example: python -m tests.venues.ib --account DU1 --quote SPY=500.00/500.02 --hold DU1:SPY=100@498.5
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys

from .gateway import IbGateway

QUOTES = (
    "SPY=500.00/500.02",
    "AAPL=220.00/220.05",
    "ESZ0=6000.00/6000.25",
    "MESZ0=6000.00/6000.25",
)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.venues.ib", description=__doc__)
    parser.add_argument("--port", type=int, default=7497, help="0 picks a free one")
    parser.add_argument("--account", action="append", help="a managed account; repeatable")
    parser.add_argument("--quote", action="append", metavar="NAME=BID/ASK", help="repeatable")
    parser.add_argument(
        "--hold", action="append", default=[], metavar="ACCOUNT:NAME=QUANTITY@PRICE"
    )
    return parser.parse_args()


def furnish(gateway: IbGateway, quotes: list[str], holdings: list[str]) -> None:
    """Set the quotes and positions the gateway starts with."""
    anyone = next(iter(gateway.accounts.values()))
    for given in quotes:
        name, _, sides = given.partition("=")
        bid, _, ask = sides.partition("/")
        anyone.quote(name, bid, ask)
    for given in holdings:
        account, _, held = given.partition(":")
        name, _, terms = held.partition("=")
        quantity, _, price = terms.partition("@")
        gateway.accounts[account].hold(name, quantity, price)


async def serve(options: argparse.Namespace) -> None:
    """Listen until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no such thing
            loop.add_signal_handler(number, stopped.set)
    async with IbGateway(options.account or ["DU1"], port=options.port) as gateway:
        furnish(gateway, options.quote or list(QUOTES), options.hold)
        sys.stdout.write(f"listening on 127.0.0.1:{gateway.port}\n")
        sys.stdout.flush()
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(serve(arguments()))
