"""How every position stands, written down now and then: quantity, price, profit, state and stop.

The stored position is left as it is. Marks are facts of the moment: were they written there, the
book would move, and with it every plan that somebody is reviewing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from core.domain.errors import BrokerError
from core.domain.life import Life, PositionSnapshot
from core.domain.market import Instrument, Quote
from core.domain.moment import moment_text
from core.domain.money import bounded
from core.domain.position import BookPosition, BrokerPosition, PositionKey, signed
from core.domain.record import Event
from core.domain.snapshot import BrokerSnapshot, Unavailable
from core.domain.tally import gain, is_inverse
from core.domain.text import to_row
from core.operate.account_watch import AccountWatch
from core.operate.desk import Desk
from core.operate.permission import may_change

LOOK_SECONDS = 1.0
# Only positions and prices are wanted: of what happened before, as little as can be asked for.
LATELY = timedelta(minutes=1)


@dataclass(slots=True, kw_only=True)
class PositionRecords:
    desk: Desk
    watches: Mapping[str, AccountWatch]
    # When each account was recorded last.
    _done: dict[str, datetime] = field(default_factory=dict)
    # Accounts of which it was said that they cannot be reached.
    _told: set[str] = field(default_factory=set)

    async def watch(self) -> None:
        """Each account as soon as the service has looked at it once, and then in its time."""
        while True:
            for watch in self.watches.values():
                if watch.looked_at is not None and self._is_due(watch.account):
                    await self.record(watch)
                    self._done[watch.account] = self.desk.clock.now()
            await self.desk.clock.sleep(LOOK_SECONDS)

    def _is_due(self, account: str) -> bool:
        pause = timedelta(seconds=self.desk.settings.POSITIONS.position_snapshot_interval)
        last = self._done.get(account)
        return last is None or self.desk.clock.now() - last >= pause

    async def record(self, watch: AccountWatch) -> None:
        """An account that holds nothing is not asked; one that does not answer gets no row."""
        if not self._held(watch.account):
            self._keep([])
            return
        snapshot = await self._asked(watch)
        if snapshot is None:
            return
        now = self.desk.clock.now()
        # Read once the venue has told: what was sold meanwhile is not recorded as held.
        held = self._held(watch.account)
        known = watch.known(position.symbol for position, _ in held)
        instruments = {**known, **snapshot.instruments}
        self._keep(
            [
                (recorded(row, life, snapshot, instruments.get(row.symbol), now), life)
                for row, life in held
            ]
        )

    def _held(self, account: str) -> list[tuple[BookPosition, Life | None]]:
        """Each position with the life that it is in."""
        with self.desk.book.read() as book:
            positions = [row for row in book.positions(account) if row.quantity]
            lives = [life for life in book.lives(account) if life.quantity] if positions else []
        return [(row, _life_of(row, lives)) for row in positions]

    async def _asked(self, watch: AccountWatch) -> BrokerSnapshot | None:
        """None, and a word once, when the venue does not tell what is held."""
        try:
            snapshot = await watch.broker.snapshot(since=self.desk.clock.now() - LATELY)
        except BrokerError as error:
            self._tell_missed(watch.account, error.message)
            return None
        part = snapshot.parts.get("positions")
        if isinstance(part, Unavailable):
            self._tell_missed(watch.account, part.why)
            return None
        self._told.discard(watch.account)
        return snapshot

    def _tell_missed(self, account: str, why: str) -> None:
        if account not in self._told:
            self._told.add(account)
            self.desk.log.event("positions_not_recorded", level="warning", account=account, why=why)

    def _keep(self, rows: Sequence[tuple[PositionSnapshot, Life | None]]) -> None:
        """All of an account at once, and what is too old goes; behind a shut gate only the log is
        told."""
        if not may_change(self.desk.gates()):
            for row, _ in rows:
                self.desk.log.event("position_not_recorded", **to_row(row))
            return
        oldest = self.desk.clock.now() - timedelta(
            days=self.desk.settings.POSITIONS.position_snapshot_days
        )
        with self.desk.book.write() as book:
            book.delete_position_snapshots(oldest)
            book.insert_position_snapshots([row for row, _ in rows])
            book.insert_events([_event(row, life) for row, life in rows])


def recorded(
    position: BookPosition,
    life: Life | None,
    snapshot: BrokerSnapshot,
    instrument: Instrument | None,
    at: datetime,
) -> PositionSnapshot:
    """The book's quantity at the venue's price."""
    legs = {(each.symbol, each.side): each for each in snapshot.positions}
    told = legs.get((position.symbol, position.side))
    mark = told.mark_price if told else None
    if mark is None:
        mark = mark_of(snapshot.quotes.get(position.symbol))
    return PositionSnapshot(
        position_id=life.position_id if life else None,
        account=position.account,
        symbol=position.symbol,
        side=position.side,
        quantity=position.quantity,
        average_price=position.average_price,
        mark_price=mark,
        unrealized_pnl=_unrealized(position, mark, instrument, told),
        realized_pnl=life.realized_pnl if life else position.realized_pnl,
        state=life.state if life else position.state,
        stop_price=life.stop_price if life and life.stop_order_id else None,
        at=at,
    )


def mark_of(quote: Quote | None) -> Decimal | None:
    """The last trade, else the middle of the book."""
    if quote is None or quote.last is not None:
        return quote.last if quote else None
    if quote.bid is None or quote.ask is None:
        return quote.bid if quote.ask is None else quote.ask
    return bounded((quote.bid + quote.ask) / 2)


def _unrealized(
    position: BookPosition,
    mark: Decimal | None,
    instrument: Instrument | None,
    told: BrokerPosition | None,
) -> Decimal | None:
    """By the contract's size; where that, or a price, is not known, what the venue says itself."""
    entry = position.average_price
    if instrument is None or mark is None or entry is None:
        same = told is not None and told.quantity == position.quantity
        return told.unrealized_pnl if told and same else None
    if is_inverse(instrument) and not mark * entry:
        return None
    return gain(signed(position.quantity, position.side), entry, mark, instrument)


def _life_of(position: BookPosition, lives: Iterable[Life]) -> Life | None:
    held = signed(position.quantity, position.side)
    return next(
        (
            life
            for life in lives
            if (life.symbol, life.side) == (position.symbol, position.side)
            and life.direction.sign * held > 0
        ),
        None,
    )


def _event(row: PositionSnapshot, life: Life | None) -> Event:
    target = PositionKey(row.account, row.symbol, row.side).target
    name = row.position_id or f"{row.account}:{target}"
    return Event(
        event_id=f"{name}:snapshot:{moment_text(row.at)}",
        event_type="position.snapshot",
        occurred_at=row.at,
        account=row.account,
        symbol=row.symbol,
        trace_id=life.trace_id if life else None,
        correlation_id=row.position_id,
        payload=to_row(row),
    )
