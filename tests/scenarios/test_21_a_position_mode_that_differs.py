"""Scenario 21: a position mode that was found to differ only after approval: here nothing is sent.

The configuration says one-way, the venue is set to hedge; the running service waits and says why.
"""

from pathlib import Path

from tests.rounds.bybit_round import BybitRound
from tests.service.running import Running, signal, submit, with_service


def test_21_nothing_is_sent_and_the_mode_stays(tmp_path: Path) -> None:
    with BybitRound(tmp_path / "bybit", hedged=True, position_mode="one-way") as bybit:
        home = bybit.home

        async def story(running: Running) -> None:
            submit(home, signal())
            lanes = running.service.lanes.waiting
            await running.until(
                lambda: "set to hedge mode" in lanes.get(("by1", "BTCUSDT"), ""), "it waits"
            )

        with_service(home, story)
        assert bybit.ours() == []
        assert [row["type"] for row in home.rows("select type from alerts")] == [
            "position_mode_differs"
        ]
        assert home.rows("select 1 from journal") == []
