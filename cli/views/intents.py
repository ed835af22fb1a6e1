"""The documents of an intent in words: why it was refused, and how its orders were decided."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def sentences(document: object) -> str:
    """Every reason and every decision, one after the other; what is neither stays as it is."""
    found = _read(document)
    if not isinstance(found, Mapping):
        return str(document)
    told = "; ".join(text for values in found.values() for text in _told(values))
    # What is a whole sentence ends with its own stop.
    return told.replace(".; ", ". ")


def _read(document: object) -> object:
    if not isinstance(document, str):
        return document
    try:
        return json.loads(document)
    except ValueError:
        return None


def _told(values: Any) -> Iterator[str]:
    for value in values if isinstance(values, list) else [values]:
        if isinstance(value, Mapping) and "message" in value:
            yield f"{value.get('code', '')}: {value['message']}".removeprefix(": ")
        else:
            yield str(value)
