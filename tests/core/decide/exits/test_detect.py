"""Stage A: when it is time to leave a trade, and when saying so once more would be news."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config.trading_settings import Exits
from core.decide.exits.detect import Candidate, detect, is_news
from core.domain.exit import Episode, ExitCause
from core.domain.life import Direction
from tests.build import NOON, clock, life, trade

STOP, TRAILING = ExitCause.STOP_LOSS, ExitCause.TRAILING_STOP
TARGET, TIME = ExitCause.TARGET_HIT, ExitCause.TIME_BASED

LONG: dict[str, Any] = {"direction": "long", "floor": 95, "target": 110}
SHORT: dict[str, Any] = {"direction": "short", "ceiling": 105, "target": 90}


def found(
    price: Any, *, missing_stop: Any = None, hours: int = 0, trails: bool = False, **terms: Any
) -> Candidate | None:
    """Of a trade entered an hour ago; `hours` is how long it may be held."""
    return detect(
        trade(**terms),
        life(direction=terms.get("direction", "long"), trail_activated=trails),
        Decimal(price),
        Exits(max_holding_minutes=hours * 60),
        NOON,
        missing_stop=None if missing_stop is None else Decimal(missing_stop),
    )


def cause(price: Any, **given: Any) -> ExitCause | None:
    candidate = found(price, **given)
    return candidate.cause if candidate else None


# --- in the trade's own direction -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("110.1", TARGET),
        ("110", TARGET),
        ("109.9", None),
        ("95.1", None),
        ("95", STOP),
        ("1", STOP),
    ],
)
def test_a_long_is_left_above_its_target_and_below_its_floor(
    price: str, expected: ExitCause | None
) -> None:
    assert cause(price, **LONG) is expected


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("89.9", TARGET),
        ("90", TARGET),
        ("90.1", None),
        ("104.9", None),
        ("105", STOP),
        ("999", STOP),
    ],
)
def test_a_short_is_left_below_its_target_and_above_its_ceiling(
    price: str, expected: ExitCause | None
) -> None:
    assert cause(price, **SHORT) is expected


@pytest.mark.parametrize(
    ("price", "terms"),
    [
        ("90", {"direction": "long", "ceiling": 80}),
        ("90", {"direction": "short", "floor": 95}),
        ("200", {"direction": "long", "ceiling": 105}),
        ("1", {"direction": "short", "floor": 95}),
    ],
)
def test_a_ceiling_is_nothing_to_a_long_and_a_floor_nothing_to_a_short(
    price: str, terms: dict[str, Any]
) -> None:
    assert cause(price, **terms) is None


def test_a_trade_that_asks_for_nothing_is_not_left() -> None:
    for price in ("0.01", "100", "100000"):
        assert cause(price) is None


def test_the_price_and_the_limit_that_it_reached_are_told() -> None:
    low, high = found("94.5", **LONG), found("110.50", **LONG)
    assert low is not None and high is not None
    assert (low.price, low.because) == (
        Decimal("94.5"),
        "94.5 has reached the signal's limit of 95",
    )
    assert high.because == "110.5 has reached the target of 110"
    assert not (low.naked or high.naked)


# --- where no stop stands -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "missing", "terms", "expected"),
    [
        ("92", 92, {}, STOP),
        ("91.9", 92, {}, STOP),
        ("92.1", 92, {}, None),
        ("108", 108, {"direction": "short"}, STOP),
        ("108.1", 108, {"direction": "short"}, STOP),
        ("107.9", 108, {"direction": "short"}, None),
    ],
)
def test_a_missing_stop_is_carried_out_by_hand(
    price: str, missing: int, terms: dict[str, Any], expected: ExitCause | None
) -> None:
    assert cause(price, missing_stop=missing, **terms) is expected


def test_one_that_had_followed_the_profit_is_a_trailing_stop() -> None:
    candidate = found("103", missing_stop=104, trails=True)
    assert candidate is not None
    assert (candidate.cause, candidate.naked) == (TRAILING, True)
    assert candidate.because == "103 is beyond the stop of 104, which does not stand"
    assert cause("105", missing_stop=104, trails=True) is None


def test_a_trade_whose_position_trails_has_a_floor_all_the_same() -> None:
    assert cause("94", trails=True, **LONG) is STOP


# --- held for too long ----------------------------------------------------------------------------


@pytest.mark.parametrize("direction", list(Direction))
def test_a_trade_is_left_when_it_was_held_for_so_long(direction: Direction) -> None:
    given: dict[str, Any] = {"direction": direction}
    assert cause(100, hours=1, entry_time="11:00", **given) is TIME
    assert cause(100, hours=1, entry_time="10:00", **given) is TIME
    assert cause(100, hours=1, entry_time="11:00:01", **given) is None
    # Nought is no limit.
    assert cause(100, hours=0, entry_time="00:00", **given) is None
    late = found(100, hours=1, **given)
    assert late is not None and late.because == "held for 60 minutes and longer"


# --- several at once ------------------------------------------------------------------------------


def test_what_cannot_wait_comes_first() -> None:
    """The floor, the stop that is missing, the target, and then the time."""
    late: dict[str, Any] = {"hours": 1, "entry_time": "09:00"}
    assert cause(90, missing_stop=92, floor=95, target=80, **late) is STOP
    told = found(90, missing_stop=92, floor=95, target=80, **late)
    assert told is not None and not told.naked
    assert cause(90, missing_stop=92, target=80, trails=True, **late) is TRAILING
    assert cause(90, target=80, **late) is TARGET
    assert cause(90, target=95, **late) is TIME


@given(
    price=st.decimals("1", "200", places=2),
    floor=st.none() | st.decimals("1", "200", places=2),
    target=st.none() | st.decimals("1", "200", places=2),
    missing=st.none() | st.decimals("1", "200", places=2),
)
def test_a_short_is_a_longs_mirror(
    price: Decimal, floor: Decimal | None, target: Decimal | None, missing: Decimal | None
) -> None:
    def mirrored(value: Decimal | None) -> Decimal | None:
        return None if value is None else 201 - value

    of_long = cause(price, missing_stop=missing, floor=floor, target=target)
    of_short = cause(
        201 - price,
        missing_stop=mirrored(missing),
        direction="short",
        ceiling=mirrored(floor),
        target=mirrored(target),
    )
    assert of_long is of_short


# --- what is news ---------------------------------------------------------------------------------

RULES = Exits(min_brick_movement_pct=Decimal("0.5"), exit_cooldown_seconds=30)
LATER = NOON + timedelta(days=1)


def candidate(price: Any = 100, of: ExitCause = STOP, *, naked: bool = False) -> Candidate:
    return Candidate(cause=of, price=Decimal(price), because="a test", naked=naked)


def before(price: Any = 100, at: str = "12:00", *, barren: int = 0) -> Episode:
    """The last signal for the same cause."""
    return Episode(
        trade_id="t-1",
        cause=STOP,
        episode=1,
        granted_at=clock(at),
        price=None if price is None else Decimal(price),
        barren=barren,
    )


def test_the_first_signal_of_a_cause_is_news() -> None:
    assert is_news(candidate(), None, RULES, NOON)


@pytest.mark.parametrize("last", [before(None), before(0)])
def test_so_is_one_after_a_signal_that_knew_no_price(last: Episode) -> None:
    assert is_news(candidate(), last, RULES, NOON)


@pytest.mark.parametrize(
    ("price", "expected"),
    [("100", False), ("100.49", False), ("99.51", False), ("100.5", True), ("99.5", True)],
)
def test_a_price_says_something_new_once_it_moved_so_far_either_way(
    price: str, expected: bool
) -> None:
    for now in (NOON, LATER):
        assert is_news(candidate(price), before(100), RULES, now) is expected


@pytest.mark.parametrize("of", [STOP, TRAILING, TARGET])
def test_a_price_that_stands_still_says_nothing_new_however_long(of: ExitCause) -> None:
    assert not is_news(candidate(of=of), before(), RULES, LATER)


@pytest.mark.parametrize(
    "said_again",
    [
        (candidate(of=TIME), before()),
        (candidate(naked=True), before()),
        (candidate(), before(barren=1)),
    ],
    ids=["not about the price", "nothing protects it", "the last one led nowhere"],
)
def test_unless_there_is_another_reason_and_the_cooldown_is_over(
    said_again: tuple[Candidate, Episode],
) -> None:
    what, last = said_again
    cooled = last.cools_until(30)
    assert not is_news(what, last, RULES, cooled - timedelta(seconds=1))
    assert is_news(what, last, RULES, cooled)


def test_what_leads_nowhere_again_and_again_is_said_ever_more_rarely() -> None:
    waits = [(before(barren=times).cools_until(30) - NOON).total_seconds() for times in range(6)]
    assert waits == [30, 60, 120, 240, 240, 240]


def test_without_a_filter_every_price_is_news() -> None:
    rules = Exits(min_brick_movement_pct=Decimal(0))
    assert is_news(candidate(), before(), rules, NOON)
