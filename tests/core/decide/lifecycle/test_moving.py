"""How a stop follows: in place, or a tighter one beside it, after which the old one goes."""

from decimal import Decimal

from core.decide.lifecycle.moving import moved_in_place, old_one_away, tighter_beside
from core.decide.lifecycle.trailing import Trail
from core.domain.order import BookOrder, OrderType, Side
from tests.build import book_order, stored

TRAIL = Trail(trigger=Decimal(95), because="It has gained.")


def standing(**given: object) -> BookOrder:
    """Sells 5 at 90, by a stop of ours."""
    told = {"order_type": "stop", "side": "sell", "quantity": 5, "trigger_price": 90}
    return book_order("tu-1", "S-1", **(told | {"reduce_only": True, "origin": "owned"} | given))


def test_a_move_in_place_changes_its_trigger_and_nothing_else() -> None:
    change = moved_in_place(standing(), TRAIL)
    assert (change.target, change.before.broker_order_id) == ("S-1", "S-1")
    assert (change.before.trigger_price, change.after.trigger_price) == (Decimal(90), Decimal(95))
    unmoved = moved_in_place(standing(), Trail(trigger=Decimal(90), because="Nothing."))
    assert unmoved.after == unmoved.before == change.before
    assert change.because == "It has gained."


def test_a_tighter_one_beside_it_takes_over_its_side_and_what_is_left_of_it() -> None:
    stop = standing(filled_quantity=2, position_side="long")
    change = tighter_beside(stop, stored(3, side="long"), TRAIL)
    wanted = change.after
    assert (wanted.side, wanted.position_side, wanted.type) == (Side.SELL, "long", OrderType.STOP)
    assert (wanted.quantity, wanted.trigger_price) == (Decimal(3), Decimal(95))
    assert wanted.reduce_only
    # The position is not bare meanwhile: one that stands already does not make it too late.
    assert not change.is_first


def test_the_old_one_goes_by_its_own_name() -> None:
    change = old_one_away(standing(), TRAIL)
    assert (change.target, change.before.trigger_price) == ("S-1", Decimal(90))
    assert change.because == "A tighter stop stands. It has gained."
