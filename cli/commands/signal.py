"""signal: leave signals for the service, see what could not be read as one, send it once more."""

import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from cli.desk_work import desk_for
from cli.exits import Exit
from cli.invocation import Invocation
from cli.options import AsJson, group, verb
from cli.screen import Cell, Tone
from cli.views.listing import lister
from core.decide.qualify.wire import encoded
from core.domain.errors import Usage
from core.domain.moment import moment_text
from core.domain.money import parse_decimal
from core.domain.signal import Signal
from core.operate.desk import Desk
from core.operate.submitting import Message, replay, submit

command = group("Submit a signal; list what was refused, and send it once more.")

_FILE_BYTES_MAX = 64 * 1024 * 1024


def _text(metavar: str, meaning: str) -> Any:
    return typer.Option(metavar=metavar, help=meaning)


def _flag(name: str, meaning: str) -> Any:
    return typer.Option(name, help=meaning)


@command.command("submit")
@verb(
    "trueup signal submit --signal-type buy --asset BTCUSDT --amount 1000 --confidence 0.85",
    "trueup signal submit --file signals.jsonl",
)
def submit_(
    call: Invocation,
    file: Annotated[
        str | None, _text("FILE", "Signals as JSON, one or one a line; - reads standard input.")
    ] = None,
    signal_id: Annotated[str | None, _text("UUID", "Its id; a new one by default.")] = None,
    signal_type: Annotated[str | None, _text("buy|sell", "What to do.")] = None,
    asset: Annotated[str | None, _text("SYMBOL", "In what.")] = None,
    amount: Annotated[str | None, _text("QUOTE", "For how much, in quote currency.")] = None,
    confidence: Annotated[str | None, _text("0..1", "How sure.")] = None,
    timestamp: Annotated[str | None, _text("TIME", "When it was decided; now by default.")] = None,
    strategy_id: Annotated[str | None, _text("NAME", "By which strategy.")] = None,
    model_version: Annotated[str | None, _text("TEXT", "By which model.")] = None,
    is_warmup: Annotated[bool, _flag("--is-warmup", "A warm-up signal.")] = False,
    market_data_snapshot: Annotated[
        str | None, _text("JSON", "The market it was decided in.")
    ] = None,
    metadata: Annotated[str | None, _text("JSON", "Kept with it.")] = None,
    trace_id: Annotated[str | None, _text("ID", "Followed through events and logs.")] = None,
    direction: Annotated[str | None, _text("TEXT", "The confluence's direction.")] = None,
    confluence_type: Annotated[str | None, _text("TEXT", "The confluence's kind.")] = None,
    effective_floor: Annotated[str | None, _text("PRICE", "Its lower end.")] = None,
    effective_ceiling: Annotated[str | None, _text("PRICE", "Its upper end.")] = None,
    order_type: Annotated[str | None, _text("market|limit", "Overrides our choice.")] = None,
    urgency: Annotated[bool, _flag("--urgency", "Goes to the market.")] = False,
    leverage: Annotated[str | None, _text("TIMES", "Leverage of a new position.")] = None,
    stop_loss_pct: Annotated[str | None, _text("PCT", "Distance of its stop.")] = None,
    take_profit_pct: Annotated[str | None, _text("PCT", "Distance of its target.")] = None,
    expires_at: Annotated[str | None, _text("TIME", "Not executed after it.")] = None,
    intent: Annotated[str | None, _text("open|close", "What it wants; open by default.")] = None,
    as_json: AsJson = False,
) -> int:
    """Leaves signals in the spool; needs no book, no broker and no lock.

    `--account` addresses one account instead of all. Everything that is wrong is told at once,
    and of several signals none is submitted when one of them is refused.
    """
    given = {
        "signal_id": signal_id,
        "signal_type": signal_type,
        "asset": asset,
        "amount": _figure(amount),
        "confidence": _figure(confidence),
        "timestamp": timestamp,
        "strategy_id": strategy_id,
        "model_version": model_version,
        "is_warmup": is_warmup or None,
        "market_data_snapshot": _document("--market-data-snapshot", market_data_snapshot),
        "metadata": _document("--metadata", metadata),
        "trace_id": trace_id,
        "account": call.options.account,
        "direction": direction,
        "confluence_type": confluence_type,
        "effective_floor": _figure(effective_floor),
        "effective_ceiling": _figure(effective_ceiling),
        "order_type": order_type,
        "urgency": urgency or None,
        "leverage": _figure(leverage),
        "stop_loss_pct": _figure(stop_loss_pct),
        "take_profit_pct": _figure(take_profit_pct),
        "expires_at": expires_at,
        "intent": intent,
    }
    if file is not None and any(value is not None for value in given.values()):
        raise Usage("--file holds whole signals: no option can be added to them")
    with desk_for(call) as desk:
        messages = [_message(desk, given)] if file is None else _messages(_content(file))
        signals = submit(desk, messages, _append(desk))
    _tell(call, signals, "submitted", as_json)
    return Exit.DONE


