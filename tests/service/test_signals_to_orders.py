"""From a signal in the spool to an order at the venue, exactly once, through the real service."""

from typing import Any

from tests.home import HomeUnderTest, is_live
from tests.service.running import Running, signal, submit, with_service


def stops(home: HomeUnderTest) -> list[dict[str, Any]]:
    return [row for row in home.broker_orders() if row["type"] == "stop" and is_live(row)]


def test_a_buy_signal_becomes_one_filled_order_and_a_stop(home: HomeUnderTest) -> None:
    wanted = signal()

    async def story(running: Running) -> None:
        submit(home, wanted)
        row = await running.settled(wanted["signal_id"])
        assert row["request_status"] == "done"
        assert running.intent(wanted["signal_id"])["state"] == "FILLED"
        await running.until(lambda: stops(home), "the stop at the venue")

    with_service(home, story)
    (order,) = [row for row in home.broker_orders() if row["type"] == "market"]
    assert (order["status"], order["quantity"]) == ("filled", "0.004")
    (held,) = home.rows("select * from positions")
    assert held["quantity"] == "0.004"
    (stop,) = stops(home)
    assert (stop["quantity"], stop["reduce_only"], stop["side"]) == ("0.004", True, "sell")
    home.must("plan", "--detailed-exitcode")
    home.must("verify")
