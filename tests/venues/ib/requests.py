"""What a client may ask, decoded from its messages.

Every request carries the moment at which a scripted fault may strike it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from .contracts import ContractQuery
from .executions import ExecutionFilter
from .faults import Moment
from .frames import Message, NotSpokenHere
from .order_request import OrderTerms, read_terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Something a client asks; `subject` is the request or order id that errors refer to."""

    moment: ClassVar[Moment | None] = None
    subject: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting(Request):
    moment = Moment.HANDSHAKE
    versions: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartApi(Request):
    moment = Moment.START_API
    client_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions(Request):
    moment = Moment.POSITIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPositions(Request):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrders(Request):
    moment = Moment.OPEN_ORDERS


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOpenOrders(Request):
    moment = Moment.ALL_OPEN_ORDERS


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoBind(Request):
    moment = Moment.AUTO_BIND
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedOrders(Request):
    moment = Moment.COMPLETED_ORDERS
    api_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Executions(Request):
    moment = Moment.EXECUTIONS
    wanted: ExecutionFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUpdates(Request):
    moment = Moment.ACCOUNT_UPDATES
    subscribe: bool
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountValues(Request):
    moment = Moment.ACCOUNT_VALUES
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSummary(Request):
    moment = Moment.ACCOUNT_SUMMARY
    tags: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractDetails(Request):
    moment = Moment.CONTRACT_DETAILS
    query: ContractQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketPrices(Request):
    moment = Moment.MARKET_PRICES
    query: ContractQuery
    snapshot: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelMarketPrices(Request):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketPriceKind(Request):
    """1 live, 2 frozen, 3 delayed, 4 delayed and frozen."""

    kind: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder(Request):
    """A new order, or new terms for the live order with the same id."""

    moment = Moment.PLACE
    query: ContractQuery
    terms: OrderTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder(Request):
    moment = Moment.CANCEL


@dataclass(frozen=True, slots=True, kw_only=True)
class NextOrderId(Request):
    moment = Moment.NEXT_ORDER_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedAccounts(Request):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentTime(Request):
    moment = Moment.CURRENT_TIME


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered(Request):
    """A request that gets no answer here, or none by its nature, such as the log level."""

    fields: Message = field(default=())


def _contract(fields: Message, at: int) -> ContractQuery:
    """The twelve fields of a contract, from index `at` on."""
    con_id, symbol, sec_type, expiry, _, _, multiplier, exchange, _, currency, local, trading = (
        fields[at : at + 12]
    )
    return ContractQuery(
        con_id=int(con_id or 0),
        symbol=symbol,
        sec_type=sec_type,
        expiry=expiry,
        multiplier=multiplier,
        exchange=exchange,
        currency=currency,
        local_symbol=local,
        trading_class=trading,
    )


def _moment_in_time(text: str) -> datetime | None:
    """`yyyymmdd hh:mm:ss zone`, or `yyyymmdd-hh:mm:ss` in UTC."""
    if not text:
        return None
    if "-" in text:
        return datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
    day, clock, *zone = text.split()
    if not zone:
        raise NotSpokenHere(f"a time without a zone: {text}")
    naive = datetime.strptime(f"{day} {clock}", "%Y%m%d %H:%M:%S")  # noqa: DTZ007 - zone follows
    return naive.replace(tzinfo=ZoneInfo(zone[0]))


def _executions(fields: Message) -> Executions:
    _, _, request_id, client_id, account, since, symbol, sec_type, exchange, side = fields
    wanted = ExecutionFilter(
        client_id=int(client_id or 0),
        account=account,
        since=_moment_in_time(since),
        symbol=symbol,
        sec_type=sec_type,
        exchange=exchange,
        side=side,
    )
    return Executions(subject=int(request_id), wanted=wanted)


def _market_prices(fields: Message) -> MarketPrices:
    # After the contract: the delta neutral flag, the generic ticks, then the snapshot flag.
    return MarketPrices(
        subject=int(fields[2]), query=_contract(fields, 3), snapshot=fields[17] == "1"
    )


def _place_order(fields: Message) -> PlaceOrder:
    return PlaceOrder(subject=int(fields[1]), query=_contract(fields, 2), terms=read_terms(fields))


Decode = Callable[[Message], Request]

DECODERS: dict[int, Decode] = {
    1: _market_prices,
    2: lambda f: CancelMarketPrices(subject=int(f[2])),
    3: _place_order,
    4: lambda f: CancelOrder(subject=int(f[2])),
    5: lambda f: OpenOrders(),
    6: lambda f: AccountUpdates(subscribe=f[2] == "1", account=f[3]),
    7: _executions,
    8: lambda f: NextOrderId(),
    9: lambda f: ContractDetails(subject=int(f[2]), query=_contract(f, 3)),
    14: lambda f: Unanswered(fields=f),
    15: lambda f: AutoBind(on=f[2] == "1"),
    16: lambda f: AllOpenOrders(),
    17: lambda f: ManagedAccounts(),
    49: lambda f: CurrentTime(),
    59: lambda f: MarketPriceKind(kind=int(f[2])),
    61: lambda f: Positions(),
    62: lambda f: AccountSummary(subject=int(f[2]), tags=frozenset(f[4].split(","))),
    63: lambda f: Unanswered(fields=f),
    64: lambda f: CancelPositions(),
    71: lambda f: StartApi(client_id=int(f[2])),
    76: lambda f: AccountValues(subject=int(f[2]), account=f[3]),
    77: lambda f: Unanswered(fields=f),
    99: lambda f: CompletedOrders(api_only=f[1] == "1"),
}


def decode(fields: Message) -> Request:
    """The request a client's message makes."""
    decoder = DECODERS.get(int(fields[0]))
    if decoder is None:
        raise NotSpokenHere(f"request {fields[0]} is not emulated")
    return decoder(fields)
