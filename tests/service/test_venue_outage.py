"""Bybit goes away for a while and comes back: nothing is missed and nothing is sent twice."""

import pytest

from tests.rounds.bybit_round import BybitRound
from tests.service.conftest import AtBybit
from tests.service.running import Running, signal, submit, with_service


@pytest.fixture
def bybit(at_bybit: AtBybit) -> BybitRound:
    """One-way, linear, nothing in it yet; gives up soon."""
    return at_bybit(timeout_seconds="2", retry="1", retry_base_seconds="0.01")


def test_fills_and_signals_of_an_outage_are_made_good(bybit: BybitRound) -> None:
    """venue: a limit of ours fills while nobody can reach it / spool: a signal arrives meanwhile"""
    home = bybit.home
    resting = signal(amount=600, confidence=0.5, order_type="limit")
    meanwhile = signal(asset="ETHUSDT")

    async def story(running: Running) -> None:
        await running.ready()
        submit(home, resting)
        await running.until(lambda: len(bybit.ours()) == 1, "the limit order")
        (order,) = bybit.ours()
        bybit.venue.wait(lambda venue: venue.close_port())
        bybit.do(lambda venue: venue.exchange.fill(order.order_id))
        submit(home, meanwhile)
        watch = running.service.watches["by1"]
        await running.until(lambda: watch.behind or watch.unreachable, "the outage is noticed")
        await running.until(
            lambda: home.rows("select * from signals where symbol = 'ETHUSDT'"), "taken in"
        )
        bybit.venue.wait(lambda venue: venue.open_port())
        await running.until(
            lambda: (
                {row["symbol"] for row in home.rows("select * from positions")}
                == {"BTCUSDT", "ETHUSDT"}
            ),
            "both positions",
        )
        await running.until(lambda: bybit.stops("BTCUSDT") and bybit.stops("ETHUSDT"), "both stops")
        row = await running.settled(meanwhile["signal_id"])
        assert row["request_status"] == "done"

    with_service(home, story)
    # Two entries and two stops: nothing was sent twice.
    assert (len(bybit.trades()), len(bybit.ours())) == (2, 4)
    bybit.check_true()
