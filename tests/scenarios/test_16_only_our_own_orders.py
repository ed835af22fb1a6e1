"""Elsewhere the command that stops everything cancelled the user's own orders as well.

Here nothing that another hand has placed is ever cancelled or changed: not by a newer signal, not
for its age, not by stopping the service.
"""

from tests.rounds.bybit_round import BUY, SELL, BybitRound
from tests.service.records import placed, resting, told
from tests.service.running import Running, signal, with_service


def test_16_orders_of_another_hand_stay_as_they_are(bybit: BybitRound) -> None:
    home = bybit.home
    home.set_in("EXECUTION", cancel_stale_order_timeout="1", reconcile_interval="1")
    theirs = [
        bybit.trade("BTCUSDT", BUY, "0.02", price="58000"),
        bybit.trade("BTCUSDT", SELL, "0.02", price="63000"),
        bybit.trade("ETHUSDT", BUY, "0.1", price="2800"),
    ]
    ours = resting(59_000)

    async def story(running: Running) -> None:
        await placed(running, ours)
        await running.settled(ours["signal_id"])
        await told(running, signal(), signal(signal_type="sell", intent="close"))
        await running.until(lambda: not bybit.stops(), "no stop of ours left")

    with_service(home, story)
    kept = {each.order_id: each for each in bybit.orders() if each.order_id in theirs}
    assert all(each.open for each in kept.values())
    assert [str(kept[name].price) for name in theirs] == ["58000", "63000", "2800"]
    origins = home.rows("SELECT DISTINCT origin FROM orders WHERE client_order_id IS NULL")
    assert [row["origin"] for row in origins] == ["external"]
    assert not [each for each in bybit.ours() if each.open]
