"""Elsewhere the venue's liquidation was ignored, and trading went on.

Here it is booked, entries of the account stand halted, and somebody is woken.
"""

import json

from tests.rounds.bybit_round import BybitRound
from tests.service.records import held, reasons, told
from tests.service.running import Running, signal, with_service


def test_15_a_liquidation_is_booked_and_halts_entries(bybit: BybitRound) -> None:
    home = bybit.home
    refused = signal(asset="ETHUSDT")

    async def story(running: Running) -> None:
        await told(running, signal())
        await held(running, "0.004")
        await running.until(lambda: bybit.stops(), "its stop")
        bybit.do(lambda v: v.exchange.take_over("BTCUSDT", price="55000"))
        await held(running, "0")
        await running.until(lambda: home.rows("SELECT * FROM halts"), "entries halted")
        await told(running, refused)
        await running.until(lambda: not bybit.stops(), "no stop left")

    with_service(home, story)
    (taken,) = home.rows("SELECT * FROM executions WHERE kind = 'liquidation'")
    assert (taken["side"], taken["quantity"]) == ("sell", "0.004")
    (alert,) = home.rows("SELECT * FROM alerts WHERE type = 'liquidation'")
    assert alert["severity"] == "CRITICAL"
    assert reasons(home, refused) == ["entries_halted"]
    lines = (home.root / "logs" / "alerts.jsonl").read_text().splitlines()
    assert "liquidation" in [json.loads(line)["type"] for line in lines]
    assert home.json("risk", "status")["halts"][0]["kind"] == "liquidation"
    bybit.check_true()
