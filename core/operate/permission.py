"""Whether a running service may change anything right now, and why not."""

from core.config.gates import Gates
from core.operate.desk import Desk


def may_change(gates: Gates) -> bool:
    """Whether a running service may change the book and the broker by itself."""
    return not gates.restricted and gates.confirm is True


def forbidden(desk: Desk) -> str | None:
    """Why a running service may not change anything right now."""
    gates = desk.gates()
    if gates.safe_mode:
        return "SAFE_MODE is on"
    if gates.dry_run:
        return "DRY_RUN is on"
    if gates.confirm is not True:
        return "not armed: DRY_RUN_CONFIRM is not true"
    return None
