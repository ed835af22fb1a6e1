"""Stage B: whether an exit may be done now, every reason against it, and with which order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config.settings import Settings
from core.decide.exits.qualify import (
    ExitSituation,
    is_market,
    is_refused_alike,
    qualify_exit,
)
from core.decide.exits.reasons import EXIT_REASONS, ExitRefusal, refused_for
from core.domain.exit import ExitCause, ExitIntent, ExitState
from core.domain.intent import Halt
from core.domain.money import ZERO
from core.domain.order import OrderType
from tests.build import NOON, exit_intent, instrument, life, quote, settings, trade

STOP, TRAILING = ExitCause.STOP_LOSS, ExitCause.TRAILING_STOP
TARGET, TIME, MANUAL = ExitCause.TARGET_HIT, ExitCause.TIME_BASED, ExitCause.MANUAL
MARKET, LIMIT = OrderType.MARKET, OrderType.LIMIT
SHORT = {"direction": "short"}


def situation(
    of: ExitCause = MANUAL,
    *,
    asked: Any = None,
    terms: dict[str, Any] | None = None,
    held: dict[str, Any] | None = None,
    market: dict[str, Any] | None = None,
    **given: Any,
) -> ExitSituation:
    """A long of 5 is left at a venue that quotes 100 to 101; `terms` are the trade's."""
    terms = terms or {}
    direction = terms.get("direction", "long")
    values: dict[str, Any] = {
        "intent": exit_intent(cause=of, side="buy" if direction == "short" else "sell"),
        "asked": None if asked is None else Decimal(asked),
        "trade": trade(**terms),
        "life": life(
            **{"direction": direction, "quantity": terms.get("open_quantity", 5)} | (held or {})
        ),
        "now": NOON,
        "instrument": instrument(**(market or {})),
        "quote": quote(),
    }
    return ExitSituation(**values | given)


def decided(of: ExitCause = MANUAL, keys: dict[str, Any] | None = None, **given: Any) -> ExitIntent:
    return qualify_exit(situation(of, **given), settings(**(keys or {})))


def approved(*arguments: Any, **given: Any) -> ExitIntent:
    intent = decided(*arguments, **given)
    assert intent.state is ExitState.APPROVED, intent.reasons
    assert (intent.reasons, refused_for(intent)) == ({}, frozenset())
    return intent


def refused(*arguments: Any, **given: Any) -> list[str]:
    intent = decided(*arguments, **given)
    assert intent.state is ExitState.REJECTED
    assert (intent.quantity, intent.order_type, intent.price) == (None, None, None)
    rows: Any = intent.reasons["reasons"]
    assert all(each["message"] for each in rows)
    codes = [each["code"] for each in rows]
    assert intent.outcome == ", ".join(codes)
    assert refused_for(intent) == set(codes)
    return codes


# --- with which order -----------------------------------------------------------------------------


def test_an_approval_is_explained() -> None:
    intent = approved(TIME, asked=2)
    assert (intent.order_type, intent.price) == (LIMIT, Decimal(100))
    assert intent.because == {"because": ["Sells 2 at 100.", "3 of the trade stays open."]}
    assert (intent.updated_at, intent.outcome, intent.reduce_only) == (NOON, None, True)
    order = intent.order
    assert (order.side, order.time_in_force, order.reduce_only) == ("sell", "GTC", True)


def test_all_of_a_short_is_bought_back_at_the_market() -> None:
    intent = approved(STOP, terms=SHORT)
    assert intent.because == {"because": ["Buys 5 at the market."]}
    assert (intent.order.side, intent.order.time_in_force) == ("buy", "IOC")


@pytest.mark.parametrize(
    ("of", "kind"),
    [(STOP, MARKET), (TRAILING, MARKET), (MANUAL, MARKET), (TARGET, LIMIT), (TIME, LIMIT)],
)
def test_what_cannot_wait_goes_to_the_market_and_the_rest_asks_a_price(
    of: ExitCause, kind: OrderType
) -> None:
    intent = approved(of, terms={"target": 110})
    assert intent.order_type is kind
    assert (intent.price is None) == (kind is MARKET)
    assert is_market(of) == (kind is MARKET)


