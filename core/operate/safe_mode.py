"""The stop button, pressed by the program itself after a failed run."""

from core.config.sentinel import notice_text
from core.operate.desk import Desk


def safe_mode_on(desk: Desk, *, reason: str) -> None:
    """Stays on until a person turns it off; pressing it again keeps the first reason."""
    if not desk.files.exists(desk.home.sentinel):
        notice = notice_text(by=desk.actor, at=desk.clock.now(), reason=reason)
        desk.files.replace(desk.home.sentinel, notice)
    desk.log.event("gate_changed", level="warning", gate="SAFE_MODE", to="on", reason=reason)
