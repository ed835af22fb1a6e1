"""How a run ends: every error as one clear block on stderr, and an exit code."""

import os
import sys

import typer

from cli.exits import Exit, ending_of
from cli.invocation import Invocation
from core.domain.errors import DiskError, TrueupError, Usage


def refused(call: Invocation, error: TrueupError) -> int:
    """What happened, what is known, what did not happen, what to type next."""
    ending = ending_of(error)
    screen = call.screen
    screen.trouble(error.message, details=error.details, after=ending.after, hint=error.hint)
    if call.as_json and not screen.told_json:
        screen.json(
            {
                "error": {
                    "exit_code": int(ending.code),
                    "kind": type(error).__name__,
                    "message": error.message,
                    "details": list(error.details),
                    "hint": error.hint,
                }
            }
        )
    return ending.code


def as_disk_error(error: OSError) -> DiskError:
    """A file in the way or a disk that fails is trouble, not a bug."""
    from core.config.opening import reason

    return DiskError(f"{error.filename} {reason(error)}")


def as_usage(error: typer.TyperException) -> Usage:
    """What typer found wrong on the line, told the way every other error is."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "trueup"
    return Usage(error.format_message(), hint=f"{path} --help")


def unexpected(call: Invocation, error: Exception) -> int:
    """One line and a reference; the traceback goes into the log, and on screen with --verbose."""
    import traceback

    from core.config.secret import defect_text, scrub

    reference = f"e-{os.urandom(4).hex()}"
    trace = scrub("".join(traceback.format_exception(error)))
    said = defect_text(error)
    where = _logged(call, reference, said, trace)
    call.screen.trouble(f"unexpected: {said:.300} (a bug; {reference}{where})")
    call.screen.detail(trace)
    return Exit.UNEXPECTED


def _logged(call: Invocation, reference: str, said: str, trace: str) -> str:
    try:
        log = call.log
    except TrueupError:
        return ", not logged: no home"
    log.event(
        "unexpected_error",
        level="error",
        reference=reference,
        command=call.command,
        error=said,
        traceback=trace,
    )
    return ", not logged" if log.trouble else f" in {log.path}"


def finished(call: Invocation, code: int) -> int:
    """Flushes what is left; whoever stopped reading gets no complaint about it."""
    call.closing_words()
    broken = call.screen.broken
    try:
        sys.stdout.flush()
    except OSError as error:
        broken = broken or error
    if broken is None:
        return code
    # Python would otherwise flush once more at exit and complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(broken, BrokenPipeError):
        return code
    call.screen.trouble(f"the output could not be written: {broken.strerror}")
    return code or Exit.UNEXPECTED
