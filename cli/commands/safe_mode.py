"""safe-mode: the stop button.

`on` asks nothing, takes no lock and needs neither network nor database nor a configuration that
can be read. It looks into the configuration only when that visibly moves the sentinel's folder;
the usual place counts in any case.
"""

from pathlib import Path
from typing import Annotated

import typer

from cli.invocation import Invocation
from cli.options import AsJson, group, verb
from cli.screen import Cell, Tone
from core.config.home import CONFIG_FILE, Home
from core.config.opening import read_plain_file
from core.config.sentinel import is_present, notice_text, read_notice
from core.domain.errors import Blocked, TrueupError, Usage
from core.host.clock import SystemClock
from core.host.disk import DiskFiles
from core.host.run_log import DiskRunLog
from core.host.stop_button import press, release

command = group("Stop every change, at once; or see whether it is stopped.")

_CONFIG_BYTES_MAX = 256 * 1024
# The lines that leave the folders where they usually are, as `trueup init` writes them.
_USUAL = (b"STATUS_DIR: ./status", b"LOG_DIR: ./logs")
_MOVING = (b"STATUS_DIR", b"LOG_DIR")
_Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the record.")]
_Confirm = Annotated[
    str, typer.Option("--confirm", metavar="off", help="Confirm without being asked.")
]


@command.command("on")
@verb("trueup safe-mode on --reason 'position looks wrong'")
def on(call: Invocation, reason: _Reason = "", as_json: AsJson = False) -> None:
    """Stop every change, in every process, from its next action on."""
    home = _home(call)
    files, clock = DiskFiles(), SystemClock()
    notice = notice_text(by=call.actor, at=clock.now(), reason=reason)
    pressed = [press(files, sentinel, notice) for sentinel in _sentinels(call, home)]
    if any(pressed):
        _log(call, home, to="on", reason=reason)
    if as_json:
        call.screen.json(_document(home, safe_mode=True))
        return
    again = "" if any(pressed) else ", and was before"
    call.screen.line(Cell("SAFE_MODE is on", Tone.BAD), f"{again}: nothing will be changed.")
    _tell_notice(call, home)
    call.screen.next("trueup status")


@command.command("off")
@verb("trueup safe-mode off --reason 'stop order placed again, checked by hand'")
def off(
    call: Invocation, reason: _Reason = "", confirm: _Confirm = "", as_json: AsJson = False
) -> None:
    """Allow changes again, as far as the configuration does."""
    if not reason.strip():
        raise Usage(
            "turning safe mode off needs a reason", hint="trueup safe-mode off --reason TEXT"
        )
    home = _home(call)
    told = confirm or call.screen.ask("Changes will be possible again. To confirm, type off:")
    if told != "off":
        raise Blocked(
            "not confirmed: safe mode stays as it is",
            hint="trueup safe-mode off --reason TEXT --confirm off",
        )
    released = [release(DiskFiles(), sentinel) for sentinel in _sentinels(call, home)]
    if any(released):
        _log(call, home, to="off", reason=reason)
    gates = call.gates()
    if as_json:
        call.screen.json(_document(home, gates.safe_mode, gates.why["SAFE_MODE"]))
    elif gates.safe_mode:
        done = "The sentinel is gone, but " if any(released) else "There was no sentinel; "
        call.screen.line(done, Cell("SAFE_MODE is still on", Tone.BAD), f": {_because(call)}")
        call.screen.next(f"set SAFE_MODE: false there (the file is {home.config_file})")
    else:
        call.screen.line("SAFE_MODE is off.")
        call.screen.next("trueup status")


@command.command("status")
@verb("trueup safe-mode status")
def status(call: Invocation, as_json: AsJson = False) -> None:
    """Say whether changes are stopped, by what, by whom and why."""
    home = _home(call)
    gates = call.gates()
    if as_json:
        call.screen.json(_document(home, gates.safe_mode, gates.why["SAFE_MODE"]))
        return
    if not gates.safe_mode:
        call.screen.line("SAFE_MODE is off.")
        return
    call.screen.line(Cell("SAFE_MODE is on", Tone.BAD), f": {_because(call)}")
    by_sentinel = any(is_present(sentinel) for sentinel in _sentinels(call, home))
    off_command = "trueup safe-mode off --reason TEXT"
    call.screen.next(off_command if by_sentinel else f"set SAFE_MODE: false in {home.config_file}")


# --- where ----------------------------------------------------------------------------------------


def _home(call: Invocation) -> Home:
    """The usual paths, unless the configuration moves them and can be read."""
    root = call.trust_home()
    if _moves_folders(call, root / CONFIG_FILE):
        try:
            return call.home
        except TrueupError as error:
            call.screen.warn(f"the usual places are taken, for {error.message}")
    return Home.of(root)


def _moves_folders(call: Invocation, config_file: Path) -> bool:
    if call.environment.get("TRUEUP_STATUS_DIR") or call.environment.get("TRUEUP_LOG_DIR"):
        return True
    try:
        content = read_plain_file(config_file, _CONFIG_BYTES_MAX)[0]
    except OSError:
        return False
    lines = (line.strip() for line in content.splitlines())
    return any(
        line not in _USUAL and not line.startswith(b"#") and any(name in line for name in _MOVING)
        for line in lines
    )


def _sentinels(call: Invocation, home: Home) -> tuple[Path, ...]:
    return tuple(dict.fromkeys((Home.of(home.root).sentinel, home.sentinel)))


# --- what is said ---------------------------------------------------------------------------------


def _document(home: Home, safe_mode: bool, source: str | None = None) -> dict[str, object]:
    notice = read_notice(home.sentinel) if is_present(home.sentinel) else None
    return {
        "safe_mode": safe_mode,
        "source": source or home.shown(home.sentinel),
        "by": notice.by if notice else None,
        "at": notice.at if notice else None,
        "reason": notice.reason if notice else None,
    }


def _tell_notice(call: Invocation, home: Home) -> None:
    notice = read_notice(home.sentinel)
    told = (("by", notice.by), ("at", notice.at), ("reason", notice.reason))
    pairs = [("sentinel", str(home.sentinel)), *told]
    call.screen.pairs([(name, text) for name, text in pairs if text], indent=2)


def _because(call: Invocation) -> str:
    return call.gates().why["SAFE_MODE"]


def _log(call: Invocation, home: Home, *, to: str, reason: str) -> None:
    log = DiskRunLog(home.run_log, SystemClock())
    log.event(
        "gate_changed", level="warning", gate="SAFE_MODE", to=to, by=call.actor, reason=reason
    )
    if log.trouble:
        call.screen.warn(f"not logged: {log.trouble}")
