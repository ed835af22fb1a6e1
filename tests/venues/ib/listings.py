"""Answers to what a client reads: positions, orders, executions, accounts, contracts, prices."""

from __future__ import annotations

from decimal import Decimal

from . import replies, requests
from .broker import Broker, Client
from .contracts import Contract, ContractQuery
from .entry_rules import Refusal
from .frames import Message
from .order_messages import completed_order, open_order, order_status
from .orders import Order

LEDGER_TAGS = frozenset(
    {"CashBalance", "Currency", "ExchangeRate", "RealizedPnL", "StockMarketValue", "UnrealizedPnL"}
)
DELAYED_FROM = 3
DELAYED_OFFSET = {1: 66, 2: 67, 4: 68, 9: 75}
SIZE_SHOWN = Decimal(100)


def positions(broker: Broker, client: Client, request: requests.Positions) -> list[Message]:
    client.watches_positions = True
    rows = [
        replies.position(account, held)
        for account, holdings in broker.ledger.holdings.items()
        for held in holdings.open_positions()
    ]
    return [*rows, replies.POSITIONS_END]


def open_orders(broker: Broker, client: Client, request: requests.OpenOrders) -> list[Message]:
    """The client's own; client 0 also sees the manual orders it has bound."""
    own = [order for order in broker.ledger.live_orders() if client.owns(order)]
    return _order_rows(own)


def all_open_orders(
    broker: Broker, client: Client, request: requests.AllOpenOrders
) -> list[Message]:
    return _order_rows(broker.ledger.live_orders())


def _order_rows(orders: list[Order]) -> list[Message]:
    rows = [row for order in orders for row in (open_order(order), order_status(order))]
    return [*rows, replies.OPEN_ORDERS_END]


def completed_orders(
    broker: Broker, client: Client, request: requests.CompletedOrders
) -> list[Message]:
    wanted = (
        order
        for order in broker.ledger.completed_orders()
        if not (request.api_only and order.is_manual)
    )
    rows = [completed_order(order, broker.zone) for order in wanted]
    return [*rows, replies.COMPLETED_ORDERS_END]


def executions(broker: Broker, client: Client, request: requests.Executions) -> list[Message]:
    """Executions of every client, each with its commission; both revisions of a corrected one."""
    rows = [
        row
        for done in broker.ledger.executions
        if request.wanted.passes(done)
        for row in (
            replies.execution(request.subject, done, broker.zone),
            replies.commission(done),
        )
    ]
    return [*rows, replies.executions_end(request.subject)]


def _known_account(broker: Broker, account: str) -> str:
    """The account, which may go unnamed where there is only one."""
    account = account or broker.accounts[0]
    if account not in broker.ledger.holdings:
        raise Refusal(321, f"Error validating request: Invalid account code '{account}'")
    return account


def account_updates(
    broker: Broker, client: Client, request: requests.AccountUpdates
) -> list[Message]:
    if not request.subscribe:
        client.watched_account = None
        return []
    account = _known_account(broker, request.account)
    client.watched_account = account
    ledger = broker.ledger
    holdings = ledger.holdings[account]
    return [
        *(replies.account_value(account, value) for value in holdings.values(ledger.market)),
        *(
            replies.portfolio_row(account, held)
            for held in holdings.marked(ledger.market)
            if held.position.quantity
        ),
        replies.account_time(ledger.now(), broker.zone),
        replies.account_end(account),
    ]


def account_values(
    broker: Broker, client: Client, request: requests.AccountValues
) -> list[Message]:
    account = _known_account(broker, request.account)
    values = broker.ledger.holdings[account].values(broker.ledger.market)
    rows = [replies.value_row(request.subject, account, value) for value in values]
    return [*rows, replies.values_end(request.subject)]


def account_summary(
    broker: Broker, client: Client, request: requests.AccountSummary
) -> list[Message]:
    ledger_too = any(tag.startswith("$LEDGER") for tag in request.tags)
    tags = request.tags | (LEDGER_TAGS if ledger_too else frozenset())
    rows = [
        replies.summary_row(request.subject, account, value)
        for account, holdings in broker.ledger.holdings.items()
        for value in holdings.values(broker.ledger.market)
        if value.tag in tags
    ]
    return [*rows, replies.summary_end(request.subject)]


def contract_details(
    broker: Broker, client: Client, request: requests.ContractDetails
) -> list[Message]:
    found = _listed(broker, request.query)
    today = broker.ledger.now()
    rows = [replies.contract_details(request.subject, contract, today) for contract in found]
    return [*rows, replies.contract_details_end(request.subject)]


def _listed(broker: Broker, query: ContractQuery) -> list[Contract]:
    found = broker.ledger.catalogue.find(query)
    if not found:
        raise Refusal(200, "No security definition has been found for the request")
    return found


def sole_contract(broker: Broker, query: ContractQuery) -> Contract:
    """The one contract a client means; a description that fits several names none."""
    found = _listed(broker, query)
    if len(found) > 1:
        raise Refusal(200, "The contract description specified is ambiguous")
    return found[0]


def market_prices(broker: Broker, client: Client, request: requests.MarketPrices) -> list[Message]:
    """A snapshot ends with its closing message; a stream goes on with every new quote."""
    contract = sole_contract(broker, request.query)
    delayed = not broker.ledger.market.live_subscription
    if delayed and client.price_kind < DELAYED_FROM:
        raise Refusal(354, "Requested market data is not subscribed.")
    answer = [replies.market_price_kind(request.subject, DELAYED_FROM if delayed else 1)]
    if delayed:
        words = "Requested market data is not subscribed. Displaying delayed market data."
        answer.append(replies.error(request.subject, 10167, words))
    answer += ticks(broker, request.subject, contract)
    if request.snapshot:
        answer.append(replies.tick_snapshot_end(request.subject))
    else:
        client.tickers[request.subject] = contract
    return answer


def ticks(broker: Broker, request_id: int, contract: Contract) -> list[Message]:
    """The quote as price ticks, under their delayed numbers where it is delayed."""
    market = broker.ledger.market
    quote = market.quote(contract)
    if quote is None:
        return []
    prices = (
        (1, quote.bid, quote.bid_size),
        (2, quote.ask, quote.ask_size),
        (4, quote.last, None),
        (9, quote.close, None),
    )
    return [
        replies.tick_price(
            request_id,
            kind if market.live_subscription else DELAYED_OFFSET[kind],
            price,
            SIZE_SHOWN if size is None else size,
        )
        for kind, price, size in prices
        if price is not None
    ]
