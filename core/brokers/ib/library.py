"""Which IB client library is here: one of two that must never be installed together."""

import importlib
import importlib.util
import logging
from functools import cache
from types import ModuleType
from typing import Any

from core.domain.errors import Unavailable

LIBRARIES = ("ib_insync", "ib_async")

# The libraries' own objects, which their modules do not share a type for.
Client = Any
Contract = Any
Fill = Any
Ib = Any
Order = Any
Trade = Any


@cache
def library() -> ModuleType:
    """Imported at the first connection and not before: it costs a fifth of a second."""
    found = [name for name in LIBRARIES if importlib.util.find_spec(name)]
    if len(found) > 1:
        raise Unavailable(
            "ib_insync and ib_async are both installed and overwrite each other's event library",
            hint="make a fresh virtual environment with one of them",
        )
    if not found:
        raise Unavailable(
            "no IB client library is installed",
            hint="pip install ib_insync; from Python 3.14 on, pip install ib_async",
        )
    try:
        module = importlib.import_module(found[0])
    except (ImportError, RuntimeError) as error:
        raise Unavailable(
            f"{found[0]} cannot be imported: {error}", hint="from Python 3.14 on it is ib_async"
        ) from error
    # What its loggers say to nobody in particular would otherwise end up on the operator's screen.
    logging.getLogger(module.__name__).addHandler(logging.NullHandler())
    return module
