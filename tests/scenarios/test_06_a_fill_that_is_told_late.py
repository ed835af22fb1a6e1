"""Elsewhere the fill of an exit was not seen, and the close was sent again and again.

Here the next decision waits for the fills that an order is known to have: one reduce-only close.
"""

from tests.rounds.bybit_round import BybitRound
from tests.service.records import held, reasons, state, told
from tests.service.running import Running, signal, submit, with_service
from tests.venues.faults import Fault


def test_06_one_close_however_late_its_fill_is_told(bybit: BybitRound) -> None:
    """Neither the stream nor the list of executions tells of the fill; three signals to close."""
    closes = [signal(signal_type="sell", intent="close") for _ in range(3)]
    home = bybit.home

    async def story(running: Running) -> None:
        await told(running, signal())
        await held(running, "0.004")
        await running.until(lambda: bybit.stops(), "its stop")
        bybit.do(lambda v: v.events.silence())
        bybit.always("execution/list", Fault.short(0))
        submit(home, *closes)
        await running.settled(closes[0]["signal_id"])
        lanes = running.service.lanes.waiting
        await running.until(
            lambda: "fills" in lanes.get(("by1", "BTCUSDT"), ""), "the lane waits for the fill"
        )
        assert [state(home, each) for each in closes[1:]] == [None, None]
        bybit.heal()
        for each in closes:
            await running.settled(each["signal_id"])
        await held(running, "0")
        await running.until(lambda: not bybit.stops(), "no stop left")

    with_service(home, story)
    sold = [each for each in bybit.ours() if each.ticket.reduce_only and each.trigger is None]
    assert [str(each.filled) for each in sold] == ["0.004"]
    assert [reasons(home, each) for each in closes[1:]] == [["nothing_to_close"]] * 2
    bybit.check_true()
