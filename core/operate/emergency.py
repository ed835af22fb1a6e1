"""A position that cannot be protected is left, at once and at the market."""

from core.domain.exit import EXIT_OPEN, ExitCause, ExitIntent
from core.domain.life import Life
from core.operate.alerting import raise_alert
from core.operate.desk import Desk
from core.operate.exit_asking import Wish, ask_to_leave


def close_in_emergency(desk: Desk, life: Life, why: str) -> list[ExitIntent]:
    """An exit of every open trade that none is under way for; people are told first."""
    with desk.book.read() as book:
        trades = [
            trade
            for trade in book.open_trades(life.account, life.symbol)
            if trade.position_id == life.position_id
            and not book.exit_intents(trade_id=trade.trade_id, states=EXIT_OPEN)
        ]
    if not trades:
        return []
    raise_alert(
        desk,
        "emergency_close",
        f"{life.symbol} {life.direction} {life.quantity} is closed at the market: {why}",
        account=life.account,
        subject=life.position_id,
    )
    return [
        ask_to_leave(desk, Wish(trade=trade, cause=ExitCause.STOP_LOSS, because=why, by="manage"))
        for trade in trades
    ]
