"""What follows once facts are in the book: people are told, and losses stop further entries."""

from datetime import datetime

from core.apply.booking import Batch
from core.decide.execution.manual import Manual, manual_trades
from core.domain.execution import BookExecution, ExecutionKind
from core.domain.intent import Halt
from core.domain.money import decimal_text
from core.domain.observation import Observation
from core.operate.alerting import raise_alert
from core.operate.day import DAILY_LOSS, day_figures
from core.operate.desk import Desk
from core.operate.trade_log import write_trade_log


def after_facts(desk: Desk, seen: Observation, batch: Batch) -> None:
    write_trade_log(desk)
    _tell_manual_trades(desk, seen, batch)
    for row in batch.new_executions:
        if row.kind in (ExecutionKind.LIQUIDATION, ExecutionKind.ADL):
            _liquidated(desk, row)
    if any(row.realized_pnl is not None for row in batch.new_executions):
        _check_daily_loss(desk, seen.account)


def _tell_manual_trades(desk: Desk, seen: Observation, batch: Batch) -> None:
    named = {row.order_id for row in batch.new_executions if row.order_id}
    with desk.book.read() as book:
        origins = {row.order_id: row.origin for row in book.orders(seen.account, order_ids=named)}
    for trade in manual_trades(seen.book.positions, batch.positions, batch.new_executions, origins):
        raise_alert(
            desk,
            trade.kind.value,
            _told(trade),
            account=seen.account,
            subject=trade.position.symbol,
        )


def _told(trade: Manual) -> str:
    position = trade.position
    price = f" @ {decimal_text(position.average_price)}" if position.average_price else ""
    leg = "" if position.side.value == "both" else f" {position.side}"
    return (
        f"MANUAL {trade.kind}: {position.symbol}{leg} "
        f"{decimal_text(trade.before)} → {decimal_text(position.quantity)}{price}"
    )


def _liquidated(desk: Desk, row: BookExecution) -> None:
    """A venue that closes positions by itself knows something; entries wait for a person."""
    told = (
        f"{row.symbol}: the venue closed {row.side} {decimal_text(row.quantity)} "
        f"@ {decimal_text(row.price)} ({row.kind})"
    )
    raise_alert(desk, "liquidation", told, account=row.account, subject=row.execution_key)
    halt_entries(desk, row.account, "liquidation", told, row.executed_at)


def _check_daily_loss(desk: Desk, account: str) -> None:
    limit = desk.settings.RISK.max_daily_loss
    if not limit:
        return
    now = desk.clock.now()
    with desk.book.read() as book:
        lost = -day_figures(book, account, now).realized
    if lost < limit:
        return
    why = (
        f"{decimal_text(lost)} lost on {now:%Y-%m-%d}, RISK.max_daily_loss is {decimal_text(limit)}"
    )
    if halt_entries(desk, account, DAILY_LOSS, why, now):
        raise_alert(desk, "risk_limit_violated", why, account=account, subject="max_daily_loss")


def halt_entries(desk: Desk, account: str, kind: str, reason: str, at: datetime) -> bool:
    """False when entries of the account stand halted for that already."""
    with desk.book.write() as book:
        if any(halt.kind == kind for halt in book.halts(account)):
            return False
        book.put_halt(
            Halt(
                halt_id=f"h-{desk.ids.token(6)}",
                account=account,
                kind=kind,
                reason=reason,
                since=at,
            )
        )
    desk.log.event("entries_halted", level="warning", account=account, kind=kind, reason=reason)
    return True
