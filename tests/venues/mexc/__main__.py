"""`python -m tests.venues.mexc` starts the venue."""

import argparse

from tests.venues.mexc.venue import MexcVenue
from tests.venues.runner import run


def make(arguments: argparse.Namespace) -> MexcVenue:
    """The venue the command line asks for."""
    return MexcVenue(hedged=arguments.hedged, port=arguments.port)


if __name__ == "__main__":
    run("mexc", make)