@pytest.mark.parametrize(
    ("of", "terms", "price"),
    [
        # The target itself, rounded to where it can be filled.
        (TARGET, {"target": 110}, "110"),
        (TARGET, {"target": "110.19"}, "110.1"),
        (TARGET, {"target": "90.11", **SHORT}, "90.2"),
        # What leaving would fetch now.
        (TIME, {"target": 110}, "100"),
        (TIME, {"target": 90, **SHORT}, "101"),
    ],
)
def test_the_price_of_a_limit(of: ExitCause, terms: dict[str, Any], price: str) -> None:
    assert approved(of, terms=terms).price == Decimal(price)


def test_a_quote_between_two_ticks_is_rounded_away_from_the_trade() -> None:
    between = quote(bid="100.07", ask="100.13")
    assert approved(TIME, quote=between).price == Decimal("100.0")
    assert approved(TIME, quote=between, terms=SHORT).price == Decimal("100.2")


def test_without_a_tick_the_price_is_as_it_is() -> None:
    bare = {"price_tick": None}
    assert approved(TARGET, terms={"target": "110.1937"}, market=bare).price == Decimal("110.1937")


@pytest.mark.parametrize("kind", ["spot", "stock"])
def test_where_nothing_is_reduce_only_it_is_not_asked_for(kind: str) -> None:
    assert not approved(market={"kind": kind}).reduce_only
    assert not approved(market={"kind": kind}).order.reduce_only


@pytest.mark.parametrize("kind", ["linear", "inverse", "future"])
def test_elsewhere_an_exit_can_only_reduce(kind: str) -> None:
    assert approved(market={"kind": kind}).reduce_only
    assert approved(instrument=None).reduce_only


# --- how much -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "opened", "held", "quantity"),
    [
        (None, 5, 5, "5"),
        (2, 5, 5, "2"),
        # Never more than is open of the trade, nor than is held at all.
        (9, 5, 5, "5"),
        (None, 5, 3, "3"),
        (4, 5, 3, "3"),
        (None, 2, 5, "2"),
        # In steps that the venue can trade, never more.
        (None, "4.9999", 5, "4.999"),
        ("1.2349", 5, 5, "1.234"),
    ],
)
def test_the_quantity_is_what_was_asked_for_as_far_as_it_is_there(
    asked: Any, opened: Any, held: Any, quantity: str
) -> None:
    terms = {"open_quantity": opened}
    intent = approved(asked=asked, terms=terms, held={"quantity": held})
    assert intent.quantity == Decimal(quantity)


def test_without_an_instrument_it_is_not_rounded() -> None:
    assert approved(asked="1.2349", instrument=None).quantity == Decimal("1.2349")
    assert approved(asked="1.2349", market={"quantity_step": None}).quantity == Decimal("1.2349")


def test_what_stays_open_is_told() -> None:
    told: Any = approved(asked="1.5").because["because"]
    assert told == ["Sells 1.5 at the market.", "3.5 of the trade stays open."]


@given(
    asked=st.none() | st.decimals("0.001", "20", places=4),
    opened=st.decimals("0.001", "10", places=4),
    held=st.decimals("0.001", "10", places=4),
    step=st.sampled_from(["0.001", "0.01", "0.5", "1"]),
)
def test_it_never_sells_more_than_is_there_and_only_whole_steps(
    asked: Decimal | None, opened: Decimal, held: Decimal, step: str
) -> None:
    intent = decided(
        asked=asked,
        terms={"open_quantity": opened},
        held={"quantity": held},
        market={"quantity_step": step, "min_quantity": step},
    )
    most = min(each for each in (asked, opened, held) if each is not None)
    if intent.state is ExitState.REJECTED:
        assert refused_for(intent) == {"BELOW_MINIMUM"}
        assert most < Decimal(step)
        return
    assert intent.quantity is not None
    assert ZERO < intent.quantity <= most
    assert intent.quantity % Decimal(step) == 0
    assert most - intent.quantity < Decimal(step)


# --- every reason against it ----------------------------------------------------------------------

FROZEN = Halt(halt_id="h-1", account="main", kind="frozen", reason="audit", since=NOON)
# 12:00 is long after the one, and three minutes before the end of the other.
OVER = ["main mon-sun 08:00-09:00 UTC"]
ENDING = ["main mon-sun 08:00-12:03 UTC"]
BY_HAND = {"signal_source": "external"}
ALONE = {"protect_external_positions": False}

