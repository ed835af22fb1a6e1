"""The spool as a source of signals for the service: what is new goes into the book, lanes wake."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from core.domain.signal import Cursor
from core.operate.desk import Desk
from core.operate.taking_in import take_in
from core.signals.spool import SpoolReader
from core.signals.spool_keeping import remove_old_spools
from core.signals.spool_writing import SpoolWriter

PAUSE_SECONDS = 0.02
# Turning over at midnight and removing what is old can wait for a minute.
CHORES_EVERY = timedelta(seconds=60)


async def spool_intake(desk: Desk, wake: Callable[[Iterable[tuple[str, str]]], None]) -> None:
    """For ever; what breaks ends it, and whoever starts it again loses nothing."""
    reader = spool_reader(desk)
    chores_at = desk.clock.now()
    while True:
        if (batch := reader.next_batch()) is not None:
            wake(take_in(desk, batch).lanes)
            # A long spool must not keep the others from their turn.
            await asyncio.sleep(0)
            continue
        chores_at = _chores(desk, chores_at)
        await desk.clock.sleep(PAUSE_SECONDS)
        await asyncio.sleep(0)


def _chores(desk: Desk, due_at: datetime) -> datetime:
    now = desk.clock.now()
    if now < due_at:
        return due_at
    if rotated := spool_writer(desk).rotate_when_due():
        desk.log.event("spool_rotated", to=rotated.name)
    removed = remove_old_spools(
        desk.home.spool,
        book=desk.book,
        files=desk.files,
        clock=desk.clock,
        settings=desk.settings,
    )
    for path in removed:
        desk.log.event("spool_removed", file=path.name)
    return now + CHORES_EVERY


def spool_reader(desk: Desk) -> SpoolReader:
    def cursor_of(source: str) -> Cursor | None:
        with desk.book.read() as book:
            return book.cursor(source)

    return SpoolReader(desk.home.spool, clock=desk.clock, log=desk.log, cursor_of=cursor_of)


def spool_writer(desk: Desk) -> SpoolWriter:
    return SpoolWriter(
        desk.home.spool,
        files=desk.files,
        clock=desk.clock,
        bytes_max=desk.settings.SIGNALS.spool_max_mib * 1024 * 1024,
    )
