"""status/manage.json: what the running service says of itself, and whether it can be believed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.apply.lock import lives, read_holder
from core.domain.moment import moment_text, parse_moment
from core.domain.text import Row
from core.operate.desk import Desk
from core.plan.document import pretty

BEAT_SECONDS = 2.0
# So many beats missed, and nobody should believe that it is alive.
DEAD_AFTER = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """`state`: starting, running, stopping, stopped."""

    pid: int
    state: str
    since: datetime
    at: datetime
    # By account: reconciled, unreachable, behind.
    accounts: Mapping[str, Row] = field(default_factory=dict)
    # Why each part that is in trouble is, by its name.
    troubles: Mapping[str, str] = field(default_factory=dict)
    # Why each lane that waits does so, as account/symbol.
    lanes_waiting: Mapping[str, str] = field(default_factory=dict)
    deliveries_waiting: int = 0


def write_beat(desk: Desk, beat: Beat) -> None:
    document = {
        "pid": beat.pid,
        "state": beat.state,
        "since": moment_text(beat.since),
        "at": moment_text(beat.at),
        "accounts": dict(beat.accounts),
        "troubles": dict(beat.troubles),
        "lanes_waiting": dict(beat.lanes_waiting),
        "deliveries_waiting": beat.deliveries_waiting,
    }
    desk.files.replace(desk.home.heartbeat_file, pretty(document))


def read_beat(desk: Desk) -> Beat | None:
    """None when no service ever ran here, or what it left cannot be read."""
    try:
        document = json.loads(desk.files.read(desk.home.heartbeat_file))
        return Beat(
            pid=int(document["pid"]),
            state=str(document["state"]),
            since=parse_moment(document["since"]),
            at=parse_moment(document["at"]),
            accounts=dict(document["accounts"]),
            troubles=dict(document["troubles"]),
            lanes_waiting=dict(document["lanes_waiting"]),
            deliveries_waiting=int(document["deliveries_waiting"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def service_state(desk: Desk, beat: Beat | None) -> str:
    """In one word: a dead service says that it is running for ever."""
    holder = read_holder(desk.files, desk.home.manage_lock_details)
    # The process that was the service is not there any more, whatever the beat says.
    is_gone = holder is not None and not lives(holder)
    return state_of_beat(beat, desk.clock.now(), is_gone=is_gone)


def state_of_beat(beat: Beat | None, now: datetime, *, is_gone: bool = False) -> str:
    if beat is None:
        return "never started"
    if beat.state == "stopped":
        return "stopped"
    if is_gone or now - beat.at > DEAD_AFTER:
        return "dead"
    if beat.state != "running":
        return beat.state
    if beat.troubles or any(told.get("unreachable") for told in beat.accounts.values()):
        return "in trouble"
    if not all(told.get("reconciled") for told in beat.accounts.values()):
        return "starting"
    return "running"
