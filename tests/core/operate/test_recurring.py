"""What two looks in a row find stands, and is told once until it is over."""

from datetime import timedelta

from core.domain.position import PositionKey
from core.operate.recurring import Recurring, Turned
from tests.build import NOON

BTC, ETH = PositionKey("main", "BTCUSDT"), PositionKey("main", "ETHUSDT")
ELSEWHERE = PositionKey("other", "BTCUSDT")
NOTHING = Turned()


def looked(
    findings: Recurring,
    second: float,
    found: dict[PositionKey, object],
    *,
    account: str = "main",
    unsure: tuple[PositionKey, ...] = (),
    took: float = 0,
) -> Turned:
    """A look that began so many seconds after noon."""
    began = NOON + timedelta(seconds=second)
    ended = began + timedelta(seconds=took)
    return findings.note(
        account, found, unsure=lambda key: key in unsure, taken_at=began, now=ended
    )


def test_what_is_found_twice_stands_and_is_told_once() -> None:
    findings = Recurring()
    assert looked(findings, 0, {BTC: "bare"}) == NOTHING
    assert findings.doubted() == ["main"]
    assert looked(findings, 1, {BTC: "bare"}) == Turned(stands=(BTC,))
    assert looked(findings, 2, {BTC: "bare"}) == NOTHING
    assert (findings.standing("main"), findings.doubted()) == ([BTC], [])


def test_a_look_that_began_before_the_first_had_long_ended_counts_for_nothing() -> None:
    findings = Recurring()
    looked(findings, 0, {BTC: "bare"}, took=5)
    assert looked(findings, 5.5, {BTC: "bare"}) == NOTHING
    assert looked(findings, 6, {BTC: "bare"}) == Turned(stands=(BTC,))


def test_what_changes_between_two_looks_is_on_its_way() -> None:
    findings = Recurring()
    for second, found in enumerate(["stop for 1", "stop for 2", "stop for 3"]):
        assert looked(findings, second, {BTC: found}) == NOTHING
    assert looked(findings, 3, {BTC: "stop for 3"}) == Turned(stands=(BTC,))


def test_what_was_gone_in_between_has_to_be_found_twice_again() -> None:
    findings = Recurring()
    looked(findings, 0, {BTC: "bare"})
    looked(findings, 1, {})
    assert looked(findings, 2, {BTC: "bare"}) == NOTHING


def test_what_is_over_is_said_once_and_told_anew_when_it_returns() -> None:
    findings = Recurring()
    looked(findings, 0, {BTC: "bare"})
    looked(findings, 1, {BTC: "bare"})
    assert looked(findings, 2, {}) == Turned(over=(BTC,))
    assert looked(findings, 3, {}) == NOTHING
    looked(findings, 4, {BTC: "bare"})
    assert looked(findings, 5, {BTC: "bare"}) == Turned(stands=(BTC,))


def test_a_look_that_could_not_tell_ends_nothing() -> None:
    findings = Recurring()
    looked(findings, 0, {BTC: "bare"})
    looked(findings, 1, {BTC: "bare"})
    assert looked(findings, 2, {}, unsure=(BTC,)) == NOTHING
    assert looked(findings, 3, {BTC: "bare"}) == NOTHING


def test_when_it_was_last_well_is_remembered_for_as_long_as_it_is_not() -> None:
    findings = Recurring()
    looked(findings, 0, {BTC: "bare"})
    assert findings.last_well(BTC) is None
    looked(findings, 1, {})
    looked(findings, 2, {BTC: "stop for 1"})
    looked(findings, 3, {}, unsure=(BTC,))
    looked(findings, 4, {BTC: "stop for 2"})
    assert findings.last_well(BTC) == NOON + timedelta(seconds=1)


def test_accounts_and_symbols_stand_by_themselves() -> None:
    findings = Recurring()
    looked(findings, 0, {BTC: "bare", ETH: "bare"})
    assert looked(findings, 1, {ELSEWHERE: "bare"}, account="other") == NOTHING
    assert looked(findings, 1, {BTC: "bare"}) == Turned(stands=(BTC,))
    findings.forget_doubts("other")
    assert looked(findings, 2, {ELSEWHERE: "bare"}, account="other") == NOTHING
    assert findings.standing("main") == [BTC]
