"""MEXC's listings: numbered pages, and nothing that says which is the last."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.brokers.ccxt.figures import Row, milliseconds
from core.brokers.ccxt.line import Line, ReadFailed
from core.brokers.ccxt.mexc.words import NO_SUCH_ORDER
from core.brokers.ccxt.told import Rows, Told, row_of, rows_of

PAGE = 100
# What comes when a page size is not heeded; a shorter page is the last one.
USUAL_PAGE = 20
PAGES_MAX = 200
# MEXC lists nothing older; a day is to spare.
KEPT = timedelta(days=89)
# A plan order that trades now may have been placed this long ago.
PLAN_LIFE = timedelta(days=7, hours=1)
BATCH = 50

Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listings:
    line: Line

    async def open_orders(self) -> Rows:
        return await self._pages("contractPrivateGetOrderListOpenOrders", {}, "orderId")

    async def orders(self, since: datetime, until: datetime) -> Rows:
        method = "contractPrivateGetOrderListHistoryOrders"
        return await self._pages(method, _span(since, until), "orderId")

    async def plans(
        self, since: datetime, until: datetime, *, symbol: str | None = None, states: str = ""
    ) -> Rows:
        """Plan orders created in this time, or of these states."""
        wanted = _span(since, until) | ({"states": states} if states else {})
        if symbol is not None:
            wanted["symbol"] = symbol
        return await self._pages("contractPrivateGetPlanorderListOrders", wanted, "id")

    async def deals(self, symbol: str, since: datetime, until: datetime) -> Rows:
        wanted = {"symbol": symbol, **_span(since, until)}
        return await self._pages("contractPrivateGetOrderListOrderDeals", wanted, "id")

    async def positions(self) -> Rows:
        answer = await self.line.read("contractPrivateGetPositionOpenPositions")
        return Told(rows=tuple(rows_of(answer)))

    async def mode(self) -> int:
        """1 hedged, 2 one-way."""
        return int(await self.line.read("contractPrivateGetPositionPositionMode"))

    async def assets(self) -> Rows:
        return Told(rows=tuple(rows_of(await self.line.read("contractPrivateGetAccountAssets"))))

    # --- single orders -------------------------------------------------------------------------

    async def order(self, order_id: str) -> Row | None:
        return await self._one("contractPrivateGetOrderGetOrderId", {"order_id": order_id})

    async def order_of_ours(self, symbol: str, key: str) -> Row | None:
        wanted = {"symbol": symbol, "external_oid": key}
        return await self._one("contractPrivateGetOrderExternalSymbolExternalOid", wanted)

    async def several(self, order_ids: list[str]) -> list[Row]:
        """Those that there are of these."""
        rows: list[Row] = []
        for begin in range(0, len(order_ids), BATCH):
            wanted = {"order_ids": ",".join(order_ids[begin : begin + BATCH])}
            rows += rows_of(await self.line.read("contractPrivateGetOrderBatchQuery", wanted))
        return rows

    async def _one(self, method: str, wanted: Parameters) -> Row | None:
        """None when MEXC says that there is no such order, in whichever of its two ways."""
        try:
            answer = await self.line.read(method, wanted)
        except ReadFailed as error:
            if error.code in NO_SUCH_ORDER:
                return None
            raise
        return None if answer is None else row_of(answer)

    # --- pages ---------------------------------------------------------------------------------

    async def _pages(self, method: str, wanted: Parameters, key: str) -> Rows:
        """New rows push the others on to the next page, so a row may come twice."""
        found: dict[str, Row] = {}
        for number in range(1, PAGES_MAX + 1):
            page = rows_of(
                await self.line.read(method, wanted | {"page_num": number, "page_size": PAGE})
            )
            new = {str(row[key]): row for row in page if str(row[key]) not in found}
            found |= new
            if len(page) < USUAL_PAGE or not new:
                return Told(rows=tuple(found.values()))
        what = method.removeprefix("contractPrivateGet")
        return Told(
            rows=tuple(found.values()), lacking=(f"{what} has more than {PAGES_MAX} pages",)
        )


def _span(since: datetime, until: datetime) -> Parameters:
    return {"start_time": milliseconds(since), "end_time": milliseconds(until)}


def within_reach(since: datetime, until: datetime) -> datetime:
    return max(since, until - KEPT)


def refused_reach(created_at: datetime | None, now: datetime) -> str | None:
    """Why absence would prove nothing for an order of this age."""
    if created_at is None:
        return "MEXC lists the last 90 days, and the order's age is not known"
    if now - created_at > KEPT:
        return "MEXC lists the last 90 days, and the order is older"
    return None
