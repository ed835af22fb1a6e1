"""What can be traded here: the contracts of the venue and how a client's description finds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One tradable contract, fully described."""

    con_id: int
    symbol: str
    sec_type: str
    exchange: str
    primary_exchange: str
    currency: str
    local_symbol: str
    trading_class: str
    long_name: str
    price_step: Decimal
    execution_exchange: str
    expiry: str = ""
    """Last trading day as YYYYMMDD; empty for stocks."""
    multiplier: str = ""
    """Money per point of price; empty for stocks, which stands for 1."""
    margin_rate: Decimal = Decimal("0.25")

    @property
    def money_per_point(self) -> Decimal:
        return Decimal(self.multiplier or "1")

    @property
    def is_future(self) -> bool:
        return self.sec_type == "FUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractQuery:
    """A client's description of a contract, in which an empty part means "any"."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    expiry: str = ""
    multiplier: str = ""
    exchange: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""

    def matches(self, contract: Contract) -> bool:
        """Whether nothing that was asked for speaks against the contract."""
        if self.con_id and self.con_id != contract.con_id:
            return False
        asked = (
            (self.symbol, contract.symbol),
            (self.sec_type, contract.sec_type),
            (self.multiplier, contract.multiplier),
            (self.currency, contract.currency),
            (self.local_symbol, contract.local_symbol),
            (self.trading_class, contract.trading_class),
        )
        return (
            all(wanted in ("", actual) for wanted, actual in asked)
            and self.exchange in ("", contract.exchange, contract.primary_exchange)
            # A month (YYYYMM) asks for the contract that expires in it.
            and contract.expiry.startswith(self.expiry)
        )


class Catalogue:
    """Every contract the venue lists."""

    def __init__(self, contracts: Iterable[Contract]) -> None:
        self._contracts = {contract.con_id: contract for contract in contracts}

    def __iter__(self) -> Iterator[Contract]:
        return iter(self._contracts.values())

    def add(self, contract: Contract) -> None:
        self._contracts[contract.con_id] = contract

    def find(self, query: ContractQuery) -> list[Contract]:
        """All contracts the query fits, so that an ambiguous one shows itself."""
        return [contract for contract in self if query.matches(contract)]

    def named(self, name: str) -> Contract:
        """The contract with this local symbol, or the first of this symbol (the front month)."""
        for attribute in ("local_symbol", "symbol"):
            for contract in self:
                if getattr(contract, attribute) == name:
                    return contract
        raise KeyError(f"not listed here: {name}")


def stock(con_id: int, symbol: str, primary_exchange: str, long_name: str) -> Contract:
    """A US stock as IB lists it: routed through SMART, executed elsewhere."""
    return Contract(
        con_id=con_id,
        symbol=symbol,
        sec_type="STK",
        exchange="SMART",
        primary_exchange=primary_exchange,
        currency="USD",
        local_symbol=symbol,
        trading_class=symbol,
        long_name=long_name,
        price_step=Decimal("0.01"),
        execution_exchange=primary_exchange,
    )


def index_future(
    con_id: int, symbol: str, local_symbol: str, expiry: str, multiplier: str, long_name: str
) -> Contract:
    """A CME index future of one expiry."""
    return Contract(
        con_id=con_id,
        symbol=symbol,
        sec_type="FUT",
        exchange="CME",
        primary_exchange="",
        currency="USD",
        local_symbol=local_symbol,
        trading_class=symbol,
        long_name=long_name,
        price_step=Decimal("0.25"),
        execution_exchange="CME",
        expiry=expiry,
        multiplier=multiplier,
        margin_rate=Decimal("0.06"),
    )


def listed_contracts() -> list[Contract]:
    """Two stocks, and two expiries each of the large and the micro S&P future."""
    return [
        stock(700001, "SPY", "ARCA", "SPDR S&P 500 ETF TRUST"),
        stock(700002, "AAPL", "NASDAQ", "APPLE INC"),
        index_future(700101, "ES", "ESZ0", "20301220", "50", "E-mini S&P 500"),
        index_future(700102, "ES", "ESH1", "20310321", "50", "E-mini S&P 500"),
        index_future(700201, "MES", "MESZ0", "20301220", "5", "Micro E-Mini S&P 500"),
        index_future(700202, "MES", "MESH1", "20310321", "5", "Micro E-Mini S&P 500"),
    ]
