"""Bybit's endpoints about the account: who it is, what it owns, how its positions are set up."""

from decimal import Decimal
from typing import Any

from tests.venues.bybit.errors import bad_request
from tests.venues.bybit.rows import position_row, wallet_row
from tests.venues.bybit.tickets import check_category, read_category, read_leg
from tests.venues.exchange import (
    STOP_LOSS,
    TAKE_PROFIT,
    Category,
    Exchange,
    Leg,
    Position,
    Protection,
)
from tests.venues.wire import Call, Route

Row = dict[str, Any]
_LEGS = {"0": (Leg.NET,), "3": (Leg.LONG, Leg.SHORT)}


class AccountEndpoints:
    """What concerns the account rather than its orders."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> list[Route]:
        """The endpoints of account, assets and positions."""
        reading = {
            "asset/coin/query-info": self.coins,
            "user/query-api": self.key,
            "account/info": self.info,
            "account/wallet-balance": self.wallet,
            "position/list": self.positions,
        }
        writing = {
            "position/set-leverage": self.set_leverage,
            "position/switch-mode": self.switch_mode,
            "position/trading-stop": self.set_stops,
        }
        return [
            Route(name=name, method=method, path=f"/v5/{name}", answer=answer)
            for method, answers in (("GET", reading), ("POST", writing))
            for name, answer in answers.items()
        ]

    def coins(self, call: Call) -> Row:
        """The coins there are."""
        coins = {each.base for each in self._exchange.instruments} | {"USDT"}
        return {"rows": [{"name": coin, "coin": coin, "chains": []} for coin in sorted(coins)]}

    def key(self, call: Call) -> Row:
        """What the API key may do, and that the account is a unified one."""
        return {
            "id": "1",
            "readOnly": 0,
            "permissions": {"ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"]},
            "unified": 0,
            "uta": 1,
            "userID": 1,
            "type": 1,
        }

    def info(self, call: Call) -> Row:
        """The account's margin mode."""
        return {
            "marginMode": "REGULAR_MARGIN",
            "unifiedMarginStatus": 6,
            "dcpStatus": "OFF",
            "timeWindow": 10,
            "smpGroup": 0,
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
            "updatedTime": str(self._exchange.clock.now_ms()),
        }

    def wallet(self, call: Call) -> Row:
        """The balances of the unified account."""
        if call.text("accountType") != "UNIFIED":
            raise bad_request("accountType only support UNIFIED.")
        return {"list": [wallet_row(self._exchange)]}

    def positions(self, call: Call) -> Row:
        """The positions of one symbol, flat or not, or all that hold something."""
        check_category(call)
        # Only linear markets have positions here; of the others there are none to list.
        linear = call.text("category") == Category.LINEAR
        positions = self._asked_positions(call) if linear else []
        begin = call.whole("cursor", 0)
        limit = max(1, min(call.whole("limit", 20), 200))
        shown = positions[begin : begin + limit]
        more = begin + limit < len(positions)
        return {
            "category": call.text("category"),
            "list": [position_row(self._exchange, each) for each in shown],
            "nextPageCursor": str(begin + limit) if more else "",
        }

    def set_leverage(self, call: Call) -> Row:
        """Set the leverage of both sides of a symbol."""
        instrument = self._exchange.instrument(call.text("symbol"), read_category(call))
        buy, sell = call.number("buyLeverage"), call.number("sellLeverage")
        if buy is None or sell is None:
            raise bad_request("buyLeverage and sellLeverage are required")
        if buy != sell and not self._exchange.account.hedged(instrument.symbol):
            raise bad_request("buy and sell leverage must be the same in one-way mode")
        wanted = {Leg.NET: buy, Leg.LONG: buy, Leg.SHORT: sell}
        self._exchange.set_leverage(instrument, wanted)
        return {}

    def switch_mode(self, call: Call) -> Row:
        """Change between one-way (0) and hedge mode (3), for a symbol or for a coin."""
        if call.text("mode") not in _LEGS:
            raise bad_request("mode invalid")
        symbol = call.text("symbol") or None
        if symbol is None and call.text("coin") != "USDT":
            raise bad_request("symbol or coin is required")
        self._exchange.switch_mode(hedged=call.text("mode") == "3", symbol=symbol)
        return {}

    def set_stops(self, call: Call) -> Row:
        """Set, move or take away the stop and the target of a position."""
        instrument = self._exchange.instrument(call.text("symbol"), read_category(call))
        leg = read_leg(call)
        if leg not in self._exchange.account.legs(instrument.symbol):
            raise bad_request("position idx not match position mode")
        if call.number("trailingStop"):
            raise bad_request("trailing stops are not emulated")
        position = self._exchange.account.position(instrument, leg)
        self._exchange.protect(position, *_protections(call))
        return {}

    def _asked_positions(self, call: Call) -> list[Position]:
        symbol = call.text("symbol")
        if symbol:
            instrument = self._exchange.instrument(symbol, Category.LINEAR)
            return list(self._exchange.floor.positions_of(instrument))
        if not call.text("settleCoin"):
            raise bad_request("symbol or settleCoin is required")
        return [
            position
            for position in self._exchange.account.open_positions()
            if position.instrument.quote == call.text("settleCoin")
        ]


def _protections(call: Call) -> list[Protection]:
    """What a trading-stop request asks for; a price left out stays as it is."""
    wanted = []
    for stop_kind, name, prefix in (
        (STOP_LOSS, "stopLoss", "sl"),
        (TAKE_PROFIT, "takeProfit", "tp"),
    ):
        price = call.number(name)
        if price is not None:
            wanted.append(_protection(call, stop_kind, price, prefix))
    if not wanted:
        raise bad_request("no stop and no target given")
    return wanted


def _protection(call: Call, stop_kind: str, price: Decimal, prefix: str) -> Protection:
    partial = call.text("tpslMode", "Full") == "Partial"
    limit = call.text(f"{prefix}OrderType") == "Limit"
    return Protection(
        stop_kind=stop_kind,
        price=price,
        by=call.text(f"{prefix}TriggerBy", "LastPrice"),
        quantity=call.number(f"{prefix}Size") if partial else None,
        limit_price=call.number(f"{prefix}LimitPrice") if limit else None,
    )
