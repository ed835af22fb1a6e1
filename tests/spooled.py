"""Taking in a spool until nothing is left, as the service does."""

from pathlib import Path

from core.decide.qualify.arrival import Arrival
from core.operate.desk import Desk
from core.operate.taking_in import take_in
from core.signals.spool import LINES_MAX, SpoolReader


def reader_at(desk: Desk, spool: Path, *, lines_max: int = LINES_MAX) -> SpoolReader:
    def cursor_of(source: str) -> object:
        with desk.book.read() as book:
            return book.cursor(source)

    return SpoolReader(
        spool, clock=desk.clock, log=desk.log, cursor_of=cursor_of, lines_max=lines_max
    )


def drained(desk: Desk, reader: SpoolReader, *, batches: int | None = None) -> list[Arrival]:
    """What arrives until nothing more does, or from so many batches."""
    arrivals: list[Arrival] = []
    while batches is None or batches > 0:
        if (batch := reader.next_batch()) is None:
            break
        arrivals += take_in(desk, batch).arrivals
        batches = None if batches is None else batches - 1
    return arrivals


def told(arrivals: list[Arrival]) -> list[tuple[str, str]]:
    """Where each line stood and how it ended."""
    return [(each.item.place, each.verdict.value) for each in arrivals]