@command.command("replay")
@verb("trueup signal replay dl-4f0c11d2a90b7e5523aa", "trueup signal replay SIGNAL_ID --now")
def replay_(
    call: Invocation,
    name: Annotated[str, typer.Argument(metavar="ID", help="A dead letter or a failed signal.")],
    now: Annotated[bool, typer.Option("--now", help="With the present time as its own.")] = False,
    as_json: AsJson = False,
) -> int:
    """Sends a dead letter or a failed signal once more; what is still wrong with it is told.

    An old signal is refused for its age, as on its first arrival. --now says that it still holds.
    """
    with desk_for(call) as desk:
        signal = replay(desk, name, _append(desk), as_of_now=now)
    _tell(call, [signal], "sent once more", as_json)
    return Exit.DONE


command.command("dead-letters")(
    lister(
        "dead_letters",
        filters=("source",),
        columns=("letter_id", "at", "place", "reason", "replayed_at"),
        examples=("trueup signal dead-letters", "trueup signal dead-letters --csv"),
        told="Lists what could not be taken in as a signal, newest first.",
    )
)


# --- what was typed -------------------------------------------------------------------------------


def _append(desk: Desk) -> Any:
    from core.assembly import spool_writer

    return spool_writer(desk)


def _message(desk: Desk, given: dict[str, Any]) -> Message:
    """The defaults of a person: a new id, now, and no strategy but the operator's own."""
    usual = {
        "signal_id": str(UUID(hex=desk.ids.token(16), version=4)),
        "timestamp": moment_text(desk.clock.now()),
        "strategy_id": "operator",
    }
    return Message(raw=encoded(usual | {k: v for k, v in given.items() if v is not None}))


def _figure(text: str | None) -> Decimal | str | None:
    """As a number where it is one; the rest is for the reading of signals to refuse."""
    if text is None:
        return None
    try:
        return parse_decimal(text)
    except ValueError:
        return text


def _document(option: str, text: str | None) -> Any:
    if text is None:
        return None
    from core.decide.qualify.parsing import parse

    document, reasons = parse(text.encode("utf-8", "surrogateescape"))
    if document is None or reasons:
        raise Usage(f"{option} is no JSON object that a signal can carry", details=reasons)
    return document


def _content(file: str) -> bytes:
    from core.config.opening import read_plain_file, reason

    if file == "-":
        content = sys.stdin.buffer.read(_FILE_BYTES_MAX + 1)
        if len(content) > _FILE_BYTES_MAX:
            raise Usage(f"standard input is larger than {_FILE_BYTES_MAX // 1024} KiB")
        return content
    try:
        return read_plain_file(Path(file), _FILE_BYTES_MAX)[0]
    except OSError as error:
        raise Usage(f"{file} {reason(error)}") from None


def _messages(content: bytes) -> list[Message]:
    """One signal over any number of lines, or one on each."""
    lines = [(at, line) for at, line in enumerate(content.split(b"\n"), start=1) if line.strip()]
    if not lines:
        raise Usage("there is no signal in it")
    # A signal on a line of its own ends there.
    if len(lines) == 1 or not lines[0][1].rstrip().endswith(b"}"):
        return [Message(raw=content.strip())]
    return [Message(raw=line, place=f"line {at}: ") for at, line in lines]


def _tell(call: Invocation, signals: list[Signal], what: str, as_json: bool) -> None:
    if as_json:
        call.screen.json({"submitted": [{"signal_id": each.signal_id} for each in signals]})
        return
    for signal in signals:
        call.screen.line(
            Cell("+ ", Tone.ADD),
            Cell(signal.signal_id, Tone.STRONG),
            f"  {signal.signal_type} {signal.symbol}  {what}",
        )
