"""Reading logs/trades the way a stranger would who knows nothing but the form of its lines."""

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

_FIGURE = r'\w+=(?:"(?:[^"\\]|\\.)*"|[^\s"()=]+)'
_LINE = re.compile(
    r"(?P<at>\S+) (?P<account>\S+) (?P<event>\S+) (?P<words>.*) "
    rf"\((?P<figures>(?:{_FIGURE}(?: {_FIGURE})*)?)\)"
)
_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^\s"()=]+)')
_MOVE = re.compile(r"(\S+) (long|short) (\w+) → (\w+): (\w+)")
_STOP = re.compile(r"(\S+) (long|short) stop (\S+) → (\S+)")


@dataclass(frozen=True, slots=True)
class Line:
    at: str
    account: str
    event_id: str
    words: str
    figures: dict[str, str]


def read(text: str) -> list[Line]:
    """Whole lines, each event once: the first time that it is told."""
    found: dict[str, Line] = {}
    for each in text.splitlines():
        if match := _LINE.fullmatch(each):
            pairs = _PAIR.findall(match["figures"])
            figures = {
                name: json.loads(value) if value.startswith('"') else value for name, value in pairs
            }
            line = Line(match["at"], match["account"], match["event"], match["words"], figures)
            found.setdefault(line.event_id, line)
    return list(found.values())


def lines_of(file: Path) -> list[Line]:
    return read(file.read_text("utf-8"))


# --- rebuilding -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Rebuilt:
    """One position, from nothing but its lines."""

    symbol: str
    direction: str
    # (when, from, to, why)
    states: list[tuple[str, str | None, str, str]] = field(default_factory=list)
    # (when, where to)
    stops: list[tuple[str, str]] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)


def rebuilt(lines: list[Line]) -> dict[str, Rebuilt]:
    """By position id, in the order in which they began."""
    lives: dict[str, Rebuilt] = {}
    for line in lines:
        moved, stop = _MOVE.fullmatch(line.words), _STOP.fullmatch(line.words)
        if not moved and not stop and " is over: " not in line.words:
            continue
        name = line.figures["position_id"]
        symbol, direction = line.words.split()[:2]
        life = lives.setdefault(name, Rebuilt(symbol, direction))
        life.figures.update(line.figures)
        if moved:
            before = None if moved[3] == "new" else moved[3]
            life.states.append((line.at, before, moved[4], moved[5]))
        if stop:
            life.stops.append((line.at, stop[4]))
    return lives


@dataclass(slots=True)
class RebuiltTrade:
    """What one order bought, from the executions alone; first in, first out."""

    order_id: str
    quantity: Decimal
    entry_price: Decimal
    entry_time: str
    realized_pnl: Decimal
    open_quantity: Decimal
    exit_price: Decimal | None = None
    exit_time: str | None = None


def rebuilt_trades(lines: list[Line]) -> list[RebuiltTrade]:
    """Longs only, each left at once: what the stories here do."""
    trades: list[RebuiltTrade] = []
    for line in lines:
        if " bought " not in line.words and " sold " not in line.words:
            continue
        told = line.figures
        quantity, price, fee = (Decimal(told[each]) for each in ("quantity", "price", "fee"))
        if told["side"] == "buy":
            trades.append(
                RebuiltTrade(
                    order_id=told["order_id"],
                    quantity=quantity,
                    open_quantity=quantity,
                    entry_price=price,
                    entry_time=told["executed_at"],
                    realized_pnl=-fee,
                )
            )
            continue
        (trade,) = (each for each in trades if each.open_quantity)
        assert trade.open_quantity == quantity
        trade.open_quantity -= quantity
        trade.exit_price, trade.exit_time = price, told["executed_at"]
        trade.realized_pnl += (price - trade.entry_price) * quantity - fee
    return trades
