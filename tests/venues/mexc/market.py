"""MEXC's public endpoints, and the few of spot that clients ask for when they load markets."""

from typing import Any

from tests.venues.exchange import Exchange, Instrument
from tests.venues.mexc.rows import number
from tests.venues.wire import Call, Route

Row = dict[str, Any]


class Market:
    """What anyone may ask."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> list[Route]:
        """The public endpoints of contracts and of spot."""
        contract = {
            "contract/ping": self.ping,
            "contract/detail": self.detail,
            "contract/ticker": self.ticker,
            "contract/support_currencies": self.currencies,
            "contract/depth/{symbol}": self.depth,
            "contract/fair_price/{symbol}": self.fair_price,
            "contract/index_price/{symbol}": self.index_price,
            "contract/funding_rate/{symbol}": self.funding_rate,
        }
        spot = {"time": self.spot_time, "ping": self.spot_ping, "exchangeInfo": self.spot_markets}
        coins = "capital/config/getall"
        return [
            *(_public(_name(each), f"/api/v1/{each}", ask) for each, ask in contract.items()),
            *(_public(f"spot/{each}", f"/api/v3/{each}", ask) for each, ask in spot.items()),
            Route(name=f"spot/{coins}", method="GET", path=f"/api/v3/{coins}", answer=self.coins),
        ]

    def ping(self, call: Call) -> int:
        """The venue's clock."""
        return self._exchange.clock.now_ms()

    def detail(self, call: Call) -> Row | list[Row]:
        """The terms of one contract, or of all."""
        rows = [_terms(each) for each in self._asked(call)]
        return rows[0] if call.text("symbol") else rows

    def ticker(self, call: Call) -> Row | list[Row]:
        """The quote of one contract, or of all."""
        rows = [ticker_row(self._exchange, each) for each in self._asked(call)]
        return rows[0] if call.text("symbol") else rows

    def currencies(self, call: Call) -> list[str]:
        """The coins contracts settle in."""
        return sorted({each.quote for each in self._exchange.instruments})

    def depth(self, call: Call) -> Row:
        """The top of the book; there is nothing below it."""
        quote = self._exchange.quote(self._asked(call)[0])
        size = 100_000
        return {
            "asks": [[number(quote.ask), number(quote.ask_size) or size, 1]],
            "bids": [[number(quote.bid), number(quote.bid_size) or size, 1]],
            "version": 1,
            "timestamp": self._exchange.clock.now_ms(),
        }

    def fair_price(self, call: Call) -> Row:
        """The mark price of a contract."""
        return self._price(call, "fairPrice")

    def index_price(self, call: Call) -> Row:
        """The index price of a contract, here the same as its mark price."""
        return self._price(call, "indexPrice")

    def funding_rate(self, call: Call) -> Row:
        """The current funding rate of a contract."""
        return {
            "symbol": self._asked(call)[0].symbol,
            "fundingRate": 0.0001,
            "maxFundingRate": 0.003,
            "minFundingRate": -0.003,
            "collectCycle": 8,
            "nextSettleTime": 0,
            "timestamp": self._exchange.clock.now_ms(),
        }

    def spot_time(self, call: Call) -> Row:
        """The venue's clock, as spot tells it."""
        return {"serverTime": self._exchange.clock.now_ms()}

    def spot_ping(self, call: Call) -> Row:
        """Nothing, which means that spot is up."""
        return {}

    def spot_markets(self, call: Call) -> Row:
        """No spot markets: only contracts are emulated."""
        now = self._exchange.clock.now_ms()
        return {"timezone": "CST", "serverTime": now, "rateLimits": [], "symbols": []}

    def coins(self, call: Call) -> list[Row]:
        """The coins there are."""
        coins = {each.base for each in self._exchange.instruments} | {"USDT"}
        return [{"coin": coin, "name": coin, "networkList": []} for coin in sorted(coins)]

    def _asked(self, call: Call) -> list[Instrument]:
        symbol = call.text("symbol")
        return [self._exchange.instrument(symbol)] if symbol else list(self._exchange.instruments)

    def _price(self, call: Call, name: str) -> Row:
        instrument = self._asked(call)[0]
        mark = number(self._exchange.quote(instrument).mark)
        now = self._exchange.clock.now_ms()
        return {"symbol": instrument.symbol, name: mark, "timestamp": now}


def ticker_row(exchange: Exchange, instrument: Instrument) -> Row:
    """One contract's quote as the ticker endpoint and channel show it."""
    quote = exchange.quote(instrument)
    return {
        "symbol": instrument.symbol,
        "lastPrice": number(quote.last),
        "bid1": number(quote.bid),
        "ask1": number(quote.ask),
        "volume24": 1000,
        "amount24": 1000000,
        "holdVol": 1000,
        "lower24Price": number(quote.bid),
        "high24Price": number(quote.ask),
        "riseFallRate": 0,
        "riseFallValue": 0,
        "indexPrice": number(quote.mark),
        "fairPrice": number(quote.mark),
        "fundingRate": 0.0001,
        "timestamp": exchange.clock.now_ms(),
    }


def _name(path: str) -> str:
    """An endpoint's name for scripts and logs: its path without the variable parts."""
    return path.partition("/{")[0]


def _public(name: str, path: str, answer: Any) -> Route:
    return Route(name=name, method="GET", path=path, answer=answer, private=False)


def _terms(instrument: Instrument) -> Row:
    return {
        "symbol": instrument.symbol,
        "displayName": instrument.symbol,
        "displayNameEn": f"{instrument.symbol} PERPETUAL",
        "positionOpenType": 3,
        "baseCoin": instrument.base,
        "quoteCoin": instrument.quote,
        "settleCoin": instrument.quote,
        "contractSize": number(instrument.contract_size),
        "minLeverage": 1,
        "maxLeverage": number(instrument.leverage_max),
        "priceScale": 2,
        "volScale": 0,
        "amountScale": 4,
        "priceUnit": number(instrument.tick),
        "volUnit": number(instrument.step),
        "minVol": number(instrument.minimum),
        "maxVol": number(instrument.maximum),
        "takerFeeRate": number(instrument.taker_fee),
        "makerFeeRate": number(instrument.maker_fee),
        "maintenanceMarginRate": 0.004,
        "initialMarginRate": 0.005,
        "state": 0,
        "apiAllowed": True,
        "isNew": False,
        "isHot": True,
        "isHidden": False,
    }
