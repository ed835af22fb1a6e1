"""How many signals wait, and telling a person when they wait in a heap."""

from dataclasses import dataclass

from core.operate.alerting import raise_alert
from core.operate.desk import Desk


@dataclass(slots=True, kw_only=True)
class Backlog:
    desk: Desk
    # Said already, and not yet over.
    _told: bool = False

    def count(self) -> int:
        """Asked with every heartbeat; a heap is told of once, until it has gone."""
        limit = self.desk.settings.SIGNALS.backlog_alert
        with self.desk.book.read() as book:
            lanes = book.deliveries_waiting()
        waiting = sum(lanes.values())
        if limit and waiting > limit and not self._told:
            self._told = True
            (account, symbol), most = max(lanes.items(), key=lambda lane: lane[1])
            raise_alert(
                self.desk,
                "signals_waiting",
                f"{waiting} signals wait, {most} of them for {symbol} of {account}",
                account=account,
                subject=symbol,
            )
        elif waiting <= limit / 2:
            self._told = False
        return waiting
