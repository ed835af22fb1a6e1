"""What the book keeps of positions from entry to exit: lives, trades, episodes, exits."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.domain.errors import BookError
from core.domain.exit import (
    EXIT_MOVES,
    Episode,
    ExitCause,
    ExitOf,
    ExitSignal,
    ExitSignalState,
    ExitState,
)
from core.domain.life import LifeState, PositionSnapshot, Transition
from core.domain.order import OrderType
from core.domain.trade import TradeStatus
from core.ports import Book, BookReading
from tests.build import NOON, clock, exit_intent, life, trade
from tests.core.book.conftest import OpenBook, Sql

COOLDOWN = 30
SECOND = timedelta(seconds=1)


# --- lives ----------------------------------------------------------------------------------------


def test_lives_are_told_apart_by_whether_they_go_on(book: Book) -> None:
    over = life("p-1", state="closed", quantity=0)
    new, other = life("p-2"), life("p-3", account="other", symbol="ETHUSDT")
    with book.write() as writing:
        writing.insert_lives([over, new, other])
    with book.read() as reading:
        assert reading.lives() == [new, other]
        assert reading.lives(over=True) == [over, new, other]
        assert reading.lives("main") == [new]
        assert reading.lives(symbol="ETHUSDT") == [other]
        assert reading.lives("main", symbol="BTCUSDT", over=True) == [over, new]
        assert reading.life("p-1") == over
        assert reading.life("p-404") is None


def test_a_life_that_is_not_there_cannot_be_changed(book: Book) -> None:
    with book.write() as writing:
        writing.insert_lives([life()])
    with pytest.raises(BookError, match="no position_id 'p-404'"), book.write() as writing:
        writing.update_lives([life(realized_pnl=3), life("p-404")])
    with book.read() as reading:
        assert reading.lives() == [life()]


def test_what_became_of_a_life_is_read_in_its_order(book: Book) -> None:
    steps = [
        Transition(position_id="p-1", to_state=LifeState.QUEUED, reason="approved", at=NOON),
        Transition(
            position_id="p-1",
            from_state=LifeState.QUEUED,
            to_state=LifeState.EXECUTING,
            reason="order_sent",
            # Clocks jump.
            at=NOON - SECOND,
        ),
    ]
    with book.write() as writing:
        writing.insert_transitions(steps)
        writing.insert_transitions([replace(steps[0], position_id="p-2")])
    with book.read() as reading:
        assert reading.transitions("p-1") == steps


# --- trades ---------------------------------------------------------------------------------------


def test_trades_are_put_and_put_again(book: Book) -> None:
    first, second = trade(), trade("t-2", kind="REBUY", order_id="o-2", entry_time="11:10")
    with book.write() as writing:
        writing.put_trades([first, second])
        closed = replace(first, status=TradeStatus.CLOSED, open_quantity=Decimal(0))
        writing.put_trades([closed])
        # A fee that becomes known when all is over.
        writing.put_trades([replace(closed, fees=Decimal("0.1"))])
    with book.read() as reading:
        assert reading.trade("t-1") == replace(closed, fees=Decimal("0.1"))
        assert reading.open_trades() == reading.open_trades("main", "BTCUSDT") == [second]
        assert [each.trade_id for each in reading.trades_of(["p-1"])] == ["t-1", "t-2"]
        assert reading.trades_of([]) == []
        assert reading.open_trades("other") == []


def test_the_trades_that_a_row_moved_are_found_by_order_by_aim_and_by_moment(book: Book) -> None:
    at = clock("11:45:00.5")
    entered = trade("t-1", order_id="o-1", position_id="p-0")
    aimed = trade("t-2", order_id="o-2", position_id="p-0")
    left = trade("t-3", order_id="o-3", position_id="p-1")
    strange = [
        trade("t-4", order_id="o-4", position_id="p-0"),
        trade("t-5", order_id="o-5", account="other", position_id="p-2"),
        trade("t-6", order_id="o-1", symbol="ETHUSDT", position_id="p-3"),
    ]
    with book.write() as writing:
        writing.insert_lives(
            [
                # Over before that, to the fraction of a second.
                life("p-0", state="closed", exit_time="11:45"),
                life("p-1", state="closed", exit_time=at),
                life("p-2", exit_time=at, account="other"),
                life("p-3", symbol="ETHUSDT"),
            ]
        )
        writing.put_trades([entered, aimed, left, *strange])
    with book.read() as reading:
        found = reading.trades_moved("main", "BTCUSDT", order_id="o-1", leaves="t-2", at=at)
        assert found == [entered, aimed, left]
        assert reading.trades_moved("main", "BTCUSDT", order_id=None, leaves=None, at=at) == [left]


# --- episodes -------------------------------------------------------------------------------------


def episode(
    book: Book, seconds: float, *, cause: str = "TARGET_HIT", trade_id: str = "t-1"
) -> tuple[int, bool]:
    with book.write() as writing:
        found, granted = writing.next_episode(
            trade_id,
            ExitCause(cause),
            at=NOON + seconds * SECOND,
            cooldown_seconds=COOLDOWN,
            price=Decimal(100),
        )
    return found.episode, granted


def test_the_first_episode_is_granted_and_the_next_one_waits_for_the_cooldown(book: Book) -> None:
    assert episode(book, 0) == (1, True)
    assert episode(book, 0) == (2, False)
    assert episode(book, COOLDOWN - 0.001) == (3, False)
    # It runs from the last one that was granted, not from the last that asked.
    assert episode(book, COOLDOWN) == (4, True)
    assert episode(book, COOLDOWN + 1) == (5, False)
    assert episode(book, 2 * COOLDOWN) == (6, True)


def test_every_trade_and_cause_cools_by_itself(book: Book) -> None:
    assert episode(book, 0) == (1, True)
    assert episode(book, 1, cause="STOP_LOSS") == (1, True)
    assert episode(book, 2, trade_id="t-2") == (1, True)
    assert episode(book, 3) == (2, False)


def test_a_number_is_used_up_whoever_asked_and_whatever_came_of_it(open_book: OpenBook) -> None:
    """One number means one episode, in every process and after every restart."""
    numbers = [episode(open_book(), seconds)[0] for seconds in (0, 1, 2, COOLDOWN, 90)]
    assert numbers == [1, 2, 3, 4, 5]


def test_without_a_cooldown_every_episode_is_granted(book: Book) -> None:
    for number in (1, 2, 3):
        with book.write() as writing:
            found, granted = writing.next_episode(
                "t-1", ExitCause.MANUAL, at=NOON, cooldown_seconds=0, price=None
            )
        assert (found.episode, granted) == (number, True)


def test_a_clock_that_jumped_back_leaves_the_cooldown_running(book: Book) -> None:
    assert episode(book, 0) == (1, True)
    assert episode(book, -3600) == (2, False)
    assert episode(book, COOLDOWN) == (3, True)


def remembered(book: Book, cause: ExitCause = ExitCause.TARGET_HIT) -> Episode:
    with book.read() as reading:
        found = reading.episode("t-1", cause)
    assert found
    return found


def barren(book: Book, times: int = 1) -> None:
    with book.write() as writing:
        for _ in range(times):
            writing.forget_brick("t-1", ExitCause.TARGET_HIT)


def test_an_episode_remembers_its_price_and_whether_it_led_anywhere(book: Book) -> None:
    episode(book, 0)
    episode(book, 0, cause="STOP_LOSS")
    barren(book)
    first = remembered(book)
    assert (first.episode, first.granted_at, first.price) == (1, NOON, Decimal(100))
    assert first.barren == 1
    assert remembered(book, ExitCause.STOP_LOSS).barren == 0
    with book.read() as reading:
        assert reading.episode("t-1", ExitCause.MANUAL) is None
    # Asking once more, granted or not, is no answer to that.
    episode(book, 1)
    episode(book, 10 * COOLDOWN)
    assert remembered(book).barren == 1


@pytest.mark.parametrize(("times", "longer"), [(0, 1), (1, 2), (2, 4), (3, 8), (9, 8)])
def test_what_comes_to_nothing_cools_longer_each_time(book: Book, times: int, longer: int) -> None:
    episode(book, 0)
    barren(book, times)
    assert episode(book, longer * COOLDOWN - 1) == (2, False)
    assert episode(book, longer * COOLDOWN) == (3, True)


# --- exits ----------------------------------------------------------------------------------------


def test_an_episode_leads_to_one_exit_signal_and_it_is_published_once(book: Book) -> None:
    signal = ExitSignal(
        exit_signal_id="x-1",
        trade_id="t-1",
        position_id="p-1",
        account="main",
        symbol="BTCUSDT",
        cause=ExitCause.TARGET_HIT,
        episode=1,
        price=Decimal("100.5"),
        because="the bid is 100.5",
        by="manage",
        detected_at=NOON,
    )
    with book.write() as writing:
        assert writing.insert_exit_signal(signal)
        assert not writing.insert_exit_signal(signal)
        assert not writing.insert_exit_signal(replace(signal, exit_signal_id="x-2"))
        writing.publish_exit_signal("x-1", NOON + SECOND)
    with book.read() as reading:
        assert reading.exit_signal("x-2") is None
        assert reading.exit_signal("x-1") == replace(
            signal, state=ExitSignalState.PUBLISHED, published_at=NOON + SECOND
        )
    with pytest.raises(BookError, match="no exit_signal_id 'x-2'"), book.write() as writing:
        writing.publish_exit_signal("x-2", NOON)


def test_an_episode_leads_to_one_exit(book: Book) -> None:
    with book.write() as writing:
        assert writing.insert_exit_intent(exit_intent())
        assert not writing.insert_exit_intent(exit_intent())
        assert not writing.insert_exit_intent(exit_intent(exit_intent_id="e-other"))
        assert writing.insert_exit_intent(exit_intent(cause="STOP_LOSS", exit_intent_id="e-stop"))
        assert writing.insert_exit_intent(exit_intent(2))
    with book.read() as reading:
        assert len(reading.exit_intents()) == 3
        assert reading.exit_intent("e-t-1-1") == exit_intent()


def test_exits_are_found_by_state_trade_and_symbol(book: Book) -> None:
    pending, placed = exit_intent(1), exit_intent(2, state="PLACED")
    filled, other = exit_intent(3, state="FILLED"), exit_intent(1, trade_id="t-2", symbol="ETHUSDT")
    with book.write() as writing:
        for each in (pending, placed, filled, other):
            writing.insert_exit_intent(each)
    with book.read() as reading:
        assert reading.exit_intents("main", symbol="BTCUSDT") == [pending, placed, filled]
        assert reading.exit_intents(states={ExitState.PENDING}) == [pending, other]
        assert reading.exit_intents(
            trade_id="t-1", states={ExitState.FILLED, ExitState.PLACED}
        ) == [
            placed,
            filled,
        ]
        assert reading.recent_exits("main", "BTCUSDT", 2) == [filled, placed]


STEPS = [(one, to) for one in ExitState for to in ExitState if to in EXIT_MOVES[one]]


@pytest.mark.parametrize(("one", "to"), STEPS)
def test_an_exit_is_moved_from_the_state_it_is_in(
    book: Book, one: ExitState, to: ExitState
) -> None:
    after = exit_intent(
        state=to, quantity=5, order_type="market", outcome="so", updated_at="11:40", tries=2
    )
    with book.write() as writing:
        writing.insert_exit_intent(exit_intent(state=one))
        assert writing.move_exit_intent(after, from_state=one)
    with book.read() as reading:
        assert reading.exit_intent(after.exit_intent_id) == after


SKIPS = [(one, to) for one in ExitState for to in ExitState if to not in EXIT_MOVES[one] | {one}]


@pytest.mark.parametrize(("one", "to"), SKIPS)
def test_an_exit_cannot_skip_a_state(book: Book, one: ExitState, to: ExitState) -> None:
    with book.write() as writing:
        writing.insert_exit_intent(exit_intent(state=one))
    refused = pytest.raises(BookError, match=f"is {one} and cannot become {to}")
    with refused as told, book.write() as writing:
        writing.move_exit_intent(exit_intent(state=to), from_state=one)
    assert told.value.hint == "See how it came there: `trueup history e-t-1-1`."


def test_of_two_that_move_one_exit_one_wins(open_book: OpenBook) -> None:
    one, other = open_book(), open_book()
    approved = exit_intent(state="APPROVED", quantity=5, order_type="market")
    rejected = exit_intent(state="REJECTED", outcome="too late")
    with one.write() as writing:
        writing.insert_exit_intent(exit_intent())
        assert writing.move_exit_intent(approved, from_state=ExitState.PENDING)
    with other.write() as writing:
        assert not writing.move_exit_intent(rejected, from_state=ExitState.PENDING)
    with other.read() as reading:
        assert reading.exit_intent(approved.exit_intent_id) == approved


def test_an_exit_that_is_not_there_is_not_moved(book: Book) -> None:
    with book.write() as writing:
        after = exit_intent(state="APPROVED")
        assert not writing.move_exit_intent(after, from_state=ExitState.PENDING)


def test_while_one_exit_of_a_trade_is_under_way_another_one_is_not_begun(book: Book) -> None:
    with book.write() as writing:
        writing.insert_exit_intent(exit_intent(1, state="PLACED"))
        writing.insert_exit_intent(exit_intent(2))
        second = exit_intent(2, state="APPROVED")
        assert not writing.move_exit_intent(second, from_state=ExitState.PENDING)
        # What went before it in the same transaction is still there.
        assert [each.episode for each in writing.exit_intents()] == [1, 2]
        done = exit_intent(1, state="FILLED")
        assert writing.move_exit_intent(done, from_state=ExitState.PLACED)
        assert writing.move_exit_intent(second, from_state=ExitState.PENDING)


def test_an_exit_that_stays_in_its_state_may_take_another_moment(book: Book) -> None:
    waiting = exit_intent(state="PLACED", not_before="11:50")
    with book.write() as writing:
        writing.insert_exit_intent(exit_intent(state="PLACED"))
        assert writing.move_exit_intent(waiting, from_state=ExitState.PLACED)
    with book.read() as reading:
        assert reading.exit_intent(waiting.exit_intent_id) == waiting


def test_an_order_tells_which_exit_it_was_sent_for(book: Book) -> None:
    row = ExitOf(
        order_id="tu-1", exit_intent_id="e-1", trade_id="t-1", cause=ExitCause.TRAILING_STOP
    )
    with book.write() as writing:
        writing.put_exit_order(row)
        writing.put_exit_order(row)
    with book.read() as reading:
        assert reading.exits_of(["tu-1", "tu-2"]) == [row]
        assert reading.exits_of([]) == []


def test_every_try_of_an_exit_has_a_key_of_its_own() -> None:
    approved = exit_intent(state="APPROVED", quantity=5, order_type="limit", price=101)
    again = replace(approved, tries=2)
    assert approved.order.key == again.key_of(1) != again.order.key
    assert (approved.order.time_in_force, approved.order.type) == ("GTC", OrderType.LIMIT)
    assert replace(approved, order_type=OrderType.MARKET).order.time_in_force == "IOC"
    with pytest.raises(ValueError, match="has not been approved"):
        _ = exit_intent().order


# --- snapshots ------------------------------------------------------------------------------------


def test_snapshots_are_kept_until_they_are_too_old(book: Book, sql: Sql) -> None:
    def snapshot(at: str) -> PositionSnapshot:
        return PositionSnapshot(
            position_id="p-1", account="main", symbol="BTCUSDT", quantity=Decimal(5), at=clock(at)
        )

    with book.write() as writing:
        writing.insert_position_snapshots(
            [snapshot("11:00"), snapshot("12:00"), snapshot("12:00:00.5")]
        )
        assert writing.delete_position_snapshots(clock("12:00:00.5")) == 2
    assert sql("SELECT at FROM position_snapshots") == [("2026-01-05T12:00:00.500000Z",)]


Reading = Callable[[BookReading], object]


@pytest.mark.parametrize(
    "read",
    [lambda book: book.lives(), lambda book: book.open_trades(), lambda book: book.exit_intents()],
)
def test_rows_that_an_outsider_spoiled_are_named(book: Book, sql: Sql, read: Reading) -> None:
    with book.write() as writing:
        writing.insert_lives([life()])
        writing.put_trades([trade()])
        writing.insert_exit_intent(exit_intent(quantity=5))
    sql("UPDATE position_lives SET quantity = 'five'")
    sql("UPDATE trades SET quantity = 'five'")
    sql("UPDATE exit_intents SET quantity = 'five'")
    unreadable = pytest.raises(BookError, match=r"has an unreadable row: .*: column quantity")
    with unreadable, book.read() as reading:
        read(reading)
