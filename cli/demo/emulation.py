"""Emulated venues out of the source checkout: found when asked for, and never left running."""

import importlib
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from core.domain.errors import Usage

T = TypeVar("T")

CHECKOUT = Path(__file__).parents[2]
PACKAGE = "tests.venues"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def emulated(module: str) -> ModuleType:
    """A module of tests/venues, which an installed trueup does not bring along."""
    # Some library installs a `tests` of its own; the one beside this package must be found first.
    sys.path.insert(0, str(CHECKOUT))
    try:
        return importlib.import_module(f"{PACKAGE}.{module}")
    except ImportError as error:
        raise Usage(
            f"the emulated venues are not here: {error}",
            details=("They come with the source checkout, not with an installed trueup.",),
            hint="make demo VENUE=bybit in the source checkout, or trueup demo on paper",
        ) from error
    finally:
        sys.path.remove(str(CHECKOUT))


@contextmanager
def listening(background: AbstractContextManager[T]) -> Iterator[T]:
    """Runs a venue in the background; however the story ends, it is stopped.

    It is started and stopped with Ctrl-C held back, so that nothing half-started is left behind.
    """
    try:
        with _undisturbed():
            running = background.__enter__()
        yield running
    finally:
        with _undisturbed():
            background.__exit__(*sys.exc_info())


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A thread begun in here never takes a signal: they are for the one that runs the commands."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
