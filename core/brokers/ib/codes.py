"""What the gateway's numbered messages mean. A status is never concluded from one of them."""

from collections.abc import Mapping
from enum import StrEnum

CONNECTIVITY_LOST = 1100
RESTORED_DATA_LOST = 1101
RESTORED = 1102
CLIENT_ID_IN_USE = 326
CANCELLED = 202
NO_SUCH_CONTRACT = 200

WARNINGS = range(2100, 2200)
# The order goes on: held until shares are found (404), placed as a preset wants it (10349).
NOTICES = frozenset({165, 399, 404, 10167, 10349})


class Verb(StrEnum):
    PLACE = "place"
    AMEND = "amend"
    CANCEL = "cancel"


_REFUSED_ENTRY = frozenset(
    {103, 105, 106, 107, 109, 110, 111, 113, 115, 116, 126, 131, 133, 134, 152, 153}
    | {200, 201, 203, 320, 321, 322, 328, 329, 355, 361, 362, 363, 387, 388, 391, 392}
    | {403, 412, 413, 414, 415, 416, 417, 422, 423, 424, 425, 426, 434, 435, 436, 437, 460, 461}
    | {478, 481, 10005, 10010, 10011, 10012, 10013, 10014, 10043, 10052, 10147, 10318, 10326}
)

# Codes that say no to what was asked. They too are believed only when asking shows no effect: each
# of them has been seen about an order that lived on. Any other code leaves the outcome open.
REFUSALS: Mapping[Verb, frozenset[int]] = {
    Verb.PLACE: _REFUSED_ENTRY,
    Verb.AMEND: _REFUSED_ENTRY | {104, 135, 10148, 10327},
    Verb.CANCEL: frozenset({135, 136, 161, 200, 321, 10147, 10148}),
}


def is_notice(code: int) -> bool:
    """Whether it says nothing about what becomes of an order."""
    return code in WARNINGS or code in NOTICES


def refuses(verb: Verb, code: int) -> bool:
    return code in REFUSALS[verb]
