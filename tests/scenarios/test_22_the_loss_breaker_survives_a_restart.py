"""Elsewhere the breaker for a day's loss was forgotten when the program started again.

Here it is a row of the book: still tripped after a restart, until somebody lifts it by name.
"""

from decimal import Decimal

from tests.home import HomeUnderTest
from tests.service.records import at_venue, held, market, reasons, state, told
from tests.service.running import Running, signal, with_service


def test_22_still_tripped_after_a_restart_and_the_reset_names_its_scope(
    home: HomeUnderTest,
) -> None:
    home.arm()
    home.set_in("RISK", max_daily_loss="5")
    home.set_in("POSITIONS", require_stop="false")
    refused, allowed = signal(), signal()

    async def losing(running: Running) -> None:
        await told(running, signal())
        await held(running, "0.004")
        market(home).move_quote("BTCUSDT", Decimal(58_000))
        await told(running, signal(signal_type="sell", intent="close"))
        await held(running, "0")
        await running.until(lambda: home.rows("SELECT * FROM halts"), "tripped")

    async def trying(running: Running) -> None:
        await told(running, refused)

    async def afterwards(running: Running) -> None:
        await told(running, allowed)
        await held(running, "0.005")

    with_service(home, losing)
    with_service(home, trying)
    assert "entries_halted" in reasons(home, refused)
    assert len(at_venue(home)) == 2
    home.must("risk", "reset", "--reason", "seen", "--confirm", "main", code=2)
    said = home.must("risk", "reset", "--account", "main", "--reason", "seen", "--confirm", "main")
    assert "main: daily_loss lifted" in said.out
    with_service(home, afterwards)
    assert state(home, allowed) == "FILLED"
