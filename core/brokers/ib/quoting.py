"""A quote, asked for once."""

from collections.abc import Callable
from datetime import datetime

from core.brokers.ib.connection import Connection
from core.brokers.ib.figures import quoted
from core.brokers.ib.library import Contract, Ib
from core.brokers.ib.questions import prices
from core.domain.errors import Unavailable
from core.domain.market import Quote


async def quote_of(
    symbol: str, contract: Contract, connection: Connection, now: Callable[[], datetime]
) -> Quote:
    """The gateway ends such an answer late when a price is missing, so what came in time counts."""
    answer = await connection.ask(prices(contract))
    ticker = connection.ib.ticker(contract)
    _forget(connection.ib, contract)
    quote = Quote(
        symbol=symbol,
        bid=quoted(ticker.bid) if ticker else None,
        ask=quoted(ticker.ask) if ticker else None,
        last=quoted(ticker.last) if ticker else None,
        at=now(),
    )
    if answer.code or (quote.bid is None and quote.ask is None and quote.last is None):
        raise Unavailable(answer.missing or f"nobody quotes {symbol}")
    return quote


def _forget(ib: Ib, contract: Contract) -> None:
    """Otherwise the next question would be answered with these prices, however old."""
    kept = ib.wrapper.tickers
    for key in [key for key, ticker in kept.items() if ticker.contract is contract]:
        del kept[key]
