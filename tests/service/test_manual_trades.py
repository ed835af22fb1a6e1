"""Somebody trades past the service: entry, DCA and exit are seen, told once, and protected."""

from tests.rounds.bybit_round import BUY, SELL, BybitRound
from tests.service.records import alerts, held
from tests.service.running import Running, with_service


def test_a_position_opened_by_hand_is_told_and_protected(bybit: BybitRound) -> None:
    async def story(running: Running) -> None:
        await running.ready()
        bybit.trade("BTCUSDT", BUY, "0.005")
        await held(running, "0.005")
        await running.until(lambda: len(bybit.stops()) == 1, "its stop")
        bybit.trade("BTCUSDT", BUY, "0.003")
        await held(running, "0.008")
        await running.until(
            lambda: [str(each.quantity) for each in bybit.stops()] == ["0.008"], "its stop grown"
        )
        bybit.trade("BTCUSDT", SELL, "0.008")
        await held(running, "0")
        await running.until(lambda: not bybit.stops(), "its stop gone")

    with_service(bybit.home, story)
    home = bybit.home
    assert [text.partition(" @")[0] for text in alerts(home, "manual_entry")] == [
        "MANUAL manual_entry: BTCUSDT 0 → 0.005"
    ]
    assert [text.partition(" @")[0] for text in alerts(home, "manual_dca")] == [
        "MANUAL manual_dca: BTCUSDT 0.005 → 0.008"
    ]
    assert alerts(home, "manual_exit") == ["MANUAL manual_exit: BTCUSDT 0.008 → 0"]
    origins = {row["origin"] for row in home.rows("SELECT origin FROM orders") if row}
    assert origins == {"external", "owned"}
    bybit.check_true()


def test_it_is_left_alone_when_so_configured(bybit: BybitRound) -> None:
    bybit.home.set_in("POSITIONS", protect_external_positions="false")

    async def story(running: Running) -> None:
        await running.ready()
        bybit.trade("BTCUSDT", BUY, "0.005")
        await held(running, "0.005")
        await running.until(lambda: alerts(bybit.home, "manual_entry"), "the alert")

    with_service(bybit.home, story)
    assert bybit.stops() == []
    assert bybit.home.json("plan")["plan"]["broker_actions"] == []