AGAINST: dict[str, dict[str, Any]] = {
    "ACCOUNT_DISABLED": {"enabled": False},
    "ACCOUNT_UNREACHABLE": {"unreachable": "the venue does not answer"},
    "TRADE_CLOSED": {"terms": {"status": "CLOSED", "open_quantity": 0}},
    "NOT_OURS": {"of": STOP, "held": BY_HAND, "keys": ALONE},
    "WRONG_DIRECTION": {"intent": exit_intent(side="buy")},
    "EXIT_PENDING": {"under_way": (exit_intent(2, state="PLACED"),)},
    "WINDOW_CLOSED": {"keys": {"windows": OVER}},
    "WINDOW_ENDING": {"keys": {"windows": ENDING}},
    "PORTFOLIO_FROZEN": {"halts": (FROZEN,)},
    "NO_PRICE": {"of": TIME, "quote": quote(bid=None)},
    "BELOW_MINIMUM": {"terms": {"open_quantity": "0.0005"}},
}
# It is given before the qualification, by the episode.
ELSEWHERE = {"EXIT_COOLDOWN_ACTIVE"}


@pytest.mark.parametrize("code", AGAINST)
def test_each_reason_alone_refuses_it(code: str) -> None:
    assert refused(**AGAINST[code]) == [code]


def test_there_is_a_test_for_every_reason() -> None:
    assert AGAINST.keys() | ELSEWHERE == EXIT_REASONS.keys()
    assert all(line and line[0].islower() for line in EXIT_REASONS.values())


def test_a_reason_that_is_not_on_the_list_cannot_be_given() -> None:
    with pytest.raises(ValueError, match="NO_MOOD is not in the list of reasons"):
        ExitRefusal("NO_MOOD", "not today")


def test_all_reasons_are_told_at_once() -> None:
    everything = {
        name: value for code in AGAINST for name, value in AGAINST[code].items() if name != "terms"
    }
    everything |= {
        "of": TIME,
        "intent": exit_intent(side="buy", cause=TIME),
        "keys": {**ALONE, "windows": OVER},
        "terms": {"open_quantity": "0.0005"},
        "held": {**BY_HAND, "quantity": "0.0005"},
    }
    assert refused(**everything) == [
        "ACCOUNT_DISABLED", "ACCOUNT_UNREACHABLE", "BELOW_MINIMUM", "NOT_OURS", "WRONG_DIRECTION",
        "EXIT_PENDING", "WINDOW_CLOSED", "PORTFOLIO_FROZEN", "NO_PRICE",
    ]  # fmt: skip


def test_what_is_closed_is_not_called_too_small_as_well() -> None:
    assert refused(held={"quantity": 0}) == ["TRADE_CLOSED"]


def test_what_is_below_the_least_is_told_in_figures() -> None:
    messages: Any = decided(terms={"open_quantity": "0.0005"}).reasons["reasons"]
    assert messages[0]["message"] == "0.0005 is left of it"
    # On the step, and smaller than the smallest order.
    assert refused(asked="0.5", market={"min_quantity": 1}) == ["BELOW_MINIMUM"]
    assert approved(asked=1, market={"min_quantity": 1}).quantity == 1
    assert approved(asked="0.5", market={"min_quantity": None}).quantity == Decimal("0.5")


@pytest.mark.parametrize(
    "intent",
    [exit_intent(side="buy"), exit_intent(account="other")],
    ids=["would add to it", "would leave somebody else's"],
)
def test_an_order_that_does_not_take_away_from_the_trade_is_refused(intent: ExitIntent) -> None:
    assert refused(intent=intent) == ["WRONG_DIRECTION"]
    assert refused(intent=exit_intent(side="sell"), terms=SHORT) == ["WRONG_DIRECTION"]


@pytest.mark.parametrize("source", ["external", "adopted"])
def test_what_somebody_else_entered_only_a_person_leaves_when_so_configured(source: str) -> None:
    given: dict[str, Any] = {"held": {"signal_source": source}, "terms": {"target": 110}}
    for of in (STOP, TRAILING, TARGET, TIME):
        assert refused(of, keys=ALONE, **given) == ["NOT_OURS"]
        approved(of, **given)
    approved(MANUAL, keys=ALONE, **given)


@pytest.mark.parametrize("source", ["signal", "plan"])
def test_our_own_is_left_whatever_is_said_of_others(source: str) -> None:
    approved(STOP, keys=ALONE, held={"signal_source": source})


