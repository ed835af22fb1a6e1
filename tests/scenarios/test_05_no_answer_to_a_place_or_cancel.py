"""Elsewhere the program waited for an answer to a place or a cancel that never came, and stopped.

Here the venue is asked what became of it; that a cancel finds nothing is an answer, too; and the
service goes on with everything else.
"""

import pytest

from tests.rounds.bybit_round import BybitRound
from tests.service.records import placed, resting, state
from tests.service.running import Running, signal, submit, with_service
from tests.venues.faults import Effect, Fault


def test_05_a_place_without_an_answer_is_looked_up(bybit: BybitRound) -> None:
    asked, other = resting(59_000), signal(asset="ETHUSDT")

    async def story(running: Running) -> None:
        bybit.do(
            lambda v: v.faults.next(
                "order/create", Fault.HANG_AFTER_ACCEPT, where={"symbol": "BTCUSDT"}
            )
        )
        submit(bybit.home, asked, other)
        await running.settled(other["signal_id"])
        await running.until(lambda: state(bybit.home, asked) == "PLACED", "found")

    with_service(bybit.home, story)
    first, second = bybit.trades()
    assert (first.open, second.open) == (True, False)


CANCELS = {
    "carried out, and nothing was heard": Fault.HANG_AFTER_ACCEPT,
    "the connection broke": Fault.RESET_AFTER_ACCEPT,
    "there is no such order": Fault.refused(
        110001, "order not exists or too late to cancel", effect=Effect.NOW
    ),
}


@pytest.mark.parametrize("name", CANCELS)
def test_05_a_cancel_without_an_answer_is_looked_up(bybit: BybitRound, name: str) -> None:
    """The next order waits for what becomes of it, and no longer."""
    first, second = resting(59_000), signal()

    async def story(running: Running) -> None:
        await placed(running, first)
        bybit.fault("order/cancel", CANCELS[name])
        submit(bybit.home, second)
        await running.settled(second["signal_id"])
        assert not running.service.troubles

    with_service(bybit.home, story)
    assert (state(bybit.home, first), state(bybit.home, second)) == ("CANCELLED", "FILLED")
    assert len(bybit.trades()) == 2
