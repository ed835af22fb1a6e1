"""`python -m tests.venues.bybit` starts the venue."""

import argparse

from tests.venues.bybit.venue import BybitVenue
from tests.venues.runner import run


def make(arguments: argparse.Namespace) -> BybitVenue:
    """The venue the command line asks for."""
    return BybitVenue(hedged=arguments.hedged, port=arguments.port)


if __name__ == "__main__":
    run("bybit", make)