def test_only_a_freeze_holds_up_an_exit() -> None:
    """A day's loss and a liquidation stop entries."""
    approved(STOP, halts=(replace(FROZEN, kind="daily_loss"), replace(FROZEN, kind="liquidation")))
    messages: Any = decided(STOP, halts=(FROZEN,)).reasons["reasons"]
    assert messages == [{"code": "PORTFOLIO_FROZEN", "message": "audit"}]


def test_every_exit_under_way_is_named() -> None:
    others = (exit_intent(2, state="APPROVED"), exit_intent(3, state="PLACED"))
    messages: Any = decided(under_way=others).reasons["reasons"]
    assert [each["message"] for each in messages] == ["e-t-1-2 is APPROVED", "e-t-1-3 is PLACED"]


@pytest.mark.parametrize(
    ("of", "given", "may"),
    [
        (TIME, {"quote": None}, False),
        (TIME, {"quote": quote(bid=None)}, False),
        (TIME, {"quote": quote(ask=None)}, True),
        (TIME, {"quote": quote(ask=None), "terms": SHORT}, False),
        # Its price is its own.
        (TARGET, {"quote": None, "terms": {"target": 110}}, True),
        (TARGET, {"terms": {"target": None}}, False),
        # The market has one.
        (STOP, {"quote": None}, True),
    ],
)
def test_a_limit_needs_a_price(of: ExitCause, given: dict[str, Any], may: bool) -> None:
    if may:
        approved(of, **given)
    else:
        assert refused(of, **given) == ["NO_PRICE"]


# --- windows --------------------------------------------------------------------------------------

NEW_YORK = "main mon-fri 09:30-16:00 America/New_York"
NIGHT = "main sun-thu 22:00-06:00 Europe/Berlin"
# Over the night in which the clocks of New York are put forward, and back.
SPRING = "main sat-sun 20:00-04:00 America/New_York"


def answer(window: str | list[str], at: str, of: ExitCause = TIME) -> str | None:
    """The reason against it at that moment, in UTC."""
    windows = [window] if isinstance(window, str) else window
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    codes = refused_for(decided(of, keys={"windows": windows}, now=now))
    assert len(codes) < 2
    return next(iter(codes), None)


@pytest.mark.parametrize(
    ("window", "at", "expected"),
    [
        # 2026-01-05 is a Monday; in winter the session is from 14:30 to 21:00.
        (NEW_YORK, "2026-01-05T14:29:59", "WINDOW_CLOSED"),
        (NEW_YORK, "2026-01-05T14:30:00", None),
        (NEW_YORK, "2026-01-05T20:54:59", None),
        (NEW_YORK, "2026-01-05T20:55:00", "WINDOW_ENDING"),
        (NEW_YORK, "2026-01-05T20:59:59", "WINDOW_ENDING"),
        (NEW_YORK, "2026-01-05T21:00:00", "WINDOW_CLOSED"),
        # In summer an hour earlier.
        (NEW_YORK, "2026-07-06T13:30:00", None),
        (NEW_YORK, "2026-07-06T19:55:00", "WINDOW_ENDING"),
        (NEW_YORK, "2026-07-06T20:30:00", "WINDOW_CLOSED"),
        # The weekend.
        (NEW_YORK, "2026-01-09T20:00:00", None),
        (NEW_YORK, "2026-01-10T16:00:00", "WINDOW_CLOSED"),
        (NEW_YORK, "2026-01-11T16:00:00", "WINDOW_CLOSED"),
        # Over midnight: Sunday night goes on into Monday, Friday's is none.
        (NIGHT, "2026-01-04T20:59:59", "WINDOW_CLOSED"),
        (NIGHT, "2026-01-04T21:00:00", None),
        (NIGHT, "2026-01-05T00:30:00", None),
        (NIGHT, "2026-01-05T04:55:00", "WINDOW_ENDING"),
        (NIGHT, "2026-01-05T05:00:00", "WINDOW_CLOSED"),
        (NIGHT, "2026-01-09T22:00:00", "WINDOW_CLOSED"),
        # 2026-03-08: from two to three in no time, so the end comes an hour earlier.
        (SPRING, "2026-03-08T07:54:59", None),
        (SPRING, "2026-03-08T07:55:00", "WINDOW_ENDING"),
        (SPRING, "2026-03-08T08:00:00", "WINDOW_CLOSED"),
        # 2026-11-01: one o'clock twice, so an hour later.
        (SPRING, "2026-11-01T05:55:00", None),
        (SPRING, "2026-11-01T06:55:00", None),
        (SPRING, "2026-11-01T08:55:00", "WINDOW_ENDING"),
        (SPRING, "2026-11-01T09:00:00", "WINDOW_CLOSED"),
    ],
)
def test_by_the_clock_of_its_market(window: str, at: str, expected: str | None) -> None:
    assert answer(window, at) == expected


