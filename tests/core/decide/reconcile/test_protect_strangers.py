"""Where positions opened by others are left alone, one that the book does not know yet is, too."""

from tests.build import execution, instrument, order, position, stored
from tests.told import plan, told

LEFT_ALONE = {"require_stop": True, "protect_external_positions": False}


def test_nobody_can_say_yet_whose_it_is_so_it_gets_no_stop_of_ours() -> None:
    """It was opened by hand between the facts and the plan: the book does not have it."""
    by_hand = (order(status="filled", filled_quantity=5, quantity=5), execution("T-1", 5))
    seen = plan([*by_hand, position(5), instrument()], [], keys=LEFT_ALONE)
    assert [each for each in told(seen) if "stop" in each] == []


def test_one_that_the_book_holds_as_ours_gets_its_stop() -> None:
    seen = plan([position(5, leverage=10), instrument()], [stored(5)], keys=LEFT_ALONE)
    assert told(seen) == ["+ stop BTCUSDT sell 5 at 99.2"]
