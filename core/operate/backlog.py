"""How many signals wait, and telling a person when they wait in a heap."""

from collections import Counter
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
            waiting = book.pending_deliveries()
        if limit and len(waiting) > limit and not self._told:
            self._told = True
            (account, symbol), most = Counter(
                (each.account, each.symbol) for each in waiting
            ).most_common(1)[0]
            raise_alert(
                self.desk,
                "signals_waiting",
                f"{len(waiting)} signals wait, {most} of them for {symbol} of {account}",
                account=account,
                subject=symbol,
            )
        elif len(waiting) <= limit / 2:
            self._told = False
        return len(waiting)