@pytest.mark.parametrize("of", list(ExitCause))
def test_in_the_last_minutes_only_stops_may_go(of: ExitCause) -> None:
    may = of in (STOP, TRAILING)
    expected = None if may else "WINDOW_ENDING"
    given: dict[str, Any] = {"terms": {"target": 110}}
    codes = refused_for(decided(of, keys={"windows": ENDING}, **given))
    assert next(iter(codes), None) == expected
    # Outside of the session nothing may.
    assert refused(of, keys={"windows": OVER}, **given) == ["WINDOW_CLOSED"]


@pytest.mark.parametrize(("minutes", "may"), [(0, True), (2, True), (3, False), (60, False)])
def test_how_many_minutes_is_configured(minutes: int, may: bool) -> None:
    codes = refused_for(decided(TIME, keys={"windows": ENDING, "last_minutes": minutes}))
    assert (codes == frozenset()) is may


def test_the_end_is_told_by_the_clock_of_the_market() -> None:
    told: Any = decided(TIME, keys={"windows": ENDING}).reasons["reasons"]
    assert told[0]["message"] == "the session ends at 12:03 UTC"


def test_one_session_that_goes_on_is_enough_and_the_latest_end_counts() -> None:
    assert answer([*OVER, *ENDING], "2026-01-05T11:00:00") is None
    assert answer([*ENDING, "main mon-sun 11:00-18:00 UTC"], "2026-01-05T12:00:00") is None
    assert answer([*OVER, "main mon-sun 13:00-18:00 UTC"], "2026-01-05T12:00:00") == "WINDOW_CLOSED"


def test_the_windows_of_others_are_nothing_to_it() -> None:
    assert answer("other mon-sun 08:00-09:00 UTC", "2026-01-05T12:00:00") is None
    assert answer([], "2026-01-10T12:00:00") is None


# --- asked once more ------------------------------------------------------------------------------


def alike(first: dict[str, Any], later: dict[str, Any]) -> bool:
    """Whether what was refused in the one situation would be refused for the same in the other."""
    answered = decided(**first)
    again = {"of": TIME, **later}
    seen = situation(**{name: value for name, value in again.items() if name != "keys"})
    rules: Settings = settings(**again.get("keys", {}))
    return is_refused_alike(replace(seen, intent=answered), rules)


LASTING = ("NOT_OURS", "WINDOW_CLOSED", "WINDOW_ENDING", "PORTFOLIO_FROZEN", "BELOW_MINIMUM")


@pytest.mark.parametrize("code", LASTING)
def test_a_refusal_that_would_be_the_same_is_known(code: str) -> None:
    first = {**AGAINST[code], "of": TIME}
    assert alike(first, first)
    assert not alike(first, {})
    # One more reason against it is another answer.
    assert not alike(first, {**first, "quote": None})


def test_an_approval_is_never_refused_alike() -> None:
    assert not alike({}, {})
    assert not alike({}, AGAINST["PORTFOLIO_FROZEN"])


def test_a_cooldown_is_no_answer_of_the_qualification() -> None:
    cooling = {"reasons": [{"code": "EXIT_COOLDOWN_ACTIVE", "message": "12 s are left"}]}
    intent = exit_intent(state="REJECTED", reasons=cooling)
    assert refused_for(intent) == {"EXIT_COOLDOWN_ACTIVE"}
    assert not is_refused_alike(situation(intent=intent), settings())
    assert not is_refused_alike(situation(intent=intent, halts=(FROZEN,)), settings())


def test_the_window_opens_and_it_may_be_asked_again() -> None:
    first: dict[str, Any] = {"of": TIME, "keys": {"windows": OVER}}
    tomorrow = {**first, "now": NOON + timedelta(hours=20, minutes=1)}
    assert alike(first, {**first, "now": NOON + timedelta(hours=3)})
    assert not alike(first, tomorrow)
