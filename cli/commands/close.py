"""close: leave a position by hand, through the pipeline and the gates of every other exit."""

from collections.abc import Sequence
from typing import Annotated

import typer

from cli.commands.apply import exit_of
from cli.desk_work import StopRequest, at_desk
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import AsJson, verb
from cli.screen import Cell, Tone
from core.apply.ledger import Ledger
from core.domain.errors import Usage
from core.domain.exit import ExitState
from core.domain.life import Direction
from core.domain.money import decimal_text, parse_decimal
from core.domain.text import to_row
from core.operate.closing import Leave, Left, Portion, close_position
from core.operate.desk import Desk


@verb("trueup close BTCUSDT", "trueup close BTCUSDT --side long --quantity 0.5 --confirm BTCUSDT")
def command(
    call: Invocation,
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="What is held.")],
    side: Annotated[
        str | None, typer.Option(metavar="SIDE", help="long or short, where both are held.")
    ] = None,
    quantity: Annotated[
        str | None, typer.Option(metavar="QUANTITY", help="Only so much; all of it otherwise.")
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the record.")] = "",
    confirm: Annotated[
        str, typer.Option(metavar="SYMBOL", help="The same once more, instead of typing it.")
    ] = "",
    as_json: AsJson = False,
) -> int:
    """Leaves it at the market, with an order that can only reduce."""
    wanted = _wanted(call, symbol, side, quantity, reason)
    stop, ledger = StopRequest(call), Ledger()

    def is_meant(portions: Sequence[Portion]) -> bool:
        if not as_json:
            _show_wish(call, portions)
        return confirm == symbol or call.screen.ask(f"Type {symbol} to close it:") == symbol

    async def work(desk: Desk) -> list[Left]:
        return await close_position(
            desk, wanted, is_meant=is_meant, interrupted=stop, ledger=ledger
        )

    with stop.listening():
        left = at_desk(call, work)
    if as_json:
        call.screen.json({"exits": [_document(each) for each in left]})
    else:
        _show(call, left)
    return _exit(left, ledger, stop)


def _wanted(
    call: Invocation, symbol: str, side: str | None, quantity: str | None, reason: str
) -> Leave:
    if side not in (None, "long", "short"):
        raise Usage(f"--side is long or short, not {side!r:.40}")
    try:
        amount = parse_decimal(quantity) if quantity is not None else None
    except ValueError as error:
        raise Usage(f"--quantity: {error}") from None
    if amount is not None and amount <= 0:
        raise Usage("--quantity is above zero")
    return Leave(
        account=call.options.account,
        symbol=symbol,
        direction=Direction(side) if side else None,
        quantity=amount,
        why=reason.strip(),
    )


def _exit(left: Sequence[Left], ledger: Ledger, stop: StopRequest) -> Exit:
    if ledger.interrupted:
        return exit_of(ledger, stop)
    states = {each.intent.state for each in left}
    if states == {ExitState.FILLED}:
        return Exit.DONE
    # Sent and not filled yet, or not known: somebody has to look again.
    return Exit.UNKNOWN


# --- what is said ---------------------------------------------------------------------------------


def _show_wish(call: Invocation, portions: Sequence[Portion]) -> None:
    for portion in portions:
        trade = portion.trade
        entered = f", entered at {decimal_text(trade.entry_price)}" if trade.entry_price else ""
        call.screen.note(
            f"{trade.account}: {trade.direction.exit_side} {decimal_text(portion.quantity)} of "
            f"{decimal_text(trade.open_quantity)} {trade.symbol} at the market{entered}"
        )


def _show(call: Invocation, left: Sequence[Left]) -> None:
    for each in left:
        tone = Tone.GOOD if each.intent.state is ExitState.FILLED else Tone.BAD
        call.screen.line(
            f"{each.trade.symbol} {each.trade.direction} {decimal_text(each.portion.quantity)}  ",
            Cell(each.intent.state.value, tone),
            f"  {each.intent.outcome or ''}{_won(each)}",
        )
    open_still = [each for each in left if each.intent.state is not ExitState.FILLED]
    subject = (open_still or list(left))[0].intent.exit_intent_id
    call.screen.next(f"trueup history {subject}" if open_still else "trueup positions")


def _won(each: Left) -> str:
    """Only once the trade is closed: until then a part of it is still open."""
    if each.trade.status.value != "CLOSED":
        return ""
    return f", realised {decimal_text(each.trade.realized_pnl)}"


def _document(each: Left) -> dict[str, object]:
    return {**to_row(each.intent), "trade": to_row(each.trade)}
