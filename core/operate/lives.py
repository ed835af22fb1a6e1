"""What a whole look tells of positions' lives: who is there, who is gone, and who nobody knew."""

from collections.abc import Collection, Iterable
from datetime import timedelta

from core.apply.living import Seen, follow_executions, follow_orders, would_follow
from core.decide.lifecycle.booked import livable
from core.domain.life import Life
from core.domain.observation import Observation
from core.domain.position import BookPosition, signed
from core.operate.alerting import raise_alert
from core.operate.desk import Desk
from core.ports import BookReading


def settle_lives(desk: Desk, look: Observation) -> bool:
    """Writes only what differs; False when the look told nothing new."""
    now, account = desk.clock.now(), look.account
    busy = {step.symbol for step in look.book.open_steps}
    wrote = _settle_unlived(desk, look, busy)
    with desk.book.read() as book:
        lives = [life for life in book.lives(account) if life.symbol not in busy]
        seen = _seen(desk, look, lives)
        moving = [
            symbol
            for symbol in sorted({life.symbol for life in lives})
            if any(True for _ in would_follow(book, account, symbol, at=now, seen=seen))
        ]
    if moving:
        with desk.book.write() as book:
            for symbol in moving:
                follow_orders(book, account, symbol, at=now, seen=seen)
        _tell_gone(desk, lives)
    return wrote or bool(moving)


def _settle_unlived(desk: Desk, look: Observation, busy: Collection[str]) -> bool:
    """Positions that lives know nothing of, such as those of a book from before there were any."""
    with desk.book.read() as book:
        if not _unlived(book, look.account, busy):
            return False
    with desk.book.write() as book:
        # Read once more: somebody may have booked something in between.
        rows = _unlived(book, look.account, busy)
        instruments, now = look.broker.instruments, desk.clock.now()
        follow_executions(book, (), rows, instruments=instruments, flat=(), at=now)
    return True


def _unlived(book: BookReading, account: str, busy: Collection[str]) -> list[BookPosition]:
    lives = book.lives(account)
    return [
        row for row in book.positions(account) if row.symbol not in busy and _is_unlived(row, lives)
    ]


def _is_unlived(row: BookPosition, lives: Iterable[Life]) -> bool:
    """A position whose lives hold something else than the book says of it."""
    mine = [life for life in lives if (life.symbol, life.side) == (row.symbol, row.side)]
    held = sum(life.direction.sign * life.quantity for life in mine)
    return held != livable(row)


def _seen(desk: Desk, look: Observation, lives: Iterable[Life]) -> Seen:
    """What the venue does not list counts as gone once it had time to list it."""
    now = look.broker.taken_at
    grace = timedelta(milliseconds=desk.settings.POSITIONS.close_grace_ms)
    positions = {(row.symbol, row.side): row for row in look.broker.positions if row.quantity}
    shown, leverage = {}, {}
    for life in lives:
        row = positions.get((life.symbol, life.side))
        if row and signed(row.quantity, row.side) * life.direction.sign > 0:
            shown[life.position_id] = True
            if row.leverage:
                leverage[life.position_id] = row.leverage
        elif look.broker.knows("positions"):
            young = life.quantity and life.entry_time and now - life.entry_time < grace
            if not young:
                shown[life.position_id] = False
    return Seen(shown=shown, leverage=leverage)


def _tell_gone(desk: Desk, before: Iterable[Life]) -> None:
    """Once for each that the venue stopped showing while the book holds it."""
    was = {life.position_id for life in before if not life.gone_since}
    with desk.book.read() as book:
        gone = [life for name in was if (life := book.life(name)) and life.gone_since]
    for life in gone:
        raise_alert(
            desk,
            "closed_externally",
            f"{life.symbol} {life.direction}: the venue does not show the position any more and "
            "no execution says why; its exit price is not known",
            account=life.account,
            subject=life.position_id,
        )
