"""Starts one venue from the command line and says where it listens."""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from tests.venues.server import Venue

Make = Callable[[argparse.Namespace], Venue]


def run(name: str, make: Make) -> None:
    """Read the command line, run the venue until it is interrupted."""
    arguments = parser(name).parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(make(arguments), arguments))


async def _serve(venue: Venue, arguments: argparse.Namespace) -> None:
    for symbol, (bid, ask) in arguments.quote:
        venue.exchange.move_quote(symbol, bid=bid, ask=ask)
    for coin, amount in arguments.balance:
        venue.exchange.account.balances[coin] = amount
    venue.steerable = True
    async with venue:
        sys.stdout.write(
            f"{venue.name} {venue.url} {venue.ws_url}\n"
            f"api_key {venue.api_key} api_secret {venue.api_secret}\n"
            f"steer it with POST {venue.url}/_venue/state, quote, fill, fault, restart, ...\n"
        )
        sys.stdout.flush()
        await asyncio.Event().wait()


def parser(name: str) -> argparse.ArgumentParser:
    """What the command line takes."""
    parser = argparse.ArgumentParser(
        prog=f"python -m tests.venues.{name}",
        description=f"An emulated {name} on loopback.",
        epilog=f"example: python -m tests.venues.{name} --port 8900 --hedged",
    )
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose one")
    parser.add_argument("--hedged", action="store_true", help="keep long and short legs apart")
    parser.add_argument(
        "--quote", type=_quote, action="append", default=[], metavar="SYMBOL=BID/ASK"
    )
    parser.add_argument(
        "--balance", type=_balance, action="append", default=[], metavar="COIN=AMOUNT"
    )
    return parser


def _quote(text: str) -> tuple[str, tuple[str, str]]:
    symbol, _, prices = text.partition("=")
    bid, _, ask = prices.partition("/")
    if not (symbol and bid and ask):
        raise argparse.ArgumentTypeError("write it as SYMBOL=BID/ASK")
    return symbol, (bid, ask)


def _balance(text: str) -> tuple[str, Decimal]:
    coin, _, amount = text.partition("=")
    try:
        return coin, Decimal(amount)
    except InvalidOperation:
        raise argparse.ArgumentTypeError("write it as COIN=AMOUNT") from None
