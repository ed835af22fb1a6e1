"""MEXC's endpoints about assets, positions, leverage and the position mode."""

from typing import Any

from tests.venues.exchange import Exchange, ExecutionKind, Leg, Side
from tests.venues.mexc.errors import bad_request
from tests.venues.mexc.rows import asset_row, number, position_row
from tests.venues.wire import Call, Route

Row = dict[str, Any]


class AccountEndpoints:
    """What concerns the account rather than its orders."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> list[Route]:
        """The endpoints of account and positions."""
        reading = {
            "account/assets": self.assets,
            "account/asset/{currency}": self.asset,
            "position/open_positions": self.positions,
            "position/position_mode": self.mode,
            "position/leverage": self.leverage,
            "position/funding_records": self.funding,
        }
        writing = {
            "position/change_position_mode": self.change_mode,
            "position/change_leverage": self.change_leverage,
        }
        return [
            Route(
                name=path.partition("/{")[0],
                method=method,
                path=f"/api/v1/private/{path}",
                answer=answer,
            )
            for method, answers in (("GET", reading), ("POST", writing))
            for path, answer in answers.items()
        ]

    def assets(self, call: Call) -> list[Row]:
        """Every coin of the contract account."""
        return [asset_row(self._exchange, each) for each in self._exchange.account.balances]

    def asset(self, call: Call) -> Row:
        """One coin of the contract account."""
        return asset_row(self._exchange, call.text("currency"))

    def positions(self, call: Call) -> list[Row]:
        """The positions that hold something."""
        return [
            position_row(self._exchange, position)
            for position in self._exchange.account.open_positions()
            if call.text("symbol") in {"", position.instrument.symbol}
        ]

    def mode(self, call: Call) -> int:
        """1 for two legs, 2 for one net position."""
        symbol = next(iter(self._exchange.instruments)).symbol
        return 1 if self._exchange.account.hedged(symbol) else 2

    def change_mode(self, call: Call) -> None:
        """Change the position mode of the whole account."""
        mode = call.whole("positionMode", 0)
        if mode not in {1, 2}:
            raise bad_request("positionMode is required")
        self._exchange.switch_mode(hedged=mode == 1)

    def leverage(self, call: Call) -> list[Row]:
        """The leverage of both position types of a contract."""
        instrument = self._exchange.instrument(call.text("symbol"))
        rows = []
        for position_type in (1, 2):
            leg = self._leg(instrument.symbol, position_type)
            leverage = number(self._exchange.account.leverage(instrument.symbol, leg))
            rows.append(
                {"positionType": position_type, "openType": 2, "leverage": leverage, "level": 1}
            )
        return rows

    def change_leverage(self, call: Call) -> None:
        """Change the leverage of one position type."""
        instrument = self._exchange.instrument(call.text("symbol"))
        leverage = call.number("leverage")
        if leverage is None:
            raise bad_request("leverage is required")
        leg = self._leg(instrument.symbol, call.whole("positionType", 1))
        self._exchange.set_leverage(instrument, {leg: leverage})

    def funding(self, call: Call) -> Row:
        """What funding the positions were charged, which no deal listing shows."""
        rows = [
            {
                "id": execution.sequence,
                "symbol": execution.instrument.symbol,
                "positionType": 1 if execution.side is Side.BUY else 2,
                "positionValue": number(
                    execution.instrument.value(execution.quantity, execution.price)
                ),
                "funding": number(-execution.fee),
                "rate": number(execution.fee_rate),
                "settleTime": execution.time_ms,
            }
            for execution in self._exchange.register.executions
            if execution.kind is ExecutionKind.FUNDING
            and call.text("symbol") in {"", execution.instrument.symbol}
        ]
        return {
            "pageSize": len(rows),
            "totalCount": len(rows),
            "totalPage": 1,
            "currentPage": 1,
            "resultList": rows[::-1],
        }

    def _leg(self, symbol: str, position_type: int) -> Leg:
        if not self._exchange.account.hedged(symbol):
            return Leg.NET
        return Leg.LONG if position_type == 1 else Leg.SHORT
