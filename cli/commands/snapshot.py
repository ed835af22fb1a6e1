"""snapshot: save what the broker says, in the format that plan --snapshot reads."""

from pathlib import Path
from typing import Annotated

import typer

from cli.desk_work import at_desk
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import AsJson, verb
from core.domain.errors import Usage
from core.domain.snapshot import PARTS, BrokerSnapshot
from core.host.disk import DiskFiles
from core.observe.snapshot_document import snapshot_document
from core.operate.desk import Desk


@verb("trueup snapshot --out before.json", "trueup snapshot --account main")
def command(
    call: Invocation,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to; stdout when left out.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Reads one account whole; each part says whether it is known, partial or unavailable."""

    async def work(desk: Desk) -> BrokerSnapshot:
        accounts = desk.accounts(call.options.account)
        if len(accounts) != 1:
            raise Usage(
                f"a snapshot is of one account; this home has {', '.join(accounts)}",
                hint=f"trueup snapshot --account {accounts[0]}" if accounts else None,
            )
        return await desk.broker(accounts[0]).snapshot()

    with call.screen.working("reading the broker"):
        snapshot = at_desk(call, work)
    document = snapshot_document(snapshot)
    if out is None or as_json:
        call.screen.json(document)
    if out is not None:
        DiskFiles().replace(out.absolute(), document)
        call.screen.note(
            f"{out}: {len(snapshot.orders)} orders, {len(snapshot.executions)} executions, "
            f"{len(snapshot.positions)} positions"
        )
    for part in PARTS:
        if not snapshot.knows(part):
            call.screen.warn(f"{part}: {snapshot.parts.get(part)}")
    return Exit.DONE if snapshot.complete else Exit.UNAVAILABLE
