"""A service that is not armed decides and waits; a person sends what it decided, once."""

from tests.home import HomeUnderTest
from tests.service.running import Running, signal, submit, with_service


def test_what_an_unarmed_service_decided_is_staged_and_applied_by_hand(
    home: HomeUnderTest,
) -> None:
    home.set(DRY_RUN_CONFIRM="false")
    wanted = signal()

    async def story(running: Running) -> None:
        submit(home, wanted)
        await running.until(lambda: home.rows("select * from trade_intents"), "an intent")
        await running.until(
            lambda: home.staged_file.exists() and "place_order" in home.staged_file.read_text(),
            "the order staged",
        )

    with_service(home, story)
    assert home.broker_orders() == []
    home.set(DRY_RUN_CONFIRM="true")
    plan_id = home.stage_and_approve("place_order")
    home.must("apply", "--confirm", plan_id)
    (order,) = home.broker_orders()
    assert order["status"] == "filled"
    (intent,) = home.rows("select * from trade_intents")
    assert intent["state"] == "FILLED"
    (row,) = home.rows("select * from signals")
    assert row["request_status"] == "done"

    async def once_more(running: Running) -> None:
        await running.ready()
        await running.until(lambda: len(home.broker_orders()) == 2, "its stop")

    with_service(home, once_more)
    assert [row["type"] for row in home.broker_orders()] == ["market", "stop"]
    home.must("plan", "--detailed-exitcode")
