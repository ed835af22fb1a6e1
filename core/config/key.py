"""How a configuration key is declared: its default, what it does, and its limits."""

from dataclasses import field
from typing import Any


def key(default: Any, meaning: str, **limits: Any) -> Any:
    """A configuration key: its default, what it does, and its limits (core/config/values.py)."""
    metadata = {"meaning": meaning, **limits}
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: default.copy(), metadata=metadata)
    return field(default=default, metadata=metadata)
