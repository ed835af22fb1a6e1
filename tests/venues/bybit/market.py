"""Bybit's public endpoints: time, instruments, tickers, the top of the book."""

from typing import Any

from tests.venues.bybit.errors import bad_request
from tests.venues.bybit.tickets import check_category
from tests.venues.exchange import Category, Exchange, Instrument
from tests.venues.wire import Call, Route, plain

Row = dict[str, Any]


class Market:
    """What anyone may ask."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> list[Route]:
        """The public endpoints."""
        answers = {
            "market/time": self.time,
            "market/instruments-info": self.instruments,
            "market/tickers": self.tickers,
            "market/orderbook": self.book,
        }
        return [
            Route(name=name, method="GET", path=f"/v5/{name}", answer=answer, private=False)
            for name, answer in answers.items()
        ]

    def time(self, call: Call) -> Row:
        """The venue's clock."""
        now = self._exchange.clock.now_ms()
        return {"timeSecond": str(now // 1000), "timeNano": f"{now}000000"}

    def instruments(self, call: Call) -> Row:
        """The terms of the markets of a category."""
        trading = call.text("status", "Trading") == "Trading"
        found = self._asked(call) if trading else []
        rows = [_instrument_row(each) for each in found]
        return {"category": call.text("category"), "list": rows, "nextPageCursor": ""}

    def tickers(self, call: Call) -> Row:
        """The quotes of the markets of a category."""
        rows = [ticker_row(self._exchange, each) for each in self._asked(call)]
        if call.text("symbol") and not rows:
            raise bad_request("Not supported symbols")
        return {"category": call.text("category"), "list": rows}

    def book(self, call: Call) -> Row:
        """The top of the book; there is nothing below it."""
        asked = self._asked(call)
        if not asked:
            raise bad_request("Not supported symbols")
        quote, now = self._exchange.quote(asked[0]), self._exchange.clock.now_ms()
        return {
            "s": asked[0].symbol,
            "b": [[plain(quote.bid), _size(quote.bid_size)]],
            "a": [[plain(quote.ask), _size(quote.ask_size)]],
            "ts": now,
            "cts": now,
            "u": 1,
            "seq": 1,
        }

    def _asked(self, call: Call) -> list[Instrument]:
        category, symbol = call.text("category"), call.text("symbol")
        check_category(call)
        return [
            each
            for each in self._exchange.instruments
            if each.category.value == category and symbol in {"", each.symbol}
        ]


def ticker_row(exchange: Exchange, instrument: Instrument) -> Row:
    """One market's quote as the tickers endpoint and topic show it."""
    quote = exchange.quote(instrument)
    row = {
        "symbol": instrument.symbol,
        "lastPrice": plain(quote.last),
        "bid1Price": plain(quote.bid),
        "bid1Size": _size(quote.bid_size),
        "ask1Price": plain(quote.ask),
        "ask1Size": _size(quote.ask_size),
        "prevPrice24h": plain(quote.last),
        "price24hPcnt": "0",
        "highPrice24h": plain(quote.ask),
        "lowPrice24h": plain(quote.bid),
        "turnover24h": "1000000",
        "volume24h": "1000",
    }
    if instrument.category is Category.LINEAR:
        row |= {
            "markPrice": plain(quote.mark),
            "indexPrice": plain(quote.mark),
            "openInterest": "1000",
            "openInterestValue": "1000000",
            "fundingRate": "0.0001",
            "nextFundingTime": "0",
        }
    return row


def _size(size: Any) -> str:
    return "1000" if size is None else plain(size)


def _instrument_row(instrument: Instrument) -> Row:
    shared = {
        "symbol": instrument.symbol,
        "baseCoin": instrument.base,
        "quoteCoin": instrument.quote,
        "status": "Trading",
    }
    if instrument.category is Category.SPOT:
        return shared | _spot_terms(instrument)
    return shared | _linear_terms(instrument)


def _spot_terms(instrument: Instrument) -> Row:
    return {
        "innovation": "0",
        "marginTrading": "none",
        "lotSizeFilter": {
            "basePrecision": plain(instrument.step),
            "quotePrecision": "0.00000001",
            "minOrderQty": plain(instrument.minimum),
            "maxOrderQty": plain(instrument.maximum),
            "minOrderAmt": plain(instrument.minimum_value),
            "maxOrderAmt": "4000000",
        },
        "priceFilter": {"tickSize": plain(instrument.tick)},
    }


def _linear_terms(instrument: Instrument) -> Row:
    return {
        "contractType": "LinearPerpetual",
        "launchTime": "1585526400000",
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": "2",
        "leverageFilter": {
            "minLeverage": "1",
            "maxLeverage": plain(instrument.leverage_max),
            "leverageStep": "0.01",
        },
        "priceFilter": {
            "minPrice": plain(instrument.tick),
            "maxPrice": "1999999.8",
            "tickSize": plain(instrument.tick),
        },
        "lotSizeFilter": {
            "maxOrderQty": plain(instrument.maximum),
            "minOrderQty": plain(instrument.minimum),
            "qtyStep": plain(instrument.step),
            "postOnlyMaxOrderQty": plain(instrument.maximum),
            "maxMktOrderQty": plain(instrument.maximum),
            "minNotionalValue": plain(instrument.minimum_value),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "settleCoin": instrument.quote,
    }
