"""Elsewhere network errors counted as "not found": sells were dropped, and shorts grew unseen.

Here an order whose outcome is unknown stays so as long as nobody answers; nothing else starts on
its symbol, and what it filled is booked once the venue can be asked.
"""

import asyncio
from decimal import Decimal

from tests.rounds.bybit_round import BybitRound
from tests.service.records import held, holding, order, reasons, state, status
from tests.service.running import Running, signal, submit, with_service
from tests.venues.faults import Fault

ASKING = ("order/realtime", "order/history", "execution/list", "position/list")


def test_03_an_order_stays_unknown_until_the_venue_answers(bybit: BybitRound) -> None:
    bought, again = signal(), signal()
    home = bybit.home

    async def story(running: Running) -> None:
        await running.ready()
        bybit.fault("order/create", Fault.HANG_AFTER_ACCEPT)
        submit(home, bought, again)
        await running.until(bybit.sent, "on its way")
        for endpoint in ASKING:
            bybit.always(endpoint, Fault.RESET)
        lanes = running.service.lanes.waiting
        await running.until(
            lambda: "outcome unknown" in lanes.get(("by1", "BTCUSDT"), ""), "unknown"
        )
        # However often it is asked: no answer is no answer, even long after it was sent.
        bybit.let_pass(3600)
        asked = bybit.do(lambda v: v.requests.count("order/realtime"))
        await asyncio.to_thread(bybit.venue.wait, lambda v: v.seen("order/realtime", asked + 3))
        (step,) = home.rows("SELECT state FROM journal")
        assert step["state"] == "unknown"
        assert order(home, bought)["status"] == "unknown"
        assert (state(home, again), holding(home)) == (None, 0)
        bybit.heal()
        await running.settled(bought["signal_id"])
        await held(running, "0.004")
        await running.settled(again["signal_id"])
        await running.until(lambda: bybit.stops(), "its stop")

    with_service(home, story)
    assert (state(home, bought), status(home, bought)) == ("FILLED", "done")
    assert reasons(home, again) == ["position_exists"]
    assert holding(home) == Decimal("0.004")
    assert bybit.do(lambda v: v.requests.count("order/create")) == 2  # the order, and its stop
    bybit.check_true()
