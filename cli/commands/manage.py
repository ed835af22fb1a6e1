"""manage: the running service."""

import asyncio
import signal
from collections.abc import Sequence

from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import verb
from core.host.memory import keep_for_good
from core.operate.desk import Desk
from core.operate.managing import Service
from core.ports import Lock


@verb("trueup manage", "trueup manage --account main")
def command(call: Invocation) -> int:
    """Runs until it is stopped: takes in signals, places orders, keeps book and account true."""
    from core.assembly import Caller, Wiring

    # Its lanes wait for the home's lock by themselves; a lock that waits would hold up all of them.
    wiring = Wiring(call.effective, call.gates, Caller(actor=call.actor, command=call.command))
    asyncio.run(_serve(call, wiring.desk(), wiring.manage_lock()))
    return Exit.DONE


async def _serve(call: Invocation, desk: Desk, lock: Lock) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        with lock:
            accounts = desk.accounts(call.options.account)
            service = _service(desk, accounts)
            _greet(call, desk, accounts)
            settling = asyncio.create_task(_settle_in(service))
            try:
                await service.run(stop)
            finally:
                settling.cancel()
            call.screen.note("stopped; nothing is under way")
    finally:
        await desk.close()


async def _settle_in(service: Service) -> None:
    """Once every account has been looked at, all that start-up needs has been loaded."""
    while not all(watch.looked_at for watch in service.watches.values()):
        await service.desk.clock.sleep(1)
    keep_for_good()
    service.desk.log.event("manage_settled")


def _service(desk: Desk, accounts: Sequence[str]) -> Service:
    from core.assembly import intakes, listeners

    return Service(desk=desk, accounts=accounts, intakes=intakes(desk), listeners=listeners(desk))


def _greet(call: Invocation, desk: Desk, accounts: Sequence[str]) -> None:
    gates = desk.gates()
    if gates.safe_mode:
        mood = "SAFE_MODE is on: signals are taken in and wait"
    elif gates.dry_run:
        mood = "DRY_RUN is on: everything is decided, nothing is sent"
    elif gates.confirm is not True:
        mood = "not armed: what would be sent is staged for review"
    else:
        mood = "armed: orders are sent"
    call.screen.note(f"managing {', '.join(accounts)}; {mood}")
    call.screen.note("stop with Ctrl-C or SIGTERM; watch it with: trueup status")
