"""Reading the book: nouns and raw rows, all from one transaction."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from core.book import streaming
from core.book.history import history
from core.book.intake_reading import IntakeReading
from core.book.listing import page
from core.book.position_reading import PositionReading
from core.book.schema import IS_LIVE, IS_OPEN_STEP
from core.book.tables import (
    ADJUSTMENTS,
    DECISIONS,
    EXECUTIONS,
    JOURNAL,
    OPEN_STEPS,
    ORDERS,
    PLANS,
    POSITIONS,
)
from core.book.view import marks, portions
from core.domain.ambiguity import MatchDecision
from core.domain.execution import BookExecution
from core.domain.observation import OpenStep
from core.domain.order import BookOrder
from core.domain.position import Adjustment, BookPosition
from core.domain.record import BookIdentity, PlanRecord, Step
from core.ports import Listing, Page


class SqliteReading(IntakeReading, PositionReading):
    """Fulfils BookReading for as long as its transaction is open."""

    # --- nouns --------------------------------------------------------------------------------

    def identity(self) -> BookIdentity:
        select = "SELECT lineage, serial, schema_version FROM meta"
        return BookIdentity(*self._connection.execute(select).fetchone())

    def orders(
        self,
        account: str,
        *,
        live: bool = False,
        order_ids: Iterable[str] = (),
        broker_order_ids: Iterable[str] = (),
        client_order_ids: Iterable[str] = (),
        perm_ids: Iterable[str] = (),
    ) -> list[BookOrder]:
        found = self._rows(ORDERS, f"account = ? AND {IS_LIVE}", (account,)) if live else []
        wanted = {
            "order_id": order_ids,
            "broker_order_id": broker_order_ids,
            "client_order_id": client_order_ids,
            "perm_id": perm_ids,
        }
        for column, ids in wanted.items():
            found += self._rows_of(ORDERS, account, column, ids)
        by_id = {row[0]: row for row in found}
        return [ORDERS.read(by_id[order_id]) for order_id in sorted(by_id)]

    def live_order_ids(self, account: str) -> list[str]:
        select = f"SELECT order_id FROM orders WHERE account = ? AND {IS_LIVE}"
        return [row[0] for row in self._connection.execute(select, (account,))]

    def executions(self, account: str, keys: Iterable[str]) -> list[BookExecution]:
        rows = self._rows_of(EXECUTIONS, account, "execution_key", keys)
        return [EXECUTIONS.read(row) for row in sorted(rows)]

    def executions_of(
        self, account: str, broker_order_ids: Collection[str | None]
    ) -> list[BookExecution]:
        named = {each for each in broker_order_ids if each is not None}
        rows = self._rows_of(EXECUTIONS, account, "broker_order_id", named)
        if None in broker_order_ids:
            rows += self._rows(EXECUTIONS, "account = ? AND broker_order_id IS NULL", (account,))
        return [EXECUTIONS.read(row) for row in sorted(rows)]

    def executions_in(self, account: str, symbols: Collection[str]) -> Iterator[BookExecution]:
        for some in portions(symbols):
            where = f"symbol IN ({marks(some)}) AND account = ?"
            query = f"{EXECUTIONS.select} WHERE {where}"
            yield from map(EXECUTIONS.read, self._connection.execute(query, (*some, account)))

    def positions(self, account: str) -> list[BookPosition]:
        return self._all(POSITIONS, "account = ? ORDER BY symbol, side", (account,))

    def adjustments(self, account: str) -> list[Adjustment]:
        return self._all(ADJUSTMENTS, "account = ? ORDER BY recorded_serial, id", (account,))

    def decisions(self, account: str) -> list[MatchDecision]:
        return self._all(DECISIONS, "account = ? ORDER BY broker_order_id", (account,))

    def open_steps(self, account: str | None = None) -> list[OpenStep]:
        where = IS_OPEN_STEP if account is None else f"{IS_OPEN_STEP} AND account = ?"
        # The plus keeps SQLite from walking the whole journal just because it lies in order.
        ordered = f"{where} ORDER BY +sequence"
        return self._all(OPEN_STEPS, ordered, () if account is None else (account,))

    def steps(self, *, plan_id: str | None = None, open_only: bool = False) -> list[Step]:
        conditions = ["true"]
        if plan_id is not None:
            conditions.append("plan_id = ?1")
        if open_only:
            conditions.append(IS_OPEN_STEP)
        where = f"{' AND '.join(conditions)} ORDER BY +sequence"
        return self._all(JOURNAL, where, () if plan_id is None else (plan_id,))

    def plan(self, plan_id: str) -> PlanRecord | None:
        return self._one(PLANS, "plan_id = ?", (plan_id,))

    def latest_plan(self) -> PlanRecord | None:
        return self._one(PLANS, "true ORDER BY sequence DESC LIMIT 1", ())

    # --- raw rows -----------------------------------------------------------------------------

    def order_rows(
        self, account: str, broker_order_ids: Sequence[str] | None = None
    ) -> Iterator[tuple[Any, ...]]:
        if broker_order_ids is None:
            return streaming.order_rows(self._connection, account)
        return streaming.order_rows_of(self._connection, account, broker_order_ids)

    def execution_rows(self, account: str) -> Iterator[tuple[Any, ...]]:
        return streaming.execution_rows(self._connection, account)

    def page(self, listing: Listing) -> Page:
        return page(self._connection, listing)

    def history(self, subject: str) -> list[Mapping[str, Any]]:
        return history(self._connection, subject)
