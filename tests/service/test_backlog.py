"""Signals that wait in a heap are told of once, and again when a new heap has grown."""

from tests.home import HomeUnderTest
from tests.service.running import Running, signal, submit, with_service


def test_a_heap_is_told_of_once(home: HomeUnderTest) -> None:
    home.set_in("SIGNALS", backlog_alert="3")
    home.set(SAFE_MODE="true")

    def told() -> int:
        return len(home.rows("select * from alerts where type = 'signals_waiting'"))

    async def story(running: Running) -> None:
        submit(home, *(signal() for _ in range(6)))
        await running.until(told, "the alert")
        # The first of them became an intent that waits for the gate.
        assert running.service.backlog.count() == 5
        running.service.backlog.count()

    with_service(home, story)
    (alert,) = home.rows("select * from alerts where type = 'signals_waiting'")
    assert alert["message"].endswith("for BTCUSDT of main")
