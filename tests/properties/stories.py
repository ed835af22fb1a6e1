"""What may happen to an account, as a table of moves: signals, the market, people, faults.

A story is a seed. Whoever plays it draws moves until the story has enough of them; each tells in a
few words what it did, so that a failure can be read.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from tests.rounds.bybit_round import BybitRound
from tests.rounds.mexc_round import PLANS, WRITING
from tests.scenarios.other_side import OtherSide, PaperSide, VenueSideOf, stops
from tests.service.running import signal, submit
from tests.venues.faults import Fault

CENT = Decimal("0.1")


@dataclass(slots=True, kw_only=True)
class Stage:
    """An account on which a story is played, and what has been told of it so far."""

    side: OtherSide
    chance: random.Random
    price: Decimal
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    told: list[str] = field(default_factory=list)

    def play(self) -> None:
        names = list(MOVES)
        (name,) = self.chance.choices(names, [MOVES[each][0] for each in names])
        self.told.append(f"{name}: {MOVES[name][1](self)}")

    def go(self, share: float) -> str:
        self.price = (self.price * Decimal(str(round(1 + share, 4)))).quantize(CENT)
        self.side.move(str(self.price))
        return str(self.price)


# --- signals --------------------------------------------------------------------------------------


def _signal(stage: Stage, **given: Any) -> str:
    way = stage.chance.choice(["buy", "sell"])
    wanted = signal(
        asset=stage.side.symbol,
        signal_type=way,
        timestamp=stage.now().isoformat(),
        amount=stage.chance.choice([300, 600, 1200]),
        **given,
    )
    submit(stage.side.home, wanted)
    return f"{way} {given}"


def enter(stage: Stage) -> str:
    return _signal(stage)


def enter_with_terms(stage: Stage) -> str:
    about = {
        "take_profit_pct": stage.chance.choice([1, 3, 5]),
        "stop_loss_pct": stage.chance.choice([2, 5, 12]),
        "effective_floor": str((stage.price * Decimal("0.98")).quantize(CENT)),
        "effective_ceiling": str((stage.price * Decimal("1.02")).quantize(CENT)),
    }
    if stage.chance.random() < 0.5:
        del about["effective_floor"], about["effective_ceiling"]
    return _signal(stage, **about)


def enter_by_limit(stage: Stage) -> str:
    snapshot = {"price": str(stage.price), "spread": 0.2}
    return _signal(stage, order_type="limit", market_data_snapshot=snapshot)


def leave(stage: Stage) -> str:
    return _signal(stage, intent="close")


# --- the market and people ------------------------------------------------------------------------


def drift(stage: Stage) -> str:
    return stage.go(stage.chance.uniform(-0.02, 0.02))


def gap(stage: Stage) -> str:
    return stage.go(stage.chance.choice([-0.1, 0.1]))


def trade_by_hand(stage: Stage) -> str:
    way = stage.chance.choice(["buy", "sell"])
    stage.side.trade(way, "0.01")
    return way


def cancel_a_stop(stage: Stage) -> str:
    live = stops(stage.side)
    if not live:
        return "none stands"
    stage.side.cancel(stage.chance.choice(live).order_id)
    return "gone"


# --- faults ---------------------------------------------------------------------------------------

_AT_PAPER = ("lost_reply", "timeout_before_accept", "reject", "not_sent", "unavailable")
_AT_VENUES = (
    Fault.LOST_REPLY,
    Fault.RESET,
    Fault.RESET_AFTER_ACCEPT,
    Fault.http(503),
    Fault.TRUNCATED,
)


def fault(stage: Stage) -> str:
    side = stage.side
    if isinstance(side, PaperSide):
        about = {
            "on": stage.chance.choice(["place", "cancel", "amend"]),
            "kind": stage.chance.choice(_AT_PAPER),
        }
        document = side.home.account
        document.setdefault("simulation", {}).setdefault("faults", []).append(about)
        side.home.rewrite_account(document)
        return str(about)
    assert isinstance(side, VenueSideOf)
    at_bybit = isinstance(side.round, BybitRound)
    writing = ("order/create", "order/amend", "order/cancel") if at_bybit else (*WRITING, *PLANS)
    endpoint, wrong = stage.chance.choice(writing), stage.chance.choice(_AT_VENUES)
    side.round.fault(endpoint, wrong)
    return f"{endpoint} {wrong.reply.name} {wrong.effect.name}"


# How often, beside the others, and what it does.
MOVES: Mapping[str, tuple[int, Callable[[Stage], str]]] = MappingProxyType(
    {
        "enter": (3, enter),
        "enter with terms": (4, enter_with_terms),
        "enter by a limit": (2, enter_by_limit),
        "leave": (2, leave),
        "drift": (8, drift),
        "gap": (2, gap),
        "trade by hand": (2, trade_by_hand),
        "cancel a stop by hand": (2, cancel_a_stop),
        "fault": (4, fault),
    }
)
