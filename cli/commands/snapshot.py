"""snapshot: save what the broker says, in the format that plan --snapshot reads."""

from pathlib import Path
from typing import Annotated

import typer

from cli.desk_work import at_desk
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import AsJson, verb
from core.domain.errors import Unavailable, Usage
from core.domain.snapshot import BrokerSnapshot, missing_parts
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
        try:
            return await desk.broker(accounts[0]).snapshot()
        except Unavailable as error:
            error.hint = error.hint or "trueup doctor"
            raise

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
    for part, why in missing_parts(snapshot):
        call.screen.warn(f"the {part} could not be read whole: {why}; next: trueup doctor")
    return Exit.DONE if snapshot.complete else Exit.UNAVAILABLE
