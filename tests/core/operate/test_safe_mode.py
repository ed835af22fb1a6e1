"""The stop button stays pressed, and keeps saying why it was pressed first."""

from core.operate.safe_mode import safe_mode_on
from tests.home import HomeUnderTest
from tests.producer import desk_at


def test_a_second_press_keeps_the_first_reason(home: HomeUnderTest) -> None:
    desk = desk_at(home)
    safe_mode_on(desk, reason="an order was lost")
    first = home.sentinel.read_text()
    assert "an order was lost" in first
    safe_mode_on(desk, reason="another failure, which followed from it")
    assert home.sentinel.read_text() == first
